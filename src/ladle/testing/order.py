"""That a strategy looks at the examples, not at where they lie."""

from __future__ import annotations

import numpy as np

from ladle.testing.failures import ContractError, SelectFunction, describe, picks_of, shorten
from ladle.testing.problems import usual_problem

_SEEDS_TRIED = (0, 1, 2, 3, 4)
_ORDERS_TRIED = 3


def check_order_of_the_pool_is_irrelevant(select: SelectFunction) -> None:
    """Check that the same examples are picked, in the same order, however the pool is ordered.

    Only strategies that do not draw can be held to this: those whose picks were the same for five seeds. One that
    draws may give each position its own random number, and passes unseen. The problem has no ties, which would rightly
    be broken by position.
    """
    problem = usual_problem()
    picks = picks_of(select, problem, seed=_SEEDS_TRIED[0])
    if any(not np.array_equal(picks, picks_of(select, problem, seed=seed)) for seed in _SEEDS_TRIED[1:]):
        return
    generator = np.random.default_rng(0)
    for _ in range(_ORDERS_TRIED):
        order = generator.permutation(len(problem.logits))
        elsewhere = order[picks_of(select, problem.reordered(order))]
        if not np.array_equal(elsewhere, picks):
            raise ContractError(
                f"picks do not depend on the order of the pool (got {shorten(picks)}, and {shorten(elsewhere)} "
                f"when reordered) on {describe(problem, problem.budget)}"
            )
