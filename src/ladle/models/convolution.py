"""The convolution with batch norm that ResNet and VGG are made of."""

from __future__ import annotations

from torch import nn


def convolution(channels: int, width: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a padded convolution without bias, then batch norm, whose shift stands in for the bias.

    Weights are drawn normal with variance 2 / (kernel² · width), which keeps the size of gradients through ReLUs
    (He et al. 2015).

    Returns:
        A module from (n, channels, h, w) to (n, width, ⌈h / stride⌉, ⌈w / stride⌉).
    """
    weights = nn.Conv2d(channels, width, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(weights.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(weights, nn.BatchNorm2d(width))
