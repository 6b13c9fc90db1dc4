"""An (n, columns) matrix that lies in shards and is read a few rows at a time: for pools larger than memory."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ladle.arrays import as_indices, first_unusable_row
from ladle.data.shard_copies import check_room, copied, is_plain, missing_bytes
from ladle.data.shard_headers import Header, read_header, widest_float
from ladle.data.shard_reading import Shard, read_rows, take_rows
from ladle.data.shard_sources import SourceFile, find_shards
from ladle.errors import DataError, InputError
from ladle.typing import Indices

Source = str | Path | Sequence[str | Path]

# Numbers checked at once: few enough to stay in the processor's cache.
_CHECK_NUMBERS = 1 << 19


@dataclass(frozen=True)
class ShardedMatrix:
    """Shards one below the other, as one matrix. Holds no data and no open files, so that it can be sent to workers.

    Made by ``open_shards``.

    Attributes:
        shards: the files, in order.
        columns: numbers in a row.
        dtype: float16, float32 or float64: the widest among the shards, integers counting as float32.
    """

    shards: tuple[Shard, ...]
    columns: int
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self._firsts[-1]

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the rows came from, in order."""
        return tuple(shard.name for shard in self.shards)

    @property
    def nbytes(self) -> int:
        """Bytes of all rows, as stored."""
        return sum(shard.rows * shard.row_bytes for shard in self.shards)

    @cached_property
    def _firsts(self) -> list[int]:
        """The first row of each shard, and the number of rows."""
        return list(accumulate((shard.rows for shard in self.shards), initial=0))

    def place(self, row: int) -> tuple[str, int]:
        """Return the file that holds a row, and the number of the row in it, both from 0.

        Raises:
            InputError: a row that is not there.
        """
        if not 0 <= row < len(self):
            raise InputError(f"rows must be from 0 to {len(self) - 1} (got {row}); count in the whole matrix")
        # The last of the shards that begin here: those before it have no rows.
        number = bisect_right(self._firsts, row) - 1
        return self.shards[number].name, row - self._firsts[number]

    def read_into(self, start: int, stop: int, out: NDArray[Any]) -> None:
        """Read rows ``start`` to ``stop`` into a (stop - start, columns) array, converting to its type.

        Plain reads, not a memory map: mapped pages count as the process's own memory, and a cap on it must hold.

        Args:
            start: first row, from 0.
            stop: one beyond the last row.
            out: float16, float32 or float64.

        Raises:
            InputError: rows that are not there, or an array of another shape or type.
            DataError: a file that is gone or was cut short.

        Cost: 2 MiB of memory where the type differs from the stored one; none otherwise.
        """
        if not 0 <= start <= stop <= len(self):
            raise InputError(f"rows must be from 0 to {len(self)} (got {start} to {stop}); count in the whole matrix")
        if out.shape != (stop - start, self.columns) or out.dtype not in (np.float16, np.float32, np.float64):
            raise InputError(
                f"rows are read into floats of their shape (got {out.dtype} {out.shape} for {stop - start} rows of "
                f"{self.columns}); make it with numpy.empty"
            )
        number = bisect_right(self._firsts, start) - 1
        while start < stop:
            shard, first = self.shards[number], self._firsts[number]
            until = min(stop, first + shard.rows)
            if start < until:
                read_rows(shard, start - first, out[: until - start])
                out, start = out[until - start :], until
            number += 1

    def take(self, rows: Indices) -> NDArray[Any]:
        """Return the rows at these positions, in any order and with repeats, as float32 (float64 stays).

        Neighbours on disk are read together.

        Args:
            rows: (k,) from 0 to n - 1.

        Returns:
            (k, columns) in the order asked for.

        Raises:
            InputError: a row that is not there.
            DataError: a file that is gone or was cut short.

        Cost: a seek for each row, or for each run of rows less than 16 KiB apart; 16 MiB of memory beside the result.
        """
        rows = as_indices(rows)
        outside = rows[(rows < 0) | (rows >= len(self))]
        if len(outside):
            raise InputError(f"rows must be from 0 to {len(self) - 1} (got {outside[0]}); count in the whole matrix")
        taken = np.empty((len(rows), self.columns), np.float64 if self.dtype == np.float64 else np.float32)
        order = np.argsort(rows, kind="stable")
        bounds = np.searchsorted(rows[order], self._firsts)
        for shard, first, (low, high) in zip(self.shards, self._firsts[:-1], pairwise(bounds), strict=True):
            if low < high and self.columns:
                take_rows(shard, rows[order[low:high]] - first, order[low:high], taken)
        return taken


@dataclass(frozen=True)
class FoundMatrix:
    """What the headers of a matrix in shards tell, before anything of it is copied. Made by ``find_matrix``.

    Attributes:
        files: the files in order, each with its header.
    """

    files: tuple[tuple[SourceFile, Header], ...]

    def __len__(self) -> int:
        return sum(header.rows for _, header in self.files)

    @property
    def columns(self) -> int:
        """Numbers in a row."""
        # Files of lists without a row do not tell how wide they are.
        return next((header.columns for _, header in self.files if header.columns is not None), 0)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the matrix: the widest float among the files."""
        return widest_float(header.dtype for _, header in self.files)

    def opened(self, scratch: Path | None, on_bytes: Callable[[int], None]) -> ShardedMatrix:
        """Return the matrix, once what cannot be read by row where it lies has been copied.

        Args:
            scratch: folder for the copies, found good by ``check_room``.
            on_bytes: called with the size of every piece that is written.

        Raises:
            DataError: a file that cannot be copied.
        """
        shards = []
        for file, header in self.files:
            local, found = file, header
            if not is_plain(file, header):
                assert scratch is not None  # else there is no room
                local = copied(file, header, scratch, on_bytes)
                found = read_header(local)
            path = str(local.local)
            shards.append(Shard(file.name, path, found.offset, found.rows, found.columns or 0, found.stored.str))
        return ShardedMatrix(tuple(shards), self.columns, self.dtype)


def open_shards(
    source: Source,
    *,
    scratch: Path | None = None,
    name: str = "features",
    filesystem: Any = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ShardedMatrix:
    """Open a matrix that lies in shards, and check that they fit together.

    Args:
        source: a .npy or .parquet file, a folder of either (in natural order of the names: ``part-2`` before
            ``part-10``), a pattern, a list of files in order, or a URL of any filesystem that pyarrow opens, where a
            pattern may stand for the last part. Parquet holds a numeric column a feature, or one column of lists.
        scratch: folder for plain copies of what cannot be read by row: Parquet, remote files, arrays of another memory
            layout. They are made once, after all headers have been checked, and found again while path, size and time
            of the source are unchanged. ``scratch_bytes`` tells what they take.
        name: what the matrix is called in messages.
        filesystem: the ``pyarrow.fs.FileSystem`` that paths are in, where a URL cannot say how to reach it.
        on_progress: called with the bytes copied so far and in all, while copies are made.

    Returns:
        The matrix; nothing of it has been read but the headers, and what had to be copied.

    Raises:
        DataError: no files, files that are cut short or no matrices of numbers, shards that disagree in width, or a
            scratch folder that is needed and missing or too small.

    Cost: a header a file; copies are made in 16 MiB pieces, a few of which are in memory at a time, and for Parquet a
        page (about 1 MiB) of each column.
    """
    found = find_matrix(source, name=name, filesystem=filesystem)
    check_room(found.files, scratch, name)
    done, total = 0, missing_bytes(found.files, scratch)

    def count(written: int) -> None:
        nonlocal done
        done += written
        if on_progress is not None:
            on_progress(done, total)

    return found.opened(scratch, count)


def scratch_bytes(
    source: Source, *, scratch: Path | None = None, name: str = "features", filesystem: Any = None
) -> int:
    """Return how many bytes ``open_shards`` would write to its scratch folder: none where all is plain or copied.

    Args:
        source: as for ``open_shards``.
        scratch: the folder, where copies made before are found again.
        name: what the matrix is called in messages.
        filesystem: as for ``open_shards``.

    Raises:
        DataError: no files, files that are no matrices of numbers, or shards that disagree in width.
    """
    return missing_bytes(find_matrix(source, name=name, filesystem=filesystem).files, scratch)


def find_matrix(source: Source, *, name: str = "features", filesystem: Any = None) -> FoundMatrix:
    """Find the shards of a matrix, and check by their headers that they fit together; nothing is copied.

    Args:
        source: as for ``open_shards``.
        name: what the matrix is called in messages.
        filesystem: as for ``open_shards``.

    Raises:
        DataError: no files, files that are cut short or no matrices of numbers, or shards that disagree in width.

    Cost: a header a file.
    """
    files = tuple((file, read_header(file)) for file in find_shards(source, name, filesystem))
    wide = [(file, header) for file, header in files if header.columns is not None]
    other = next((pair for pair in wide if pair[1].columns != wide[0][1].columns), None)
    if other is not None:
        raise DataError(
            f"all shards of {name} must be equally wide (got {wide[0][1].columns} columns in {wide[0][0].name}, "
            f"{other[1].columns} in {other[0].name}); write them again from one model"
        )
    return FoundMatrix(files)


def check_rows(block: NDArray[Any], first: int, matrix: ShardedMatrix, longest: float = math.inf) -> None:
    """Make sure that consecutive rows, the first of them ``first``, are finite and shorter than the longest allowed.

    Raises:
        DataError: a row that is not, by file, row in the file and row of the pool.

    Cost: a length, in pieces of a few MiB; a mask of a piece only where that says that something is wrong.
    """
    tensor = torch.from_numpy(block)
    rows = max(1, _CHECK_NUMBERS // max(1, tensor.shape[1]))
    for start in range(0, len(tensor), rows):
        piece = tensor[start : start + rows]
        # torch converts float16 and then adds far faster than it adds float16.
        piece = piece.float() if piece.dtype == torch.float16 else piece
        wrong = first_unusable_row(piece, longest)
        if wrong is None:
            continue
        position = first + start + wrong
        file, row = matrix.place(position)
        place = f"in row {row} of {file}, row {position} of the pool, rows counted from 0"
        if not bool(torch.isfinite(piece[wrong]).all()):
            raise DataError(f"rows must be finite (got NaN or infinity {place}); drop or repair it")
        raise DataError(
            f"rows must be shorter than {longest:g}, or their squares overflow {piece.dtype} (got "
            f"{float(piece[wrong].abs().max()):g} {place}); rescale them, or write float64"
        )
