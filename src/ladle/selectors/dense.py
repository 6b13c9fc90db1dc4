"""A plain (n, d) tensor as an embedding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ladle.arrays import as_tensor
from ladle.typing import Array, Embedding


@dataclass(frozen=True)
class DenseEmbedding:
    """n rows of a (n, d) tensor, with their ordinary inner product."""

    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Tensor) -> DenseEmbedding:
        """Return the rows at these positions."""
        return DenseEmbedding(self.rows[rows])

    def squared_norms(self) -> Tensor:
        """Return the (n,) squared lengths of the rows."""
        lengths: Tensor = torch.linalg.vector_norm(self.rows, dim=1)
        return lengths.square_()

    def inner(self, other: DenseEmbedding) -> Tensor:
        """Return the (n, k) inner products with k other rows, in one matrix product."""
        return self.rows @ other.rows.T

    def centered(self) -> DenseEmbedding:
        """Return the rows minus their mean: the same distances, with fewer digits lost to a common offset."""
        return DenseEmbedding(self.rows - self.rows.mean(dim=0)) if len(self.rows) else self


def as_embedding(values: Embedding | Array) -> Embedding:
    """Return a tensor or NumPy array as an embedding, an embedding as it is."""
    if isinstance(values, Tensor | np.ndarray):
        return DenseEmbedding(as_tensor(values))
    return values
