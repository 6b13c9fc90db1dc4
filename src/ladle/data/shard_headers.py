"""What the files of a matrix in shards hold, from their headers alone: shape, type, and how they can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ladle.data.shard_sources import SourceFile
from ladle.data.unfolding import check_parquet
from ladle.errors import DataError, reason_of

_NPY_HEADER_BYTES = 128
_PAGES_BYTES = 1 << 16


@dataclass(frozen=True)
class Header:
    """The matrix in a file.

    Attributes:
        rows: how many.
        columns: numbers in a row; None where a file without rows does not tell.
        stored: the type of the numbers in a .npy file, in its byte order.
        dtype: the type they are read as: in native byte order, of eight bytes at most.
        offset: bytes before the first number of a .npy file.
        by_columns: whether a .npy file holds one column after the other.
    """

    rows: int
    columns: int | None
    stored: np.dtype[Any]
    dtype: np.dtype[Any]
    offset: int
    by_columns: bool

    @property
    def is_plain(self) -> bool:
        """Whether a .npy file holds its rows one after the other, as they are read."""
        return self.stored == self.dtype and not self.by_columns

    @property
    def copy_bytes(self) -> int:
        """Size of a plain .npy copy."""
        return _NPY_HEADER_BYTES + self.rows * (self.columns or 0) * self.dtype.itemsize


def read_header(file: SourceFile) -> Header:
    """Return what a file holds, reading no more than its header.

    Raises:
        DataError: a file that cannot be read, was cut short, is no matrix of numbers, or unfolds without measure.
    """
    return _parquet_header(file) if file.kind == ".parquet" else _npy_header(file)


def _npy_header(file: SourceFile) -> Header:
    try:
        with file.open() as opened:
            version = np.lib.format.read_magic(opened)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, by_columns, stored = read(opened)
            offset = opened.tell()
    # What NumPy's parser of headers raises has no common base: tokenizing, types, recursion, memory.
    except Exception as error:
        reason = reason_of(error)
        raise DataError(f"a .npy file must hold an array (got {file.name}: {reason}); save it again") from error
    if len(shape) != 2 or stored.kind not in "fiu" or stored.shape:
        raise DataError(f"a matrix must have two axes of numbers (got shape {shape}, {stored} in {file.name}); reshape")
    if min(shape) < 0 or (shape[1] == 0 and shape[0] > file.size):
        raise DataError(
            f"a .npy file must have as many numbers as it says (got shape {shape} in {file.name}); save it again"
        )
    needed = offset + shape[0] * shape[1] * stored.itemsize
    if file.size < needed:
        raise DataError(
            f"a .npy file must be whole (got {file.size} of {needed} bytes in {file.name}, which is cut short); "
            "save it again"
        )
    # torch has nothing wider than float64.
    dtype = np.dtype(np.float64) if stored.itemsize > 8 else stored.newbyteorder("=")
    return Header(shape[0], shape[1], stored, dtype, offset, by_columns)


@contextmanager
def open_parquet(file: SourceFile) -> Iterator[Any]:
    """Open a Parquet file so that a few pages of each column are in memory at a time, not all of a row group."""
    import pyarrow.parquet

    with (
        file.open() as opened,
        pyarrow.parquet.ParquetFile(opened, buffer_size=_PAGES_BYTES, pre_buffer=False) as parquet,
    ):
        yield parquet


def _parquet_header(file: SourceFile) -> Header:
    import pyarrow

    try:
        with file.open() as opened, open_parquet(file) as parquet:
            check_parquet(file.name, opened, parquet.metadata)
            rows = parquet.metadata.num_rows
            columns, kinds = _parquet_columns(parquet, file)
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        if isinstance(error, DataError):
            raise
        reason = reason_of(error)
        raise DataError(f"a .parquet file must be readable (got {file.name}: {reason}); write it again") from error
    dtype = widest_float(np.dtype(kind.to_pandas_dtype()) for kind in kinds)
    return Header(rows, columns, dtype, dtype, 0, by_columns=False)


def _parquet_columns(parquet: Any, file: SourceFile) -> tuple[int | None, list[Any]]:
    """Return how wide the matrix is, and the types of its numbers: a column a feature, or one column of lists."""
    from pyarrow import types

    schema = parquet.schema_arrow
    if len(schema) == 1 and holds_lists(schema[0].type):
        kind = schema[0].type.value_type
        if not (types.is_floating(kind) or types.is_integer(kind)):
            raise DataError(f"lists must hold numbers (got {kind} in {file.name}); convert them")
        if types.is_fixed_size_list(schema[0].type):
            return schema[0].type.list_size, [kind]
        first = next((batch for batch in parquet.iter_batches(batch_size=1) if batch.num_rows), None)
        if first is None:
            return None, [kind]
        return len(first.column(0)[0].as_py() or ()), [kind]
    for column in schema:
        if not (types.is_floating(column.type) or types.is_integer(column.type)):
            raise DataError(
                f"every column must be numeric (got {column.name!r} of {column.type} in {file.name}); drop it"
            )
    return len(schema), [column.type for column in schema]


def holds_lists(kind: Any) -> bool:
    """Return whether a Parquet column has a list in each row."""
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def widest_float(kinds: Any) -> np.dtype[Any]:
    """Return the widest of these types as a float, float16 at least; integers count as float32."""
    found: np.dtype[Any] = np.dtype(np.float16)
    for kind in kinds:
        found = np.promote_types(found, kind if kind.kind == "f" else np.float32)
    return found
