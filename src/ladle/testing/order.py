"""That a strategy looks at the examples, not at where they lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ladle.testing.failures import ContractError, SelectFunction, describe, picks_of, shorten
from ladle.testing.problems import Problem, make_problem, usual_problem

_SEEDS_TRIED = (0, 1, 2)
_ORDERS_TRIED = 2
_DRAWS = "its picks differ by seed, and a draw may give each position a random number of its own"


def check_order_of_the_pool_is_irrelevant(select: SelectFunction) -> str | None:
    """Check that the same examples are picked however the pool is ordered.

    Only strategies that do not draw can be held to this: those whose picks were the same for three seeds. The problems
    have no ties, which would rightly be broken by position.

    Returns:
        Why the contract says nothing of this strategy; None where it is kept.
    """
    return _check(select, np.sort, "picks do not depend on the order of the pool")


def check_order_of_the_picks(select: SelectFunction) -> str | None:
    """Check that the picks come in the same order however the pool is ordered: the first of them are the first choice.

    Only strategies that do not draw can be held to this.

    Returns:
        Why the contract says nothing of this strategy; None where it is kept.
    """
    return _check(select, np.asarray, "picks come in an order that does not depend on that of the pool")


def _check(select: SelectFunction, view: Callable[[NDArray[Any]], NDArray[Any]], rule: str) -> str | None:
    for problem in (usual_problem(), _large_problem()):
        picks, *others = (picks_of(select, problem, seed=seed) for seed in _SEEDS_TRIED)
        if any(not np.array_equal(picks, other) for other in others):
            return _DRAWS
        _compare(select, problem, picks, view, rule)
    return None


def _compare(
    select: SelectFunction,
    problem: Problem,
    picks: NDArray[Any],
    view: Callable[[NDArray[Any]], NDArray[Any]],
    rule: str,
) -> None:
    generator = np.random.default_rng(0)
    for _ in range(_ORDERS_TRIED):
        order = generator.permutation(len(problem.logits))
        elsewhere = order[picks_of(select, problem.reordered(order))]
        if not np.array_equal(view(picks), view(elsewhere)):
            same = "the same in another order, " if np.array_equal(np.sort(picks), np.sort(elsewhere)) else ""
            raise ContractError(
                f"{rule} (got {shorten(picks)}, and {same}{shorten(elsewhere)} when reordered) "
                f"on {describe(problem, problem.budget)}"
            )


def _large_problem() -> Problem:
    # Partial sorts finish blocks of up to 256 by sorting them, so that a small batch is in order whether meant or not;
    # and the gradients have more dimensions, 39 · 9, than the batch has picks, so that none is left with no volume.
    generator = np.random.default_rng(20260515)
    return make_problem(generator, examples=600, features=8, classes=40, labeled=20, budget=300, name="large")
