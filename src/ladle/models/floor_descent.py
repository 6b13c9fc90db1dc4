"""Floor gradient descent: steps whose difference to those on a subset is rounded down, as the bound's proof needs.

A diagnostic, to log the discrepancies of the bound along a training that the bound speaks of. Written from the
description in Khosravani and Zilles (2026), section 2.4, and what they call it after: the step on S_J is taken in full,
the difference between the steps on S and S_J rounded down to multiples of ε_t. The source, Luo et al. (2022), was not
at hand to check details such as the order of rounding and scaling.
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
        discrepancies: (T,) norms |DF(S, S_J, t)| before each step.
        step_sizes: (T,) γ_t.
        precisions: (T,) ε_t.
    """

    model: nn.Module
    discrepancies: NDArray[np.float64]
    step_sizes: NDArray[np.float64]
    precisions: NDArray[np.float64]


def floor_step(
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    subset_gradients: Sequence[Tensor],
    *,
    step_size: float,
    precision: float,
) -> None:
    """Take one step in place: W ← W - γ ∇f(S_J) - ε ⌊γ (∇f(S) - ∇f(S_J)) / ε⌋, entry by entry.

    Args:
        parameters: what is moved.
        gradients: of the objective on S, one for each parameter.
        subset_gradients: of the objective on S_J.
        step_size: γ, above 0.
        precision: ε, above 0. The smaller, the nearer to a plain step on S: no entry is off by more than ε.

    Raises:
        ConfigError: a step size or precision that is not above 0.
    """
    if not (step_size > 0 and precision > 0):
        raise ConfigError(f"step size and precision are above 0 (got {step_size} and {precision}); correct them")
    with torch.no_grad():
        for values, whole, part in zip(parameters, gradients, subset_gradients, strict=True):
            units = torch.floor(step_size * (whole - part) / precision)
            values -= step_size * part + precision * units


def train_by_floor_descent(
    build: Callable[[], nn.Module],
    inputs: Tensor,
    labels: Labels,
    subset: Indices,
    *,
    steps: int,
    step_size: float,
    precision: float,
    batch_size: int | None = None,
    seed: int,
) -> FloorTraining:
    """Train by Floor GD, or by Floor SGD on mini-batches.

    Args:
        build: makes a new module that returns (n, C) logits; use one without dropout or batch norm.
        inputs: (n, ...) examples S.
        labels: (n,) class numbers.
        subset: (m,) positions of S_J among them; repetitions count as often as they occur.
        steps: T, at least 1.
        step_size: γ of every step.
        precision: ε of every step.
        batch_size: examples drawn from S, and from S_J, for each step; None takes all of both (Floor GD).
        seed: of first weights and draws.

    Raises:
        InputError: no examples, or a subset that is empty or outside of them.
        ConfigError: steps, step size, precision or batch size out of range.

    Cost: three passes over a batch a step: two gradients, and for Floor SGD the discrepancy over all of S and S_J too.
    """
    positions = torch.as_tensor(np.asarray(subset, dtype=np.int64))
    if not len(inputs) or len(inputs) != len(labels):
        raise InputError(f"training needs a label for each example (got {len(inputs)} and {len(labels)}); pair them")
    if not len(positions) or int(positions.min()) < 0 or int(positions.max()) >= len(inputs):
        raise InputError(f"the subset is positions from 0 to {len(inputs) - 1}, at least one (got others); correct it")
    if steps < 1 or (batch_size is not None and batch_size < 1):
        raise ConfigError(f"steps and batch_size are at least 1 (got {steps} and {batch_size}); raise them")
    weights_seed, order_seed = spread_seed(seed, 2)
    found = []
    with torch.enable_grad(), isolated_rng(weights_seed, torch.device("cpu")):
        model = build().train()
        parameters = [values for values in model.parameters() if values.requires_grad]
        generator = torch.Generator().manual_seed(order_seed)

        def gradients(rows: Tensor) -> list[Tensor]:
            return list(torch.autograd.grad(cross_entropy(model(inputs[rows]), labels[rows]), parameters))

        everything = torch.arange(len(inputs))
        for _ in range(steps):
            whole, part = gradients(everything), gradients(positions)
            found.append(float(sum((a - b).square().sum() for a, b in zip(whole, part, strict=True))) ** 0.5)
            if batch_size is not None:
                whole = gradients(torch.randint(len(inputs), (batch_size,), generator=generator))
                part = gradients(positions[torch.randint(len(positions), (batch_size,), generator=generator)])
            floor_step(parameters, whole, part, step_size=step_size, precision=precision)
    return FloorTraining(model.eval(), np.array(found), np.full(steps, step_size), np.full(steps, precision))
