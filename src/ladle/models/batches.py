"""Rows of inputs, dense, sparse or in several parts, as what a module takes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

import scipy.sparse
import torch
from torch import Tensor, nn

from ladle.arrays import as_tensor
from ladle.errors import InputError
from ladle.typing import Array, Batch, Inputs, ModelInputs


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
        return DenseRows(_cast(self.values, device, dtype))

    def take(self, positions: Tensor) -> DenseRows:
        """Return the rows at these positions, copied."""
        return DenseRows(self.values.index_select(0, positions))

    def batches(self, sizes: Sequence[int]) -> Iterator[Tensor]:
        """Yield consecutive slices of these sizes."""
        return iter(torch.split(self.values, list(sizes)))

    def numbers(self) -> Iterator[Tensor]:
        """Yield the tensor."""
        yield self.values


@dataclass(frozen=True)
class PartRows:
    """Several tensors over the same examples; a batch is a slice of each.

    Attributes:
        parts: the tensors, all of one length; at least one.
        names: what they are called, where they came by name: batches are dicts then, and tuples otherwise.
    """

    parts: tuple[DenseRows, ...]
    names: tuple[str, ...] | None

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.parts[0])

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Raise: an example in parts has no one shape.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"a network that is built for its inputs takes one array (got {len(self.parts)} parts); pass a module, or "
            "a function that builds one"
        )

    def to(self, device: torch.device, dtype: torch.dtype | None) -> PartRows:
        """Return the rows on a device, floating numbers as this dtype."""
        return PartRows(tuple(part.to(device, dtype) for part in self.parts), self.names)

    def take(self, positions: Tensor) -> PartRows:
        """Return the rows at these positions, copied."""
        return PartRows(tuple(part.take(positions) for part in self.parts), self.names)

    def batches(self, sizes: Sequence[int]) -> Iterator[tuple[Tensor, ...] | dict[str, Tensor]]:
        """Yield consecutive slices of these sizes."""
        for slices in zip(*(part.batches(sizes) for part in self.parts), strict=True):
            yield slices if self.names is None else dict(zip(self.names, slices, strict=True))

    def numbers(self) -> Iterator[Tensor]:
        """Yield the tensors."""
        for part in self.parts:
            yield part.values


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
        value = _cast(self.value, device, dtype)
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

    def numbers(self) -> Iterator[Tensor]:
        """Yield the numbers that are not left out."""
        yield self.value


#: Examples in order, of which a module takes a few at a time.
Rows: TypeAlias = DenseRows | PartRows | SparseRows


def as_rows(inputs: ModelInputs | Rows) -> Rows:
    """Return inputs as rows, sharing memory where that is safe; rows as they are.

    Args:
        inputs: a dense tensor or NumPy array whose first axis is the examples, or a scipy CSR matrix; or several dense
            ones over the same examples, as a tuple or by name. Repeated entries of a sparse row count as their sum.

    Raises:
        InputError: there is no axis of examples, a sparse matrix of another format, or parts of different lengths.
    """
    if isinstance(inputs, Rows):
        return inputs
    if isinstance(inputs, tuple):
        return _in_parts(inputs, None)
    if isinstance(inputs, Mapping):
        return _in_parts(tuple(inputs.values()), tuple(inputs))
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
    return _dense(inputs)


def placed(batch: Batch, device: torch.device, dtype: torch.dtype | None) -> Batch:
    """Return a batch on a device; floating numbers as this dtype, where one is given, integers as they are."""
    if isinstance(batch, Tensor):
        return _cast(batch, device, dtype)
    if isinstance(batch, tuple):
        return tuple(_cast(part, device, dtype) for part in batch)
    return {name: _cast(part, device, dtype) for name, part in batch.items()}


def _in_parts(parts: tuple[Array, ...], names: tuple[str, ...] | None) -> PartRows:
    if any(scipy.sparse.issparse(part) for part in parts):
        raise InputError("a part of the inputs must be dense (got a sparse matrix); call .toarray() on it")
    rows = tuple(_dense(part) for part in parts)
    if len({len(part) for part in rows}) != 1:
        lengths = ", ".join(str(len(part)) for part in rows)
        raise InputError(
            f"the parts of the inputs must be of the same examples (got {lengths or 'no parts'} along the first axis); "
            "give every example a row in each"
        )
    return PartRows(rows, names)


def _dense(inputs: Array) -> DenseRows:
    try:
        values = as_tensor(inputs)
    except (TypeError, ValueError):
        raise InputError(
            f"inputs must be arrays of numbers (got {type(inputs).__name__}); pad texts to one length, and make "
            "tensors or NumPy arrays of them"
        ) from None
    if values.ndim == 0 or values.layout is not torch.strided:
        raise InputError(
            f"inputs must be a dense tensor of at least one axis, or a scipy CSR matrix (got "
            f"shape={tuple(values.shape)}, layout={values.layout}); the first axis is the examples"
        )
    return DenseRows(values)


def _cast(values: Tensor, device: torch.device, dtype: torch.dtype | None) -> Tensor:
    return values.to(device, dtype if values.is_floating_point() else None)


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
