"""Floored gradient descent: steps whose difference to those on a subset is rounded, as the bound's proof needs.

A diagnostic, to log the discrepancies of the bound along a training that the bound speaks of. The step on S_J is taken
in full, the difference between the steps on S and S_J is rounded toward zero to multiples of ε_t. A floor that goes
down instead would turn the least negative difference into a whole unit, and the bound, which counts units by the
difference's length, would not hold.

What is known of the source: the paper names Floor GD and Floor SGD and prints the bound, not the algorithms; those are
of Luo et al. (2022). At the last check only the abstract of that was at hand. It agrees: descent to a precision ε_t,
and a bound of the order of Σ (γ_t / ε_t)² |g_t|² / n, g_t being roughly the difference of the gradients on all samples
and on those of the prior. The numbers of definitions and theorems below, momentum and mini-batches were taken down at
an earlier reading and could not be compared again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ladle.errors import ConfigError, InputError
from ladle.models.seeding import isolated_rng, spread_seed
from ladle.typing import Indices, Labels


@dataclass(frozen=True)
class FloorTraining:
    """A model trained by floor descent, and what the bound needs of its way.

    Attributes:
        model: in eval mode.
        discrepancies: (T,) norms |DF(S, S_J, t)| before each step; on mini-batches, of S and S_J within the batch.
        step_sizes: (T,) γ_t.
        precisions: (T,) ε_t.
        sums: (T,) running sums of γ_t² / ε_t² |DF(S, S_J, t)|²; the last is the sum in the bound.
        moved: (T,) entries that the step moved by whole units of ε; 0 where it was the step on S_J alone.
    """

    model: nn.Module
    discrepancies: NDArray[np.float64]
    step_sizes: NDArray[np.float64]
    precisions: NDArray[np.float64]
    sums: NDArray[np.float64]
    moved: NDArray[np.int64]


def floor_step(
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    subset_gradients: Sequence[Tensor],
    *,
    step_size: float,
    precision: float,
) -> int:
    """Take one step in place: W ← W - γ ∇f(S_J) - ε floor(γ (∇f(S) - ∇f(S_J)) / ε), floor(x) = sign(x) ⌊|x|⌋.

    Args:
        parameters: what is moved.
        gradients: of the objective on S, one for each parameter.
        subset_gradients: of the objective on S_J.
        step_size: γ, above 0.
        precision: ε, above 0. The smaller, the nearer to a plain step on S: no entry is off by more than ε.

    Returns:
        How many entries were moved by whole units of ε; where none was, this is the step on S_J alone. Never more than
        γ² / ε² |∇f(S) - ∇f(S_J)|², which the bound sums: each of them adds at least 1 to it.

    Raises:
        ConfigError: a step size or precision that is not above 0.

    Reference: Luo et al. (2022), definition 5.1 and algorithm 1.
    """
    if not (step_size > 0 and precision > 0):
        raise ConfigError(f"step size and precision are above 0 (got {step_size} and {precision}); correct them")
    moved = 0
    with torch.no_grad():
        for values, whole, part in zip(parameters, gradients, subset_gradients, strict=True):
            units = torch.trunc(step_size * (whole - part) / precision)
            values -= step_size * part + precision * units
            moved += int(units.count_nonzero())
    return moved


def train_by_floor_descent(
    build: Callable[[], nn.Module],
    inputs: Tensor,
    labels: Labels,
    subset: Indices,
    *,
    steps: int,
    step_size: float,
    precision: float,
    momentum: float = 0.0,
    batch_size: int | None = None,
    seed: int,
    on_step: Callable[[int, nn.Module], None] | None = None,
) -> FloorTraining:
    """Train by Floor GD, or by Floor SGD on mini-batches.

    Args:
        build: makes a new module that returns (n, C) logits; use one without dropout or batch norm.
        inputs: (n, ...) examples S.
        labels: (n,) class numbers.
        subset: (m,) different positions of S_J among them; the bound wants them drawn uniformly, before the training.
        steps: T, at least 1.
        step_size: γ of every step.
        precision: ε of every step.
        momentum: share of the last change that every step repeats, from 0 to below 1.
        batch_size: different examples drawn for each step, at most n; the step on S_J is that on those of them that are
            in S_J, and none where there is none. None takes all of S and S_J (Floor GD).
        seed: of first weights and draws.
        on_step: called after each step with the steps done and the module as it is, in train mode, gradients on; it may
            look at it, not change it.

    Raises:
        InputError: no examples, or a subset that is empty, repeats itself or lies outside of them.
        ConfigError: steps, step size, precision, momentum or batch size out of range.

    Cost: two gradients a step.
    Reference: Luo et al. (2022), algorithm 1, and theorem 5.3 for mini-batches.
    """
    positions = torch.as_tensor(np.asarray(subset, dtype=np.int64))
    count = len(inputs)
    if not count or count != len(labels):
        raise InputError(f"training needs a label for each example (got {count} and {len(labels)}); pair them")
    member = torch.zeros(count, dtype=torch.bool)
    inside = positions[(positions >= 0) & (positions < count)]
    member[inside] = True
    if not len(positions) or int(member.sum()) != len(positions):
        raise InputError(
            f"the subset is different positions from 0 to {count - 1}, at least one (got {len(positions)}, of which "
            f"{int(member.sum())} are); correct it"
        )
    if steps < 1 or not 1 <= (count if batch_size is None else batch_size) <= count or not 0 <= momentum < 1:
        raise ConfigError(
            f"steps are at least 1, batch_size is from 1 to {count}, momentum from 0 to below 1 (got {steps}, "
            f"{batch_size}, {momentum}); correct them"
        )
    weights_seed, order_seed = spread_seed(seed, 2)
    found: list[float] = []
    moved: list[int] = []
    with torch.enable_grad(), isolated_rng(weights_seed, torch.device("cpu")):
        model = build().train()
        parameters = [values for values in model.parameters() if values.requires_grad]
        generator = torch.Generator().manual_seed(order_seed)

        def gradients(rows: Tensor) -> list[Tensor]:
            if not len(rows):
                return [torch.zeros_like(values) for values in parameters]
            return list(torch.autograd.grad(cross_entropy(model(inputs[rows]), labels[rows]), parameters))

        rows = torch.arange(count)
        changes = [torch.zeros_like(values) for values in parameters]
        for step in range(steps):
            if batch_size is not None:
                rows = torch.randperm(count, generator=generator)[:batch_size]
            whole, part = gradients(rows), gradients(rows[member[rows]])
            found.append(float(sum((a - b).square().sum() for a, b in zip(whole, part, strict=True))) ** 0.5)
            before = [values.detach().clone() for values in parameters]
            moved.append(floor_step(parameters, whole, part, step_size=step_size, precision=precision))
            with torch.no_grad():
                for values, change, old in zip(parameters, changes, before, strict=True):
                    values.add_(change, alpha=momentum)
                    change.copy_(values - old)
            if on_step is not None:
                on_step(step + 1, model)
    discrepancies = np.array(found)
    return FloorTraining(
        model.eval(),
        discrepancies,
        np.full(steps, step_size),
        np.full(steps, precision),
        np.cumsum((step_size / precision * discrepancies) ** 2),
        np.array(moved, dtype=np.int64),
    )
