"""A linear layer for rows that are mostly zeros."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from ladle.errors import InputError


def sparse_product(crow: Tensor, column: Tensor, value: Tensor, weight: Tensor) -> Tensor:
    """Return the product of a sparse matrix, given by its CSR parts, with a dense one.

    Args:
        crow: (n + 1,) where each row starts.
        column: (nonzeros,) columns; they need not be sorted, and a repeated one counts as its sum.
        value: (nonzeros,) of the weight's dtype.
        weight: (columns, width).

    Returns:
        (n, width); an empty row gives zeros.

    Cost: O(nonzeros · width); only the rows of the weight that are named are read.
    """
    return embedding_bag(column, weight, crow, mode="sum", per_sample_weights=value, include_last_offset=True)


class SparseLinear(nn.Module):
    """``x @ weight + bias`` for torch.sparse_csr batches.

    The weight is the transpose of `torch.nn.Linear`'s, (columns, width): a column of the input is a row of the weight,
    contiguous, so a batch reads a few hundred rows and leaves the rest alone. Drawn as in `torch.nn.Linear`: uniform
    within ± 1 / √columns, bias too.

    Args:
        columns: width of the sparse input.
        width: width of the output.

    Attributes:
        stand_in: computes the product in place of the weight while `LazyMomentum` trains it; None otherwise.
    """

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.columns = columns
        self.width = width
        bound = 1 / math.sqrt(columns)
        self.weight = nn.Parameter(torch.empty(columns, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(width).uniform_(-bound, bound))
        self.stand_in: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None

    def forward(self, batch: Tensor) -> Tensor:
        """Return the (n, width) output of an (n, columns) torch.sparse_csr batch.

        Raises:
            InputError: the batch is dense, or of other columns.
        """
        if batch.layout is not torch.sparse_csr or batch.shape[1] != self.columns:
            raise InputError(
                f"a sparse linear layer needs torch.sparse_csr batches of its own columns (got layout={batch.layout}, "
                f"shape={tuple(batch.shape)}, columns={self.columns}); use torch.nn.Linear for dense inputs"
            )
        crow, column, value = batch.crow_indices(), batch.col_indices(), batch.values()
        if self.stand_in is not None:
            return self.stand_in(crow, column, value) + self.bias
        return sparse_product(crow, column, value, self.weight) + self.bias

    def extra_repr(self) -> str:
        """Return what ``print(model)`` shows of the layer."""
        return f"columns={self.columns}, width={self.width}"
