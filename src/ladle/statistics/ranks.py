"""Ranks over data sets: Friedman's test, and Nemenyi's of every pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from ladle.errors import InputError, MissingExtraError
from ladle.statistics.checks import finite_numbers, fraction


@dataclass(frozen=True)
class Ranking:
    """How methods rank over data sets.

    Attributes:
        mean_ranks: (K,) 1 is the best on every data set.
        statistic: Friedman's chi-square, corrected for ties.
        p_value: of all methods being equal.
        critical_difference: mean ranks further apart than this differ by Nemenyi's test.
        p_values: (K, K) of Nemenyi's test of every pair; 1 on the diagonal.
    """

    mean_ranks: NDArray[np.float64]
    statistic: float
    p_value: float
    critical_difference: float
    p_values: NDArray[np.float64]


def friedman(scores: ArrayLike, *, alpha: float = 0.05) -> Ranking:
    """Rank K methods on N data sets and test whether they differ.

    Args:
        scores: (N, K) one number a data set and method, higher is better; equals share their mean rank.
        alpha: of the critical difference.

    Raises:
        InputError: fewer than two data sets or three methods, NaN or infinity.
        MissingExtraError: scikit-posthocs is not installed.

    Reference: Friedman (1937); Nemenyi (1963); Demšar (2006), section 3.2.2.
    """
    values = finite_numbers("scores", scores)
    fraction("alpha", alpha)
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 3:
        raise InputError(
            f"ranks need at least two data sets and three methods (got shape {values.shape}); run more experiments"
        )
    try:
        from scikit_posthocs import posthoc_nemenyi_friedman
    except ImportError as error:
        raise MissingExtraError.needs("ranking methods over data sets", "results") from error
    sets, methods = values.shape
    ranks = rankdata(-values, axis=1)
    if (ranks == ranks[:, :1]).all():  # all methods equal everywhere: the statistic is 0 / 0
        statistic, p_value, pairs = 0.0, 1.0, np.ones((methods, methods))
    else:
        test = friedmanchisquare(*values.T)
        statistic, p_value = float(test.statistic), float(test.pvalue)
        pairs = posthoc_nemenyi_friedman(values).to_numpy()
    quantile = float(studentized_range.ppf(1 - alpha, methods, np.inf)) / np.sqrt(2)
    critical = quantile * np.sqrt(methods * (methods + 1) / (6 * sets))
    return Ranking(ranks.mean(axis=0), statistic, p_value, float(critical), pairs)
