"""Farthest-first against the textbook loop, pick by pick; ties, duplicates and offsets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ladle.gradients import FactoredGradients
from ladle.selectors import DenseEmbedding, LocalPasses, farthest_first
from ladle.typing import Indices
from reference import farthest_first as yardstick

#: Rows, width, labeled indices, budget and seed.
Problem = tuple[int, int, list[int], int, int]
NOBODY = np.empty(0, dtype=np.int64)


def indices(*values: int) -> Indices:
    return np.array(values, dtype=np.int64)


def factored(seed: int, rows: int, classes: int, width: int, bias: bool = True) -> FactoredGradients:
    rng = np.random.default_rng(seed)
    residuals, features = rng.normal(size=(rows, classes)), rng.normal(size=(rows, width))
    return FactoredGradients(torch.from_numpy(residuals), torch.from_numpy(features), bias)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    rows, width = draw(st.integers(1, 14)), draw(st.integers(0, 4))
    labeled = draw(st.lists(st.integers(0, rows - 1), max_size=rows - 1, unique=True))
    return rows, width, labeled, draw(st.integers(1, rows - len(labeled))), draw(st.integers(0, 9999))


@settings(max_examples=80, deadline=None)
@given(problem=problems())
def test_equal_to_the_textbook_pick_by_pick(problem: Problem) -> None:
    rows, width, labeled, budget, seed = problem
    points = np.random.default_rng(seed).normal(size=(rows, width))
    picks = farthest_first(points, indices(*labeled), budget)
    assert picks.tolist() == yardstick.farthest_first(points, labeled, budget)


@settings(max_examples=120, deadline=None)
@given(problem=problems(), dtype=st.sampled_from([np.float32, np.float64]), offset=st.sampled_from([0, 1000, -3]))
def test_ties_on_a_grid_go_to_the_lowest_index(problem: Problem, dtype: type[np.floating[Any]], offset: int) -> None:
    # Small whole numbers: duplicates and equal distances everywhere, and no rounding in the yardstick.
    rows, width, labeled, budget, seed = problem
    points = np.random.default_rng(seed).integers(-2, 3, size=(rows, width)).astype(dtype) + dtype(offset)
    labeled = labeled or [rows - 1]
    budget = min(budget, rows - len(labeled))
    if budget:
        picks = farthest_first(points, indices(*labeled), budget)
        assert picks.tolist() == yardstick.farthest_first(points.astype(np.float64), labeled, budget)


@contextmanager
def few_candidates(count: int, chunk: int) -> Iterator[list[int]]:
    """Look at so few rows between passes that there are many; counts the passes."""
    module, reach, passes = sys.modules["ladle.selectors.farthest_first"], LocalPasses.reach, []

    def counted(self: LocalPasses, centers: Any, taken: Indices) -> None:
        passes.append(len(taken))
        reach(self, centers, taken)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_FEWEST_CANDIDATES", count)
        patch.setattr(module, "_MOST_CANDIDATES", count)
        patch.setattr("ladle.selectors.passes._SAMPLE_ROWS", 2 * count)
        patch.setattr("ladle.selectors.passes.CHUNK_ROWS", chunk)
        patch.setattr(LocalPasses, "reach", counted)
        yield passes


@settings(max_examples=200, deadline=None)
@given(
    problem=problems(),
    count=st.integers(1, 5),
    chunk=st.integers(1, 5),
    kind=st.sampled_from(["spread", "grid", "one-hot"]),
    dtype=st.sampled_from([np.float32, np.float64]),
    offset=st.sampled_from([0, 1000, -3]),
)
def test_many_passes_give_the_same_picks(
    problem: Problem, count: int, chunk: int, kind: str, dtype: type[np.floating[Any]], offset: int
) -> None:
    rows, width, labeled, budget, seed = problem
    rng = np.random.default_rng(seed)
    if kind == "spread":
        dtype = np.float64  # rounding settles near-ties in float32
    points = {
        "spread": rng.normal(size=(rows, width)),
        "grid": rng.integers(-1, 2, size=(rows, width)) + float(offset),
        "one-hot": np.eye(width + 1)[rng.integers(width + 1, size=rows)] + float(offset),
    }[kind].astype(dtype)
    labeled = labeled or [rows - 1]
    budget = min(budget, rows - len(labeled))
    if budget:
        with few_candidates(count, chunk):
            picks = farthest_first(points, indices(*labeled), budget)
        assert picks.tolist() == yardstick.farthest_first(points.astype(np.float64), labeled, budget)


@pytest.mark.parametrize("labeled", [[], [5]])
def test_rows_of_few_kinds_take_few_passes(labeled: list[int]) -> None:
    # Ten kinds of rows, 3000 of them: the first of each other kind in one pass, then the rest by index.
    kinds = np.random.default_rng(0).integers(10, size=3000)
    with few_candidates(256, 512) as passes:
        picks = farthest_first(np.eye(10, dtype=np.float32)[kinds], indices(*labeled), 200).tolist()
    first = labeled or picks[:1]
    others = [row for row in sorted(np.unique(kinds, return_index=True)[1].tolist()) if kinds[row] != kinds[first[0]]]
    rest = [row for row in range(3000) if row not in (*first, *others)]
    assert picks == [*picks[: 1 - len(labeled)], *others, *rest][:200]
    assert len(passes) == 2


def test_equal_distances_do_not_cost_a_pass_a_pick() -> None:
    points = np.eye(200, dtype=np.float32)
    with few_candidates(20, 64) as passes:
        picks = farthest_first(points, indices(0), 150)
    assert picks.tolist() == list(range(1, 151))
    assert len(passes) <= 9


def test_a_row_outside_of_the_few_comes_first_where_it_is_as_far_and_lower() -> None:
    # Row 2 is picked, and brings row 3, 61 from what is labeled, down to the 41 of row 1, which was not among the two.
    points = np.array([[0.0, 0.0], [-4.0, 5.0], [10.0, 0.0], [6.0, 5.0]])
    with few_candidates(2, 64):
        assert farthest_first(points, indices(0), 3).tolist() == [2, 1, 3]


def test_an_empty_list_of_labeled_rows_is_nobody() -> None:
    points = np.array([[0.0], [1.0], [5.0]])
    assert farthest_first(points, [], 3).tolist() == farthest_first(points, NOBODY, 3).tolist()  # type: ignore[arg-type]


def test_a_spread_pool_takes_few_passes() -> None:
    points = np.random.default_rng(0).normal(size=(4000, 5))
    with few_candidates(400, 512) as passes:
        farthest_first(points, indices(0), 300)
    assert 1 < len(passes) < 40


@settings(max_examples=40, deadline=None)
@given(problem=problems(), classes=st.integers(1, 3), bias=st.booleans())
def test_factored_gradients_are_picked_as_if_materialized(problem: Problem, classes: int, bias: bool) -> None:
    rows, width, labeled, budget, seed = problem
    if not labeled:
        return
    gradients = factored(seed, rows, classes, width, bias)
    points = gradients.materialize().flatten(1).numpy()
    picks = farthest_first(gradients, indices(*labeled), budget)
    assert picks.tolist() == yardstick.farthest_first(points, labeled, budget)


def test_nothing_labeled_starts_with_the_longest_gradient() -> None:
    gradients = factored(0, rows=12, classes=3, width=4)
    first = int(gradients.squared_norms().argmax())
    picks = farthest_first(gradients, NOBODY, 5)
    points = gradients.materialize().flatten(1).numpy()
    assert picks.tolist() == [first, *yardstick.farthest_first(points, [first], 4)]


def test_more_labeled_rows_than_are_held_against_the_pool_at_once() -> None:
    points = np.random.default_rng(0).normal(size=(340, 3))
    labeled = list(range(20, 320))
    assert farthest_first(points, indices(*labeled), 12).tolist() == yardstick.farthest_first(points, labeled, 12)


def test_on_a_line_by_hand() -> None:
    # From 0: 10 is farthest; then 4 and 6 tie at distance 4; the rest are at 1, 1 and 0.
    points = np.array([[0.0], [1.0], [4.0], [6.0], [9.0], [10.0], [0.0]])
    assert farthest_first(points, indices(0), 6).tolist() == [5, 2, 3, 1, 4, 6]


def test_nothing_labeled_starts_farthest_from_the_mean() -> None:
    # The mean is 2: 9 is farther from it than 0; then 0 from 9, then 1 (at distance 1).
    points = np.array([[0.0], [1.0], [0.0], [0.0], [9.0]])
    assert farthest_first(points, NOBODY, 5).tolist() == [4, 0, 1, 2, 3]


def spread_with_twins(dtype: type[np.floating[Any]], rows: int, width: int, offset: float) -> NDArray[Any]:
    """Rows far apart, each with an exact twin, the twins behind all the others."""
    points = np.random.default_rng(0).normal(size=(rows, width)) + offset
    return np.concatenate([points, points]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 7, 64, 512, 3000])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_twins_come_last_whatever_the_offset(offset: float, width: int, dtype: type[np.floating[Any]]) -> None:
    points = spread_with_twins(dtype, 40, width, offset)
    picks = farthest_first(points, indices(0), 79)
    # All others first, then the twins, all at distance zero and therefore by index.
    assert sorted(picks[:39].tolist()) == list(range(1, 40))
    assert picks[39:].tolist() == list(range(40, 80))


@pytest.mark.parametrize(("dtype", "apart"), [(np.float32, 50.0), (np.float64, 1000.0)])
@pytest.mark.parametrize("width", [3, 700])
def test_twins_come_last_in_two_clusters_far_apart(width: int, dtype: type[np.floating[Any]], apart: float) -> None:
    # No one point is near both clusters: what is lost to their distance cannot be won back by centering.
    points = spread_with_twins(dtype, 40, width, 0.0)
    points[::2] += dtype(apart)
    points[1::2] -= dtype(apart)
    picks = farthest_first(points, indices(0), 79)
    assert sorted(picks[:39].tolist()) == list(range(1, 40))
    assert picks[39:].tolist() == list(range(40, 80))


@dataclass(frozen=True)
class CoarseEmbedding:
    """Rows whose inner products are rounded coarsely, as matrix units of graphics cards do when asked to hurry."""

    rows: torch.Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: torch.Tensor | slice) -> CoarseEmbedding:
        return CoarseEmbedding(self.rows[rows])

    def squared_norms(self) -> torch.Tensor:
        return (self.rows**2).sum(dim=1)

    def inner(self, other: CoarseEmbedding) -> torch.Tensor:
        return (self.rows.bfloat16().float() @ other.rows.bfloat16().float().T).contiguous()


def test_twins_come_last_when_inner_products_are_coarse() -> None:
    points = torch.from_numpy(spread_with_twins(np.float32, 40, 64, 0.0))
    assert float((CoarseEmbedding(points).inner(CoarseEmbedding(points)).diagonal() / (points**2).sum(1)).min()) < 0.999
    picks = farthest_first(CoarseEmbedding(points), indices(0), 79)
    assert sorted(picks[:39].tolist()) == list(range(1, 40))
    assert picks[39:].tolist() == list(range(40, 80))


@dataclass(frozen=True)
class JitteryEmbedding(CoarseEmbedding):
    """Rows whose inner products are rounded one way here and another way there, as blocked sums may be."""

    def take(self, rows: torch.Tensor | slice) -> JitteryEmbedding:
        return JitteryEmbedding(self.rows[rows])

    def inner(self, other: CoarseEmbedding) -> torch.Tensor:
        products = self.rows @ other.rows.T
        units = (torch.arange(len(self)) % 7).unsqueeze(1).to(products)
        return products * (1.0 - units * torch.finfo(products.dtype).eps)


def test_twins_come_last_when_no_two_inner_products_are_rounded_alike() -> None:
    points = torch.from_numpy(spread_with_twins(np.float64, 40, 8, 0.0))
    picks = farthest_first(JitteryEmbedding(points), indices(0), 79)
    # Either of two twins may come first, by a hair; the other one waits until all are reached, then goes by index.
    assert sorted((picks[:39] % 40).tolist()) == list(range(1, 40))
    assert picks[39:].tolist() == sorted(picks[39:].tolist())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_that_are_all_equal_are_picked_by_index(dtype: type[np.floating[Any]]) -> None:
    points = np.full((9, 5), 0.1, dtype=dtype)
    assert farthest_first(points, indices(3), 8).tolist() == [0, 1, 2, 4, 5, 6, 7, 8]
    assert farthest_first(points, NOBODY, 4).tolist() == [0, 1, 2, 3]


def test_rows_without_columns_are_all_equal() -> None:
    assert farthest_first(np.empty((4, 0)), indices(1), 3).tolist() == [0, 2, 3]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), offset=st.floats(-50, 50), turn=st.booleans())
def test_where_the_origin_lies_does_not_matter(seed: int, offset: float, turn: bool) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(15, 3))
    moved = points + offset
    if turn:
        moved = moved @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    labeled = indices(4, 7)
    assert farthest_first(points, labeled, 8).tolist() == farthest_first(moved, labeled, 8).tolist()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999))
def test_another_order_of_the_pool_gives_the_same_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, order = rng.normal(size=(15, 3)), rng.permutation(15)
    position = np.argsort(order)
    picks = farthest_first(points, indices(4, 7), 8)
    shuffled = farthest_first(points[order], position[[4, 7]], 8)
    assert order[shuffled].tolist() == picks.tolist()


def test_fewer_are_the_first_of_more() -> None:
    points = np.random.default_rng(0).normal(size=(30, 3))
    assert farthest_first(points, indices(3), 6).tolist() == farthest_first(points, indices(3), 20)[:6].tolist()


def test_what_is_given_stays_as_it_was() -> None:
    points = np.random.default_rng(0).normal(size=(10, 3)) + 5
    labeled, before = indices(2), points.copy()
    farthest_first(points, labeled, 4)
    assert np.array_equal(points, before)
    assert labeled.tolist() == [2]


@settings(max_examples=40, deadline=None)
@given(problem=problems(), offset=st.sampled_from([0.0, 1.0, 1e6]), seed=st.integers(0, 99))
def test_centering_keeps_every_distance(problem: Problem, offset: float, seed: int) -> None:
    rows, width = problem[:2]
    points = torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, width)) + offset)
    whole = DenseEmbedding(points)
    centered = whole.minus(whole.middle()).rows
    assert centered.shape == points.shape
    assert float(centered.abs().max() if centered.numel() else 0.0) < 8.0
    torch.testing.assert_close(
        centered.unsqueeze(0) - centered.unsqueeze(1), points.unsqueeze(0) - points.unsqueeze(1), rtol=1e-9, atol=1e-9
    )
