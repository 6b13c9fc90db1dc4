"""The last linear layer of any module."""

from __future__ import annotations

from torch import nn

from ladle.errors import InputError


def find_last_layer(model: nn.Module, name: str | None = None) -> nn.Linear:
    """Return the linear layer whose input is the features and whose output the logits.

    Args:
        model: any module.
        name: the layer's dotted name within the module, as in ``model.named_modules()``; None takes the linear layer
            registered last, which in most modules is the one applied last.

    Raises:
        InputError: there is no linear layer, or none of this name.
    """
    layers = {path: layer for path, layer in model.named_modules() if isinstance(layer, nn.Linear)}
    if not layers:
        raise InputError(
            f"a model must end with a torch.nn.Linear that gives the logits (got {type(model).__name__} without any); "
            "add one"
        )
    if name is None:
        return list(layers.values())[-1]
    if name not in layers:
        raise InputError(
            f"the last layer must be the name of a torch.nn.Linear of the model (got {name!r}); "
            f"choose one of {', '.join(map(repr, layers))}"
        )
    return layers[name]
