"""Top-b: the rows with the highest scores."""

from __future__ import annotations

import torch

from ladle.arrays import as_tensor
from ladle.selectors.budget import unlabeled_indices
from ladle.typing import Array, Indices


def top(scores: Array, labeled: Indices, budget: int) -> Indices:
    """Pick the unlabeled rows with the highest scores.

    Args:
        scores: (n,) one number a row, free of NaN; higher means "ask first".
        labeled: (m,) whole-pool indices already labeled; may be empty.
        budget: from 1 to the number of unlabeled rows.

    Returns:
        (budget,) distinct unlabeled indices from the highest score down; ties go to the lowest index.

    Raises:
        BudgetError: more rows asked for than are unlabeled.

    Cost: O(n log n).
    """
    values = as_tensor(scores)
    unlabeled = unlabeled_indices(len(values), labeled, budget)
    candidates = torch.from_numpy(unlabeled).to(values.device)
    # A stable sort keeps the lowest index first among equals; topk promises no order there.
    order = torch.sort(values[candidates], descending=True, stable=True).indices[:budget]
    picks: Indices = unlabeled[order.cpu().numpy()]
    return picks
