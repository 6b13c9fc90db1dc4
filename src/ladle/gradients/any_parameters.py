"""The discrepancy over any parameters of a module, from per-example gradients that are never all held at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from ladle.errors import InputError
from ladle.gradients.layer_gradients import (
    LayerTrace,
    is_traceable,
    squared_lengths_and_products,
    total_gradients,
    trace,
)
from ladle.gradients.losses import ResidualLoss, cross_entropy
from ladle.gradients.parameters import Parameters, select_parameters
from ladle.typing import Labels

_BATCH = 128
# Gradients written out at once, in elements: 64 MiB of float32.
_ELEMENTS = 1 << 24
# Below this share of its parts, the squared distance has lost digits to cancellation and is computed anew.
_CANCELLATION = 1e-2
# How far a layer's summed gradient may be from automatic differentiation's, relative to its length.
_SAME = 1e-3


@dataclass(frozen=True)
class EstimatedDiscrepancy:
    """Discrepancies against a reference that was estimated from a few mini-batches.

    Attributes:
        scores: (n,) discrepancies.
        standard_error: of the estimated mean gradient: the square root of its expected squared distance to the mean
            over the whole labeled set. Since a distance moves no further than its end, an error of this size in the
            reference changes no score by more, up to the factor m / (m + 1).
    """

    scores: Tensor
    standard_error: float


def example_gradients(model: nn.Module, inputs: Tensor, residuals: Tensor, *, parameters: Parameters = "all") -> Tensor:
    """Return the (n, p) gradients of each example's loss, written out: for few examples or few parameters.

    Args:
        model: a module that returns (n, C) logits, each row from its own example alone; it is run in eval mode, so that
            batch norm uses its running statistics.
        inputs: (n, ...) examples.
        residuals: (n, C) derivative of each example's loss by its logits.
        parameters: which, as ``select_parameters`` takes them; columns follow the module's order.

    Raises:
        InputError: as ``select_parameters`` raises.

    Cost: one forward and backward pass, O(n p) memory.
    """
    chosen = select_parameters(model, parameters)
    with _evaluating(model):
        found = _written_out(model, inputs, residuals, chosen)
    return torch.cat([found[name].flatten(1) for name in chosen], dim=1)


def mean_gradient_over(
    model: nn.Module,
    inputs: Tensor,
    labels: Labels,
    *,
    loss: ResidualLoss = cross_entropy,
    parameters: Parameters = "all",
    batch_size: int = _BATCH,
) -> dict[str, Tensor]:
    """Return the mean gradient of labeled examples, a tensor for each chosen parameter.

    Args:
        model: as for ``example_gradients``.
        inputs: (m, ...) labeled examples.
        labels: (m,) class numbers, or (m, C) for a multi-label loss.
        loss: what the model was trained with.
        parameters: as for ``example_gradients``.
        batch_size: examples passed at once.

    Raises:
        InputError: no labeled example, not one label each, or as ``select_parameters`` raises.

    Cost: one forward and backward pass; the memory of the parameters beside that of a batch.
    """
    _check(inputs, labels)
    chosen = select_parameters(model, parameters)
    total = {name: torch.zeros_like(values) for name, values in chosen.items()}
    with _evaluating(model), torch.enable_grad():
        for examples, targets in zip(torch.split(inputs, batch_size), torch.split(labels, batch_size), strict=True):
            logits = model(examples)
            residuals = loss.residuals(logits.detach(), targets)
            found = torch.autograd.grad(logits, list(chosen.values()), residuals, allow_unused=True)
            for sum_so_far, more in zip(total.values(), found, strict=True):
                if more is not None:
                    sum_so_far += more
    return {name: values / len(inputs) for name, values in total.items()}


def discrepancy_over(
    model: nn.Module,
    candidates: Tensor,
    labeled_inputs: Tensor,
    labels: Labels,
    *,
    loss: ResidualLoss = cross_entropy,
    parameters: Parameters = "all",
    batch_size: int = _BATCH,
) -> Tensor:
    """Return the (n,) discrepancies m / (m + 1) |g - ḡ| over any parameters, under pseudo-labels.

    Linear layers and plain convolutions are measured through what goes in and comes back; of all other parameters the
    gradients are written out, a few examples at a time. A layer that is used more than once in a pass, or whose weight
    is used outside of it, is found out and written out too.

    Args:
        model: as for ``example_gradients``.
        candidates: (n, ...) examples to score.
        labeled_inputs: (m, ...) labeled examples.
        labels: their labels.
        loss: what the model was trained with; its pseudo-labels are taken.
        parameters: as for ``example_gradients``.
        batch_size: examples passed at once.

    Raises:
        InputError: no labeled example, not one label each, or as ``select_parameters`` raises.

    Cost: one forward and backward pass over all examples, about as long again for convolutions.
    Reference: Khosravani and Zilles (2026), eq. 5, 11 and 12.
    """
    reference = mean_gradient_over(
        model, labeled_inputs, labels, loss=loss, parameters=parameters, batch_size=batch_size
    )
    return _scores(model, candidates, reference, len(labeled_inputs), loss, parameters, batch_size)


def estimated_discrepancy(
    model: nn.Module,
    candidates: Tensor,
    labeled_inputs: Tensor,
    labels: Labels,
    *,
    batches: int,
    batch_size: int,
    generator: np.random.Generator,
    loss: ResidualLoss = cross_entropy,
    parameters: Parameters = "all",
) -> EstimatedDiscrepancy:
    """Return discrepancies against a reference from a few mini-batches of the labeled set, and its standard error.

    Args:
        model: as for ``example_gradients``.
        candidates: (n, ...) examples to score.
        labeled_inputs: (m, ...) labeled examples.
        labels: their labels.
        batches: mini-batches drawn, at least 2, each without repetition and independent of the others.
        batch_size: examples in each, at most m.
        generator: where the draws come from.
        loss: what the model was trained with.
        parameters: as for ``example_gradients``.

    Raises:
        InputError: fewer than two batches, a batch larger than the labeled set, or as ``discrepancy_over`` raises.

    Cost: ``batches`` mini-batches in place of the whole labeled set; twice the memory of the parameters.
    Reference: Khosravani and Zilles (2026), section 3.1, "estimating mean gradients".
    """
    _check(labeled_inputs, labels)
    count = len(labeled_inputs)
    if batches < 2 or not 1 <= batch_size <= count:
        raise InputError(
            f"an estimate with its error takes at least two batches of 1 to {count} examples (got batches={batches}, "
            f"batch_size={batch_size}); correct them"
        )
    mean: dict[str, Tensor] = {}
    spread = 0.0
    for number in range(1, batches + 1):
        drawn = torch.from_numpy(generator.choice(count, size=batch_size, replace=False)).to(labeled_inputs.device)
        found = mean_gradient_over(
            model, labeled_inputs[drawn], labels[drawn.to(labels.device)], loss=loss, parameters=parameters
        )
        if not mean:
            mean = found
            continue
        # Running mean and sum of squares, so that no batch need be kept.
        for name, values in found.items():
            step = values - mean[name]
            mean[name] = mean[name] + step / number
            spread += float((step * (values - mean[name])).sum())
    variance = spread / (batches - 1)
    scores = _scores(model, candidates, mean, count, loss, parameters, _BATCH)
    return EstimatedDiscrepancy(scores, float(np.sqrt(max(0.0, variance) / batches)))


def _scores(
    model: nn.Module,
    candidates: Tensor,
    reference: Mapping[str, Tensor],
    labeled_count: int,
    loss: ResidualLoss,
    parameters: Parameters,
    batch_size: int,
) -> Tensor:
    chosen = select_parameters(model, parameters)
    if not len(candidates):
        return next(iter(reference.values())).new_empty(0)
    layers = _layers(model, chosen)
    own_length = sum(values.square().sum() for values in reference.values())
    scores: list[Tensor] = []
    with _evaluating(model):
        for number, examples in enumerate(torch.split(candidates, batch_size)):
            traces, residuals, totals = _pass(model, examples, layers, chosen if number == 0 else {}, loss)
            if number == 0:
                layers = _confirmed(layers, traces, totals, chosen)
            lengths = residuals.new_zeros(len(examples))
            products = residuals.new_zeros(len(examples))
            measured: set[str] = set()
            for module, names in layers.items():
                weight, bias = names
                more = squared_lengths_and_products(
                    traces[module],
                    None if weight is None else reference[weight].flatten(1),
                    None if bias is None else reference[bias],
                )
                lengths += more[0]
                products += more[1]
                measured |= {name for name in names if name is not None}
            rest = {name: values for name, values in chosen.items() if name not in measured}
            for rows, gradients in _in_chunks(model, examples, residuals, rest):
                for name, values in gradients.items():
                    lengths[rows] += values.flatten(1).square().sum(dim=1)
                    products[rows] += values.flatten(1) @ reference[name].flatten()
            parts = lengths + own_length
            squared = parts - 2.0 * products
            close = torch.nonzero(squared < _CANCELLATION * parts).squeeze(1)
            for rows, gradients in _in_chunks(model, examples[close], residuals[close], chosen):
                apart = [
                    (values - reference[name]).flatten(1).square().sum(dim=1) for name, values in gradients.items()
                ]
                squared[close[rows]] = torch.stack(apart).sum(dim=0)
            scores.append(squared.clamp_(min=0.0).sqrt_())
    return torch.cat(scores).mul_(labeled_count / (labeled_count + 1))


#: A layer's chosen parameters: names of weight and bias, None where it has none or it is not chosen.
_Names = tuple[str | None, str | None]


def _layers(model: nn.Module, chosen: Mapping[str, nn.Parameter]) -> dict[nn.Module, _Names]:
    """Return the layers whose gradients can be measured without writing them out."""
    owners: dict[int, int] = {}
    for module in model.modules():
        for values in module.parameters(recurse=False):
            owners[id(values)] = owners.get(id(values), 0) + 1
    names = {id(values): name for name, values in chosen.items() if owners.get(id(values)) == 1}
    found: dict[nn.Module, _Names] = {}
    for module in model.modules():
        if is_traceable(module):
            own = module.weight, module.bias
            pair = tuple(None if values is None else names.get(id(values)) for values in own)
            if any(name is not None for name in pair):
                found[module] = pair  # type: ignore[assignment]
    return found


def _pass(
    model: nn.Module,
    examples: Tensor,
    layers: Mapping[nn.Module, _Names],
    checked: Mapping[str, nn.Parameter],
    loss: ResidualLoss,
) -> tuple[dict[nn.Module, LayerTrace], Tensor, dict[str, Tensor]]:
    """Return what the layers saw, the residuals under pseudo-labels, and the summed gradients of some parameters."""
    seen: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {module: [] for module in layers}

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        seen[module].append((inputs[0].detach(), output))
        # What follows may write into the output in place, and the derivative would be that of another tensor.
        return output.clone()

    handles = [module.register_forward_hook(keep) for module in layers]
    try:
        with torch.enable_grad():
            logits = model(examples)
            residuals = loss.pseudo_residuals(logits.detach())
            once = {module: calls[0] for module, calls in seen.items() if len(calls) == 1 and calls[0][1].requires_grad}
            asked = [output for _, output in once.values()] + list(checked.values())
            found = torch.autograd.grad(logits, asked, residuals, allow_unused=True) if asked else ()
    finally:
        for handle in handles:
            handle.remove()
    traces = {
        module: trace(module, inputs, derivative)
        for (module, (inputs, _)), derivative in zip(once.items(), found, strict=False)
        if derivative is not None and inputs.ndim >= 2 and len(inputs) == len(examples)
    }
    rest = found[len(once) :]
    totals = {
        name: torch.zeros_like(values) if total is None else total
        for (name, values), total in zip(checked.items(), rest, strict=True)
    }
    return traces, residuals, totals


def _confirmed(
    layers: Mapping[nn.Module, _Names],
    traces: Mapping[nn.Module, LayerTrace],
    totals: Mapping[str, Tensor],
    chosen: Mapping[str, nn.Parameter],
) -> dict[nn.Module, _Names]:
    """Return the layers whose traces add up to what automatic differentiation says of their parameters.

    A weight that the module's own code uses elsewhere too, or a layer applied twice, does not.
    """
    found = {}
    for module, names in layers.items():
        if module not in traces:
            continue
        sums = total_gradients(traces[module])
        right = True
        for name, total in zip(names, sums, strict=True):
            if name is not None:
                expected = totals[name]
                apart = torch.linalg.vector_norm(total.reshape(chosen[name].shape) - expected)
                scale = torch.linalg.vector_norm(expected) + torch.finfo(expected.dtype).eps * len(
                    traces[module].inputs
                )
                right &= bool(apart <= _SAME * scale)
        if right:
            found[module] = names
    return found


def _in_chunks(
    model: nn.Module, examples: Tensor, residuals: Tensor, chosen: Mapping[str, nn.Parameter]
) -> Iterator[tuple[slice, dict[str, Tensor]]]:
    """Yield (rows, gradients written out), so few rows at a time that the memory stays bounded."""
    if not chosen:
        return
    step = max(1, _ELEMENTS // sum(values.numel() for values in chosen.values()))
    for start in range(0, len(examples), step):
        rows = slice(start, min(len(examples), start + step))
        yield rows, _written_out(model, examples[rows], residuals[rows], chosen)


def _written_out(
    model: nn.Module, examples: Tensor, residuals: Tensor, chosen: Mapping[str, nn.Parameter]
) -> dict[str, Tensor]:
    fixed = {name: values.detach() for name, values in model.named_parameters() if name not in chosen}
    fixed |= {name: values.detach() for name, values in model.named_buffers()}

    def loss_along(varied: dict[str, Tensor], example: Tensor, residual: Tensor) -> Tensor:
        logits = functional_call(model, {**fixed, **varied}, (example.unsqueeze(0),))
        pulled: Tensor = (logits.squeeze(0) * residual).sum()
        return pulled

    varied = {name: values.detach() for name, values in chosen.items()}
    found: dict[str, Tensor] = vmap(grad(loss_along), in_dims=(None, 0, 0))(varied, examples, residuals)
    return found


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Hold every module in eval mode, and give each its own mode back."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _check(inputs: Tensor, labels: Labels) -> None:
    if len(inputs) == 0 or len(inputs) != len(labels):
        raise InputError(
            f"the mean labeled gradient needs at least one example and a label for each (got {len(inputs)} examples, "
            f"{len(labels)} labels); label a few first"
        )
