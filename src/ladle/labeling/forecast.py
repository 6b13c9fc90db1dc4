"""What choosing saves: how many labels, drawn at random, a model as good as the present one would need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.stats import binomtest

from ladle.labeling.cross_validation import Measured, Progress, Snapshot, cross_validate
from ladle.statistics import sample_learning_curves

Verdict: TypeAlias = Literal["saves", "costs", "even", "too early"]

#: What the interval claims to cover, and how that is said.
CONFIDENCE, _SAID = 0.8, "right four times in five"
#: Examples drawn at random that a forecast needs: each of five folds then tests six.
LEAST_DRAWN = 30
#: An interval whose upper end is more than so many times the lower one says nothing yet: less where it holds 1, since
#: "no saving shown" is to mean that there is hardly one.
WIDEST, WIDEST_EVEN = 5.0, 2.5

# How far an accuracy may be off because of which labels there were, apart from which examples it is measured on: in
# deviations of a single answer.
_LUCK_RANDOM, _LUCK_CHOSEN = 0.05, 0.025


@dataclass(frozen=True)
class Forecast:
    """What choosing has saved so far.

    Attributes:
        labeled: n, the labels in hand.
        drawn: how many of them were drawn at random.
        strategy: what picked the others.
        verdict: "saves" and "costs" where the interval lies above or below 1, "even" where it holds 1, "too early"
            where there are too few labels or the interval is too long to say anything.
        why: the reason why it is too early; empty otherwise.
        saving: random labeling would need so many times n labels; None where nothing was computed, as all below.
        low: lower end of its interval, which is to cover ``CONFIDENCE``.
        high: upper end.
        accuracy: of the model, on examples drawn at random that it was not trained on, 0 to 1.
        accuracy_low: lower end of its 95 % interval.
        accuracy_high: upper end.
    """

    labeled: int
    drawn: int
    strategy: str
    verdict: Verdict
    why: str = ""
    saving: float | None = None
    low: float | None = None
    high: float | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None

    def sentence(self) -> str:
        """Return it for people; no number where it is too early for one."""
        if self.verdict == "too early":
            return f"Too early to tell whether choosing by {self.strategy} saves labels: {self.why}."
        found = {
            "saves": f"Choosing by {self.strategy} saves labels",
            "costs": f"Choosing by {self.strategy} does not help here",
            "even": f"No saving shown by choosing with {self.strategy}",
        }[self.verdict]
        return (
            f"{found}: for the accuracy that {self.labeled} labels gave, random labeling would need about "
            f"{self.saving:.1f} × as many labels ({self.low:.1f} to {self.high:.1f}, {_SAID})."
        )


def forecast_saving(snapshot: Snapshot, *, progress: Progress | None = None) -> Forecast:
    """Return how many times as many labels random labeling would need to be as accurate as the model is now.

    A pure function of the snapshot, whose seed draws everything; no project is read or changed.

    Args:
        snapshot: where the project stands.
        progress: called after each training with those done and those in all.

    Cost: 50 trainings, about nine times as long as that on all labels; none where there are too few labels.
    Reference: docs/forecast.md, with how often its interval was right.
    """
    labeled, drawn = len(snapshot.labels), int(snapshot.drawn.sum())
    why = _too_little(snapshot, labeled, drawn)
    if why:
        return Forecast(labeled, drawn, snapshot.strategy, "too early", why)
    return read_forecast(
        cross_validate(snapshot, progress=progress),
        labeled=labeled,
        drawn=drawn,
        start=snapshot.start,
        classes=snapshot.classes,
        strategy=snapshot.strategy,
        seed=snapshot.seed,
    )


def read_forecast(
    measured: Measured, *, labeled: int, drawn: int, start: int, classes: int, strategy: str, seed: int
) -> Forecast:
    """Return the forecast that measured accuracies allow; nothing is trained.

    One curve is fitted to all of them: accuracy after m random labels, where n labels of which those after the start
    were chosen are worth n·(n/start)^growth random ones. What choosing saves is (n/start)^growth.

    Args:
        measured: accuracies of random and of chosen labels.
        labeled: n.
        drawn: how many of them were drawn at random.
        start: labels before any was chosen.
        classes: how many.
        strategy: what picked.
        seed: of the draws that tell how sure the curve is.

    Cost: 200 small fits, less than a second.
    """
    luck = np.where(measured.chosen, _LUCK_CHOSEN, _LUCK_RANDOM) ** 2
    answers = measured.accuracies.clip(0.02, 0.98)
    curves = sample_learning_curves(
        measured.sizes,
        measured.accuracies,
        measured.covariance + np.diag(luck * answers * (1 - answers)),
        chance=1 / classes,
        chosen=measured.chosen,
        start=start,
        seed=seed,
    )
    logs = np.log([curve.saving(labeled) for curve in curves])
    middle, tail = float(np.median(logs)), (1 - CONFIDENCE) / 2
    low, high = np.exp(np.quantile(logs, [tail, 1 - tail])).tolist()
    verdict = _verdict(low, high)
    accuracy = float(measured.accuracies[-1])
    interval = binomtest(round(accuracy * drawn), drawn).proportion_ci(0.95, method="wilson")
    return Forecast(
        labeled=labeled,
        drawn=drawn,
        strategy=strategy,
        verdict=verdict,
        why="the labels so far leave it open, and more will tell" if verdict == "too early" else "",
        saving=math.exp(middle),
        low=low,
        high=high,
        accuracy=accuracy,
        accuracy_low=float(interval.low),
        accuracy_high=float(interval.high),
    )


def _too_little(snapshot: Snapshot, labeled: int, drawn: int) -> str:
    """Return why nothing can be said; an empty text where something can."""
    start = snapshot.start
    if not start:
        return "there is no control arm yet, the part of each batch after the first that is drawn at random"
    if 2 * int(snapshot.drawn[:start].sum()) < start:
        return "the first labels were not drawn at random, so there is nothing to compare with"
    if drawn < LEAST_DRAWN:
        return f"{drawn} of the {labeled} labels were drawn at random, and it takes {LEAST_DRAWN}"
    if labeled < 2 * start:
        return f"there are {labeled} labels, and it takes twice the {start} of the start"
    return ""


def _verdict(low: float, high: float) -> Verdict:
    # By the ends as they are printed, so that what is claimed can be read off them.
    even = round(low, 1) <= 1 <= round(high, 1)
    if high > (WIDEST_EVEN if even else WIDEST) * low:
        return "too early"
    if even:
        return "even"
    return "saves" if low > 1 else "costs"
