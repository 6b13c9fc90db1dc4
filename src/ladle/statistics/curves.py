"""One number for a learning curve: its mean height over the budget."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import trapezoid

from ladle.errors import InputError
from ladle.statistics.checks import finite_numbers, increasing_labels


def area_under_budget_curve(labeled: ArrayLike, accuracies: ArrayLike) -> NDArray[np.float64]:
    """Average each learning curve over the labels spent, from the first evaluation to the last.

    The trapezoid rule over the number of labels, divided by the range of labels: the mean accuracy on the way through
    the budget, comparable between experiments of any length. A single evaluation is its own mean.

    Args:
        labeled: (R,) labels in hand at each evaluation, strictly increasing, not necessarily evenly.
        accuracies: (..., R, S) accuracies from 0 to 1; (K, R, S) for K methods, (R, S) for one.

    Returns:
        (..., S) areas, one a seed, from 0 to 1.

    Raises:
        InputError: labels that do not strictly increase, accuracies whose last axis but one is not R long, NaN or
            infinity.

    Cost: O(size) time and memory.
    """
    counts = increasing_labels(labeled)
    curves = finite_numbers("accuracies", accuracies).astype(np.float64)
    if curves.ndim < 2 or curves.shape[-2] != counts.size:
        raise InputError(
            f"accuracies must be (..., rounds, seeds) with a round for each of labeled "
            f"(got shape={curves.shape}, labeled={counts.size}); one seed still needs an axis of length 1"
        )
    if counts.size == 1:
        return curves[..., 0, :]
    return np.asarray(trapezoid(curves, counts, axis=-2) / (counts[-1] - counts[0]), dtype=np.float64)
