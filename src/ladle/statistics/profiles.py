"""Performance profiles: on what share of the problems a method is within a factor of the best."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ladle.errors import InputError


def performance_profiles(costs: ArrayLike, factors: ArrayLike) -> NDArray[np.float64]:
    """Return, for each method and factor, the share of problems on which its cost is at most so many times the least.

    Args:
        costs: (P, K) what each method needed on each problem, positive; infinity where it never got there. For active
            learning: labels needed to reach an accuracy.
        factors: (F,) at least 1.

    Returns:
        (K, F) shares from 0 to 1. A problem that no method solved counts as solved by none.

    Raises:
        InputError: costs that are not (P, K), not positive or NaN; factors below 1.

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
    best = values.min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        ratios = np.where(np.isfinite(values), values / best, np.inf)
    found: NDArray[np.float64] = (ratios[:, :, None] <= times).mean(axis=0)
    return found
