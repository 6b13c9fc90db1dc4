"""Top-b: the rows with the highest scores."""

from __future__ import annotations

import torch
from torch import Tensor

from ladle.arrays import as_tensor
from ladle.errors import InputError
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
        InputError: a score that is NaN, which is neither high nor low.

    Cost: O(n + budget log budget).
    """
    values = as_tensor(scores)
    unlabeled = unlabeled_indices(len(values), labeled, budget)
    wrong = torch.nonzero(values.isnan())
    if len(wrong):
        raise InputError(f"scores must be numbers (got NaN for row {int(wrong[0])}); correct the score or its inputs")
    candidates = torch.from_numpy(unlabeled).to(values.device)
    picks: Indices = unlabeled[highest(values[candidates], budget).cpu().numpy()]
    return picks


def highest(values: Tensor, count: int) -> Tensor:
    """Return the (count,) positions of the highest of (n,) values, from the highest down; lower ones among equals."""
    if not count:
        return torch.empty(0, dtype=torch.int64, device=values.device)
    # topk promises no order among equals, so it only says where the line lies.
    line = torch.topk(values, count, sorted=False).values.min()
    above, level = torch.nonzero(values > line).squeeze(1), torch.nonzero(values == line).squeeze(1)
    chosen = torch.cat([above, level[: count - len(above)]])
    # Positions ascend within both parts, so a stable sort keeps the lower one first among equals.
    return chosen[torch.sort(values[chosen], descending=True, stable=True).indices]
