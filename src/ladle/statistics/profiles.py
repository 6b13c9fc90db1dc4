"""Performance profiles: on what share of the problems a method is within a factor of the best."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ladle.errors import InputError


def performance_profiles(
    costs: ArrayLike, factors: ArrayLike, *, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return, for each method and factor, the share of problems on which its cost is at most so many times the least.

    Args:
        costs: (P, K) what each method needed on each problem, positive; infinity where it never got there. For active
            learning: labels needed to reach an accuracy.
        factors: (F,) at least 1.
        weights: (P,) what each problem counts, above 0; None counts all alike.

    Returns:
        (K, F) shares from 0 to 1. A problem that no method solved counts as solved by none.

    Raises:
        InputError: costs that are not (P, K), not positive or NaN; factors below 1; weights that do not fit.

    Reference: Dolan and Moré (2002).
    """
    values, times = np.asarray(costs, dtype=np.float64), np.asarray(factors, dtype=np.float64)
    if values.ndim != 2 or not values.size or not (values > 0).all():
        raise InputError(
            f"costs are positive numbers, (problems, methods), infinity for never (got shape {values.shape}, "
            f"smallest {values.min() if values.size else 'none'}); count labels needed"
        )
    if times.ndim != 1 or not (times >= 1).all():
        raise InputError("factors are at least 1, where a method is the best (got one below); raise it")
    counts = None if weights is None else np.asarray(weights, dtype=np.float64)
    if counts is not None and (counts.shape != values.shape[:1] or not ((counts > 0) & np.isfinite(counts)).all()):
        raise InputError(
            f"weights are positive numbers, one a problem (got shape {counts.shape} for {len(values)} problems); "
            "leave them out to count all alike"
        )
    best = values.min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        ratios = np.where(np.isfinite(values), values / best, np.inf)
    found: NDArray[np.float64] = np.average(ratios[:, :, None] <= times, axis=0, weights=counts)
    return found
