"""Squared distances from norms and inner products, with rounding noise cut to exact zeros."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ladle.typing import Embedding

# |a|² + |b|² - 2 a·b of two equal rows is rounding noise rather than zero. What is below this many units in the last
# place of |a|² + |b|² cannot be told from zero, and counts as zero: duplicates must not look distinct. Long rows and
# matrix units set to hurry (TF32) make more noise than that, and the distance of a center to itself shows how much.
_UNITS_IN_LAST_PLACE = 16.0
_TIMES_OWN_NOISE = 4.0
# Wide enough for a matrix product to run at full speed, narrow enough for its result to stay in the processor's cache.
_CENTERS_AT_ONCE = 256


@dataclass(frozen=True)
class Centers:
    """k rows that others are held against.

    Attributes:
        rows: the k rows.
        norms: (k,) their squared norms.
        noise: (k,) the distance of each to itself, as the matrix product has it: zero but for rounding.
    """

    rows: Embedding
    norms: Tensor
    noise: Tensor

    @classmethod
    def of(cls, rows: Embedding) -> list[Centers]:
        """Return the rows as centers, in blocks that are held against the pool at once."""
        norms = rows.squared_norms()
        blocks = []
        for start in range(0, len(rows), _CENTERS_AT_ONCE):
            block = slice(start, min(len(rows), start + _CENTERS_AT_ONCE))
            part = rows.take(block)
            own = part.inner(part).diagonal()
            noise = torch.add(norms[block] + norms[block], own, alpha=-2.0).abs_()
            blocks.append(cls(part, norms[block], noise))
        return blocks


def squared_distances(rows: Embedding, norms: Tensor, centers: Centers) -> Tensor:
    """Return the (n, k) squared distances of n rows to k centers.

    Args:
        rows: n rows.
        norms: (n,) their squared norms.
        centers: k centers.

    Cost: O(n k) times the cost of an inner product, O(n k) memory.
    """
    squared = _less_own_norm(rows, centers).add_(norms.unsqueeze(1))
    noise = torch.add(norms.unsqueeze(1), centers.norms).mul_(_UNITS_IN_LAST_PLACE * _unit(norms))
    noise = torch.maximum(noise, _TIMES_OWN_NOISE * centers.noise)
    return squared.masked_fill_(squared <= noise, 0.0)


def nearest_squared_distances(rows: Embedding, norms: Tensor, centers: Centers) -> Tensor:
    """Return the (n,) squared distance of every row to the nearest of k centers: the row minima of those above.

    Cost: one matrix product and one look at its result; the noise is looked at only in rows where it may matter.
    """
    partial = _less_own_norm(rows, centers)
    nearest = partial.amin(dim=1).add_(norms)
    most_noise = (norms + centers.norms.max()).mul_(_UNITS_IN_LAST_PLACE * _unit(norms))
    most_noise.clamp_(min=_TIMES_OWN_NOISE * float(centers.noise.max()))
    close = torch.nonzero(nearest <= most_noise).squeeze(1)
    if len(close):
        squared = partial[close].add_(norms[close].unsqueeze(1))
        noise = torch.add(norms[close].unsqueeze(1), centers.norms).mul_(_UNITS_IN_LAST_PLACE * _unit(norms))
        noise = torch.maximum(noise, _TIMES_OWN_NOISE * centers.noise)
        nearest[close] = squared.masked_fill_(squared <= noise, 0.0).amin(dim=1)
    return nearest


def pairwise_squared_distances(rows: Embedding) -> NDArray[np.floating[Any]]:
    """Return the (k, k) squared distances among k rows, on the host: what lies between two passes over the pool.

    Cost: O(k²) times the cost of an inner product, O(k²) memory.
    """
    norms = rows.squared_norms()
    squared = norms.new_empty(len(rows), len(rows))
    for start, block in zip(range(0, len(rows), _CENTERS_AT_ONCE), Centers.of(rows), strict=True):
        squared[:, start : start + len(block.norms)] = squared_distances(rows, norms, block)
    # A product of other shape may round more coarsely than the one by which a center's noise was measured.
    return squared.fill_diagonal_(0.0).cpu().numpy()


def _less_own_norm(rows: Embedding, centers: Centers) -> Tensor:
    """Return |c|² - 2 x·c for every row x and center c: squared distances but for |x|², the same for all centers."""
    products = rows.inner(centers.rows)
    return torch.add(centers.norms, products, alpha=-2.0, out=products)


def _unit(norms: Tensor) -> float:
    return torch.finfo(norms.dtype).eps
