"""What a report says about one experiment, worked out once: areas, labels to the target, corrected tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ladle.errors import InputError
from ladle.experiments.results import ExperimentResults
from ladle.statistics import LabelsToTarget, area_under_budget_curve, label_savings, loss_scores, pairwise_penalty

#: The strategy every other one is measured against.
BASELINE = "random"
#: Level of the corrected tests, and of the bootstrap intervals (1 − ALPHA).
ALPHA = 0.05
#: What "early" and "late" take of the rounds after the initial one, as `pairwise_penalty` does.
PART = 3

#: Which rounds a penalty matrix counts.
RoundsView: TypeAlias = Literal["all", "early", "late"]
ROUNDS_VIEWS: tuple[RoundsView, ...] = ("all", "early", "late")


@dataclass(frozen=True)
class Contest:
    """Who beats whom in the corrected tests of some rounds.

    Attributes:
        penalty: (K, K) row i, column j: the share of rounds in which strategy i significantly beat j; summed over
            experiments where there is more than one.
        loss: (K,) column means of `penalty`; lower is better.
    """

    penalty: NDArray[np.float64]
    loss: NDArray[np.float64]


@dataclass(frozen=True)
class Analysis:
    """The statistics of one experiment.

    Attributes:
        results: what they were worked out from.
        areas: (K, S) as `areas_under_curves` has them; None where there is only the initial evaluation.
        savings: one entry a strategy, the labels it needs for the accuracy `random` ends with; None where there is no
            answer.
        contests: by view of the rounds; empty where nothing can be tested.
        notes: a sentence for everything that is missing, saying why.
    """

    results: ExperimentResults
    areas: NDArray[np.float64] | None
    savings: tuple[LabelsToTarget, ...] | None
    contests: Mapping[RoundsView, Contest]
    notes: tuple[str, ...]

    @property
    def rounds(self) -> int:
        """The number of rounds after the initial evaluation: those that are compared."""
        return len(self.results.labeled) - 1

    @property
    def seeds(self) -> int:
        """The number of seeds that every strategy has finished."""
        return len(self.results.seeds)


def analyze(results: ExperimentResults) -> Analysis:
    """Work out all statistics of an experiment.

    The initial evaluation is left out of the tests: there all strategies share one labeled set and one model, so none
    can win. It stays where it is only a starting point: of the area under a curve, to which it adds the same for all,
    and of the curve along which labels to the target are read.

    Raises:
        InputError: arrays that do not fit together, or nothing in them.

    Cost: mostly the bootstrap of `label_savings`: 2000 resamples of (K, R, S) numbers.
    """
    check(results)
    evaluations = len(results.labeled)
    areas = areas_under_curves(results) if evaluations > 1 else None

    savings = None
    if BASELINE in results.strategies and evaluations > 1:
        start = 1 if results.labeled[0] == 0 else 0  # no ratio can be formed with no labels
        savings = tuple(
            label_savings(
                results.labeled[start:],
                results.accuracies[:, start:],
                baseline=results.strategies.index(BASELINE),
                confidence=1 - ALPHA,
                seed=0,
            )
        )
    return Analysis(results, areas, savings, contests([results]), _notes(results))


def areas_under_curves(results: ExperimentResults) -> NDArray[np.float64]:
    """Return the (K, S) areas under the budget curves, from the initial labels on, wherever this package says area.

    An area is the mean accuracy on the way through the whole budget. From one labeled set and one model for all
    strategies, the way to the first batch is part of what that batch is worth.

    Args:
        results: with a round after the initial evaluation.
    """
    return area_under_budget_curve(results.labeled, results.accuracies)


def contests(experiments: Sequence[ExperimentResults]) -> dict[RoundsView, Contest]:
    """Return the penalty matrices and loss scores over experiments of the same strategies.

    Experiments that `is_testable` denies are left out. Early and late views are only there where an experiment has more
    rounds than such a view takes; else they would say what "all" says.

    Args:
        experiments: with one and the same `strategies`, in one order.

    Returns:
        A contest for each view that there is; empty if nothing can be tested.
    """
    # Names need not be unique across experiments; positions are.
    accuracies = {
        str(place): results.accuracies[:, 1:] for place, results in enumerate(experiments) if is_testable(results)
    }
    if not accuracies:
        return {}
    longest = max(array.shape[1] for array in accuracies.values())
    found: dict[RoundsView, Contest] = {}
    for view in ROUNDS_VIEWS if longest > PART else ROUNDS_VIEWS[:1]:
        penalty = pairwise_penalty(accuracies, alpha=ALPHA, rounds=view)
        found[view] = Contest(penalty, loss_scores(penalty))
    return found


def is_testable(results: ExperimentResults) -> bool:
    """Say whether there are two strategies, two seeds and one round after the initial one, as paired tests need."""
    strategies, evaluations, seeds = results.accuracies.shape
    return bool(strategies > 1 and evaluations > 1 and seeds > 1)


def check(results: ExperimentResults) -> None:
    """Check that the arrays of an experiment fit together, hold something and are finite.

    Raises:
        InputError: where they do not.
    """
    expected = (len(results.strategies), len(results.labeled), len(results.seeds))
    if 0 in expected:
        raise InputError(
            "a report needs a strategy, a round and a seed that every strategy has finished (got "
            f"{expected[0]} strategies, {expected[1]} rounds, {expected[2]} seeds in {results.name!r}); finish its runs"
        )
    for name in ("accuracies", "acquisition_seconds", "selection_seconds", "training_seconds"):
        shape = getattr(results, name).shape
        if shape != expected:
            raise InputError(
                f"{name} must be (strategies, rounds, seeds) (got {shape}, expected {expected} in {results.name!r}); "
                "read the results from the store anew"
            )
    if not np.isfinite(results.accuracies).all():
        raise InputError(f"accuracies must be finite (got NaN or infinity in {results.name!r}); run it again")
    if len(set(results.strategies)) < len(results.strategies):
        raise InputError(f"strategies must be distinct (got {', '.join(results.strategies)}); keep one of each")


def _notes(results: ExperimentResults) -> tuple[str, ...]:
    """Say why something is missing, a sentence each."""
    strategies, evaluations, seeds = results.accuracies.shape
    notes = []
    if evaluations < 2:
        notes.append("There is only the initial evaluation, which all strategies share: nothing to compare yet.")
    elif BASELINE not in results.strategies:
        notes.append(
            f"No labels to target: the target is the accuracy that {BASELINE} ends with, and {BASELINE} was not run."
        )
    if seeds < 2:
        notes.append("One seed: there are no standard deviations, no intervals and no tests. Run more seeds for them.")
    if strategies < 2:
        notes.append("One strategy: there is nothing to compare it with.")
    if results.unfinished:
        runs = "1 stored run is" if results.unfinished == 1 else f"{results.unfinished:,} stored runs are"
        notes.append(f"{runs} left out: not every strategy has finished that seed.")
    return tuple(notes)
