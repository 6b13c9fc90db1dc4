"""How large a difference is, with an interval: paired by seed, and by bootstrap over seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap
from scipy.stats import t as student

from ladle.errors import InputError
from ladle.statistics.checks import finite_numbers, fraction


@dataclass(frozen=True)
class PairedEffect:
    """The difference of two methods over the same seeds.

    Attributes:
        difference: mean of first minus second.
        low: lower end of the t interval; minus infinity with one seed.
        high: upper end; infinity with one seed.
        standardized: Cohen's d_z, the mean over the standard deviation of the differences; infinite or NaN where the
            differences do not vary.
    """

    difference: float
    low: float
    high: float
    standardized: float


def paired_effect(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> PairedEffect:
    """Return the mean difference over seeds with its t interval.

    Args:
        first: (S,) one number a seed.
        second: (S,) of the same seeds in the same order.
        confidence: of the interval.

    Raises:
        InputError: arrays that are not both (S,), NaN or infinity.

    Reference: Student (1908); Cohen (1988) for d_z. With few seeds the interval leans on differences being normal.
    """
    fraction("confidence", confidence)
    one, other = finite_numbers("first", first), finite_numbers("second", second)
    if one.ndim != 1 or one.shape != other.shape or not one.size:
        raise InputError(f"paired numbers are (S,) each (got shapes {one.shape} and {other.shape}); pair them by seed")
    differences = one - other
    mean = float(differences.mean())
    if differences.size < 2:
        return PairedEffect(mean, -np.inf, np.inf, np.nan)
    deviation = float(differences.std(ddof=1))
    half = float(student.ppf((1 + confidence) / 2, differences.size - 1)) * deviation / np.sqrt(differences.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        standardized = float(np.divide(mean, deviation))
    return PairedEffect(mean, mean - half, mean + half, standardized)


def bootstrap_interval(
    values: ArrayLike, *, confidence: float = 0.95, resamples: int = 9999, seed: int = 0
) -> tuple[float, float]:
    """Return a percentile bootstrap interval of the mean over seeds, such as of areas under the curve.

    With five seeds there are 126 different resamples, and such an interval is too narrow more often than it says;
    ``paired_effect`` is the more careful one where differences look normal.

    Args:
        values: (S,) one number a seed, at least two.
        confidence: of the interval.
        resamples: draws.
        seed: of the draws.

    Raises:
        InputError: fewer than two seeds, another shape, NaN or infinity.

    Reference: Efron (1979); by scipy.
    """
    fraction("confidence", confidence)
    array: NDArray[np.float64] = np.asarray(finite_numbers("values", values), dtype=np.float64)
    if array.ndim != 1 or array.size < 2:
        raise InputError(
            f"a bootstrap over seeds needs (S,) with at least two (got shape {array.shape}); run more seeds"
        )
    if (array == array[0]).all():
        return float(array[0]), float(array[0])
    found = bootstrap(
        (array,),
        np.mean,
        n_resamples=resamples,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)
