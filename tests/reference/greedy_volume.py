"""Greedy volume on plain vectors: Gram-Schmidt, one row after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def remainders(rows: NDArray[Any], picks: Sequence[int]) -> NDArray[Any]:
    """Return the squared length of what is left of every row beside the span of the picks, by least squares."""
    if not picks:
        lengths: NDArray[Any] = np.square(rows).sum(axis=1)
        return lengths
    span = rows[list(picks)].T
    solution = np.linalg.lstsq(span, rows.T, rcond=None)[0]
    left: NDArray[Any] = np.square(rows.T - span @ solution).sum(axis=0)
    return left


def greedy_volume(rows: NDArray[Any], labeled: Sequence[int], budget: int) -> list[int]:
    """Return the picks; the first of equals comes first."""
    picks: list[int] = []
    for _ in range(budget):
        left = remainders(rows, picks)
        left[[*labeled, *picks]] = -1.0
        picks.append(int(left.argmax()))
    return picks
