"""What the control arm says: how often the model was right about examples that were drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from scipy.stats import binomtest


@dataclass(frozen=True)
class ControlAnswer:
    """An example of the control arm that has its label.

    Attributes:
        labeled: labels in hand when the model guessed.
        right: whether it guessed the label that came.
    """

    labeled: int
    right: bool


@dataclass(frozen=True)
class AccuracyPoint:
    """Accuracy at one number of labels.

    Attributes:
        labeled: labels in hand.
        accuracy: share of right guesses, 0 to 1.
        low: lower end of the 95 % interval.
        high: upper end.
        answers: how many examples it is over.
    """

    labeled: int
    accuracy: float
    low: float
    high: float
    answers: int


def accuracy_curve(answers: Sequence[ControlAnswer], *, window: int = 40) -> list[AccuracyPoint]:
    """Return the accuracy at each number of labels at which the model guessed, oldest first.

    A guess was made before its label came, by a model that had not seen it, of a uniformly drawn example: nothing
    leaks. Each point is over the last ``window`` answers up to there, so that a few of a batch do not make it jump; as
    the model gets better that lags behind, and errs to the careful side.

    Args:
        answers: in the order in which they were asked for.
        window: answers a point is over, at most.

    Returns:
        Points with Wilson's interval.

    Reference: Wilson (1927); Dawid (1984) for judging forecasts made one after the other.
    """
    points = []
    seen: list[ControlAnswer] = []
    for labeled, group in groupby(answers, key=lambda answer: answer.labeled):
        seen += group
        last = seen[-window:]
        right = sum(answer.right for answer in last)
        interval = binomtest(right, len(last)).proportion_ci(0.95, method="wilson")
        points.append(AccuracyPoint(labeled, right / len(last), float(interval.low), float(interval.high), len(last)))
    return points
