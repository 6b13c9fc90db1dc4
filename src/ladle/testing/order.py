"""That a strategy looks at the examples, not at where they lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ladle.testing.failures import ContractError, SelectFunction, describe, picks_of, shorten
from ladle.testing.problems import usual_problem

_SEEDS_TRIED = (0, 1, 2, 3, 4)
_ORDERS_TRIED = 3
_DRAWS = "its picks differ by seed, and a draw may give each position a random number of its own"


def check_order_of_the_pool_is_irrelevant(select: SelectFunction) -> str | None:
    """Check that the same examples are picked however the pool is ordered.

    Only strategies that do not draw can be held to this: those whose picks were the same for five seeds. The problem
    has no ties, which would rightly be broken by position.

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


def _check(select: SelectFunction, view: Any, rule: str) -> str | None:
    if _draws(select):
        return _DRAWS
    for picks, elsewhere in _reordered(select):
        if not np.array_equal(view(picks), view(elsewhere)):
            problem = usual_problem()
            same = "the same in another order, " if np.array_equal(np.sort(picks), np.sort(elsewhere)) else ""
            raise ContractError(
                f"{rule} (got {shorten(picks)}, and {same}{shorten(elsewhere)} when reordered) "
                f"on {describe(problem, problem.budget)}"
            )
    return None


def _draws(select: SelectFunction) -> bool:
    problem = usual_problem()
    first, *others = (picks_of(select, problem, seed=seed) for seed in _SEEDS_TRIED)
    return any(not np.array_equal(first, other) for other in others)


def _reordered(select: SelectFunction) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    problem = usual_problem()
    picks, generator = picks_of(select, problem), np.random.default_rng(0)
    for _ in range(_ORDERS_TRIED):
        order = generator.permutation(len(problem.logits))
        yield picks, order[picks_of(select, problem.reordered(order))]
