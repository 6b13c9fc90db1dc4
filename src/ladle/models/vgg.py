"""VGG-16 for 32 × 32 images."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ladle.models.convolution import convolution
from ladle.models.head import HIDDEN, mlp_head

#: Widths of the convolutions between poolings: configuration D.
_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VGG16(nn.Module):
    """Thirteen 3 × 3 convolutions, pooled by half five times, then the head.

    Configuration D, with batch norm after each convolution. The original has none, and was started from the weights of
    a shallower network; from a random start, and at the learning rates in use here, thirteen layers without it hardly
    move for hundreds of steps, which is most of what a small labeled set gets. Of a 32 × 32 image 1 × 1 is left after
    the last pooling, so the head takes 512 features. It replaces the three layers of the original classifier and their
    dropout.

    Args:
        channels: 1 for gray, 3 for color.
        classes: number of logits.
        hidden: widths of the head.

    Reference: Simonyan and Zisserman (2015); Ioffe and Szegedy (2015) for batch norm.
    """

    def __init__(self, channels: int, classes: int, *, hidden: Sequence[int] = HIDDEN) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = channels
        for stage in _STAGES:
            for following in stage:
                layers += [convolution(width, following), nn.ReLU(inplace=True)]
                width = following
            layers.append(nn.MaxPool2d(2))
        self.trunk = nn.Sequential(*layers, nn.Flatten())
        self.head = mlp_head(width, classes, hidden)

    def forward(self, images: Tensor) -> Tensor:
        """Return the (n, classes) logits of (n, channels, 32, 32) images."""
        logits: Tensor = self.head(self.trunk(images))
        return logits
