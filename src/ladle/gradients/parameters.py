"""Which parameters of a module a gradient is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from torch import nn

from ladle.errors import InputError, UnknownNameError

#: The last linear layer, everything that is trained, or parameters by their dotted names.
Parameters: TypeAlias = Literal["last", "all"] | Sequence[str]


def select_parameters(model: nn.Module, parameters: Parameters) -> dict[str, nn.Parameter]:
    """Return the chosen parameters by name, in the module's order.

    Args:
        model: any module.
        parameters: "last", the weight and bias of the linear layer registered last; "all", whatever requires
            gradients; or names as in ``model.named_parameters()``.

    Raises:
        InputError: nothing chosen, or a chosen parameter that does not require gradients.
        UnknownNameError: no parameter of this name.
    """
    named = dict(model.named_parameters())
    if parameters == "all":
        chosen = {name: values for name, values in named.items() if values.requires_grad}
    elif parameters == "last":
        layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
        own = {id(values) for values in layers[-1].parameters()} if layers else set()
        chosen = {name: values for name, values in named.items() if id(values) in own}
    else:
        names = [parameters] if isinstance(parameters, str) else list(parameters)
        for name in names:
            if name not in named:
                raise UnknownNameError.among("parameter (or 'last', or 'all')", name, named)
        chosen = {name: values for name, values in named.items() if name in names}
    if not chosen:
        raise InputError(
            f"a gradient needs parameters (got none in {type(model).__name__} for {parameters!r}); name some"
        )
    frozen = [name for name, values in chosen.items() if not values.requires_grad]
    if frozen:
        raise InputError(f"a gradient's parameters are trained (got {frozen[0]} frozen); unfreeze it or leave it out")
    return chosen
