"""What may be picked, and whether there is enough of it: checked once, at the start of every selector."""

from __future__ import annotations

import numpy as np

from ladle.errors import BudgetError
from ladle.typing import Indices


def unlabeled_indices(size: int, labeled: Indices, budget: int) -> Indices:
    """Return the unlabeled indices of a pool, after making sure the budget can be met from them.

    Args:
        size: n, the rows of the pool.
        labeled: (m,) distinct indices already labeled.
        budget: labels to ask for, from 1 to n - m.

    Returns:
        (n - m,) indices in ascending order.

    Raises:
        BudgetError: a budget that is no whole number, below 1 or above what is unlabeled.
    """
    if isinstance(budget, bool) or not hasattr(budget, "__index__"):
        raise BudgetError(f"the budget must be a whole number (got budget={budget!r}); pass an int")
    mask = np.ones(size, dtype=bool)
    mask[labeled] = False
    unlabeled = np.flatnonzero(mask).astype(np.int64)
    if not 1 <= budget <= len(unlabeled):
        raise BudgetError(
            f"the budget must be from 1 to the number of unlabeled rows (got budget={budget}, "
            f"unlabeled={len(unlabeled)}); " + ("ask for at least 1" if budget < 1 else "ask for fewer")
        )
    return unlabeled
