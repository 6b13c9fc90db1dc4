"""What a selection over shards will take: memory under a cap, passes over the pool, and roughly how long."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ladle.engines.views import ShardedOutputs, ViewRows
from ladle.errors import InputError
from ladle.selectors import CHUNK_ROWS, as_embedding
from ladle.selectors.distances import Centers, nearest_squared_distances
from ladle.strategies import Strategy

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
# Distances, norms and the index arrays of a selector, and what finding the largest among them takes.
_BYTES_A_ROW = 40
# Where others pass the rows, of all of them: which are unlabeled; scores too, put together, and finding the highest.
_BYTES_A_ROW_HANDED_OUT = 18
_BYTES_A_SCORE_HANDED_OUT = 42
# Rows fetched between two passes, and the distances among them.
_FETCHED_ROWS = 4097
# A block is read, converted, seen by the strategy and cut into chunks: so many arrays of its size at a time.
_ARRAYS_A_BLOCK = 5
_BLOCK_BYTES = 32 << 20
# Left free of the cap for what the allocator and the libraries keep to themselves.
_SLACK = 64 << 20
_OUTSIDE_LINUX = 512 << 20
_TRIAL_CENTERS = 256
_TRIALS = 3


@dataclass(frozen=True)
class Plan:
    """How a selection goes through the pool, settled before it starts.

    Attributes:
        block_rows: rows read at once.
        kept_blocks: so many blocks stay in memory once read.
        memory: bytes that the process which holds most is expected to hold, itself included.
        memory_cap: bytes each may hold.
        passes: expected passes over the pool.
        read: bytes expected to be read.
        seconds: expected time, from a trial on the first rows.
    """

    block_rows: int
    kept_blocks: int
    memory: int
    memory_cap: int
    passes: int
    read: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"about {self.passes} pass{'es' if self.passes != 1 else ''} over the pool, "
            f"{in_bytes(self.read)} to read, {in_minutes(self.seconds)}, "
            f"up to {in_bytes(self.memory)} of memory (cap {in_bytes(self.memory_cap)})"
        )


def bytes_of(size: str | int) -> int:
    """Return a size such as ``4GiB``, ``500MB`` or a plain number of bytes as bytes; units are powers of 1024.

    Raises:
        InputError: no size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", str(size), re.IGNORECASE)
    if not match or float(match[1]) <= 0:
        raise InputError(f"memory must be a size (got {size!r}); write it like 4GiB or 500MiB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def in_bytes(size: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def in_minutes(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def plan_selection(
    strategy: Strategy, outputs: ShardedOutputs, budget: int, memory_cap: int, *, parts: int = 1
) -> Plan:
    """Settle how to go through the pool within a memory cap, and estimate what it takes.

    Args:
        strategy: what selects.
        outputs: the pool in shards.
        budget: rows to pick.
        memory_cap: bytes one process may hold.
        parts: processes that share the rows of the pool; this one is another, unless it is the only one.

    Raises:
        InputError: a cap that cannot hold the labeled rows and one block.
    """
    columns = outputs.features.columns + outputs.logits.columns
    item = 8 if np.float64 in (outputs.features.dtype, outputs.logits.dtype) else 4
    labeled = len(outputs.labeled)
    rows = -(-len(outputs) // parts)
    fetched = 0 if strategy.is_score else min(_FETCHED_ROWS, len(outputs))
    everywhere = (
        _resident_bytes()
        + _SLACK
        # The labeled rows lie in front of every block; as centers they are fetched and seen once more.
        + labeled * columns * item * 3
        + fetched * (columns * item * 3 + fetched * item)
    )
    here = 0
    if parts > 1:
        a_row = _BYTES_A_SCORE_HANDED_OUT if strategy.is_score else _BYTES_A_ROW_HANDED_OUT
        here = everywhere + len(outputs) * a_row
    fixed = everywhere + rows * _BYTES_A_ROW
    wanted = max(1, _BLOCK_BYTES // (columns * item * CHUNK_ROWS)) * CHUNK_ROWS
    block_rows = min(wanted, -(-rows // CHUNK_ROWS) * CHUNK_ROWS)
    smallest = max(here, fixed + min(block_rows, CHUNK_ROWS) * columns * item * _ARRAYS_A_BLOCK)
    if smallest > memory_cap:
        raise InputError(
            f"the memory cap must hold the program, {labeled} labeled rows, what is kept of {len(outputs)} pool rows "
            f"and one block (got {in_bytes(memory_cap)}, needed {in_bytes(smallest)}); raise the cap"
        )
    while fixed + block_rows * columns * item * _ARRAYS_A_BLOCK > memory_cap:
        block_rows -= CHUNK_ROWS
    needed = fixed + block_rows * columns * item * _ARRAYS_A_BLOCK
    stored = block_rows * (
        outputs.features.columns * outputs.features.dtype.itemsize
        + outputs.logits.columns * outputs.logits.dtype.itemsize
    )
    passes = _expected_passes(strategy, budget)
    blocks = -(-rows // block_rows)
    # Only a second pass has any use of what the first has kept.
    kept = 0 if passes == 1 else min(blocks, int((memory_cap - needed) * 0.9) // stored)
    whole = stored * blocks * parts
    read = whole + (passes - 1) * max(0, whole - kept * stored * parts)
    seconds = _expected_seconds(strategy, outputs, budget, block_rows, passes) / parts
    return Plan(block_rows, kept, max(here, needed + kept * stored), memory_cap, passes, read, seconds)


def _expected_passes(strategy: Strategy, budget: int) -> int:
    if not strategy.needs_model:
        return 0
    if strategy.is_score:
        return 1
    # Picks double or so from pass to pass, until the candidates held in memory are too few for that.
    passes, picked = 2, 1
    while picked < budget:
        picked += min(max(picked, 20), 2000)
        passes += 1
    return passes


def _expected_seconds(strategy: Strategy, outputs: ShardedOutputs, budget: int, block_rows: int, passes: int) -> float:
    """Return the time that selecting takes if all rows take as long as the first block."""
    if not passes or not len(outputs):
        return 0.0
    stop = min(len(outputs), block_rows)
    rows = ViewRows(outputs, strategy, 0, stop, block_rows=block_rows)
    seconds = passes * _least_seconds(lambda: next(rows.views())) / stop * len(outputs)
    if not strategy.is_score:
        _, view = next(rows.views())
        sample = as_embedding(view).take(slice(0, min(stop, CHUNK_ROWS)))
        block = Centers.of(sample.take(slice(0, _TRIAL_CENTERS)))[0]
        norms = sample.squared_norms()
        pairs = len(sample) * len(block.norms)
        a_pair = _least_seconds(lambda: nearest_squared_distances(sample, norms, block)) / pairs
        seconds += a_pair * len(outputs) * (budget + len(outputs.labeled))
    return seconds


def _least_seconds(function: Callable[[], object]) -> float:
    """Return the least time of a few calls: the first ones pay for files, threads and memory."""
    seconds = []
    for _ in range(_TRIALS):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _resident_bytes() -> int:
    """Return what this process holds now."""
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123
            import resource

            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return _OUTSIDE_LINUX
