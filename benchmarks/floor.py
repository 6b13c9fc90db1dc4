"""The floor under every selection: the matrix product that any exact method needs, written the fastest way there is here.

Which way is fastest depends on the machine and the library, so several are tried and the fastest is kept: whole, or in
chunks whose result stays in the processor's cache, centers as rows or laid out as columns. Results go to memory that is
there already, and nobody looks at them.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_ROWS = (1024, 4096)
_CENTERS = (128, 512)
# A whole result is tried up to this size; beyond, it would not fit in memory beside the pool.
_LARGEST_WHOLE = 1 << 28
# Enough to tell the ways apart; a million rows would take minutes for each.
_TRIAL_ROWS, _TRIAL_CENTERS, _TRIAL_TURNS = 8192, 1024, 3


@dataclass(frozen=True)
class Way:
    """One way to write the product.

    Attributes:
        rows: rows of the pool multiplied at once.
        centers: centers multiplied at once.
        columns: whether the centers are laid out as columns beforehand, or seen transposed.
    """

    rows: int
    centers: int
    columns: bool

    def __str__(self) -> str:
        laid = "laid out as columns" if self.columns else "seen transposed"
        return f"{self.rows:,} rows by {self.centers:,} centers at once, centers {laid}"


def product(pools: Sequence[Tensor], count: int, way: Way) -> Callable[[], None]:
    """Return a function that multiplies the rows of each pool with its own first ``count`` rows.

    Args:
        pools: arrays of n rows: features, or features and residuals.
        count: centers.
        way: how.
    """
    n = len(pools[0])
    spans = [(low, min(low + way.rows, n)) for low in range(0, n, way.rows)]
    blocks = [(low, min(low + way.centers, count)) for low in range(0, count, way.centers)]
    centers = [[_columns(pool, low, high, way.columns) for pool in pools] for low, high in blocks]
    out = torch.empty(min(way.rows, n) * min(way.centers, count), dtype=pools[0].dtype)

    def multiply() -> None:
        for low, high in spans:
            rows = [pool[low:high] for pool in pools]
            for (first, last), parts in zip(blocks, centers, strict=True):
                into = out[: (high - low) * (last - first)].view(high - low, last - first)
                for part, columns in zip(rows, parts, strict=True):
                    torch.mm(part, columns, out=into)

    return multiply


def fastest(pools: Sequence[Tensor], count: int) -> Way:
    """Return the fastest way on this machine, by the least time of a few turns on the first rows."""
    n = len(pools[0])
    sample = [pool[:_TRIAL_ROWS] for pool in pools]
    sizes = {(min(rows, n), min(centers, count)) for rows, centers in itertools.product(_ROWS, _CENTERS)}
    if n * count * pools[0].element_size() <= _LARGEST_WHOLE:
        sizes.add((n, count))
    ways = [Way(rows, centers, columns) for rows, centers in sorted(sizes) for columns in (False, True)]
    functions = [product(sample, min(count, _TRIAL_CENTERS), way) for way in ways]
    least = [float("inf")] * len(ways)
    for turn in range(1 + _TRIAL_TURNS):
        for place, function in enumerate(functions):
            started = time.perf_counter()
            function()
            if turn:  # the first is to warm up
                least[place] = min(least[place], time.perf_counter() - started)
    return ways[least.index(min(least))]


def _columns(pool: Tensor, low: int, high: int, copied: bool) -> Tensor:
    columns = pool[low:high].clone().T
    return columns.contiguous() if copied else columns
