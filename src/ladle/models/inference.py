"""One pass over a pool: features and logits of any module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ladle.arrays import as_tensor
from ladle.errors import InputError
from ladle.models.batches import Rows, as_rows, floating_dtype, passing_batches, placed
from ladle.models.forward import check_arguments, logits_of
from ladle.models.last_layer import find_last_layer
from ladle.typing import Batch, Features, Labels, Logits, ModelInputs


@dataclass(frozen=True)
class ModelOutputs:
    """What a model says of a pool, and how.

    Attributes:
        features: (n, d) input of the last linear layer.
        logits: (n, C) its output.
        bias: whether the layer has a bias, and so its gradient a column for it.
    """

    features: Features
    logits: Logits
    bias: bool


def pool_outputs(
    model: nn.Module,
    inputs: ModelInputs | Rows,
    *,
    batch_size: int = 1024,
    device: torch.device | str | None = None,
    last_layer: str | None = None,
    activation: Callable[[Tensor], Tensor] | None = None,
) -> ModelOutputs:
    """Pass a pool through a module once, in eval mode, and keep what goes into and comes out of its last linear layer.

    Works for any module that ends with a `torch.nn.Linear`, and leaves it as found: training modes, hooks, gradients.

    Args:
        model: returns (n, C) logits, or an object that has them as ``logits``.
        inputs: n examples, as for `train`; may be empty.
        batch_size: examples in a forward pass; it bounds the memory, not the result.
        device: moves the module there first; None takes it where it is.
        last_layer: dotted name of the last linear layer; None takes the one registered last.
        activation: what the module returns in place of the layer's (n, C) output, such as a softmax of it; None for
            nothing else.

    Returns:
        Features and logits on the module's device.

    Raises:
        InputError: there is no such layer, it takes more than one row an example or is applied more than once, the
            module does something else to its output, or it does not take such inputs: that is looked at in the first
            batch.

    Cost: one forward pass; n (d + C) numbers.
    """
    layer = find_last_layer(model, last_layer)
    rows, target = as_rows(inputs), _placed(model, device)
    features = layer.weight.detach().new_empty((len(rows), layer.in_features))
    logits = layer.weight.detach().new_empty((len(rows), layer.out_features))
    start = 0
    with _passing(model), _captured(layer) as seen:
        for batch in _on_device(rows, batch_size, target, floating_dtype(model)):
            if start == 0:
                check_arguments(model, batch)
            output = logits_of(model, batch)
            if start == 0:
                _check_last_layer(seen, output, min(batch_size, len(rows)), activation)
            end = start + len(output)
            features[start:end] = seen.features
            logits[start:end] = seen.logits
            start = end
    return ModelOutputs(features=features, logits=logits, bias=layer.bias is not None)


def accuracy(logits: Logits, labels: Labels) -> float:
    """Return the share of rows whose largest logit is their label's.

    Ties go to the lowest class; a row with NaN counts as an answer of the class of its first NaN. A row of a
    multi-label model is right when all its logits are: those of ones above zero, all others not.

    Args:
        logits: (n, C), n at least 1.
        labels: (n,) class numbers, or (n, C) zeros and ones.

    Raises:
        InputError: shapes that don't fit, or no rows.
    """
    labels = as_tensor(labels)
    if logits.ndim != 2 or len(logits) == 0 or labels.shape not in (logits.shape[:1], logits.shape):
        raise InputError(
            f"accuracy needs (n, C) logits and (n,) or (n, C) labels of at least one example (got logits of shape "
            f"{tuple(logits.shape)}, labels of shape {tuple(labels.shape)}); give both for the same examples"
        )
    labels = labels.to(logits.device)
    right = logits.argmax(dim=1) == labels if labels.ndim == 1 else ((logits > 0) == (labels > 0)).all(dim=1)
    return float(right.double().mean())


def evaluate(
    model: nn.Module,
    inputs: ModelInputs | Rows,
    labels: Labels,
    *,
    batch_size: int = 1024,
    device: torch.device | str | None = None,
) -> float:
    """Return a module's accuracy from 0 to 1, in eval mode, and leave the module as found.

    Args:
        model: returns (n, C) logits, by whatever layers, or an object that has them as ``logits``.
        inputs: n examples, as for `train`.
        labels: (n,) class numbers, or (n, C) zeros and ones.
        batch_size: examples in a forward pass.
        device: moves the module there first; None takes it where it is.

    Raises:
        InputError: shapes that don't fit, or no examples.
    """
    rows, target = as_rows(inputs), _placed(model, device)
    if len(rows) == 0 or len(rows) != len(labels):
        raise InputError(
            f"accuracy needs one label for each of at least one example (got examples={len(rows)}, "
            f"labels={len(labels)}); give both for the same examples"
        )
    with _passing(model):
        logits = [logits_of(model, batch) for batch in _on_device(rows, batch_size, target, floating_dtype(model))]
    return accuracy(torch.cat(logits), labels)


def _placed(model: nn.Module, device: torch.device | str | None) -> torch.device:
    if device is not None:
        model.to(device)
        return torch.device(device)
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def _on_device(rows: Rows, batch_size: int, device: torch.device, dtype: torch.dtype | None) -> Iterator[Batch]:
    if batch_size < 1:
        raise InputError(f"batch_size must be at least 1 (got batch_size={batch_size}); 1024 is usual")
    for batch in rows.batches(passing_batches(len(rows), batch_size)):
        yield placed(batch, device, dtype)


@contextmanager
def _passing(model: nn.Module) -> Iterator[None]:
    """Eval mode without gradients; then every module's own mode as it was.

    Not inference mode: its tensors could not be given to autograd later, as gradients of other losses need.
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


@dataclass
class _Seen:
    """What last went into a layer and came out of it, and how often that has been."""

    features: Tensor
    logits: Tensor
    calls: int = 0


@contextmanager
def _captured(layer: nn.Linear) -> Iterator[_Seen]:
    """Keep what goes into the layer and comes out of it in the block."""
    nothing = torch.empty(0)
    seen = _Seen(nothing, nothing)

    def before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.features = args[0] if args else kwargs["input"]

    def after(_: nn.Module, __: tuple[Any, ...], output: Tensor) -> None:
        seen.logits = output.clone()  # the model could change it in place
        seen.calls += 1

    handles = [layer.register_forward_pre_hook(before, with_kwargs=True), layer.register_forward_hook(after)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _check_last_layer(seen: _Seen, output: Tensor, count: int, activation: Callable[[Tensor], Tensor] | None) -> None:
    """Raise unless the model's output is the last layer's, or the activation of it, one row an example."""
    logits = seen.logits
    if seen.calls == 0:
        raise InputError(
            "the last linear layer must take part in the forward pass (got a model that does not call it); "
            "name the layer that gives the logits as last_layer"
        )
    if output.shape != logits.shape or output.shape[:-1] != (count,):
        raise InputError(
            f"a model must return the (n, C) output of its last linear layer (got {tuple(output.shape)} from the "
            f"model, {tuple(logits.shape)} from the layer, n={count}); return the logits, or name the layer as "
            "last_layer"
        )
    if seen.calls > 1:
        # Its gradient would be a sum over the calls, of which the features of the last one know nothing.
        raise InputError(
            f"the last linear layer must be applied once to an example (got {seen.calls} calls in one pass); end the "
            "model with a layer of its own"
        )
    if not torch.allclose(output, logits if activation is None else activation(logits), equal_nan=True):
        raise InputError(
            "a model must return the output of its last linear layer unchanged (got other numbers of the same shape); "
            "return the logits, without softmax at the end, or name the layer as last_layer"
        )
