"""k-means++ seeding (D² sampling): diverse rows, far ones likelier, drawn one after the other."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ladle.errors import InputError
from ladle.selectors.budget import unlabeled_indices
from ladle.selectors.dense import DenseEmbedding, as_embedding
from ladle.selectors.distances import squared_distances
from ladle.typing import Array, Embedding, Indices

FirstCenter = Literal["largest-norm", "uniform"]


def k_means_plus_plus(
    embedding: Embedding | Array,
    labeled: Indices,
    budget: int,
    *,
    generator: np.random.Generator,
    first: FirstCenter = "largest-norm",
) -> Indices:
    """Draw rows one by one, each with probability proportional to its squared distance to those drawn before.

    Labeled rows are neither drawn nor centers: BADGE seeds among the unlabeled rows alone.

    Args:
        embedding: n rows with inner products: a plain (n, d) array or factored gradients.
        labeled: (m,) whole-pool indices already labeled; may be empty.
        budget: from 1 to the number of unlabeled rows.
        generator: where the draws come from; advanced by them.
        first: the first row: the one of largest norm, as BADGE's own code does, or one drawn uniformly.

    Returns:
        (budget,) distinct unlabeled indices in the order drawn. Where every row left coincides with one drawn, the
        rest is drawn uniformly.

    Raises:
        BudgetError: more rows asked for than are unlabeled.
        InputError: an unknown way to find the first row.

    Cost: O(n budget d) time, O(n) memory beyond the rows.
    Reference: Arthur and Vassilvitskii (2007); Ash et al. (2020), algorithm 1.
    """
    if first not in ("largest-norm", "uniform"):
        raise InputError(f"the first center is 'largest-norm' or 'uniform' (got {first!r}); name one of the two")
    rows = as_embedding(embedding)
    unlabeled = unlabeled_indices(len(rows), labeled, budget)
    norms = rows.squared_norms()
    free = torch.zeros(len(rows), dtype=torch.bool, device=norms.device)
    free[torch.from_numpy(unlabeled).to(norms.device)] = True
    largest = first == "largest-norm"
    pick = int(norms.masked_fill(~free, -1.0).argmax()) if largest else int(generator.choice(unlabeled))
    if isinstance(rows, DenseEmbedding):
        rows = rows.centered()
        norms = rows.squared_norms()
    picks = np.empty(budget, dtype=np.int64)
    nearest = torch.full_like(norms, torch.inf)
    for position in range(budget):
        if position:
            pick = _draw(nearest, free, generator)
        picks[position] = pick
        free[pick] = False
        center = torch.tensor([pick], device=norms.device)
        nearest = torch.minimum(nearest, squared_distances(rows, norms, center).squeeze(1))
    return picks


def _draw(weights: Tensor, free: Tensor, generator: np.random.Generator) -> int:
    """Draw one free row with probability proportional to its weight; uniformly when all weights are zero."""
    # Only rows that may be drawn take part: a parallel running sum can round its way into a row of weight zero.
    candidates = torch.nonzero(free & (weights > 0.0)).squeeze(1)
    if len(candidates):
        # float64, since a float32 running sum over a large pool would drop small weights altogether.
        reach = torch.cumsum(weights[candidates].double(), dim=0)
    else:
        candidates = torch.nonzero(free).squeeze(1)
        reach = torch.arange(1, len(candidates) + 1, dtype=torch.float64, device=free.device)
    # A number below one times the total stays below the total in float64 too: there always is a row that reaches past.
    mark = generator.random() * reach[-1:]
    return int(candidates[torch.searchsorted(reach, mark, right=True)])
