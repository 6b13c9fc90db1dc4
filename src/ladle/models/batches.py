"""Rows of inputs, dense or sparse, as what a module takes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol, Self

import scipy.sparse
import torch
from torch import Tensor, nn

from ladle.arrays import as_tensor
from ladle.errors import InputError
from ladle.typing import Inputs


class Rows(Protocol):
    """Examples in order, of which a module takes a few at a time."""

    def __len__(self) -> int:
        """Return the number of examples."""
        ...

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Return the shape of one example, without the axis of examples."""
        ...

    def to(self, device: torch.device, dtype: torch.dtype | None) -> Self:
        """Return the rows on a device; floating numbers as this dtype, where one is given, integers as they are."""
        ...

    def take(self, positions: Tensor) -> Self:
        """Return the rows at these positions, copied."""
        ...

    def batches(self, sizes: Sequence[int]) -> Iterator[Tensor]:
        """Yield consecutive batches of these sizes, views where that is possible; the sizes add up to all rows."""
        ...


@dataclass(frozen=True)
class DenseRows:
    """A tensor whose first axis is the examples; batches are slices of it."""

    values: Tensor

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.values)

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Return the shape of one example."""
        return tuple(self.values.shape[1:])

    def to(self, device: torch.device, dtype: torch.dtype | None) -> DenseRows:
        """Return the rows on a device, floating numbers as this dtype."""
        return DenseRows(self.values.to(device, dtype if self.values.is_floating_point() else None))

    def take(self, positions: Tensor) -> DenseRows:
        """Return the rows at these positions, copied."""
        return DenseRows(self.values.index_select(0, positions))

    def batches(self, sizes: Sequence[int]) -> Iterator[Tensor]:
        """Yield consecutive slices of these sizes."""
        return iter(torch.split(self.values, list(sizes)))


@dataclass(frozen=True)
class SparseRows:
    """The parts of a CSR matrix; batches are torch.sparse_csr tensors.

    Kept as three tensors because slicing a scipy matrix eight rows at a time costs more than a step of training.

    Attributes:
        crow: (n + 1,) where each row starts.
        column: (nonzeros,) columns.
        value: (nonzeros,) numbers.
        columns: width of the matrix.
    """

    crow: Tensor
    column: Tensor
    value: Tensor
    columns: int

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.crow) - 1

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Return the shape of one example: the columns."""
        return (self.columns,)

    def to(self, device: torch.device, dtype: torch.dtype | None) -> SparseRows:
        """Return the rows on a device, floating numbers as this dtype."""
        value = self.value.to(device, dtype if self.value.is_floating_point() else None)
        return SparseRows(self.crow.to(device), self.column.to(device), value, self.columns)

    def take(self, positions: Tensor) -> SparseRows:
        """Return the rows at these positions, copied."""
        starts = self.crow[positions]
        counts = self.crow[positions + 1] - starts
        crow = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        total = int(crow[-1])
        # Where each number comes from: its row's start there, plus its place in the row.
        shift = (starts - crow[:-1]).repeat_interleave(counts, output_size=total)
        origin = shift + torch.arange(total, device=shift.device)
        return SparseRows(crow, self.column[origin], self.value[origin], self.columns)

    def batches(self, sizes: Sequence[int]) -> Iterator[Tensor]:
        """Yield consecutive batches of these sizes, sharing columns and numbers."""
        edges = list(accumulate(sizes, initial=0))
        starts = self.crow[edges].tolist()
        for batch, size in enumerate(sizes):
            first, start, end = edges[batch], starts[batch], starts[batch + 1]
            yield torch.sparse_csr_tensor(
                self.crow[first : first + size + 1] - start,
                self.column[start:end],
                self.value[start:end],
                (size, self.columns),
                check_invariants=False,
            )


def as_rows(inputs: Inputs) -> Rows:
    """Return inputs as rows, sharing memory where that is safe.

    Args:
        inputs: a dense tensor or NumPy array whose first axis is the examples, or a scipy CSR matrix. Repeated entries
            of a sparse row count as their sum.

    Raises:
        InputError: there is no axis of examples, or the sparse matrix is of another format.
    """
    if scipy.sparse.issparse(inputs):
        if inputs.format != "csr":
            raise InputError(f"sparse inputs must be CSR (got format={inputs.format!r}); call .tocsr() on them")
        matrix = scipy.sparse.csr_matrix(inputs)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        crow, column = as_tensor(matrix.indptr).long(), as_tensor(matrix.indices).long()
        _hear_out_torch()
        return SparseRows(crow, column, as_tensor(matrix.data), matrix.shape[1])
    values = as_tensor(inputs)
    if values.ndim == 0 or values.layout is not torch.strided:
        raise InputError(
            f"inputs must be a dense tensor of at least one axis, or a scipy CSR matrix (got "
            f"shape={tuple(values.shape)}, layout={values.layout}); the first axis is the examples"
        )
    return DenseRows(values)


def _hear_out_torch() -> None:
    """Let torch say once, and unheard, that its CSR tensors are in beta: nothing a user could act on."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        none = torch.empty(0, dtype=torch.long)
        torch.sparse_csr_tensor(torch.zeros(1, dtype=torch.long), none, none, (0, 1), check_invariants=False)


def floating_dtype(model: nn.Module) -> torch.dtype | None:
    """Return the dtype a module takes, that of its first floating parameter; None where it has none."""
    return next((parameter.dtype for parameter in model.parameters() if parameter.is_floating_point()), None)


def example_shape(inputs: Inputs) -> tuple[int, ...]:
    """Return the shape of one example: without the first axis; (columns,) of a sparse matrix."""
    return as_rows(inputs).example_shape


def training_batches(count: int, batch_size: int) -> list[int]:
    """Return the sizes of an epoch's batches: full ones, then the remainder.

    A remainder of one example joins the batch before it, for every model alike: batch norm cannot train on a single
    example, and no model should see other batches than the next one does.
    """
    full, rest = divmod(count, batch_size)
    sizes = [batch_size] * full
    if rest == 1 and full:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    return sizes


def passing_batches(count: int, batch_size: int) -> list[int]:
    """Return the sizes of the batches of one pass without training: full ones, then the remainder."""
    full, rest = divmod(count, batch_size)
    return [batch_size] * full + ([rest] if rest else [])
