"""D² sampling, one draw at a time, and the exact probability of every sequence of draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def first_of_largest_norm(rows: NDArray[Any], labeled: Sequence[int]) -> int:
    """Return the longest unlabeled row, the lowest index among equals."""
    return min((row for row in range(len(rows)) if row not in labeled), key=lambda row: (-(rows[row] ** 2).sum(), row))


def probabilities(rows: NDArray[Any], labeled: Sequence[int], drawn: Sequence[int], power: int = 2) -> NDArray[Any]:
    """Return each row's chance to be drawn next: its distance to the nearest drawn row, to a power, over the sum."""
    weights = np.zeros(len(rows))
    free = [row for row in range(len(rows)) if row not in labeled and row not in drawn]
    for row in free:
        distances = [np.sqrt(((rows[row] - rows[other]) ** 2).sum()) for other in drawn]
        weights[row] = min(distances) ** power
    if weights.sum() == 0.0:
        weights[free] = 1.0
    shares: NDArray[Any] = weights / weights.sum()
    return shares


def k_means_plus_plus(
    rows: NDArray[Any], labeled: Sequence[int], budget: int, first: int, uniforms: Iterator[float]
) -> list[int]:
    """Draw with these uniform numbers: each falls into the share of one row, shares laid side by side by index."""
    drawn = [first]
    while len(drawn) < budget:
        mark, reach = next(uniforms), 0.0
        for row, share in enumerate(probabilities(rows, labeled, drawn)):
            reach += share
            if mark < reach:
                drawn.append(row)
                break
        else:
            raise AssertionError("the shares add up to less than the mark")
    return drawn


def sequence_probabilities(
    rows: NDArray[Any], labeled: Sequence[int], budget: int, first: dict[int, float], power: int = 2
) -> dict[tuple[int, ...], float]:
    """Return the probability of every sequence of draws, given the probabilities of the first."""
    sequences: dict[tuple[int, ...], float] = {(row,): chance for row, chance in first.items()}
    for _ in range(budget - 1):
        longer: dict[tuple[int, ...], float] = {}
        for drawn, chance in sequences.items():
            for row, share in enumerate(probabilities(rows, labeled, drawn, power)):
                if share > 0.0:
                    longer[(*drawn, row)] = chance * float(share)
        sequences = longer
    return sequences
