"""Farthest-first traversal, one pick at a time, one distance at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray


def nearest_squared_distance(rows: NDArray[Any], row: int, chosen: Sequence[int]) -> float:
    """Return the squared distance from one row to the nearest of the chosen ones."""
    return min(float(((rows[row] - rows[other]) ** 2).sum()) for other in chosen)


def farthest_first(rows: NDArray[Any], labeled: Sequence[int], budget: int) -> list[int]:
    """Pick the row farthest from all labeled and picked ones; the first pick of all is farthest from the mean."""
    chosen, picks = list(labeled), []
    center = rows.mean(axis=0)
    for _ in range(budget):
        best, best_distance = -1, -1.0
        for row in range(len(rows)):
            if row in chosen:
                continue
            if chosen:
                distance = nearest_squared_distance(rows, row, chosen)
            else:
                distance = float(((rows[row] - center) ** 2).sum())
            if distance > best_distance:  # strictly: the lowest index wins a tie
                best, best_distance = row, distance
        chosen.append(best)
        picks.append(best)
    return picks
