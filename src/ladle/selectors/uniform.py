"""Uniform selection: every unlabeled row is as likely as any other."""

from __future__ import annotations

import numpy as np

from ladle.selectors.budget import unlabeled_indices
from ladle.typing import Indices


def uniform(size: int, labeled: Indices, budget: int, *, generator: np.random.Generator) -> Indices:
    """Draw unlabeled rows uniformly without replacement.

    Args:
        size: n, the rows of the pool.
        labeled: (m,) whole-pool indices already labeled; may be empty.
        budget: from 1 to the number of unlabeled rows.
        generator: where the draw comes from; advanced by it.

    Returns:
        (budget,) distinct unlabeled indices in the order drawn.

    Raises:
        BudgetError: more rows asked for than are unlabeled.

    Cost: O(n).
    """
    unlabeled = unlabeled_indices(size, labeled, budget)
    return generator.choice(unlabeled, size=budget, replace=False)
