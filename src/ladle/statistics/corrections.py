"""Corrections for many tests at once, over any set of pairs and rounds."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ladle.errors import InputError, MissingExtraError
from ladle.statistics.checks import finite_numbers
from ladle.statistics.paired_t_test import paired_t_test

Correction: TypeAlias = Literal["holm", "benjamini-hochberg"]
_NAMES = {"holm": "holm", "benjamini-hochberg": "fdr_bh"}


def adjusted_p_values(p_values: ArrayLike, *, method: Correction = "holm") -> NDArray[np.float64]:
    """Adjust p-values for all tests in an array at once.

    Args:
        p_values: of any shape, from 0 to 1; NaN where there was no test, which stays and counts as none.
        method: "holm" bounds the chance of any false win, "benjamini-hochberg" the share of false ones among the wins.

    Returns:
        Adjusted values of the same shape: significant at alpha where they are below it.

    Raises:
        InputError: a value outside of 0 to 1, or an unknown method.
        MissingExtraError: statsmodels is not installed.

    Reference: Holm (1979); Benjamini and Hochberg (1995); by statsmodels.
    """
    if method not in _NAMES:
        raise InputError(f"a correction is one of {', '.join(_NAMES)} (got {method!r}); name one of these")
    values = np.asarray(p_values, dtype=np.float64)
    tested = ~np.isnan(values)
    if not ((values[tested] >= 0) & (values[tested] <= 1)).all():
        raise InputError("p-values are from 0 to 1 (got one outside); pass what a test returned")
    adjusted = values.copy()
    if tested.any():
        try:
            from statsmodels.stats.multitest import multipletests
        except ImportError as error:
            raise MissingExtraError.needs("correcting p-values", "results") from error
        adjusted[tested] = multipletests(values[tested], method=_NAMES[method])[1]
    return adjusted


def paired_p_values(accuracies: ArrayLike) -> NDArray[np.float64]:
    """Return the (K, K, R) p-values of two-sided paired t-tests over seeds, for every pair of methods in every round.

    Args:
        accuracies: (K, R, S) with at least two seeds, a seed the same initial set and pool for all methods.

    Returns:
        A symmetric array with NaN on the diagonal.

    Raises:
        InputError: another shape, one seed, NaN or infinity.
    """
    values = finite_numbers("accuracies", accuracies)
    if values.ndim != 3 or values.shape[-1] < 2:
        raise InputError(
            f"a paired test needs (methods, rounds, seeds) with at least two seeds (got shape {values.shape}); "
            "run more seeds"
        )
    count, rounds, _ = values.shape
    found = np.full((count, count, rounds), np.nan)
    for first in range(count):
        for second in range(first + 1, count):
            found[first, second] = found[second, first] = paired_t_test(values[first], values[second])[1]
    return found
