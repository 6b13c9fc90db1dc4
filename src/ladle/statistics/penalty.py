"""The pairwise penalty matrix of the paper (section 4.5): how often each method significantly beats each other one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control

from ladle.errors import InputError
from ladle.statistics.checks import comparable_experiments, finite_numbers, fraction
from ladle.statistics.summed_wins import summed_wins

#: Which rounds of each experiment are compared.
Rounds = Literal["all", "early", "late"]

#: A slice takes what there is, so an experiment of fewer than three rounds gives all of them.
_VIEWS: Mapping[str, slice] = MappingProxyType({"all": slice(None), "early": slice(None, 3), "late": slice(-3, None)})


def pairwise_penalty(
    accuracies: Mapping[str, ArrayLike], *, alpha: float = 0.05, rounds: Rounds = "all"
) -> NDArray[np.float64]:
    """Sum over experiments the share of rounds in which method i significantly beats method j.

    Within each round of each experiment every pair of methods gets a two-sided paired t-test on the accuracies of the
    same seeds. The K(K−1)/2 p-values of that round are adjusted after Benjamini and Hochberg; i beats j when the
    adjusted p-value is below alpha and i's mean is higher. A win adds 1/nₑ to P[i, j], nₑ being the number of
    rounds compared in that experiment, so that an experiment gives an ordered pair at most 1.

    Methods that agree on every seed have p = 1 and stay among the comparisons that are corrected for. A difference that
    is the same on every seed, up to floating-point rounding, has p = 0.

    Args:
        accuracies: an experiment's name to its (K, R, S) accuracies; K must be the same in all, in the same order, R
            and S need not. Position s is the same seed for all methods.
        alpha: the level of each round's false discovery rate, strictly between 0 and 1.
        rounds: "all"; "early", the first three rounds; or "late", the last three. An experiment of fewer than three
            rounds gives all it has, and nₑ counts the rounds of the view.

    Returns:
        (K, K) penalties from 0 to the number of experiments: rows win, columns lose, the diagonal is zero.

    Raises:
        InputError: an empty mapping, arrays that are not 3-d or differ in K, fewer than two methods or seeds, no
            rounds, NaN or infinity, alpha outside (0, 1), an unknown view.

    Cost: O(K² R S) time and memory for each experiment.
    Reference: the paper, section 4.5; Benjamini and Hochberg (1995) for the correction.
    """
    if rounds not in _VIEWS:
        raise InputError(f"rounds must be one of {', '.join(_VIEWS)} (got {rounds!r}); take one of these")
    fraction("alpha", alpha)
    view = _VIEWS[rounds]
    experiments = comparable_experiments(accuracies)
    return summed_wins((array[:, view] for array in experiments.values()), alpha=alpha, adjust=_benjamini_hochberg)


def loss_scores(penalty: ArrayLike) -> NDArray[np.float64]:
    """Average each column of a penalty matrix: how much a method is beaten by the others; lower is better.

    Args:
        penalty: (K, K), rows win and columns lose.

    Returns:
        (K,) means over all K rows. The diagonal, which is zero, is among them, as in the paper.

    Raises:
        InputError: a matrix that is not square, is empty, or holds NaN or infinity.

    Reference: the paper, section 4.5.
    """
    matrix = finite_numbers("penalty", penalty).astype(np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise InputError(
            f"penalty must be (K, K) with K >= 1 (got shape={matrix.shape}); pass what pairwise_penalty returned"
        )
    means: NDArray[np.float64] = matrix.mean(axis=0)
    return means


def _benjamini_hochberg(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust each row, a round, for its own comparisons."""
    return np.asarray(false_discovery_control(p_values, axis=1, method="bh"), dtype=np.float64)
