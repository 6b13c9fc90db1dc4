"""How many seeds it takes to see a difference."""

from __future__ import annotations

from math import ceil, isfinite, sqrt

from scipy.stats import nct, norm
from scipy.stats import t as student

from ladle.errors import InputError
from ladle.statistics.checks import fraction


def power_of_paired_test(difference: float, deviation: float, seeds: int, *, alpha: float = 0.05) -> float:
    """Return the chance that a two-sided paired t-test over so many seeds finds a difference.

    Args:
        difference: true mean difference.
        deviation: standard deviation of the differences over seeds, above 0.
        seeds: at least 2.
        alpha: level of the test.

    Raises:
        InputError: numbers out of range.

    Reference: Cohen (1988).
    """
    _check(difference, deviation)
    fraction("alpha", alpha)
    if seeds < 2:
        raise InputError(f"a paired test needs at least two seeds (got {seeds}); run more")
    freedom, shift = seeds - 1, abs(difference) / deviation * sqrt(seeds)
    critical = float(student.ppf(1 - alpha / 2, freedom))
    # Far out scipy has no number for the wrong tail: what it would add is nothing then.
    wrong = float(nct.cdf(-critical, freedom, shift))
    return float(nct.sf(critical, freedom, shift)) + (wrong if isfinite(wrong) else 0.0)


def seeds_needed(difference: float, deviation: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Return the least number of seeds with which a two-sided paired t-test finds a difference with this chance.

    Args:
        difference: true mean difference, not 0.
        deviation: standard deviation of the differences over seeds, above 0.
        alpha: level of the test.
        power: the chance.

    Returns:
        At least 2.

    Raises:
        InputError: numbers out of range, or no difference at all.
    """
    _check(difference, deviation)
    fraction("alpha", alpha)
    fraction("power", power)
    if difference == 0:
        raise InputError("no number of seeds finds a difference of 0 (got difference=0); name the one that matters")
    # From a first guess by the normal law, the least that the t-test needs.
    size = abs(difference) / deviation
    seeds = max(2, ceil(((norm.ppf(1 - alpha / 2) + norm.ppf(power)) / size) ** 2))
    while seeds > 2 and power_of_paired_test(difference, deviation, seeds - 1, alpha=alpha) >= power:
        seeds -= 1
    while power_of_paired_test(difference, deviation, seeds, alpha=alpha) < power:
        seeds += 1
    return seeds


def _check(difference: float, deviation: float) -> None:
    if not deviation > 0 or not abs(difference) < float("inf"):
        raise InputError(
            f"power needs a finite difference and a deviation above 0 (got {difference}, {deviation}); measure both"
        )
