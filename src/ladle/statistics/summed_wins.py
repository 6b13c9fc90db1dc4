"""Who beats whom, as shares of the rounds, added up over experiments: what both penalty matrices are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ladle.statistics.checks import Accuracies
from ladle.statistics.paired_t_test import paired_t_test

#: (R, pairs) p-values in, (R, pairs) adjusted p-values out.
Adjustment = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def summed_wins(experiments: Iterable[Accuracies], *, alpha: float, adjust: Adjustment) -> NDArray[np.float64]:
    """Add up, over experiments, the share of rounds in which method i beats method j.

    Method i beats j in a round when the adjusted p-value of their two-sided paired t-test over the seeds is below alpha
    and i's mean is the higher one.

    Args:
        experiments: at least one (K, R, S) array of finite numbers, K the same in all; K and S at least 2, R at least
            1. All R rounds of an array are compared.
        alpha: the level, strictly between 0 and 1.
        adjust: takes the (R, K(K−1)/2) p-values of an experiment and corrects each row for its many comparisons.

    Returns:
        (K, K) sums from 0 to the number of experiments: rows win, columns lose, the diagonal is zero.

    Cost: O(K² R S) time and memory for each experiment.
    """
    shares = [_win_shares(array, alpha=alpha, adjust=adjust) for array in experiments]
    total: NDArray[np.float64] = np.stack(shares).sum(axis=0)
    return total


def _win_shares(accuracies: Accuracies, *, alpha: float, adjust: Adjustment) -> NDArray[np.float64]:
    """Return the (K, K) shares of one experiment's rounds."""
    methods, rounds, _ = accuracies.shape
    first, second = np.triu_indices(methods, k=1)
    by_round = accuracies.transpose(1, 0, 2)
    mean_differences, p_values = paired_t_test(by_round[:, first], by_round[:, second])
    significant = adjust(p_values) < alpha
    shares = np.zeros((methods, methods))
    shares[first, second] = np.count_nonzero(significant & (mean_differences > 0), axis=0) / rounds
    shares[second, first] = np.count_nonzero(significant & (mean_differences < 0), axis=0) / rounds
    return shares
