"""Top-b against sorted(), and the budget's rules that every selector shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reference.top
from ladle.errors import BudgetError
from ladle.selectors import farthest_first, k_means_plus_plus, top, uniform, unlabeled_indices
from ladle.typing import Indices

NOBODY = np.empty(0, dtype=np.int64)


def indices(*values: int) -> Indices:
    return np.array(values, dtype=np.int64)


@settings(max_examples=150, deadline=None)
@given(
    # Few values, so that ties abound; infinities are numbers like any other here.
    scores=st.lists(st.sampled_from([-np.inf, -1.5, -0.0, 0.0, 1e-300, 1.0, np.inf]), min_size=1, max_size=40),
    data=st.data(),
)
def test_equal_to_sorting(scores: list[float], data: st.DataObject) -> None:
    labeled = data.draw(st.lists(st.integers(0, len(scores) - 1), max_size=len(scores) - 1, unique=True))
    budget = data.draw(st.integers(1, len(scores) - len(labeled)))
    picks = top(np.array(scores), indices(*labeled), budget)
    assert picks.tolist() == reference.top.top(scores, labeled, budget)
    assert picks.dtype == np.int64


def test_a_long_tie_goes_to_the_lowest_indices() -> None:
    # Long enough for a sort that is stable on short rows only.
    scores = torch.zeros(5000)
    scores[4000] = 1.0
    assert top(scores, indices(1), 5).tolist() == [4000, 0, 2, 3, 4]


def test_whole_numbers_are_scores_too() -> None:
    assert top(np.array([3, 9, 9, 1]), indices(1), 2).tolist() == [2, 0]


def test_fewer_are_the_first_of_more() -> None:
    scores = np.random.default_rng(0).normal(size=30)
    assert top(scores, NOBODY, 7).tolist() == top(scores, NOBODY, 20)[:7].tolist()


def test_unlabeled_indices_are_those_left_in_ascending_order() -> None:
    assert unlabeled_indices(6, indices(4, 0), 1).tolist() == [1, 2, 3, 5]
    assert unlabeled_indices(3, NOBODY, 3).dtype == np.int64


def call(name: str, size: int, labeled: Indices, budget: Any) -> Indices:
    """Run a selector by name on some rows."""
    rows, rng = np.random.default_rng(0).normal(size=(size, 2)), np.random.default_rng(1)
    calls: dict[str, Any] = {
        "top": lambda: top(rows[:, 0], labeled, budget),
        "farthest_first": lambda: farthest_first(rows, labeled, budget),
        "k_means_plus_plus": lambda: k_means_plus_plus(rows, labeled, budget, generator=rng),
        "uniform": lambda: uniform(size, labeled, budget, generator=rng),
        "k_means_plus_plus uniform": lambda: k_means_plus_plus(rows, labeled, budget, generator=rng, first="uniform"),
    }
    picks: Indices = calls[name]()
    return picks


SELECTORS = ["top", "farthest_first", "k_means_plus_plus", "k_means_plus_plus uniform", "uniform"]


@pytest.mark.parametrize("name", SELECTORS)
@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (0, r"got budget=0, unlabeled=3\); ask for at least 1"),
        (-2, r"got budget=-2, unlabeled=3\); ask for at least 1"),
        (4, r"got budget=4, unlabeled=3\); ask for fewer"),
        (2.0, r"whole number \(got budget=2.0\); pass an int"),
        ("2", r"whole number \(got budget='2'\)"),
        (None, r"whole number \(got budget=None\)"),
    ],
)
def test_a_budget_that_cannot_be_met_is_refused(name: str, budget: Any, message: str) -> None:
    with pytest.raises(BudgetError, match=message):
        call(name, 5, indices(0, 3), budget)


@pytest.mark.parametrize("name", SELECTORS)
def test_nothing_can_be_picked_from_an_empty_pool_or_one_labeled_throughout(name: str) -> None:
    with pytest.raises(BudgetError, match="got budget=1, unlabeled=0"):
        call(name, 0, NOBODY, 1)
    with pytest.raises(BudgetError, match="got budget=1, unlabeled=0"):
        call(name, 2, indices(0, 1), 1)


@pytest.mark.parametrize("name", SELECTORS)
def test_numpys_whole_numbers_are_budgets(name: str) -> None:
    assert call(name, 5, indices(0, 3), np.int32(2)).tolist() == call(name, 5, indices(0, 3), 2).tolist()


@pytest.mark.parametrize("name", SELECTORS)
def test_a_budget_of_all_that_is_left_picks_all_that_is_left(name: str) -> None:
    picks = call(name, 30, indices(5, 2, 11), 27)
    assert sorted(picks.tolist()) == [row for row in range(30) if row not in (5, 2, 11)]
    assert picks.dtype == np.int64


@pytest.mark.parametrize("name", SELECTORS)
def test_a_pool_of_one_row(name: str) -> None:
    assert call(name, 1, NOBODY, 1).tolist() == [0]
