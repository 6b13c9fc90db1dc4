"""A learning curve fitted to a few accuracies, read forwards (accuracy at m labels) and backwards (labels for one)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares
from scipy.special import expit

from ladle.errors import InputError
from ladle.statistics.checks import finite_numbers, fraction

Floats = NDArray[np.float64]

# What is thought of a curve before anything is seen, as means and deviations: log-odds of what stays wrong for ever
# (as a share of what chance gets wrong), log of the labels a class to get half of the way, log of the exponent, and the
# growth. Of five curves four keep 1 to 36 % of the error of chance for ever, are half-way after 0.7 to 34 labels a
# class, have exponents from 0.4 to 2.5; and nobody has saved anything yet.
_MEANS = np.array([-2.5, np.log(5.0), 0.0, 0.0])
_DEVIATIONS = np.array([1.5, 1.5, 0.7, 0.4])
# Parameters further out than this many deviations mean nothing, and would overflow.
_FARTHEST = 4.0


@dataclass(frozen=True)
class LearningCurve:
    """Accuracy after m random labels: top - (top - chance) / (1 + (m/half)^exponent).

    It starts at chance, is half-way up after ``half`` labels, and misses the top by an inverse power of the labels in
    the end; an exponent above 1 makes it slow at first. With n labels of which those after the first ``start`` were
    chosen, m is n·(n/start)^growth: choosing saves nothing at the start, and from there on the same share more each
    time the labels double.

    Attributes:
        chance: accuracy without a label, 0 to 1.
        top: accuracy with ever more labels, above chance.
        half: labels to get half of the way from chance to the top.
        exponent: above 0.
        growth: 0 where nothing is saved, below it where choosing costs labels.
        start: labels drawn at random before any was chosen.

    Reference: Morgan, Mercer and Flodin (1975), tied to chance at 0; among the shapes that fit best in Mohr, Viering,
    Loog and van Rijn (2022), LCDB 1.0.
    """

    chance: float
    top: float
    half: float
    exponent: float
    growth: float = 0.0
    start: float = 1.0

    def accuracy(self, labels: ArrayLike) -> Floats:
        """Return the accuracy after these numbers of random labels, of any shape."""
        power = (np.asarray(labels, dtype=np.float64) / self.half) ** self.exponent
        return np.asarray(self.top - (self.top - self.chance) / (1 + power))

    def labels_for(self, accuracy: float) -> float:
        """Return the random labels that an accuracy takes: 0 at chance and below, infinity from the top on."""
        if accuracy <= self.chance:
            return 0.0
        if accuracy >= self.top:
            return float("inf")
        with np.errstate(over="ignore"):
            power = np.float64((accuracy - self.chance) / (self.top - accuracy))
            return float(self.half * power ** (1 / self.exponent))

    def saving(self, labels: float) -> float:
        """Return how many times as many random labels get as far as this many, chosen after the start."""
        return float((labels / self.start) ** self.growth)


def fit_learning_curve(
    labeled: ArrayLike,
    accuracies: ArrayLike,
    covariance: ArrayLike,
    *,
    chance: float,
    chosen: ArrayLike | None = None,
    start: float = 1.0,
) -> LearningCurve:
    """Fit a learning curve to accuracies by least squares, weighted by how sure each is.

    Weak guesses of the parameters take part like four more measurements, so that a few accuracies that hardly differ
    give a plausible curve, not an extreme one; many sure ones outweigh them.

    Args:
        labeled: (k,) labels that the models were trained on, above 0, in any order.
        accuracies: (k,) their accuracies.
        covariance: (k, k) how the errors of the accuracies vary and covary; accuracies on the same test examples
            covary much, and their differences are surer than they are. (k,) variances where none covary.
        chance: accuracy without a label, between 0 and 1.
        chosen: (k,) whether some of the labels were chosen rather than drawn at random; none were by default.
        start: labels drawn at random before any was chosen, above 0.

    Raises:
        InputError: shapes that do not fit, numbers out of range, or a covariance that is none.

    Cost: a few hundred evaluations of k numbers; about 2 ms.
    """
    problem = _read(labeled, accuracies, covariance, chance, chosen, start)
    return problem.curve(problem.solve(problem.accuracies, _MEANS, _MEANS))


def sample_learning_curves(
    labeled: ArrayLike,
    accuracies: ArrayLike,
    covariance: ArrayLike,
    *,
    chance: float,
    chosen: ArrayLike | None = None,
    start: float = 1.0,
    draws: int = 200,
    seed: int = 0,
) -> list[LearningCurve]:
    """Return curves as likely as each other after what was measured; quantiles of anything read off them are intervals.

    Each is a fit to accuracies redrawn as far as they may be off, pulled to guesses that are redrawn, too (randomized
    maximum likelihood). Were the curve linear in its parameters these would be draws from the posterior.

    Args:
        labeled: as for ``fit_learning_curve``.
        accuracies: likewise.
        covariance: likewise.
        chance: likewise.
        chosen: likewise.
        start: likewise.
        draws: how many, at least 1.
        seed: of the draws, at least 0.

    Raises:
        InputError: as ``fit_learning_curve``, or draws or a seed out of range.

    Cost: one fit a draw.
    Reference: Bardsley, Solonen, Haario and Laine (2014), Randomize-then-optimize; Oliver, He and Reynolds (1996).
    """
    if draws < 1 or seed < 0:
        raise InputError(f"draws are at least 1 and a seed at least 0 (got draws={draws}, seed={seed}); 200 are usual")
    problem = _read(labeled, accuracies, covariance, chance, chosen, start)
    generator = np.random.default_rng(seed)
    # From the best fit on: a guess far off may lie in the valley of another minimum.
    best = problem.solve(problem.accuracies, _MEANS, _MEANS)
    curves = []
    for _ in range(draws):
        accuracies = problem.accuracies + problem.root @ generator.standard_normal(len(problem.accuracies))
        guesses = _MEANS + _DEVIATIONS * generator.standard_normal(len(_MEANS))
        curves.append(problem.curve(problem.solve(accuracies, guesses, best)))
    return curves


@dataclass(frozen=True)
class _Problem:
    """Checked measurements; ``root`` is the lower Cholesky factor of their covariance, ``whiten`` its inverse."""

    labeled: Floats
    stretch: Floats
    accuracies: Floats
    root: Floats
    whiten: Floats
    chance: float
    start: float

    def solve(self, accuracies: Floats, guesses: Floats, first: Floats) -> Floats:
        def residuals(parameters: Floats) -> Floats:
            curve = self.curve(parameters)
            worth = self.labeled * np.exp(curve.growth * self.stretch)
            missed = self.whiten @ (curve.accuracy(worth) - accuracies)
            return np.concatenate([missed, (parameters - guesses) / _DEVIATIONS])

        return np.asarray(least_squares(residuals, first, method="lm", ftol=1e-6, xtol=1e-6).x)

    def curve(self, parameters: Floats) -> LearningCurve:
        bound = _FARTHEST * _DEVIATIONS
        odds, half, exponent, growth = np.clip(parameters, _MEANS - bound, _MEANS + bound).tolist()
        return LearningCurve(
            chance=self.chance,
            top=1 - (1 - self.chance) * float(expit(odds)),
            half=float(np.exp(half)) / self.chance,
            exponent=float(np.exp(exponent)),
            growth=growth,
            start=self.start,
        )


def _read(
    labeled: ArrayLike,
    accuracies: ArrayLike,
    covariance: ArrayLike,
    chance: float,
    chosen: ArrayLike | None,
    start: float,
) -> _Problem:
    fraction("chance", chance)
    counts = finite_numbers("labeled", labeled).astype(np.float64)
    heights = finite_numbers("accuracies", accuracies).astype(np.float64)
    spread = finite_numbers("covariance", covariance).astype(np.float64)
    spread = np.diag(spread) if spread.ndim == 1 else spread
    picked = np.zeros(counts.shape, dtype=bool) if chosen is None else np.asarray(chosen, dtype=bool)
    size = counts.size
    if counts.ndim != 1 or not size or not heights.shape == picked.shape == (size,) or spread.shape != (size, size):
        raise InputError(
            f"a curve is fitted to (k,) labels, accuracies and chosen, and their (k, k) covariance (got shapes "
            f"{counts.shape}, {heights.shape}, {picked.shape} and {spread.shape}); give one of each"
        )
    if counts.min() <= 0 or start <= 0:
        raise InputError(f"labels are above 0 (got {min(counts.min(), start):g}); leave that out")
    try:
        root = np.linalg.cholesky(spread).astype(np.float64)
    except np.linalg.LinAlgError as error:
        raise InputError(
            "a covariance is positive definite (got one that is not); add what each varies alone"
        ) from error
    stretch = np.where(picked, np.log(np.maximum(counts / start, 1.0)), 0.0)
    return _Problem(counts, stretch, heights, root, np.linalg.inv(root).astype(np.float64), chance, start)
