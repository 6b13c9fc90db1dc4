"""The pairwise penalty matrix against a slow reference, by hand, and at its edges."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ladle.errors import InputError
from ladle.statistics import loss_scores, pairwise_penalty
from ladle.statistics.penalty import Rounds, _benjamini_hochberg
from ladle.statistics.summed_wins import summed_wins

REFERENCE = run_path(str(Path(__file__).parents[1] / "reference" / "penalty.py"))

#: Not round, so that no p-value made of small whole numbers lands on one.
ALPHAS = [0.0101, 0.0501, 0.2003]
BASE = np.array([0.50, 0.61, 0.42, 0.55, 0.48])
#: t = 2 √5 / √2.5 = 2.83, p = 0.047 alone.
RISING = np.array([0, 1, 2, 3, 4]) / 100


@st.composite
def experiments(draw: st.DrawFn) -> dict[str, NDArray[np.float64]]:
    """Accuracies in steps of 1/60 whose methods differ often enough that wins, draws and ties all occur."""
    methods = draw(st.integers(2, 5))
    drawn = {}
    for name in draw(st.lists(st.sampled_from(["digits", "news", "voices"]), min_size=1, max_size=3, unique=True)):
        rounds, seeds = draw(st.integers(1, 7)), draw(st.integers(2, 6))
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        level = rng.integers(0, 40, size=(1, rounds, seeds))
        strength = rng.integers(0, draw(st.integers(1, 12)), size=(methods, rounds, 1))
        noise = rng.integers(0, draw(st.integers(1, 6)), size=(methods, rounds, seeds))
        drawn[name] = (level + strength + noise) / 60
    return drawn


def one_round(*methods: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack(methods)[:, None, :]


@given(experiments(), st.sampled_from(ALPHAS), st.sampled_from(["all", "early", "late"]))
@settings(max_examples=150, deadline=None)
def test_equals_reference(accuracies: dict[str, NDArray[np.float64]], alpha: float, rounds: Rounds) -> None:
    expected = REFERENCE["reference_penalty"](accuracies, alpha, rounds)
    np.testing.assert_allclose(pairwise_penalty(accuracies, alpha=alpha, rounds=rounds), expected, rtol=0, atol=1e-12)


@given(experiments(), st.data())
@settings(max_examples=50, deadline=None)
def test_order_of_methods_seeds_and_experiments(
    accuracies: dict[str, NDArray[np.float64]], data: st.DataObject
) -> None:
    methods = next(iter(accuracies.values())).shape[0]
    order = np.array(data.draw(st.permutations(range(methods))))
    penalty = pairwise_penalty(accuracies)

    permuted = pairwise_penalty({name: array[order] for name, array in reversed(accuracies.items())})
    reseeded = pairwise_penalty({name: array[:, :, ::-1] for name, array in accuracies.items()})

    np.testing.assert_allclose(permuted, penalty[np.ix_(order, order)], rtol=0, atol=1e-12)
    np.testing.assert_allclose(loss_scores(permuted), loss_scores(penalty)[order], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(reseeded, penalty)
    assert (np.diag(penalty) == 0).all()
    assert (penalty + penalty.T <= len(accuracies) + 1e-12).all()


def test_correction_takes_a_lone_win_away() -> None:
    # 2 is better than 1 by a constant, 0 than 1 with p = 0.047 (0.071 among three), 0 and 2 have equal means.
    accuracies = {"digits": one_round(BASE + RISING, BASE, BASE + 0.02)}
    assert pairwise_penalty(accuracies).tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert pairwise_penalty(accuracies, alpha=0.08).tolist() == [[0, 1, 0], [0, 0, 0], [0, 1, 0]]


def test_correction_steps_up() -> None:
    # The three p-values are 0.041, 0.047 and 0.047: each is too large for the first steps, all pass at the last.
    middle = BASE + np.array([1, 0, 2, 4, 3]) / 100
    penalty = pairwise_penalty({"digits": one_round(middle + RISING, middle, BASE)})
    assert penalty.tolist() == [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    assert loss_scores(penalty) == pytest.approx([0, 1 / 3, 2 / 3])


def test_published_correction() -> None:
    # Benjamini and Hochberg (1995), section 3: of 15 comparisons the first four are rejected at 0.05.
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p_values += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    expected = [True] * 4 + [False] * 11
    both_rounds = np.array([p_values, p_values[::-1]])

    assert REFERENCE["step_up"](p_values, 0.05) == expected
    assert (_benjamini_hochberg(both_rounds) < 0.05).tolist() == [expected, expected[::-1]]


def test_identical_methods_stay_in_the_family() -> None:
    # p = 0.0123 for 0 against 1; a third and a fourth method equal to 1 add three pairs with p = 1 and two like it.
    better = BASE + np.array([2, 3, 2, 6, 5]) / 100
    assert pairwise_penalty({"digits": one_round(better, BASE)}, alpha=0.02).tolist() == [[0, 1], [0, 0]]
    # Adjusted 0.0123 · 6 / 3 = 0.0246 with all six pairs; without the three identical ones it would stay 0.0123.
    four = {"digits": one_round(better, BASE, BASE, BASE)}
    assert (pairwise_penalty(four, alpha=0.02) == 0).all()
    assert pairwise_penalty(four, alpha=0.025)[0].tolist() == [0, 1, 1, 1]


def test_views_and_normalization() -> None:
    # Method 0 wins in rounds 1, 2 and 7 of seven, method 1 in round 5.
    sign = np.array([1, 1, 0, 0, -1, 0, 1])[:, None] / 100
    seven = np.stack([BASE + sign, np.broadcast_to(BASE, (7, 5))])
    two = seven[:, :2, :3]
    assert pairwise_penalty({"news": seven}) == pytest.approx(np.array([[0, 3 / 7], [1 / 7, 0]]))
    assert pairwise_penalty({"news": seven}, rounds="early") == pytest.approx(np.array([[0, 2 / 3], [0, 0]]))
    assert pairwise_penalty({"news": seven}, rounds="late") == pytest.approx(np.array([[0, 1 / 3], [1 / 3, 0]]))
    for rounds in ("all", "early", "late"):
        assert pairwise_penalty({"digits": two}, rounds=rounds).tolist() == [[0, 1], [0, 0]]
    assert pairwise_penalty({"news": seven, "digits": two})[0, 1] == pytest.approx(3 / 7 + 1)


def test_win_needs_a_p_value_strictly_below_alpha() -> None:
    array = one_round(BASE + RISING, BASE)
    assert summed_wins([array], alpha=0.05, adjust=lambda p_values: np.full_like(p_values, 0.05)).sum() == 0
    assert summed_wins([array], alpha=0.05, adjust=lambda p_values: np.full_like(p_values, 0.0499)).sum() == 1


def test_whole_numbers_and_lists_are_accepted() -> None:
    assert pairwise_penalty({"percent": [[[50, 61]], [[49, 60]]]}).tolist() == [[0, 1], [0, 0]]


def test_loss_scores_average_columns_over_all_rows() -> None:
    assert loss_scores([[0, 3, 1], [1, 0, 2], [0, 0, 0]]).tolist() == pytest.approx([1 / 3, 1, 1])
    assert loss_scores([[0.0]]).tolist() == [0]


GOOD = np.zeros((2, 3, 4))
BROKEN = np.array(GOOD)
BROKEN[1, 0, 2] = np.nan


@pytest.mark.parametrize(
    ("accuracies", "words"),
    [
        ({}, ["at least one experiment", "empty mapping"]),
        ({"news": GOOD[0]}, ["'news'", "(methods, rounds, seeds)", "(3, 4)"]),
        ({"news": GOOD, "digits": np.zeros((3, 3, 4))}, ["2 in 'news'", "3 in 'digits'"]),
        ({"news": GOOD[:, :, :1]}, ["'news'", "two seeds", "(2, 3, 1)"]),
        ({"news": GOOD[:1]}, ["'news'", "two methods", "(1, 3, 4)"]),
        ({"news": GOOD[:, :0]}, ["'news'", "one round", "(2, 0, 4)"]),
        ({"news": BROKEN}, ["'news'", "finite", "nan", "(1, 0, 2)"]),
        ({"news": np.full((2, 1, 2), -np.inf)}, ["'news'", "finite", "-inf", "(0, 0, 0)"]),
        ({"news": np.full((2, 1, 2), "0.5")}, ["'news'", "real numbers", "<U3"]),
    ],
)
def test_broken_accuracies_are_refused(accuracies: dict[str, NDArray[Any]], words: list[str]) -> None:
    with pytest.raises(InputError) as error:
        pairwise_penalty(accuracies)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, 5.0, float("nan")])
def test_alpha_outside_is_refused(alpha: float) -> None:
    with pytest.raises(InputError, match=f"between 0 and 1 .got alpha={alpha}"):
        pairwise_penalty({"news": GOOD}, alpha=alpha)


def test_unknown_view_is_refused() -> None:
    with pytest.raises(InputError, match=r"one of all, early, late .got 'middle'"):
        pairwise_penalty({"news": GOOD}, rounds="middle")  # type: ignore[arg-type]


@pytest.mark.parametrize("penalty", [np.zeros(3), np.zeros((2, 3)), np.zeros((0, 0)), [[0.0, np.nan], [0.0, 0.0]]])
def test_broken_matrix_is_refused(penalty: Any) -> None:
    with pytest.raises(InputError, match=r"penalty must be .*got (shape=\((3,|2, 3|0, 0)\)|nan at index \(0, 1\))"):
        loss_scores(penalty)
