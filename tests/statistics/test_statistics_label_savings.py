"""Labels to reach the baseline's accuracy: hand-drawn curves, an obvious bootstrap loop, and "never"."""

from __future__ import annotations

from fractions import Fraction
from math import floor, inf, isnan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ladle.errors import InputError
from ladle.statistics import LabelsToTarget, label_savings, labels_to_reach


def walk(labeled: NDArray[Any], curve: NDArray[np.float64], target: float) -> float:
    """Go along the curve until it is high enough."""
    if curve[0] >= target - 1e-12:
        return float(labeled[0])
    for number in range(1, len(curve)):
        if curve[number] >= target - 1e-12:
            step = labeled[number] - labeled[number - 1]
            part = (target - curve[number - 1]) / (curve[number] - curve[number - 1])
            return float(labeled[number - 1] + min(part, 1.0) * step)
    return inf


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        (0.1, 100.0),
        (0.2, 100.0),
        (0.3, 150.0),
        (0.4, 200.0),
        # The dip after 200 labels does not matter: the first crossing counts.
        (0.35, 175.0),
        (0.6, 350.0),
        (0.8, 400.0),
        (0.81, inf),
    ],
)
def test_first_crossing_by_hand(target: float, labels: float) -> None:
    curve = [0.2, 0.4, 0.3, 0.4, 0.8]
    assert labels_to_reach([100, 200, 250, 300, 400], curve, target) == pytest.approx(labels, rel=1e-12)


def test_missed_by_rounding_is_reached() -> None:
    assert labels_to_reach([10, 20], [0.1, 0.6], 0.1 + 0.2 + 0.3) == 20.0
    assert labels_to_reach([10], [0.6], 0.1 + 0.2 + 0.3) == 10.0
    assert labels_to_reach([10, 20], [0.1, 0.6], 0.6 + 5e-13) == 20.0
    assert labels_to_reach([10, 20], [0.1, 0.6], 0.6 + 1e-9) == inf


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 20)), min_size=1, max_size=9),
    st.integers(0, 20),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_crossing_equals_walk(steps: list[tuple[int, int]], target: int, negative: bool) -> None:
    labeled = np.cumsum([step for step, _ in steps])
    curve = np.array([height for _, height in steps]) / 20 - negative
    goal = target / 20 - negative

    labels = labels_to_reach(labeled, curve, goal)

    assert labels == pytest.approx(walk(labeled, curve, goal), rel=1e-12)
    if labels < inf:
        height = np.interp(labels, labeled, curve)
        assert height == pytest.approx(goal, abs=1e-9) or (labels == labeled[0] and height >= goal)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_bootstrap_equals_loop(data: st.DataObject) -> None:
    methods, rounds, seeds = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    baseline = data.draw(st.integers(0, methods - 1))
    resamples, seed = data.draw(st.integers(1, 30)), data.draw(st.integers(0, 2**32 - 1))
    confidence = data.draw(st.sampled_from([Fraction(1, 2), Fraction(9, 10), Fraction(19, 20)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    labeled = np.cumsum(rng.integers(1, 40, rounds))
    accuracies = (rng.integers(0, 6, (methods, rounds, seeds)) + 3 * np.arange(rounds)[:, None]) / 20

    results = label_savings(
        labeled, accuracies, baseline=baseline, confidence=float(confidence), resamples=resamples, seed=seed
    )

    drawn = np.random.default_rng(seed).integers(0, seeds, size=(resamples, seeds))
    for method, result in enumerate(results):
        whole = accuracies.mean(axis=2)
        target = whole[baseline, -1]
        assert result.target == pytest.approx(target)
        assert result.labels == pytest.approx(walk(labeled, whole[method], target))
        assert result.ratio == pytest.approx(walk(labeled, whole[baseline], target) / result.labels)
        labels, ratios = [], []
        for draw in drawn:
            mean = accuracies[:, :, draw].mean(axis=2)
            goal = mean[baseline, -1]
            labels.append(walk(labeled, mean[method], goal))
            ratios.append(walk(labeled, mean[baseline], goal) / labels[-1])
        lowest = floor((1 - confidence) / 2 * (resamples - 1))
        highest = resamples - 1 - lowest
        ends = (sorted(labels)[lowest], sorted(labels)[highest])
        assert (result.low, result.high) == pytest.approx(ends)
        assert (result.ratio_low, result.ratio_high) == pytest.approx((sorted(ratios)[lowest], sorted(ratios)[highest]))
        assert not any(isnan(value) for value in vars(result).values())
        if method == baseline:
            assert (result.ratio, result.ratio_low, result.ratio_high) == (1.0, 1.0, 1.0)


#: Random rises by 0.1 for 100 labels, the method by 0.2, the poor one not at all; every seed the same.
LABELED = np.array([100, 200, 300, 400])
STEADY = np.array([[0.2, 0.3, 0.4, 0.5], [0.2, 0.4, 0.6, 0.7], [0.2, 0.2, 0.2, 0.2]])


def test_savings_by_hand() -> None:
    random, method, poor = label_savings(LABELED, np.repeat(STEADY[:, :, None], 5, axis=2), baseline=0)
    assert random == LabelsToTarget(0.5, 400, 400, 400, 1, 1, 1)
    assert list(vars(method).values()) == pytest.approx([0.5, 250, 250, 250, 1.6, 1.6, 1.6])
    assert poor == LabelsToTarget(0.5, inf, inf, inf, 0, 0, 0)


def test_baseline_is_not_charged_its_plateau() -> None:
    flat = np.array([[0.2, 0.5, 0.5, 0.5], [0.2, 0.5, 0.6, 0.7]])[:, :, None]
    random, method = label_savings(LABELED, flat, baseline=0)
    assert random.labels == method.labels == 200
    assert method.ratio == 1


def test_one_seed_collapses_to_the_point() -> None:
    for result in label_savings(LABELED, STEADY[:, :, None], baseline=0, resamples=50):
        assert result.low == result.labels == result.high
        assert result.ratio_low == result.ratio == result.ratio_high


def test_interval_that_ends_in_never() -> None:
    # Two seeds of four get there; about one resample in three holds too few of them.
    method = np.repeat(STEADY[1][:, None], 4, axis=1)
    method[:, 2:] = 0.2
    random = np.repeat(STEADY[0][:, None], 4, axis=1) - 0.1
    _, result = label_savings(LABELED, np.stack([random, method]), baseline=0)
    assert result.labels < result.high == inf
    assert 100 <= result.low < result.labels
    assert result.ratio_low == 0 < result.ratio < result.ratio_high


def test_ends_of_the_interval_are_outer_order_statistics() -> None:
    rng = np.random.default_rng(5)
    rise = np.linspace(0.2, 0.6, 4)[None, :, None] * np.array([1.0, 1.2])[:, None, None]
    accuracies = rise + rng.normal(0, 0.01, (2, 4, 6))
    ends = {}
    for confidence in (0.5, 0.9, 0.99):
        result = label_savings(LABELED, accuracies, baseline=0, confidence=confidence, resamples=101, seed=3)[1]
        ends[confidence] = (result.low, result.high)
    drawn = np.random.default_rng(3).integers(0, 6, size=(101, 6))
    labels = []
    for draw in drawn:
        mean = accuracies[:, :, draw].mean(axis=2)
        labels.append(walk(LABELED, mean[1], mean[0, -1]))
    for confidence, lower, upper in ((0.5, 25, 75), (0.9, 5, 95), (0.99, 0.5, 99.5)):
        expected = np.percentile(labels, lower, method="lower"), np.percentile(labels, upper, method="higher")
        assert ends[confidence] == pytest.approx(expected)
    assert ends[0.99][0] < ends[0.5][0] < ends[0.5][1] < ends[0.99][1]


def test_resamples_are_paired() -> None:
    # The seeds differ by far more than the methods do; with the same seeds for all, the ratio never moves.
    easy = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    accuracies = STEADY[:2, :, None] + easy
    _, method = label_savings(LABELED, accuracies, baseline=0)
    assert [method.ratio_low, method.ratio, method.ratio_high] == pytest.approx([1.6, 1.6, 1.6])


def test_equal_means_in_another_order_are_reached() -> None:
    final = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
    assert final[0].sum() != sum(final[1])
    accuracies = np.stack([np.zeros((2, 3)), final], axis=1)
    for baseline in (0, 1):
        for result in label_savings([10, 20], accuracies, baseline=baseline, resamples=1):
            assert result.labels == pytest.approx(20)


def test_same_seed_same_interval() -> None:
    accuracies = np.random.default_rng(0).random((2, 4, 5))
    first = label_savings(LABELED, accuracies, baseline=1, seed=7)
    assert first == label_savings(LABELED, accuracies, baseline=1, seed=7)
    assert first != label_savings(LABELED, accuracies, baseline=1, seed=8, resamples=20)


GOOD = np.zeros((2, 4, 3))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labeled": [0, 1, 2, 3]}, "positive.*got 0 first"),
        ({"labeled": [1, 2, 2, 3]}, "strictly increasing .got 2 then 2"),
        ({"labeled": [1, 2, 3]}, r"got shape=\(2, 4, 3\), labeled=3"),
        ({"accuracies": GOOD[0]}, r"got shape=\(4, 3\), labeled=4"),
        ({"accuracies": GOOD[:, :, :0]}, r"got shape=\(2, 4, 0\), labeled=4"),
        ({"accuracies": GOOD[:0]}, r"got shape=\(0, 4, 3\), labeled=4"),
        ({"accuracies": np.full((2, 4, 3), np.nan)}, r"accuracies must be finite .got nan at index \(0, 0, 0\)"),
        ({"baseline": 2}, "got baseline=2, methods=2"),
        ({"baseline": -1}, "got baseline=-1, methods=2"),
        ({"confidence": 1.0}, "confidence must lie.*got confidence=1.0"),
        ({"confidence": 95}, "got confidence=95"),
        ({"resamples": 0}, "got resamples=0"),
        ({"seed": -1}, "got seed=-1"),
    ],
)
def test_broken_input_is_refused(changed: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"labeled": LABELED, "accuracies": GOOD, "baseline": 0} | changed
    with pytest.raises(InputError, match=message):
        label_savings(**arguments)


@pytest.mark.parametrize(
    ("labeled", "curve", "target", "message"),
    [
        ([2, 1], [0.1, 0.2], 0.1, "got 2 then 1"),
        ([1, 2], [0.1], 0.1, r"got shape=\(1,\), labeled=2"),
        ([1, 2], [[0.1], [0.2]], 0.1, r"got shape=\(2, 1\), labeled=2"),
        ([1, 2], [0.1, np.nan], 0.1, "curve must be finite .got nan"),
        ([1, 2], [0.1, 0.2], np.nan, r"target must be finite .got nan\)"),
    ],
)
def test_broken_curve_is_refused(labeled: Any, curve: Any, target: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        labels_to_reach(labeled, curve, target)
