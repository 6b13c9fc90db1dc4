"""A hint to stop: what more labels would bring, by the answers of the control arm so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ladle.labeling.control import ControlAnswer
from ladle.statistics import sample_learning_curves

#: Answers of the control arm that a hint needs.
LEAST_ANSWERS = 50
#: A gain in accuracy that is below this, nine times in ten, is not worth half as many labels again.
SMALL_GAIN = 0.02

_MORE = 0.5
_SURE = 0.9
# Answers a measurement of the curve is over, at least.
_TOGETHER = 10


@dataclass(frozen=True)
class StoppingHint:
    """What going on would bring, where that is little.

    Attributes:
        labeled: labels in hand.
        more: further ones.
        answers: answers of the control arm that it is read from.
        accuracy: of the model now by the fitted curve, 0 to 1.
        gain: what the further labels would add to it, as likely less as more.
        most: what they would add at most, nine times in ten.
    """

    labeled: int
    more: int
    answers: int
    accuracy: float
    gain: float
    most: float

    def sentence(self) -> str:
        """Return the hint and its reason for people."""
        return (
            f"You may want to stop: by the curve through {self.answers} answers of the control arm the model is right "
            f"about {100 * self.accuracy:.0f} % of the time, and {self.more} more labels would add about "
            f"{100 * self.gain:.1f} points (less than {100 * self.most:.1f}, nine times in ten). Kinds of examples "
            "that have not come up yet are not in that."
        )


def stopping_hint(
    answers: Sequence[ControlAnswer], *, labeled: int, classes: int, seed: int = 0
) -> StoppingHint | None:
    """Return a hint to stop where the learning curve has become flat; None where it has not, or nobody can tell.

    A learning curve is fitted to the answers of the control arm, each at the number of labels that the model had. If
    half as many labels again would add less than two points to the accuracy, nine times in ten, that is the hint.

    Args:
        answers: of the control arm, in any order.
        labeled: labels in hand.
        classes: how many there are.
        seed: of the draws that tell how sure the curve is.

    Cost: 200 small fits, less than a second; nothing is trained.
    """
    if len(answers) < LEAST_ANSWERS or not labeled:
        return None
    sizes, right, asked = _measurements(answers)
    # One more right and one more wrong: an accuracy of 1 is not sure.
    smooth = (right + 1) / (asked + 2)
    curves = sample_learning_curves(sizes, right / asked, smooth * (1 - smooth) / asked, chance=1 / classes, seed=seed)
    more = round(_MORE * labeled)
    now, then = np.array([curve.accuracy([labeled, labeled + more]) for curve in curves]).T
    most = float(np.quantile(then - now, _SURE))
    if most >= SMALL_GAIN:
        return None
    return StoppingHint(labeled, more, len(answers), float(np.median(now)), float(np.median(then - now)), most)


def _measurements(answers: Sequence[ControlAnswer]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean labels in hand, the right answers and all answers of groups of ten or more."""
    groups: list[list[ControlAnswer]] = [[]]
    ordered = sorted(answers, key=lambda answer: answer.labeled)
    for _, batch in groupby(ordered, key=lambda answer: answer.labeled):
        if len(groups[-1]) >= _TOGETHER:
            groups.append([])
        groups[-1] += batch
    if len(groups) > 1 and len(groups[-1]) < _TOGETHER:
        groups[-2:] = [groups[-2] + groups[-1]]
    sizes = [np.mean([answer.labeled for answer in group]) for group in groups]
    right = [sum(answer.right for answer in group) for group in groups]
    return np.array(sizes), np.array(right), np.array([len(group) for group in groups])
