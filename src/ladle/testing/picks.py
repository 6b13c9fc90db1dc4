"""What a batch must be: so many, whole numbers, distinct, unlabeled."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ladle.testing.failures import ContractError, SelectFunction, describe, picks_of, shorten
from ladle.testing.problems import Problem, usual_problem

#: What is wrong with the picks under one rule, in words; None where nothing is.
Rule = Callable[[NDArray[Any], Problem, int], str | None]


def check_exact_budget(select: SelectFunction) -> None:
    """Check that as many are picked as were asked for: one, a few, all that is left."""
    _check_rule(select, _wrong_number)


def check_whole_numbers(select: SelectFunction) -> None:
    """Check that picks are one row of whole numbers."""
    _check_rule(select, _not_indices)


def check_distinct(select: SelectFunction) -> None:
    """Check that nothing is picked twice."""
    _check_rule(select, _repeated)


def check_unlabeled_only(select: SelectFunction) -> None:
    """Check that nothing labeled is picked, and nothing outside the pool."""
    _check_rule(select, _not_unlabeled)


def check_everything_left(select: SelectFunction) -> None:
    """Check that a budget of all unlabeled examples picks just these."""
    problem = usual_problem()
    unlabeled = problem.unlabeled
    picks = picks_of(select, problem, len(unlabeled))
    if sorted(picks.reshape(-1).tolist()) != unlabeled.tolist():
        missing = np.setdiff1d(unlabeled, picks)
        raise ContractError(
            f"a budget of all that is left picks all that is left (got {shorten(picks)}, without {shorten(missing)}) "
            f"on {describe(problem, len(unlabeled), seed=0)}"
        )


def check_more_than_is_left(select: SelectFunction) -> None:
    """Check that a budget of more than is left is refused by an exception, or cut to what is left with a warning."""
    problem = usual_problem()
    unlabeled = problem.unlabeled
    budget = len(unlabeled) + 1
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            picks = np.asarray(select(**problem.arrays(), budget=budget, seed=0))
        except Exception:
            return
    if not told or sorted(picks.reshape(-1).tolist()) != unlabeled.tolist():
        raise ContractError(
            f"a budget of more than is left is refused, or cut to what is left with a warning (got {picks.size} picks "
            f"and {len(told)} warnings: {shorten(picks)}) on {describe(problem, budget, seed=0)}"
        )


def obey_all_rules(select: SelectFunction, problem: Problem) -> None:
    """Check every rule of a batch on one problem, for its own budget, for one and for all that is left."""
    for budget, seed, picks in _batches(select, problem):
        for rule in (_not_indices, _wrong_number, _repeated, _not_unlabeled):
            _raise_for(rule(picks, problem, budget), problem, budget, seed)


def _check_rule(select: SelectFunction, rule: Rule) -> None:
    problem = usual_problem()
    for budget, seed, picks in _batches(select, problem):
        _raise_for(rule(picks, problem, budget), problem, budget, seed)


def _batches(select: SelectFunction, problem: Problem) -> Iterator[tuple[int, int, NDArray[Any]]]:
    for budget in sorted({1, problem.budget, len(problem.unlabeled)}):
        for seed in (0, 1):
            yield budget, seed, picks_of(select, problem, budget, seed)


def _raise_for(wrong: str | None, problem: Problem, budget: int, seed: int) -> None:
    if wrong is not None:
        raise ContractError(f"{wrong} on {describe(problem, budget, seed)}")


def _wrong_number(picks: NDArray[Any], problem: Problem, budget: int) -> str | None:  # noqa: ARG001
    if picks.size == budget:
        return None
    return f"picks are exactly as many as the budget (got {picks.size}: {shorten(picks)})"


def _not_indices(picks: NDArray[Any], problem: Problem, budget: int) -> str | None:  # noqa: ARG001
    if picks.ndim == 1 and np.issubdtype(picks.dtype, np.integer):
        return None
    return f"picks are one row of whole numbers (got {picks.dtype} of shape {picks.shape}: {shorten(picks)})"


def _repeated(picks: NDArray[Any], problem: Problem, budget: int) -> str | None:  # noqa: ARG001
    values, counts = np.unique(picks, return_counts=True)
    twice = values[counts > 1]
    return f"picks are distinct (got {shorten(twice)} more than once in {shorten(picks)})" if len(twice) else None


def _not_unlabeled(picks: NDArray[Any], problem: Problem, budget: int) -> str | None:  # noqa: ARG001
    outside = np.setdiff1d(picks, np.arange(len(problem.logits)))
    if len(outside):
        return f"picks are positions in the pool (got {shorten(outside)} among {shorten(picks)})"
    labeled = np.intersect1d(picks, problem.labeled)
    return f"picks are unlabeled (got labeled {shorten(labeled)} among {shorten(picks)})" if len(labeled) else None
