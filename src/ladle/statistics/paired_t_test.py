"""The two-sided paired t-test, many at once, with answers where the textbook formula divides by zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from ladle.statistics.checks import Accuracies

#: Units in the last place of the larger operand by which equal differences of rounded numbers may look unequal: each
#: operand and the subtraction itself add half a unit, on both ends of the spread; the rest is for a product or a sum.
_ROUNDING_UNITS = 8


def paired_t_test(first: Accuracies, second: Accuracies) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Test, for every leading position, whether the mean difference over the last axis is zero.

    t = mean / (standard deviation / √S) with the S − 1 normalization, p = P(|T| ≥ |t|) with S − 1 degrees of freedom.
    Where the differences do not vary the formula has no value and the limit is taken: p = 1 when they are all zero,
    p = 0 when they are one other number. Differences that vary by no more than the rounding of their operands count
    as not varying: 0.3 − 0.2 and 0.8 − 0.7 are the same difference, and 0.1 + 0.2 is no better than 0.3.

    Args:
        first: (..., S) finite numbers, S at least 2, float32 or float64.
        second: the same shape and type; position s is paired with position s.

    Returns:
        The (...) mean differences, first minus second, and the (...) p-values from 0 to 1.

    Cost: O(size) time and memory.
    """
    seeds = first.shape[-1]
    rounding = _ROUNDING_UNITS * max(np.finfo(first.dtype).eps, np.finfo(second.dtype).eps)
    # float32 operands carry float32 rounding, but must not gain more of it here.
    differences = first.astype(np.float64) - second.astype(np.float64)
    tolerance = rounding * np.maximum(np.abs(first), np.abs(second)).max(axis=-1).astype(np.float64)
    largest = np.abs(differences).max(axis=-1)
    identical = largest <= tolerance
    constant = np.ptp(differences, axis=-1) <= tolerance

    # t does not depend on the scale; at scale 1 the squares of very small differences cannot vanish.
    scaled = differences / np.where(largest > 0, largest, 1.0)[..., None]
    variance = np.where(constant, 1.0, scaled.var(axis=-1, ddof=1))
    t = scaled.mean(axis=-1) / np.sqrt(variance / seeds)
    p_values = np.minimum(2.0 * stdtr(seeds - 1, -np.abs(t)), 1.0)
    p_values = np.where(constant, np.where(identical, 1.0, 0.0), p_values)
    return differences.mean(axis=-1), p_values
