"""An (n, columns) matrix that lies in shards and is read a few rows at a time: for pools larger than memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ladle.data.shard_copies import check_room, copied
from ladle.data.shard_sources import SourceFile, find_shards
from ladle.errors import DataError
from ladle.typing import Indices

# Rows further apart than this many bytes are read on their own rather than with what lies between.
_GAP_BYTES = 1 << 14
_READ_BYTES = 1 << 24


@dataclass(frozen=True)
class Shard:
    """A plain array in a local file.

    Attributes:
        name: the file it came from, for messages.
        path: the local .npy file that holds its numbers.
        offset: bytes before the first number.
        rows: how many.
        columns: numbers in a row.
        dtype: of the numbers, as ``numpy.dtype.str``.
    """

    name: str
    path: str
    offset: int
    rows: int
    columns: int
    dtype: str


@dataclass(frozen=True)
class ShardedMatrix:
    """Shards one below the other, as one matrix. Holds no data and no open files, so that it can be sent to workers.

    Made by ``open_shards``.

    Attributes:
        shards: the files, in order.
        columns: numbers in a row.
        dtype: float16, float32 or float64: the widest among the shards.
    """

    shards: tuple[Shard, ...]
    columns: int
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return sum(shard.rows for shard in self.shards)

    @property
    def nbytes(self) -> int:
        """Bytes of all rows, as stored."""
        return sum(shard.rows * shard.columns * np.dtype(shard.dtype).itemsize for shard in self.shards)

    def place(self, row: int) -> tuple[str, int]:
        """Return the file that holds a row, and the number of the row in it, both from 0."""
        for shard in self.shards:
            if row < shard.rows:
                return shard.name, row
            row -= shard.rows
        raise IndexError(row)

    def read_into(self, start: int, stop: int, out: NDArray[Any]) -> None:
        """Read rows ``start`` to ``stop`` into a (stop - start, columns) array, converting to its type.

        Plain reads, not a memory map: mapped pages count as the process's own memory, and a cap on it must hold.

        Raises:
            DataError: a file that is gone or was cut short.
        """
        first = 0
        for shard in self.shards:
            low, high = max(start, first), min(stop, first + shard.rows)
            if low < high:
                _read_rows(shard, low - first, out[low - start : high - start])
            first += shard.rows

    def take(self, rows: Indices) -> NDArray[Any]:
        """Return the rows at these positions, in any order and with repeats, as float32 (float64 stays).

        Neighbours on disk are read together.
        """
        dtype = np.float64 if self.dtype == np.float64 else np.float32
        distinct, where = np.unique(np.asarray(rows, dtype=np.int64), return_inverse=True)
        found = np.empty((len(distinct), self.columns), dtype=dtype)
        row_bytes = max(1, self.columns * self.dtype.itemsize)
        splits = np.flatnonzero(np.diff(distinct) * row_bytes > _GAP_BYTES) + 1
        for run in np.split(np.arange(len(distinct)), splits):
            for part in np.array_split(run, max(1, len(run) * row_bytes // _READ_BYTES)) if len(run) else ():
                low, high = int(distinct[part[0]]), int(distinct[part[-1]]) + 1
                block = np.empty((high - low, self.columns), dtype=dtype)
                self.read_into(low, high, block)
                found[part] = block[distinct[part] - low]
        taken: NDArray[Any] = found[where]
        return taken


def open_shards(
    source: str | Path | Sequence[str | Path], *, scratch: Path | None = None, name: str = "features"
) -> ShardedMatrix:
    """Open a matrix that lies in shards, and check that they fit together.

    Args:
        source: a .npy or .parquet file, a folder of either (in natural order of the names: ``part-2`` before
            ``part-10``), a pattern, a list of files in order, or a URL of any filesystem that pyarrow opens.
        scratch: folder for plain copies of what cannot be read by row: Parquet, remote files, arrays of another memory
            layout. They are made once and found again while the source is unchanged.
        name: what the matrix is called in messages.

    Returns:
        The matrix; nothing of it has been read but the headers, and what had to be copied.

    Raises:
        DataError: no files, files that are no matrices of numbers, or shards that disagree in width.
    """
    files = find_shards(source, name)
    plain = [_plain(file) for file in files]
    check_room([file for file, shard in zip(files, plain, strict=True) if shard is None], scratch, name)
    shards = [shard if shard is not None else _copied(file, scratch) for file, shard in zip(files, plain, strict=True)]
    other = next((shard for shard in shards if shard.columns != shards[0].columns), None)
    if other is not None:
        raise DataError(
            f"all shards of {name} must be equally wide (got {shards[0].columns} columns in {shards[0].name}, "
            f"{other.columns} in {other.name}); write them again from one model"
        )
    dtype = np.result_type(*(np.dtype(shard.dtype) for shard in shards))
    return ShardedMatrix(tuple(shards), shards[0].columns, dtype if dtype.kind == "f" else np.dtype(np.float32))


def check_finite(block: NDArray[Any], first: int, matrix: ShardedMatrix) -> None:
    """Make sure that consecutive rows, the first of them ``first``, hold neither NaN nor infinity.

    Raises:
        DataError: a row that does, by file, row in the file and row of the pool.
    """
    tensor = torch.from_numpy(block)
    # One number that is not finite makes the sum so, and a sum is far cheaper than a mask; the mask has the last word.
    if torch.isfinite(tensor.sum(dtype=torch.float64 if tensor.dtype == torch.float64 else torch.float32)):
        return
    wrong = torch.nonzero(~torch.isfinite(tensor).all(dim=1))
    if len(wrong):
        file, row = matrix.place(first + int(wrong[0]))
        raise DataError(
            f"rows must be finite (got NaN or infinity in row {row} of {file}, row {first + int(wrong[0])} of the "
            "pool, rows counted from 0); drop or repair it"
        )


def _copied(file: SourceFile, scratch: Path | None) -> Shard:
    shard = _described(file.name, copied(file, scratch))
    assert shard is not None  # copies are plain
    return shard


def _plain(file: SourceFile) -> Shard | None:
    """Return a shard that can be read where it lies; None for one that must be copied first."""
    if file.local is None or file.kind != ".npy":
        return None
    return _described(file.name, file.local)


def _described(name: str, path: Path) -> Shard | None:
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = header(file)
            offset = file.tell()
        size = path.stat().st_size
    except (ValueError, OSError) as error:
        raise DataError(f"a .npy file must hold an array (got {name}: {error}); save it again") from error
    if len(shape) != 2 or dtype.kind not in "fiu":
        raise DataError(f"a matrix must have two axes of numbers (got shape {shape}, {dtype} in {name}); reshape it")
    if size < offset + shape[0] * shape[1] * dtype.itemsize:
        raise DataError(f"a .npy file must be whole (got {size} bytes in {name}, which is cut short); save it again")
    if fortran or not dtype.isnative or dtype.itemsize > 8:
        return None
    return Shard(name, str(path), offset, shape[0], shape[1], dtype.str)


def _read_rows(shard: Shard, first: int, out: NDArray[Any]) -> None:
    dtype = np.dtype(shard.dtype)
    same = dtype == out.dtype and out.flags.c_contiguous
    block = out if same else np.empty(out.shape, dtype=dtype)
    view = memoryview(block.reshape(-1).view(np.uint8).data)
    try:
        with open(shard.path, "rb", buffering=0) as file:  # noqa: PTH123
            done = 0
            file.seek(shard.offset + first * shard.columns * dtype.itemsize)
            while done < len(view):
                got = file.readinto(view[done : done + (1 << 30)])
                if not got:
                    raise DataError(f"a shard must stay as it is while it is read (got {shard.name} cut short); retry")
                done += got
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"a shard must stay readable (got {shard.name}: {error}); check the disk") from error
    if not same:
        # torch converts float16 several times as fast as NumPy does.
        torch.from_numpy(out).copy_(torch.from_numpy(block))
