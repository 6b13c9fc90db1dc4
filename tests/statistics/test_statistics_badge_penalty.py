"""The penalty matrix in BADGE's own form: its threshold, its checkpoints, and the slow reference."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ladle.errors import InputError
from ladle.statistics import badge_pairwise_penalty, pairwise_penalty

REFERENCE = run_path(str(Path(__file__).parents[1] / "reference" / "penalty.py"))
BASE = np.array([0.50, 0.61, 0.42, 0.55, 0.48])
SPREAD = np.array([-2, -1, 0, 1, 2]) / 100


@pytest.mark.parametrize(("t", "wins"), [(2.7, 0), (2.7764, 0), (2.7765, 1), (2.9, 1)])
def test_threshold_with_five_seeds_is_2_776(t: float, wins: int) -> None:
    # The standard deviation of the differences is √2.5 / 100, so a mean of t √2.5 / √5 / 100 has this t.
    better = BASE + SPREAD + t / np.sqrt(2) / 100
    accuracies = {"digits": np.stack([better, BASE])[:, None, :]}
    assert badge_pairwise_penalty(accuracies).tolist() == [[0, wins], [0, 0]]
    assert badge_pairwise_penalty({"digits": accuracies["digits"][::-1]}).tolist() == [[0, 0], [wins, 0]]


@pytest.mark.parametrize(
    ("rounds", "checkpoints"),
    [(1, [1]), (2, [1, 2]), (3, [1, 2]), (4, [1, 2, 4]), (8, [1, 2, 4, 8]), (39, [1, 2, 4, 8, 16, 32])],
)
def test_only_doubling_rounds_count(rounds: int, checkpoints: list[int]) -> None:
    for number in range(1, rounds + 1):
        array = np.broadcast_to(BASE, (2, rounds, 5)).copy()
        array[0, number - 1] += 0.01
        expected = 1 / len(checkpoints) if number in checkpoints else 0.0
        assert badge_pairwise_penalty({"digits": array})[0, 1] == pytest.approx(expected)


def test_no_correction() -> None:
    rising = np.array([0, 1, 2, 3, 4]) / 100
    accuracies = {"digits": np.stack([BASE + rising, BASE, BASE + 0.02])[:, None, :]}
    assert badge_pairwise_penalty(accuracies).tolist() == [[0, 1, 0], [0, 0, 0], [0, 1, 0]]
    assert pairwise_penalty(accuracies)[0, 1] == 0


@given(
    seed=st.integers(0, 2**32 - 1),
    methods=st.integers(2, 4),
    shapes=st.lists(st.tuples(st.integers(1, 9), st.integers(2, 6)), min_size=1, max_size=3),
    alpha=st.sampled_from([0.0101, 0.0501, 0.2003]),
)
@settings(max_examples=60, deadline=None)
def test_equals_reference(seed: int, methods: int, shapes: list[tuple[int, int]], alpha: float) -> None:
    rng = np.random.default_rng(seed)
    accuracies = {
        str(number): (rng.integers(0, 10, (methods, rounds, 1)) + rng.integers(0, 5, (methods, rounds, seeds))) / 40
        for number, (rounds, seeds) in enumerate(shapes)
    }
    expected = REFERENCE["reference_badge_penalty"](accuracies, alpha)
    np.testing.assert_allclose(badge_pairwise_penalty(accuracies, alpha=alpha), expected, rtol=0, atol=1e-12)


def test_broken_input_is_refused() -> None:
    with pytest.raises(InputError, match="empty mapping"):
        badge_pairwise_penalty({})
    with pytest.raises(InputError, match=r"two seeds.*\(2, 3, 1\)"):
        badge_pairwise_penalty({"news": np.zeros((2, 3, 1))})
    with pytest.raises(InputError, match="alpha=0"):
        badge_pairwise_penalty({"news": np.zeros((2, 3, 4))}, alpha=0)
