"""The pairwise penalty matrix, slow and plainly written: one test at a time, step-up correction, exact ties.

Nothing here is shared with ``ladle.statistics``: loops over pairs and rounds, ``scipy.stats.ttest_rel`` a pair, and
fractions to decide whether differences are equal, where the library allows for rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from numpy.typing import NDArray
from scipy.stats import ttest_rel

Matrix = list[list[float]]


def reference_penalty(accuracies: Mapping[str, NDArray[Any]], alpha: float, rounds: str) -> Matrix:
    """Return the penalty matrix of accuracies that are all fractions with small denominators."""
    total = _zeros(len(next(iter(accuracies.values()))))
    for array in accuracies.values():
        evaluated = list(range(array.shape[1]))
        if rounds == "early":
            evaluated = evaluated[:3]
        if rounds == "late":
            evaluated = evaluated[-3:]
        _add_wins(total, array, evaluated, alpha, corrected=True)
    return total


def reference_badge_penalty(accuracies: Mapping[str, NDArray[Any]], alpha: float) -> Matrix:
    """Return the penalty matrix at rounds 1, 2, 4, 8, … (counted from 1), every pair tested on its own."""
    total = _zeros(len(next(iter(accuracies.values()))))
    for array in accuracies.values():
        checkpoints = []
        number = 1
        while number <= array.shape[1]:
            checkpoints.append(number - 1)
            number *= 2
        _add_wins(total, array, checkpoints, alpha, corrected=False)
    return total


def step_up(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Reject after Benjamini and Hochberg: the k smallest, for the largest k with p_(k) < k / m · alpha.

    Their procedure has ≤; the paper wants the adjusted p-value strictly below alpha, which is <.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    largest = 0
    for k in range(1, len(order) + 1):
        if p_values[order[k - 1]] < k / len(order) * alpha:
            largest = k
    rejected = [False] * len(p_values)
    for index in order[:largest]:
        rejected[index] = True
    return rejected


def _zeros(methods: int) -> Matrix:
    return [[0.0] * methods for _ in range(methods)]


def _add_wins(total: Matrix, array: NDArray[Any], evaluated: list[int], alpha: float, *, corrected: bool) -> None:
    methods = array.shape[0]
    for number in evaluated:
        pairs = [(i, j) for i in range(methods) for j in range(i + 1, methods)]
        p_values = [_p_value(list(array[i, number]), list(array[j, number])) for i, j in pairs]
        significant = step_up(p_values, alpha) if corrected else [p < alpha for p in p_values]
        for (i, j), win in zip(pairs, significant, strict=True):
            if not win:
                continue
            if sum(map(_exact, array[i, number])) > sum(map(_exact, array[j, number])):
                total[i][j] += 1 / len(evaluated)
            else:
                total[j][i] += 1 / len(evaluated)


def _p_value(first: list[float], second: list[float]) -> float:
    differences = {_exact(a) - _exact(b) for a, b in zip(first, second, strict=True)}
    if differences == {Fraction(0)}:
        return 1.0
    if len(differences) == 1:
        return 0.0
    return float(ttest_rel(first, second).pvalue)


def _exact(value: float) -> Fraction:
    return Fraction(float(value)).limit_denominator(10_000)
