"""The walk from the farthest row down, against a plain loop; what is passed over fills a batch too small."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ladle.errors import InputError
from ladle.selectors import AnchoredEmbedding, DenseEmbedding, apart_in_angle

NOBODY = np.empty(0, dtype=np.int64)
module: Any = sys.modules["ladle.selectors.apart_in_angle"]


def anchored(points: NDArray[Any], anchor: NDArray[Any]) -> AnchoredEmbedding:
    return AnchoredEmbedding(
        DenseEmbedding(torch.from_numpy(points)), torch.from_numpy(np.square(points - anchor).sum(axis=1))
    )


def plain_walk(points: NDArray[Any], anchor: NDArray[Any], labeled: list[int], budget: int, cosine: float) -> list[int]:
    """Walk down the ranking and look at every pair."""
    ranking = sorted(range(len(points)), key=lambda row: (-float(np.square(points[row] - anchor).sum()), row))
    picks: list[int] = []
    passed_over: list[int] = []
    for row in ranking:
        if row in labeled:
            continue
        length = np.linalg.norm(points[row])
        with np.errstate(invalid="ignore"):
            cosines = [float(points[row] @ points[pick] / (length * np.linalg.norm(points[pick]))) for pick in picks]
        (picks if length > 0 and all(found <= cosine for found in cosines) else passed_over).append(row)
    return [*picks, *passed_over][:budget] if len(picks) < budget else picks[:budget]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 9999),
    rows=st.integers(1, 30),
    width=st.integers(1, 5),
    cosine=st.sampled_from([-0.5, 0.0, 0.5, 0.9]),
    at_once=st.sampled_from([1, 2, 7, 1024]),
)
def test_equal_to_the_plain_walk(seed: int, rows: int, width: int, cosine: float, at_once: int) -> None:
    rng = np.random.default_rng(seed)
    points, anchor = rng.normal(size=(rows, width)), rng.normal(size=width)
    points[rng.random(rows) < 0.1] = 0.0
    labeled = rng.permutation(rows)[: rng.integers(0, rows)]
    budget = int(rng.integers(1, rows - len(labeled) + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ROWS_AT_ONCE", at_once)
        picks = apart_in_angle(anchored(points, anchor), labeled, budget, cosine=cosine)
    if width > 1:  # on a line all cosines are 1 or -1 but for rounding, which is tested below
        assert picks.tolist() == plain_walk(points, anchor, labeled.tolist(), budget, cosine)
    assert len(set(picks.tolist())) == budget


def test_nearly_parallel_rows_are_passed_over_until_nothing_else_is_left() -> None:
    points = np.array([[5.0, 0.0], [4.0, 0.1], [0.0, 3.0], [-2.0, 0.0]])
    assert apart_in_angle(anchored(points, np.zeros(2)), NOBODY, 3).tolist() == [0, 2, 3]
    assert apart_in_angle(anchored(points, np.zeros(2)), NOBODY, 4).tolist() == [0, 2, 3, 1]


def test_a_cosine_of_one_leaves_the_ranking_as_it_is() -> None:
    points = np.random.default_rng(3).normal(size=(40, 3))
    ranking = np.argsort(-np.square(points - 1.0).sum(axis=1))
    assert apart_in_angle(anchored(points, np.ones(3)), NOBODY, 40, cosine=1.0).tolist() == ranking.tolist()


@pytest.mark.parametrize("cosine", [1.5, -1.5, float("nan")])
def test_a_cosine_out_of_range_is_refused(cosine: float) -> None:
    with pytest.raises(InputError, match="cosine"):
        apart_in_angle(anchored(np.eye(2), np.zeros(2)), NOBODY, 1, cosine=cosine)


def test_rows_without_an_anchor_are_refused() -> None:
    with pytest.raises(InputError, match="anchor"):
        apart_in_angle(DenseEmbedding(torch.zeros(3, 2)), NOBODY, 1)


@pytest.mark.parametrize("at_once", [1, 1024])
def test_the_threshold_itself_is_allowed(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", at_once)
    # Cosines are 0 and 1 without rounding: the second of each pair repeats the first, nothing else does.
    points = np.array([[6.0, 0.0], [5.0, 0.0], [0.0, 4.0], [0.0, 3.0]])
    assert apart_in_angle(anchored(points, np.zeros(2)), NOBODY, 2, cosine=0.0).tolist() == [0, 2]
    opposite = np.array([[4.0, 0.0], [0.0, 3.0], [-2.0, 0.0]])
    assert apart_in_angle(anchored(opposite, np.zeros(2)), NOBODY, 2, cosine=-1.0).tolist() == [0, 2]


def test_a_batch_filled_from_what_was_passed_over_holds_whole_numbers() -> None:
    points = np.array([[5.0, 0.0], [4.0, 0.1], [3.0, 0.0]])
    picks = apart_in_angle(anchored(points, np.zeros(2)), [], 3)  # type: ignore[arg-type]
    assert (picks.dtype, picks.tolist()) == (np.dtype(np.int64), [0, 1, 2])
