"""Rows of one shard, a plain array in a local file, read by their place in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ladle.errors import DataError
from ladle.typing import Indices

# Rows further apart than this many bytes are read on their own rather than with what lies between.
_GAP_BYTES = 1 << 14
# At most so much is read at once by `take`, gaps included.
_READ_BYTES = 1 << 24
# Rows to convert are read in pieces that stay in the processor's cache until they have been converted.
_CONVERT_BYTES = 1 << 21


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

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, as stored."""
        return self.columns * np.dtype(self.dtype).itemsize


def read_rows(shard: Shard, first: int, out: NDArray[Any]) -> None:
    """Read consecutive rows of a shard, the first of them ``first``, into floats of their shape.

    Raises:
        DataError: a file that is gone or was cut short.
    """
    with _opened(shard) as file:
        _read_converted(file, shard, first, out)


def take_rows(shard: Shard, rows: Indices, targets: Indices, taken: NDArray[Any]) -> None:
    """Put rows of a shard where they belong, reading neighbours together.

    Args:
        shard: the shard.
        rows: (k,) from 0, ascending, repeats allowed.
        targets: (k,) where each goes.
        taken: float32 or float64, as wide as the shard.

    Raises:
        DataError: a file that is gone or was cut short.
    """
    gaps = np.diff(rows, prepend=rows[0]) * shard.row_bytes > _GAP_BYTES
    runs = np.cumsum(gaps)
    run_starts = rows[np.concatenate([[0], np.flatnonzero(gaps)])][runs]
    parts = (rows - run_starts) * shard.row_bytes // _READ_BYTES
    cuts = np.flatnonzero((np.diff(runs) > 0) | (np.diff(parts) > 0)) + 1
    dtype = np.dtype(shard.dtype)
    with _opened(shard) as file:
        for low, high in pairwise([0, *cuts.tolist(), len(rows)]):
            first, last = int(rows[low]), int(rows[high - 1])
            stored = np.empty((last - first + 1, shard.columns), dtype=dtype)
            _read_exactly(file, shard, first, stored)
            chosen = torch.from_numpy(stored[rows[low:high] - first])
            taken[targets[low:high]] = chosen.to(torch.from_numpy(taken).dtype).numpy()


@contextmanager
def _opened(shard: Shard) -> Iterator[FileIO]:
    """Open a shard without a buffer of Python's own; what goes wrong meanwhile names the shard."""
    try:
        with open(shard.path, "rb", buffering=0) as file:  # noqa: PTH123
            yield file
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"a shard must stay readable (got {shard.name}: {error}); check the disk") from error


def _read_converted(file: FileIO, shard: Shard, first: int, out: NDArray[Any]) -> None:
    dtype = np.dtype(shard.dtype)
    if out.dtype == dtype and out.flags.c_contiguous:
        _read_exactly(file, shard, first, out)
        return
    rows = max(1, _CONVERT_BYTES // max(1, shard.row_bytes))
    stored = np.empty((min(rows, len(out)), shard.columns), dtype=dtype)
    for start in range(0, len(out), rows):
        part = out[start : start + rows]
        _read_exactly(file, shard, first + start, stored[: len(part)])
        # torch converts float16 several times as fast as NumPy does.
        torch.from_numpy(part).copy_(torch.from_numpy(stored[: len(part)]))


def _read_exactly(file: FileIO, shard: Shard, first: int, rows: NDArray[Any]) -> None:
    view = memoryview(rows.reshape(-1).view(np.uint8).data)
    file.seek(shard.offset + first * shard.row_bytes)
    done = 0
    while done < len(view):
        got = file.readinto(view[done : done + (1 << 30)])
        if not got:
            raise DataError(f"a shard must stay as it is while it is read (got {shard.name} cut short); retry")
        done += got
