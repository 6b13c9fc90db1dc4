"""D² sampling, one draw at a time, and the exact probability of every sequence of draws."""

from __future__ import annotations

from collections.abc import Sequence
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
    rows: NDArray[Any], labeled: Sequence[int], budget: int, first: int, generator: np.random.Generator
) -> list[int]:
    """Draw one row after the other, each by its squared distance to the nearest of those before."""
    drawn, weights = [first], np.full(len(rows), np.inf)
    while len(drawn) < budget:
        weights = np.minimum(weights, ((rows - rows[drawn[-1]]) ** 2).sum(axis=1))
        weights[[*labeled, drawn[-1]]] = 0.0
        drawn.append(int(generator.choice(len(rows), p=weights / weights.sum())))
    return drawn


def potential(rows: NDArray[Any], labeled: Sequence[int], drawn: Sequence[int]) -> float:
    """Return the sum of the unlabeled rows' squared distances to the nearest drawn row."""
    free = np.delete(rows, labeled, axis=0)
    return float(np.min([((free - rows[row]) ** 2).sum(axis=1) for row in drawn], axis=0).sum())


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
