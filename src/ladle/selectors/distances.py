"""Squared distances from norms and inner products, with rounding noise cut to exact zeros."""

from __future__ import annotations

import torch
from torch import Tensor

from ladle.arrays import blocks
from ladle.typing import Embedding

# |a|² + |b|² - 2 a·b of two equal rows is rounding noise rather than zero. What is below this many units in the last
# place of |a|² + |b|² cannot be told from zero, and counts as zero: duplicates must not look distinct. Long rows and
# matrix units set to hurry (TF32) make more noise than that, and the distance of a center to itself shows how much.
_UNITS_IN_LAST_PLACE = 16.0
_TIMES_OWN_NOISE = 4.0
_CENTERS_AT_ONCE = 128


def squared_distances(embedding: Embedding, norms: Tensor, centers: Tensor) -> Tensor:
    """Return the (n, k) squared distances of all rows to the rows at ``centers``.

    Args:
        embedding: n rows.
        norms: (n,) their squared norms.
        centers: (k,) positions of the centers among the rows.

    Cost: one pass over the pool: O(n k) times the cost of an inner product, O(n k) memory.
    """
    scale = norms.unsqueeze(1) + norms[centers].unsqueeze(0)
    squared = scale - 2.0 * embedding.inner(embedding.take(centers))
    own = squared[centers, torch.arange(len(centers), device=centers.device)].abs()
    noise = scale.mul_(_UNITS_IN_LAST_PLACE * torch.finfo(squared.dtype).eps).clamp_(min=_TIMES_OWN_NOISE * own)
    return squared.masked_fill_(squared <= noise, 0.0)


def nearest_squared_distances(embedding: Embedding, norms: Tensor, centers: Tensor) -> Tensor:
    """Return the (n,) squared distance of every row to its nearest center; infinite when there is no center.

    Cost: as ``squared_distances``, in blocks of 128 centers: O(128 n) memory at most.
    """
    nearest = torch.full_like(norms, torch.inf)
    for block in blocks(centers, _CENTERS_AT_ONCE):
        nearest = torch.minimum(nearest, squared_distances(embedding, norms, block).amin(dim=1))
    return nearest
