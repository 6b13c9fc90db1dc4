"""The area under the budget curve, by hand and against an obvious sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ladle.errors import InputError
from ladle.statistics import area_under_budget_curve


def test_by_hand_with_uneven_steps() -> None:
    # Seed 0: 10 labels at a mean of 0.3, then 30 at a mean of 0.6: (3 + 18) / 40. Seed 1 is flat.
    areas = area_under_budget_curve([10, 20, 50], [[0.2, 0.7], [0.4, 0.7], [0.8, 0.7]])
    assert areas == pytest.approx([0.525, 0.7])


def test_single_evaluation_is_its_own_mean() -> None:
    accuracies = np.array([[[0.25, 0.5]], [[0.75, 1.0]]])
    areas = area_under_budget_curve([100], accuracies)
    assert areas.tolist() == [[0.25, 0.5], [0.75, 1.0]]
    assert not np.shares_memory(areas, accuracies)


@given(
    st.lists(st.integers(1, 50), min_size=2, max_size=8),
    st.lists(st.integers(0, 3), min_size=0, max_size=2),
    st.integers(0, 3),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_equals_sum_of_trapezoids(steps: list[int], leading: list[int], seeds: int, seed: int) -> None:
    labeled = np.cumsum(steps)
    accuracies = np.random.default_rng(seed).random((*leading, len(steps), seeds))
    expected = np.zeros((*leading, seeds))
    for number in range(1, len(steps)):
        width = labeled[number] - labeled[number - 1]
        expected += width * (accuracies[..., number, :] + accuracies[..., number - 1, :]) / 2
    expected /= sum(steps[1:])

    areas = area_under_budget_curve(labeled, accuracies)

    assert areas.shape == (*leading, seeds)
    np.testing.assert_allclose(areas, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("labeled", "accuracies", "message"),
    [
        ([10, 10], np.zeros((2, 1)), "strictly increasing .got 10 then 10 at index 1"),
        ([10, 20, 15], np.zeros((3, 1)), "strictly increasing .got 20 then 15 at index 2"),
        ([], np.zeros((0, 1)), r"at least one evaluation .got shape=\(0,\)"),
        ([[10, 20]], np.zeros((2, 1)), r"labeled must be \(R,\).*\(1, 2\)"),
        ([10, float("nan")], np.zeros((2, 1)), "labeled must be finite .got nan at index"),
        (["10", "20"], np.zeros((2, 1)), "labeled must be real numbers .got dtype=<U2"),
        ([10, 20], np.zeros((3, 1)), r"got shape=\(3, 1\), labeled=2"),
        ([10, 20], np.zeros(2), r"got shape=\(2,\), labeled=2"),
        ([10, 20], [[0.1], [float("inf")]], r"accuracies must be finite .got inf at index \(1, 0\)"),
    ],
)
def test_broken_input_is_refused(labeled: Any, accuracies: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        area_under_budget_curve(labeled, accuracies)
