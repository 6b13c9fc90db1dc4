"""A plain (n, d) tensor as an embedding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ladle.arrays import as_tensor, squared_lengths
from ladle.typing import Array, Embedding


@dataclass(frozen=True)
class DenseEmbedding:
    """n rows of a (n, d) tensor, with their ordinary inner product."""

    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Tensor | slice) -> DenseEmbedding:
        """Return the rows at these positions; a slice copies nothing."""
        return DenseEmbedding(self.rows[rows])

    def squared_norms(self) -> Tensor:
        """Return the (n,) squared lengths of the rows."""
        return squared_lengths(self.rows)

    def inner(self, other: DenseEmbedding) -> Tensor:
        """Return the (n, k) inner products with k other rows, in one matrix product."""
        return self.rows @ other.rows.T

    def minus(self, point: Tensor) -> DenseEmbedding:
        """Return the rows seen from another origin, a (d,) point: their distances stay."""
        return DenseEmbedding(self.rows - point)

    def middle(self) -> Tensor:
        """Return a (d,) point near the mean of the rows: distances seen from there lose fewer digits to an offset.

        It is the mean rounded, column by column, to a power of two no larger than the column's range. Rows on a grid
        stay on it when the point is taken off, so that equal distances stay equal to the last bit and ties are told
        from near-ties.
        """
        if not self.rows.numel():
            return self.rows.new_zeros(self.rows.shape[1])
        low, high = self.rows.amin(dim=0), self.rows.amax(dim=0)
        step = torch.exp2(torch.floor(torch.log2(high - low)))
        point = torch.round(self.rows.mean(dim=0) / step) * step
        # A column of one value has no range to round to: it is its own mean.
        return torch.where(torch.isfinite(point), point, low)


def as_embedding(values: Embedding | Array) -> Embedding:
    """Return a tensor or NumPy array as an embedding, an embedding as it is."""
    if isinstance(values, Tensor | np.ndarray):
        return DenseEmbedding(as_tensor(values))
    return values
