"""From a batch to its logits, whatever a module takes and returns."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ladle.errors import InputError
from ladle.typing import Batch, Logits


def logits_of(model: nn.Module, batch: Batch) -> Logits:
    """Pass a batch through a module and return what it says.

    Args:
        model: returns its logits, or an object or dict that has them as ``logits``, as those of transformers do.
        batch: one tensor; a tuple of tensors is the module's arguments in order, a dict its arguments by name.

    Raises:
        InputError: the module returns no logits.
    """
    arguments, named = _arguments(batch)
    output = model(*arguments, **named)
    if isinstance(output, Tensor):
        return output
    logits = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    if not isinstance(logits, Tensor):
        raise InputError(
            f"a model must return its logits, or an object that has them as .logits (got {type(output).__name__}); "
            "return the logits"
        )
    return logits


def check_arguments(model: nn.Module, batch: Batch) -> None:
    """Raise unless the module takes as many tensors as a batch has, by the names it has for them.

    Raises:
        InputError: a tensor too many or too few, or one of a name that the module does not know.
    """
    arguments, named = _arguments(batch)
    try:
        inspect.signature(model.forward).bind(*arguments, **named)
    except TypeError as error:
        raise InputError(
            f"inputs in parts are the arguments of {type(model).__name__}.forward (got {len(arguments) + len(named)} "
            f"tensors: {error}); leave parts out, add what is missing, or name them as it does"
        ) from None


def _arguments(batch: Batch) -> tuple[tuple[Tensor, ...], dict[str, Any]]:
    if isinstance(batch, Tensor):
        return (batch,), {}
    return (batch, {}) if isinstance(batch, tuple) else ((), batch)
