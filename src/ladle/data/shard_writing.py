"""A matrix written as shards, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ladle.errors import InputError
from ladle.files import finish, partial_of


def write_shards(
    folder: Path,
    blocks: Iterable[NDArray[Any]],
    *,
    rows_a_file: int,
    prefix: str = "part",
    dtype: DTypeLike = np.float16,
    kind: Literal["npy", "parquet"] = "npy",
) -> list[Path]:
    """Write blocks of rows as shards, holding one block at a time; a file is there once all its rows are.

    Args:
        folder: made if it is not there.
        blocks: (rows, columns) arrays of one width; a single array must be put in a list.
        rows_a_file: rows of each shard, from 1; the last one may have fewer.
        prefix: of the file names, before ``-00000.npy``.
        dtype: of the numbers on disk.
        kind: ``npy``, or ``parquet`` with a column a feature.

    Returns:
        The files in order; one without rows if the blocks have none, and none if there are no blocks.

    Raises:
        InputError: fewer rows a file than one, another kind, or blocks that are no matrices of one width.
        OSError: a place that cannot be written, or a full disk; no file is left half written.
    """
    if rows_a_file < 1:
        raise InputError(f"a shard must have room for a row (got rows_a_file={rows_a_file}); raise it")
    if kind not in ("npy", "parquet"):
        raise InputError(f"shards are npy or parquet (got {kind!r}); name one of the two")
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    writer: _Writer | None = None
    columns: int | None = None
    try:
        for block in blocks:
            columns = _check_width(block, columns)
            start = 0
            while start < len(block) or not files:
                if writer is None:
                    files.append(folder / f"{prefix}-{len(files):05d}.{kind}")
                    make = _NpyWriter if kind == "npy" else _ParquetWriter
                    writer = make(files[-1], columns, np.dtype(dtype))
                rows = block[start : start + rows_a_file - writer.rows]
                writer.write(rows)
                start += len(rows)
                if writer.rows == rows_a_file:
                    writer.close()
                    writer = None
        if writer is not None:
            writer.close()
    except BaseException:
        if writer is not None:
            writer.drop()
        raise
    return files


def _check_width(block: NDArray[Any], columns: int | None) -> int:
    if block.ndim != 2 or columns not in (None, block.shape[1]):
        width = "" if columns is None else f", {columns} columns before"
        raise InputError(f"blocks must be matrices of one width (got shape {block.shape}{width}); reshape")
    return int(block.shape[1])


def write_header(file: BinaryIO, rows: int, columns: int, dtype: np.dtype[Any]) -> None:
    """Write the header of a .npy file whose numbers follow row by row; it is equally long for any number of rows."""
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (rows, columns)}
    )


class _Writer(Protocol):
    rows: int

    def write(self, block: NDArray[Any]) -> None: ...
    def close(self) -> None: ...
    def drop(self) -> None: ...


class _NpyWriter:
    def __init__(self, path: Path, columns: int, dtype: np.dtype[Any]) -> None:
        self.rows = 0
        self._columns, self._dtype = columns, dtype
        self._path, self._partial = path, partial_of(path)
        self._file = self._partial.open("wb")
        write_header(self._file, 0, columns, dtype)

    def write(self, block: NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(block, dtype=self._dtype).data)
        self.rows += len(block)

    def close(self) -> None:
        self._file.seek(0)
        write_header(self._file, self.rows, self._columns, self._dtype)
        self._file.close()
        finish(self._partial, self._path)

    def drop(self) -> None:
        with suppress(OSError):  # a full disk takes the rest of the buffer no better
            self._file.close()
        self._partial.unlink(missing_ok=True)


class _ParquetWriter:
    def __init__(self, path: Path, columns: int, dtype: np.dtype[Any]) -> None:
        import pyarrow
        import pyarrow.parquet

        self.rows = 0
        self._dtype = dtype
        kind = pyarrow.from_numpy_dtype(dtype)
        self._schema = pyarrow.schema([(f"f{number}", kind) for number in range(columns)])
        self._path, self._partial = path, partial_of(path)
        self._writer = pyarrow.parquet.ParquetWriter(self._partial, self._schema)

    def write(self, block: NDArray[Any]) -> None:
        import pyarrow

        columns = np.ascontiguousarray(block.T, dtype=self._dtype)
        self._writer.write_batch(pyarrow.record_batch(list(map(pyarrow.array, columns)), schema=self._schema))
        self.rows += len(block)

    def close(self) -> None:
        self._writer.close()
        finish(self._partial, self._path)

    def drop(self) -> None:
        with suppress(OSError):
            self._writer.close()
        self._partial.unlink(missing_ok=True)
