"""The paper's generalization bound along a training that it speaks of, beside the risk that it bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ladle.data import Pool
from ladle.errors import ConfigError, InputError
from ladle.models import MLP, train_by_floor_descent
from ladle.statistics import BoundConstants, generalization_bound, simplified_bound

#: ε of each training, in units of its step size: from fine, where S is felt, to coarse, where only S_J is.
PRECISIONS = (0.01, 0.1, 1.0)
#: Constants of the bound that are free to choose.
ETAS, DELTA = (0.5, 1.0, 2.0), 0.05
STEPS, STEP_SIZE = 300, 0.1
# As in figure 6: two layers, and half of S.
_HIDDEN = (256,)
_SUBSET_SHARE = 0.5


@dataclass(frozen=True)
class BoundedTraining:
    """One training by Floor GD, step by step.

    Attributes:
        precision: ε.
        discrepancies: (T,) norms |DF(S, S_J, t)| before each step.
        sums: (T,) the sum in eq. 6 after each step.
        moved: (T,) entries of the model that each step moved by whole units of ε.
        empirical_risks: (T,) R(W_t, S_I), the share of wrong answers on the examples of S outside of S_J.
        held_out_risks: (T,) the same on examples outside of S: an estimate of R(W_t, D), which is bounded.
        bounds: by η, (T,) right sides of eq. 6.
        simplified: by η, (T,) right sides of eq. 10 with t_0 = 1.
    """

    precision: float
    discrepancies: NDArray[np.float64]
    sums: NDArray[np.float64]
    moved: NDArray[np.int64]
    empirical_risks: NDArray[np.float64]
    held_out_risks: NDArray[np.float64]
    bounds: Mapping[float, NDArray[np.float64]]
    simplified: Mapping[float, NDArray[np.float64]]


@dataclass(frozen=True)
class BoundOverTraining:
    """Trainings of one network from the same first weights, a precision each.

    Attributes:
        data: name of the pool.
        examples: n, size of S.
        subset: m, size of S_J.
        dimension: d, number of parameters.
        held_out: examples outside of S.
        step_size: γ.
        delta: δ.
        trainings: one for each precision.
    """

    data: str
    examples: int
    subset: int
    dimension: int
    held_out: int
    step_size: float
    delta: float
    trainings: tuple[BoundedTraining, ...]


def bound_over_training(
    pool: Pool,
    *,
    precisions: Sequence[float] = PRECISIONS,
    etas: Sequence[float] = ETAS,
    delta: float = DELTA,
    steps: int = STEPS,
    step_size: float = STEP_SIZE,
    seed: int = 0,
) -> BoundOverTraining:
    """Train a network of two layers by Floor GD and work out eq. 6 and eq. 10 after every step.

    S is the pool, S_J a uniformly random half of it, drawn before the training as the bound wants. Validation and test
    split are outside of S and give an estimate of the risk that is bounded. R is the share of wrong answers, which lies
    between 0 and 1 as Catoni's inequality needs; f is cross-entropy.

    Args:
        pool: with dense inputs, which are flattened.
        precisions: ε of each training, over the step size.
        etas: values of η.
        delta: δ.
        steps: T.
        step_size: γ.
        seed: of S_J and of the first weights.

    Raises:
        InputError: sparse inputs.
        ConfigError: no precision, fewer than two examples, or a constant out of its range.

    Cost: for each precision, steps gradients on S and S_J and passes over all examples, and O(steps²) numbers.
    Reference: Khosravani and Zilles (2026), eq. 6 and 10.
    """
    if not isinstance(pool.inputs, Tensor):
        raise InputError(f"this figure needs dense inputs (got sparse rows of {pool.name}); take images or a table")
    count = len(pool)
    size = int(_SUBSET_SHARE * count)
    if not precisions or size < 1:
        raise ConfigError(
            f"the bound is drawn for a precision or more, on two examples or more (got {len(precisions)} and {count}); "
            "give them"
        )
    part = np.random.default_rng(seed).choice(count, size=size, replace=False)
    rest = np.setdiff1d(np.arange(count), part)
    inputs = pool.inputs.flatten(1)
    # Taken once: the risks are measured after every step.
    rest_inputs, rest_labels = inputs[rest], pool.labels[rest]
    outside = [values for values in (pool.validation_inputs, pool.test_inputs) if isinstance(values, Tensor)]
    held_out = torch.cat([values.flatten(1) for values in outside])
    held_out_labels = torch.cat([pool.validation_labels, pool.test_labels])

    def build() -> nn.Module:
        return MLP(inputs.shape[1], len(pool.classes), hidden=_HIDDEN)

    def trained(precision: float) -> BoundedTraining:
        risks: list[tuple[float, float]] = []

        def measure(_step: int, model: nn.Module) -> None:
            empirical = _share_wrong(model, rest_inputs, rest_labels)
            risks.append((empirical, _share_wrong(model, held_out, held_out_labels)))

        found = train_by_floor_descent(
            build,
            inputs,
            pool.labels,
            part,
            steps=steps,
            step_size=step_size,
            precision=precision * step_size,
            seed=seed,
            on_step=measure,
        )
        empirical, outer = np.array(risks).T
        bounds, simplified = _right_sides(constants, empirical, found.discrepancies, step_size, found.precisions[0])
        return BoundedTraining(
            precision=float(found.precisions[0]),
            discrepancies=found.discrepancies,
            sums=found.sums,
            moved=found.moved,
            empirical_risks=empirical,
            held_out_risks=outer,
            bounds=bounds,
            simplified=simplified,
        )

    # On no device: counted, and no random number drawn.
    with torch.device("meta"):
        dimension = sum(values.numel() for values in build().parameters())
    constants = [BoundConstants(eta, delta, count, size, dimension) for eta in etas]
    return BoundOverTraining(
        data=pool.name,
        examples=count,
        subset=size,
        dimension=dimension,
        held_out=len(held_out),
        step_size=step_size,
        delta=delta,
        trainings=tuple(trained(precision) for precision in precisions),
    )


def _right_sides(
    constants: Sequence[BoundConstants],
    risks: NDArray[np.float64],
    discrepancies: NDArray[np.float64],
    step_size: float,
    precision: float,
) -> tuple[dict[float, NDArray[np.float64]], dict[float, NDArray[np.float64]]]:
    """Return by η the right sides of eq. 6 and of eq. 10, after each step."""
    whole, simple = {}, {}
    for known in constants:
        whole[known.eta] = np.array(
            [
                generalization_bound(known, risk, discrepancies[:steps], step_size, precision)
                for steps, risk in enumerate(risks, start=1)
            ]
        )
        simple[known.eta] = np.array(
            [
                simplified_bound(known, risk, discrepancies[0], step_size, precision, start=1, steps=steps)
                for steps, risk in enumerate(risks, start=1)
            ]
        )
    return whole, simple


@torch.no_grad()
def _share_wrong(model: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    return float((model(inputs).argmax(dim=1) != labels).double().mean())
