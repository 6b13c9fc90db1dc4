"""LeNet for 32 × 32 images."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ladle.models.head import HIDDEN, mlp_head

#: Channels and area left of a 32 × 32 image after the second pooling.
_FEATURES = 16 * 5 * 5


class LeNet(nn.Module):
    """Two 5 × 5 convolutions of 6 and 16 channels, each pooled by half, then the head.

    The layers C1 to S4 of LeNet-5 with today's ReLU and max-pooling in place of the squashing function and the trained
    averages; the classifier behind them (C5, F6, output) is replaced by the head.

    Args:
        channels: 1 for gray, 3 for color.
        classes: number of logits.
        hidden: widths of the head.

    Reference: LeCun, Bottou, Bengio and Haffner (1998).
    """

    def __init__(self, channels: int, classes: int, *, hidden: Sequence[int] = HIDDEN) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, 6, kernel_size=5),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, kernel_size=5),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.head = mlp_head(_FEATURES, classes, hidden)

    def forward(self, images: Tensor) -> Tensor:
        """Return the (n, classes) logits of (n, channels, 32, 32) images."""
        logits: Tensor = self.head(self.trunk(images))
        return logits
