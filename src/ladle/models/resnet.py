"""ResNet-18 for 32 × 32 images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ladle.models.convolution import convolution
from ladle.models.head import HIDDEN, mlp_head

#: Widths of the four stages of two blocks; each after the first halves height and width.
_STAGES = (64, 128, 256, 512)


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions with batch norm, added to their input.

    Where the shape changes, the input goes through a 1 × 1 convolution with batch norm (option B of the paper).
    """

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.first = convolution(channels, width, stride=stride)
        self.second = convolution(width, width)
        same = stride == 1 and channels == width
        self.shortcut = nn.Identity() if same else convolution(channels, width, kernel=1, stride=stride)

    def forward(self, images: Tensor) -> Tensor:
        """Return (n, width, h / stride, w / stride)."""
        residual: Tensor = self.second(torch.relu_(self.first(images)))
        return torch.relu_(residual + self.shortcut(images))


class ResNet18(nn.Module):
    """ResNet-18 in its usual form for small images: a 3 × 3 stem of stride 1, no max-pooling after it, then the head.

    Args:
        channels: 1 for gray, 3 for color.
        classes: number of logits.
        hidden: widths of the head.

    Reference: He, Zhang, Ren and Sun (2016).
    """

    def __init__(self, channels: int, classes: int, *, hidden: Sequence[int] = HIDDEN) -> None:
        super().__init__()
        width = _STAGES[0]
        layers: list[nn.Module] = [convolution(channels, width), nn.ReLU(inplace=True)]
        for stage, following in enumerate(_STAGES):
            layers.append(ResidualBlock(width, following, stride=1 if stage == 0 else 2))
            layers.append(ResidualBlock(following, following, stride=1))
            width = following
        self.trunk = nn.Sequential(*layers)
        self.head = mlp_head(width, classes, hidden)

    def forward(self, images: Tensor) -> Tensor:
        """Return the (n, classes) logits of (n, channels, 32, 32) images."""
        # A mean and not AdaptiveAvgPool2d, whose backward pass has no deterministic form on CUDA.
        logits: Tensor = self.head(self.trunk(images).mean(dim=(2, 3)))
        return logits
