"""Learning curves: by hand, backwards by bisection, fits against known parameters and another minimizer, coverage."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit

from ladle.errors import InputError
from ladle.statistics import LearningCurve, fit_learning_curve, sample_learning_curves

SIZES = np.array([10.0, 20, 40, 80, 160, 320, 640, 1280])


def test_a_curve_by_hand() -> None:
    curve = LearningCurve(chance=0.1, top=0.9, half=50, exponent=1)
    assert curve.accuracy([0, 50, 150, 350]).tolist() == pytest.approx([0.1, 0.5, 0.7, 0.8])
    assert [curve.labels_for(value) for value in (0.05, 0.1, 0.5, 0.7, 0.8)] == pytest.approx([0, 0, 50, 150, 350])
    assert curve.labels_for(0.9) == curve.labels_for(0.95) == inf
    assert LearningCurve(0.1, 0.9, 50, 2).accuracy(100) == pytest.approx(0.9 - 0.8 / 5)


def test_what_choosing_saves_by_hand() -> None:
    curve = LearningCurve(0.1, 0.9, 50, 1, growth=0.5, start=20)
    assert curve.saving(20) == 1
    assert curve.saving(80) == 2  # the labels have doubled twice, each time to √2 as many
    assert LearningCurve(0.1, 0.9, 50, 1).saving(1000) == 1


@given(st.floats(0.02, 0.5), st.floats(0.1, 1), st.floats(1, 500), st.floats(0.3, 4), st.floats(0.01, 0.99))
def test_backwards_is_where_bisection_finds_it(
    chance: float, share: float, half: float, exponent: float, way: float
) -> None:
    top = chance + share * (1 - chance)
    curve = LearningCurve(chance, top, half, exponent)
    target = chance + way * (top - chance)
    found = brentq(lambda log: float(curve.accuracy(np.exp(log))) - target, -40, 60, xtol=1e-13)
    assert np.log(curve.labels_for(target)) == pytest.approx(found, abs=1e-6)


@pytest.mark.parametrize("growth", [-0.2, 0.0, 0.3])
@pytest.mark.parametrize(
    "known",
    [LearningCurve(0.1, 0.97, 25, 1.2), LearningCurve(0.25, 0.9, 140, 2.5), LearningCurve(0.5, 0.8, 60, 0.6)],
)
def test_known_parameters_are_found_again(known: LearningCurve, growth: float) -> None:
    chosen = np.arange(16) >= 8
    labeled = np.tile(SIZES, 2)
    worth = labeled * np.where(chosen, np.maximum(labeled / 20, 1) ** growth, 1)
    accuracies = known.accuracy(worth)
    found = fit_learning_curve(labeled, accuracies, np.full(16, 1e-8), chance=known.chance, chosen=chosen, start=20)
    assert found.growth == pytest.approx(growth, abs=0.01)
    assert (found.top, found.half, found.exponent) == pytest.approx((known.top, known.half, known.exponent), rel=0.02)
    assert found.labels_for(0.75) == pytest.approx(known.labels_for(0.75), rel=0.01)


def test_accuracies_that_say_nothing_leave_the_guesses() -> None:
    found = fit_learning_curve([10, 20], [0.9, 0.1], [1e6, 1e6], chance=0.1, chosen=[False, True], start=5)
    assert (found.half, found.exponent, found.growth) == pytest.approx((50, 1, 0), abs=1e-3)
    assert found.top == pytest.approx(1 - 0.9 * expit(-2.5))


def test_the_fit_is_the_least_another_minimizer_finds() -> None:
    generator = np.random.default_rng(0)
    labeled, chosen = np.array([8.0, 16, 32, 64, 128]), np.array([False, False, False, True, True])
    mixing = generator.normal(size=(5, 5)) * 0.02
    covariance = mixing @ mixing.T + 1e-4 * np.eye(5)
    accuracies = np.array([0.3, 0.45, 0.6, 0.8, 0.85])
    inverse, stretch = np.linalg.inv(covariance), np.where(chosen, np.log(labeled / 16), 0)

    def loss(parameters: NDArray[np.float64]) -> float:
        odds, half, exponent, growth = parameters
        worth = labeled * np.exp(growth * stretch)
        top = 1 - 0.9 / (1 + np.exp(-odds))
        missed = top - (top - 0.1) / (1 + (worth / (10 * np.exp(half))) ** np.exp(exponent)) - accuracies
        pulled = (parameters - [-2.5, np.log(5), 0, 0]) / [1.5, 1.5, 0.7, 0.4]
        return float(missed @ inverse @ missed + pulled @ pulled)

    found = fit_learning_curve(labeled, accuracies, covariance, chance=0.1, chosen=chosen, start=16)
    odds = -np.log(0.9 / (1 - found.top) - 1)
    ours = loss(np.array([odds, np.log(found.half / 10), np.log(found.exponent), found.growth]))
    starts = generator.normal(size=(8, 4))
    best = min(minimize(loss, start, method="Nelder-Mead", options={"maxiter": 4000}).fun for start in starts)
    assert ours <= best + 1e-4


def test_the_draws_cover_what_is_true_as_often_as_they_say() -> None:
    generator = np.random.default_rng(1)
    labeled = np.array([10.0, 20, 40, 40, 80, 160])
    chosen = np.arange(6) >= 3
    covered = 0
    for trial in range(50):
        growth = 0.4 * generator.standard_normal()
        top = 1 - 0.9 * expit(-2.5 + 1.5 * generator.standard_normal())
        half, exponent = 50 * np.exp(1.5 * generator.standard_normal()), np.exp(0.7 * generator.standard_normal())
        known = LearningCurve(0.1, float(top), float(half), float(exponent))
        worth = labeled * np.where(chosen, (labeled / 10) ** growth, 1)
        seen = known.accuracy(worth) + 0.03 * generator.standard_normal(6)
        draws = sample_learning_curves(
            labeled, seen, np.full(6, 0.03**2), chance=0.1, chosen=chosen, start=10, draws=40, seed=trial
        )
        low, high = np.quantile([curve.growth for curve in draws], [0.1, 0.9])
        covered += low <= growth <= high
    assert 32 <= covered <= 47  # of 50, where 80 % are 40 and the deviation is 3


def test_draws_repeat_by_seed_and_shrink_with_what_is_known() -> None:
    accuracies = LearningCurve(0.1, 0.95, 40, 1).accuracy(SIZES)

    def tops(variance: float, seed: int) -> list[float]:
        curves = sample_learning_curves(SIZES, accuracies, np.full(8, variance), chance=0.1, draws=30, seed=seed)
        return [curve.top for curve in curves]

    assert tops(1e-4, 3) == tops(1e-4, 3) != tops(1e-4, 4)
    usual = sample_learning_curves(SIZES, accuracies, np.full(8, 1e-4), chance=0.1, draws=30)
    assert [curve.top for curve in usual] == tops(1e-4, 0)
    assert np.std(tops(1e-6, 3)) < np.std(tops(1e-4, 3)) / 3


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.floats(1e-6, 1), st.floats(0.01, 0.9))
def test_any_accuracies_give_a_curve(accuracies: list[float], variance: float, chance: float) -> None:
    sizes = 5.0 * np.arange(1, len(accuracies) + 1)
    curve = fit_learning_curve(sizes, accuracies, np.full(len(sizes), variance), chance=chance, chosen=sizes > 10)
    values = curve.accuracy([0, 1, 10, 100, 1e6])
    assert np.isfinite(values).all()
    assert (np.diff(values) >= 0).all()
    assert chance == pytest.approx(values[0])
    assert values[-1] <= curve.top <= 1


@pytest.mark.parametrize(
    ("labeled", "accuracies", "covariance", "options", "message"),
    [
        ([], [], [], {}, "one of each"),
        ([10, 20], [0.5], [1, 1], {}, "one of each"),
        ([10, 20], [0.5, 0.6], [1], {}, "one of each"),
        ([10, 20], [0.5, 0.6], [1, 1], {"chosen": [True]}, "one of each"),
        ([0, 20], [0.5, 0.6], [1, 1], {}, "above 0"),
        ([10, 20], [0.5, 0.6], [1, 1], {"start": 0}, "above 0"),
        ([10, 20], [0.5, np.nan], [1, 1], {}, "finite"),
        ([10, 20], [0.5, 0.6], [1, 0], {}, "positive definite"),
        ([10, 20], [0.5, 0.6], [1, 1], {"chance": 1}, r"^chance must lie strictly between 0 and 1"),
    ],
)
def test_what_breaks_a_rule_is_said_in_a_line(
    labeled: list[float], accuracies: list[float], covariance: list[float], options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        fit_learning_curve(labeled, accuracies, covariance, **({"chance": 0.1} | options))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="at least 1"):
        sample_learning_curves([10], [0.5], [1], chance=0.1, draws=0)
