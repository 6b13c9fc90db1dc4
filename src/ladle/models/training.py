"""Training from scratch, as the paper does it: SGD with momentum, no schedule, no augmentation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ladle.arrays import as_tensor
from ladle.errors import ConfigError, InputError
from ladle.models.batches import Rows, SparseRows, as_rows, floating_dtype, training_batches
from ladle.models.forward import check_arguments, logits_of
from ladle.models.lazy_momentum import LazyMomentum
from ladle.models.momentum import Momentum
from ladle.models.numerics import deterministic_cuda, flushed_denormals
from ladle.models.seeding import isolated_rng, spread_seed
from ladle.models.sparse_linear import SparseLinear
from ladle.typing import Labels, ModelInputs

#: Mean loss of a batch, from its logits and labels.
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained.

    Attributes:
        epochs: passes over the labeled examples, at least 1; the paper takes 30 to 60.
        batch_size: examples in a step, at least 1. A last batch of a single example joins the one before it.
        learning_rate: above 0; one number, without a schedule.
        momentum: from 0 to below 1.

    Raises:
        ConfigError: a value out of its range.
    """

    epochs: int = 40
    batch_size: int = 8
    learning_rate: float = 0.01
    momentum: float = 0.9

    def __post_init__(self) -> None:
        for name, count in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise ConfigError(f"{name} must be an integer of at least 1 (got {name}={count!r}); raise it")
        if not _is_number(self.learning_rate) or not 0 < self.learning_rate <= sys.float_info.max:
            raise ConfigError(
                f"learning_rate must be above 0 (got learning_rate={self.learning_rate!r}); 0.01 is usual"
            )
        if not _is_number(self.momentum) or not 0 <= self.momentum < 1:
            raise ConfigError(f"momentum must be from 0 to below 1 (got momentum={self.momentum!r}); 0.9 is usual")


def _is_number(value: object) -> bool:
    # A bool is an int to Python, but momentum = true in a file is a slip.
    return isinstance(value, int | float) and not isinstance(value, bool)


def train(
    build: Callable[[], nn.Module],
    inputs: ModelInputs | Rows,
    labels: Labels,
    config: TrainingConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    loss: Loss = cross_entropy,
    progress: Callable[[int, int], None] | None = None,
    on_epoch: Callable[[int, nn.Module], None] | None = None,
) -> nn.Module:
    """Build a network and train it from scratch.

    First weights, order of the examples and dropout depend on the seed alone; on a CPU, with as many threads, the
    result repeats bit for bit. The order is the same for all models. torch's global generators are left as found;
    anything the module draws elsewhere (NumPy, random) is not covered.

    A training that diverges goes on, to logits of NaN: such a model answers with the first class, which is chance, so
    a sweep of learning rates sees it lose and is not cut off.

    Args:
        build: makes a new, untrained module that returns (n, C) logits, or an object that has them as ``logits``. It
            is called once.
        inputs: m examples; floating ones are cast to the dtype of the module's parameters. A tuple of tensors is the
            module's arguments in order, a dict its arguments by name. A CSR matrix reaches the module as
            torch.sparse_csr batches, and the weight of a `SparseLinear` is trained in the rows that matter only, to the
            same end as by dense SGD with momentum.
        labels: (m,) class numbers, or targets of any shape that the loss takes.
        config: epochs, batch size, learning rate, momentum.
        seed: 0 or above.
        device: where to train; on CUDA deterministic kernels are used where there are any.
        loss: mean loss of a batch.
        progress: called after each epoch with the epochs done and the epochs in all.
        on_epoch: called after each epoch with the epochs done and the module as it is, in train mode, gradients on; it
            may look at it, not change it.

    Returns:
        The trained module, on the device, in eval mode.

    Raises:
        InputError: no examples, more or fewer labels than examples, a label outside the module's outputs, NaN or
            infinity among the inputs, inputs that the module does not take, a seed below 0, or nothing to train.

    Cost: epochs · m / batch_size steps; a shuffled copy of the inputs in memory.
    """
    device = torch.device(device)
    model_seed, order_seed = spread_seed(seed, 2)
    rows, labels = as_rows(inputs), _checked_labels(labels)
    if len(rows) != len(labels) or len(rows) == 0:
        raise InputError(
            f"training needs one label for each of at least one example (got examples={len(rows)}, "
            f"labels={len(labels)}); give both for the same examples"
        )
    with torch.enable_grad(), isolated_rng(model_seed, device), deterministic_cuda(device), flushed_denormals():
        model = build().to(device)
        rows = rows.to(device, floating_dtype(model))
        labels = labels.to(device)
        _check_finite(rows)
        _check_outputs(model, rows, labels)
        order = torch.Generator().manual_seed(order_seed)
        _descend(model.train(), rows, labels, config, loss, order, progress, on_epoch)
    return model.eval()


def _descend(
    model: nn.Module,
    rows: Rows,
    labels: Tensor,
    config: TrainingConfig,
    loss: Loss,
    order: torch.Generator,
    progress: Callable[[int, int], None] | None,
    on_epoch: Callable[[int, nn.Module], None] | None,
) -> None:
    rates = {"learning_rate": config.learning_rate, "momentum": config.momentum}
    layers = [module for module in model.modules() if isinstance(module, SparseLinear) and module.weight.requires_grad]
    columns = rows.column if isinstance(rows, SparseRows) else labels.new_empty(0)
    lazy = [LazyMomentum(layer, columns, **rates) for layer in layers]
    rowwise = {id(layer.weight) for layer in layers}
    dense = Momentum((p for p in model.parameters() if p.requires_grad and id(p) not in rowwise), **rates)
    if not dense.parameters and not lazy:
        raise InputError("training needs a module with parameters (got none that require gradients); unfreeze some")
    sizes = training_batches(len(rows), config.batch_size)
    for epoch in range(config.epochs):
        shuffle = torch.randperm(len(rows), generator=order).to(labels.device)
        batches = zip(rows.take(shuffle).batches(sizes), torch.split(labels[shuffle], sizes), strict=True)
        for examples, targets in batches:
            value = loss(logits_of(model, examples), targets)
            outputs = [layer.output for layer in lazy if layer.output is not None]
            # Derivatives handed over at once: no .grad to fill and to clear.
            gradients = torch.autograd.grad(value, [*dense.parameters, *outputs], allow_unused=True)
            dense.step(gradients[: len(dense.parameters)])
            rest = iter(gradients[len(dense.parameters) :])
            for layer in lazy:
                layer.step(next(rest) if layer.output is not None else None)
        if progress is not None:
            progress(epoch + 1, config.epochs)
        if on_epoch is not None:
            with ExitStack() as stack:
                for layer in lazy:
                    stack.enter_context(layer.shown())
                on_epoch(epoch + 1, model)
    for layer in lazy:
        layer.finish()


def _checked_labels(labels: Labels) -> Tensor:
    tensor = as_tensor(labels)
    if tensor.ndim == 0:
        raise InputError("labels need an axis of examples (got a single number); give one for each example")
    if tensor.is_floating_point():
        return tensor
    return tensor.long()


def _check_finite(rows: Rows) -> None:
    for numbers in rows.numbers():
        if numbers.is_floating_point() and not bool(numbers.isfinite().all()):
            raise InputError("inputs must be finite (got NaN or infinity among them); fill in or drop what is missing")


@torch.no_grad()
def _check_outputs(model: nn.Module, rows: Rows, labels: Tensor) -> None:
    """Raise for inputs the module does not take and labels it has no output for, before a step is taken."""
    first = next(rows.take(torch.zeros(1, dtype=torch.long, device=labels.device)).batches([1]))
    check_arguments(model, first)
    if labels.is_floating_point():
        return
    logits = logits_of(model.eval(), first)
    if labels.ndim == 2 and logits.shape[1:] != labels.shape[1:]:
        raise InputError(
            f"labels in columns need a column for each of the module's outputs (got {labels.shape[1]} columns, "
            f"outputs={tuple(logits.shape[1:])}); build the module for as many classes as there are"
        )
    if labels.ndim != 1:
        return
    low, high = int(labels.min()), int(labels.max())
    if logits.ndim == 2 and not 0 <= low <= high < logits.shape[1]:
        raise InputError(
            f"labels are class numbers from 0 to below the module's outputs (got labels from {low} to {high}, "
            f"outputs={logits.shape[1]}); build the module for as many classes as there are"
        )
