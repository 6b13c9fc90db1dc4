"""The pairwise penalty matrix as BADGE first defined it: doubling checkpoints, no correction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ladle.statistics.checks import comparable_experiments, fraction
from ladle.statistics.summed_wins import summed_wins


def badge_pairwise_penalty(accuracies: Mapping[str, ArrayLike], *, alpha: float = 0.05) -> NDArray[np.float64]:
    """Sum over experiments the share of doubling checkpoints at which method i significantly beats method j.

    Only the evaluations after acquisition 1, 2, 4, 8, … count, since neighboring rounds say nearly the same. At each of
    them every pair of methods gets a two-sided paired t-test over the seeds, without correction for the many pairs;
    i beats j when p is below alpha and i's mean is higher. A win adds one over the number of checkpoints. With five
    seeds and alpha 0.05 that is |t| > 2.776.

    Args:
        accuracies: an experiment's name to its (K, R, S) accuracies, round r (counted from 1) being the evaluation
            after acquisition r. Where the first evaluation is of the initial set, before any acquisition, as in stored
            results, pass ``accuracies[:, 1:]``. K must be the same in all, in the same order, R and S need not.
        alpha: the level of each single test, strictly between 0 and 1.

    Returns:
        (K, K) penalties from 0 to the number of experiments: rows win, columns lose, the diagonal is zero.

    Raises:
        InputError: an empty mapping, arrays that are not 3-d or differ in K, fewer than two methods or seeds, no
            rounds, NaN or infinity, alpha outside (0, 1).

    Cost: O(K² S log R) time and memory for each experiment.
    Reference: Ash et al. (2020), Deep batch active learning by diverse, uncertain gradient lower bounds, section 4.
    """
    fraction("alpha", alpha)
    experiments = comparable_experiments(accuracies)
    checkpoints = (array[:, _doubling_rounds(array.shape[1])] for array in experiments.values())
    return summed_wins(checkpoints, alpha=alpha, adjust=lambda p_values: p_values)


def _doubling_rounds(rounds: int) -> list[int]:
    """Return the positions, from 0, of rounds 1, 2, 4, 8, … among so many."""
    return [2**power - 1 for power in range(rounds.bit_length())]
