"""How many labels a method needs to get as far as the baseline gets with the whole budget."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ladle.errors import InputError
from ladle.statistics.checks import finite_numbers, fraction, increasing_labels

#: A mean accuracy over S seeds of a test set of n moves in steps of 1/(nS), far above this; what lies below it is the
#: rounding of the mean, which must not turn "just reached" into "never".
_ROUNDING = 1e-12


@dataclass(frozen=True)
class LabelsToTarget:
    """The labels one method needs to reach the baseline's final accuracy, with a bootstrap interval.

    Attributes:
        target: the accuracy to reach, from 0 to 1: the baseline's mean over the seeds at the last evaluation.
        labels: labels the method's mean curve needs for it; infinity when it never gets there.
        low: lower end of the interval of `labels`.
        high: upper end; infinity when that end falls on "never reached".
        ratio: the baseline's labels over the method's: the baseline needs `ratio` times as many; 0 when the method
            never gets there.
        ratio_low: lower end of the interval of `ratio`.
        ratio_high: upper end.
    """

    target: float
    labels: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float


def labels_to_reach(labeled: ArrayLike, curve: ArrayLike, target: float) -> float:
    """Find where a learning curve first reaches an accuracy, on straight lines between its evaluations.

    Args:
        labeled: (R,) labels in hand at each evaluation, strictly increasing.
        curve: (R,) accuracies, usually the mean over seeds; it need not rise everywhere.
        target: the accuracy to reach; one missed by no more than floating-point rounding counts as reached.

    Returns:
        The number of labels, a fraction where it lies between evaluations; ``labeled[0]`` when the curve starts at the
        target or above, infinity when it never gets there.

    Raises:
        InputError: labels that do not strictly increase, a curve of another length, NaN or infinity.

    Cost: O(R).
    """
    counts = increasing_labels(labeled)
    heights = finite_numbers("curve", curve).astype(np.float64)
    if heights.shape != counts.shape:
        raise InputError(
            f"curve must be one accuracy for each of labeled (got shape={heights.shape}, labeled={counts.size}); "
            "average over the seeds first"
        )
    return float(_first_crossings(counts, heights, finite_numbers("target", target).astype(np.float64)))


def label_savings(
    labeled: ArrayLike,
    accuracies: ArrayLike,
    *,
    baseline: int,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> list[LabelsToTarget]:
    """Say for every method how many labels reach the accuracy the baseline ends with, and how sure that is.

    The point estimate reads the mean curves over the seeds. The interval is a percentile bootstrap over the seeds,
    paired: a resample draws S seeds with replacement, the same for all methods, averages the curves anew and takes
    the target anew from the resampled baseline. Its ends are order statistics, rounded outwards and never
    interpolated, so that "never reached" is an honest infinity. With few seeds such an interval is too narrow rather
    than too wide; with one seed every resample is that seed and the interval collapses to the point.

    The baseline's labels, the upper part of the ratio, are found by the same rule as the method's: where its curve
    *first* reaches its own final accuracy. That is the whole budget if the curve still rises at the end, but less if
    it had been that high before. To charge the baseline the whole budget even then would credit the method with
    savings that come from the baseline's plateau; by one rule for both, the baseline's ratio to itself is exactly 1.

    Args:
        labeled: (R,) labels in hand at each evaluation, positive and strictly increasing.
        accuracies: (K, R, S) accuracies from 0 to 1; position s is the same seed for all methods.
        baseline: position of the baseline among the K methods, usually that of random sampling.
        confidence: what the interval should cover, strictly between 0 and 1.
        resamples: bootstrap resamples, at least 1.
        seed: of the resampling, at least 0; the same seed gives the same intervals.

    Returns:
        K results in the order of the methods, the baseline's own among them.

    Raises:
        InputError: labels that are not positive and strictly increasing, accuracies that are not (K, R, S) with K and
            S at least 1, NaN or infinity, a baseline that is not among the methods, confidence outside (0, 1), fewer
            than one resample, a negative seed.

    Cost: O(resamples K R S) time, O(resamples K R) memory.
    Reference: Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 13, for percentile intervals.
    """
    counts, curves = _checked(labeled, accuracies)
    _check_options(methods=curves.shape[0], baseline=baseline, resamples=resamples, seed=seed)
    fraction("confidence", confidence)

    seeds = curves.shape[2]
    drawn = np.random.default_rng(seed).integers(0, seeds, size=(resamples, seeds))
    # Row 0 takes every seed once: the point estimate goes through the same arithmetic as the resamples.
    means = _mean_curves(curves, np.vstack([np.arange(seeds), drawn]))
    targets = means[baseline, :, -1]
    labels = _first_crossings(counts, means, targets)
    ratios = labels[baseline] / labels

    low, high = _interval_positions(resamples, confidence)
    sorted_labels = np.sort(labels[:, 1:], axis=1)
    sorted_ratios = np.sort(ratios[:, 1:], axis=1)
    return [
        LabelsToTarget(
            target=float(targets[0]),
            labels=float(labels[method, 0]),
            low=float(sorted_labels[method, low]),
            high=float(sorted_labels[method, high]),
            ratio=float(ratios[method, 0]),
            ratio_low=float(sorted_ratios[method, low]),
            ratio_high=float(sorted_ratios[method, high]),
        )
        for method in range(curves.shape[0])
    ]


def _checked(labeled: ArrayLike, accuracies: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (R,) labels and (K, R, S) accuracies that fit each other."""
    counts = increasing_labels(labeled)
    if counts[0] <= 0:
        raise InputError(f"labeled must be positive to form a ratio (got {counts[0]:g} first); leave that round out")
    curves = finite_numbers("accuracies", accuracies).astype(np.float64)
    if curves.ndim != 3 or curves.shape[1] != counts.size or curves.size == 0:
        raise InputError(
            f"accuracies must be (methods, rounds, seeds) with a round for each of labeled, at least one method and "
            f"one seed (got shape={curves.shape}, labeled={counts.size}); check the order of the axes"
        )
    return counts, curves


def _check_options(*, methods: int, baseline: int, resamples: int, seed: int) -> None:
    """Check the whole numbers before any work starts."""
    if not 0 <= baseline < methods:
        raise InputError(
            f"baseline must be the position of a method (got baseline={baseline}, methods={methods}); count from 0"
        )
    if resamples < 1:
        raise InputError(f"resamples must be at least 1 (got resamples={resamples}); 2000 is usual")
    if seed < 0:
        raise InputError(f"seed must be at least 0 (got seed={seed}); take any whole number from 0 up")


def _mean_curves(curves: NDArray[np.float64], drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average (K, R, S) curves over each of the (B, S) draws of seeds: (K, B, R).

    Seed after seed is added, not one matrix product: its blocks round alike curves differently, and a method equal to
    the baseline must come out equal.
    """
    by_seed = np.ascontiguousarray(curves.transpose(2, 0, 1))
    total = np.zeros((drawn.shape[0], curves.shape[0], curves.shape[1]))
    for column in drawn.T:
        total += by_seed[column]
    means: NDArray[np.float64] = (total / drawn.shape[1]).transpose(1, 0, 2)
    return means


def _first_crossings(
    labeled: NDArray[np.float64], curves: NDArray[np.float64], targets: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Find where (..., R) curves first reach their targets, which broadcast against (...)."""
    goals = np.broadcast_to(targets, curves.shape[:-1])[..., None]
    reached = curves >= goals - _ROUNDING * np.abs(goals)
    after = reached.argmax(axis=-1, keepdims=True)
    before = np.maximum(after - 1, 0)
    lower = np.take_along_axis(curves, before, axis=-1)
    rise = np.take_along_axis(curves, after, axis=-1) - lower
    # Where the first evaluation is already there, or none is, there is no line to cross; a rise of 1 divides safely.
    crossing = (after > 0) & reached.any(axis=-1, keepdims=True)
    part = np.minimum((goals - lower) / np.where(crossing, rise, 1.0), 1.0)
    between = labeled[before] + part * (labeled[after] - labeled[before])
    labels = np.where(crossing, between, np.where(reached[..., :1], labeled[0], np.inf))
    return labels[..., 0]


def _interval_positions(resamples: int, confidence: float) -> tuple[int, int]:
    """Return the positions of the interval's ends among the sorted resamples, both rounded outwards."""
    # 1 − 0.9 is a little less than a tenth; what is a whole number but for that is meant as one.
    low = floor((1.0 - confidence) / 2.0 * (resamples - 1) + 1e-9)
    return low, resamples - 1 - low
