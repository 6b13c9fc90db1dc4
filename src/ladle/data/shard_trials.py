"""What can be tried out of a matrix in shards before its plain copies are made."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from ladle.data.shard_copies import missing_bytes, try_copying
from ladle.data.shard_reading import Shard
from ladle.data.shards import FoundMatrix, ShardedMatrix
from ladle.files import cannot_write

_TRIAL_BYTES = 1 << 24


@contextmanager
def stand_in(found: FoundMatrix, scratch: Path | None) -> Iterator[ShardedMatrix]:
    """Give a matrix of the same shape and type that can be read in the block, where what it holds does not matter.

    It holds ones; a matrix that has nothing left to copy stands in for itself.

    Args:
        found: the matrix.
        scratch: the folder for its copies, found good by ``check_room``.

    Raises:
        DataError: a disk that cannot be written.

    Cost: up to 16 MiB written, and removed after the block.
    """
    if not missing_bytes(found.files, scratch):
        yield found.opened(scratch, lambda _bytes: None)
        return
    assert scratch is not None  # else there is no room
    rows = min(len(found), max(1, _TRIAL_BYTES // max(1, found.columns * found.dtype.itemsize)))
    with _trial_file(scratch) as path:
        try:
            np.ones((rows, found.columns), found.dtype).tofile(path)
        except OSError as error:
            raise cannot_write(path, error) from error
        shard = Shard(str(path), str(path), 0, rows, found.columns, found.dtype.str)
        repeats, rest = divmod(len(found), rows)
        yield ShardedMatrix((*[shard] * repeats, replace(shard, rows=rest)), found.columns, found.dtype)


def copying_seconds(found: FoundMatrix, scratch: Path | None) -> float:
    """Return how long the copies of a matrix will take to make, if all goes as fast as the second piece of them.

    Args:
        found: the matrix.
        scratch: the folder for its copies, found good by ``check_room``.

    Raises:
        DataError: a file that cannot be read, or a disk that cannot be written.

    Cost: up to 32 MiB read and written, and removed again.
    """
    needed = missing_bytes(found.files, scratch)
    if not needed:
        return 0.0
    assert scratch is not None  # else there is no room
    seconds_a_byte = 0.0
    with _trial_file(scratch) as path:
        missing = (pair for pair in found.files if missing_bytes([pair], scratch))
        started = time.perf_counter()
        # The first piece pays for imports, threads and memory, and counts only where there is no other.
        for copied in islice(try_copying(missing, path), 2):
            seconds_a_byte = (time.perf_counter() - started) / max(1, copied)
            started = time.perf_counter()
    return needed * seconds_a_byte


@contextmanager
def _trial_file(scratch: Path) -> Iterator[Path]:
    """Give a file that is gone after the block; one that a killed process leaves is removed as copies cut off are."""
    try:
        handle, name = tempfile.mkstemp(suffix=".partial", dir=scratch)
    except OSError as error:
        raise cannot_write(scratch, error) from error
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
