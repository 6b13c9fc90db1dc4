"""The fully connected head that every network of this room ends with."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

#: Widths of the paper's head, and of its MLP.
HIDDEN = (512, 256)


def mlp_head(features: int, classes: int, hidden: Sequence[int] = HIDDEN) -> nn.Sequential:
    """Return linear layers with ReLUs between them: features → hidden widths → classes.

    It ends with a plain linear layer: the network returns logits, and the input of that layer is what the strategies
    call features.

    Args:
        features: width of what comes in.
        classes: number of logits.
        hidden: widths in between; with none, one linear layer is left.

    Returns:
        A module from (n, features) to (n, classes), initialised as torch initialises linear layers.
    """
    layers: list[nn.Module] = []
    width = features
    for following in hidden:
        layers += [nn.Linear(width, following), nn.ReLU(inplace=True)]
        width = following
    return nn.Sequential(*layers, nn.Linear(width, classes))
