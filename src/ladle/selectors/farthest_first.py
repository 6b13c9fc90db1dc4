"""Farthest-first traversal: the greedy cover of the pool that k-center (core-set) selection uses."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ladle.arrays import squared_lengths
from ladle.selectors.budget import unlabeled_indices
from ladle.selectors.dense import DenseEmbedding, as_embedding
from ladle.selectors.distances import nearest_squared_distances, squared_distances
from ladle.typing import Array, Embedding, Indices

_TAKEN = -1.0


def farthest_first(embedding: Embedding | Array, labeled: Indices, budget: int) -> Indices:
    """Pick, one by one, the row farthest from everything chosen so far.

    Args:
        embedding: n rows with inner products: a plain (n, d) array or factored gradients.
        labeled: (m,) whole-pool indices already labeled. When empty, the first pick is the row farthest from the mean
            of a plain array, or the longest gradient.
        budget: from 1 to the number of unlabeled rows.

    Returns:
        (budget,) distinct unlabeled indices in pick order; ties go to the lowest index.

    Raises:
        BudgetError: more rows asked for than are unlabeled.

    Cost: O(n (m + budget) d) time, O(128 n) memory beyond the rows.
    Reference: Sener and Savarese (2018), algorithm 1; Gonzalez (1985).
    """
    rows = as_embedding(embedding)
    unlabeled_indices(len(rows), labeled, budget)
    lengths = _lengths_from_the_mean(rows) if len(labeled) == 0 else None
    if isinstance(rows, DenseEmbedding):
        rows = rows.centered()
    norms = rows.squared_norms()
    centers = torch.from_numpy(np.asarray(labeled, dtype=np.int64)).to(norms.device)
    nearest = nearest_squared_distances(rows, norms, centers) if lengths is None else lengths
    nearest[centers] = _TAKEN
    picks = np.empty(budget, dtype=np.int64)
    for position in range(budget):
        pick = nearest.argmax()  # the first of equals: the lowest index
        picks[position] = int(pick)
        reached = squared_distances(rows, norms, pick.unsqueeze(0)).squeeze(1)
        nearest = torch.minimum(nearest, reached) if position or len(centers) else reached
        nearest[pick] = _TAKEN
    return picks


def _lengths_from_the_mean(rows: Embedding) -> Tensor:
    if isinstance(rows, DenseEmbedding):
        return squared_lengths(rows.rows - rows.rows.mean(dim=0))
    return rows.squared_norms().clone()
