"""The hint to stop: on answers of models whose learning curve is known."""

from __future__ import annotations

import numpy as np
import pytest

from ladle.labeling import ControlAnswer, stopping_hint
from ladle.statistics import LearningCurve


def answers(curve: LearningCurve, labeled: int, *, seed: int = 0) -> list[ControlAnswer]:
    """Return those of batches of 20 with four drawn at random."""
    generator = np.random.default_rng(seed)
    return [
        ControlAnswer(size, bool(generator.random() < curve.accuracy(size)))
        for size in range(20, labeled, 20)
        for _ in range(4)
    ]


FLAT, RISING = LearningCurve(0.1, 0.95, 15, 2), LearningCurve(0.1, 0.95, 400, 1)


def test_a_flat_curve_gives_a_hint_with_its_reason() -> None:
    hint = stopping_hint(answers(FLAT, 1000), labeled=1000, classes=10)
    assert hint is not None
    assert (hint.labeled, hint.more, hint.answers) == (1000, 500, 196)
    assert 0 <= hint.gain <= hint.most < 0.02
    assert hint.accuracy == pytest.approx(0.95, abs=0.04)
    assert hint.sentence().startswith("You may want to stop: by the curve through 196 answers")
    assert "500 more labels would add about" in hint.sentence()
    assert hint == stopping_hint(list(reversed(answers(FLAT, 1000))), labeled=1000, classes=10)


def test_a_rising_curve_gives_none() -> None:
    for seed in range(5):
        assert stopping_hint(answers(RISING, 1000, seed=seed), labeled=1000, classes=10) is None


def test_few_answers_give_none_however_right_they_are() -> None:
    assert stopping_hint([ControlAnswer(40, True)] * 49, labeled=60, classes=2) is None
    assert stopping_hint([], labeled=0, classes=2) is None


def test_the_hint_is_seldom_wrong() -> None:
    # Half as many labels again would add three points: more than a hint allows.
    curve = LearningCurve(0.1, 0.98, 60, 1)
    assert float(curve.accuracy(600) - curve.accuracy(400)) == pytest.approx(0.0347, abs=1e-3)
    wrong = sum(stopping_hint(answers(curve, 400, seed=seed), labeled=400, classes=10) is not None for seed in range(8))
    assert wrong <= 2
