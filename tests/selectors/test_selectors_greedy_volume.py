"""Greedy volume against Gram-Schmidt pick by pick, and the determinant; twins, exhaustion, few passes."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ladle.errors import InputError
from ladle.gradients import FactoredGradients
from ladle.selectors import AnchoredEmbedding, DenseEmbedding, greedy_volume
from ladle.selectors.passes import LocalPasses
from ladle.typing import Indices
from reference import greedy_volume as yardstick

NOBODY = np.empty(0, dtype=np.int64)
volume_module: Any = sys.modules["ladle.selectors.greedy_volume"]
passes_module: Any = sys.modules["ladle.selectors.passes"]


def anchored(points: NDArray[Any], anchor: NDArray[Any]) -> AnchoredEmbedding:
    return AnchoredEmbedding(
        DenseEmbedding(torch.from_numpy(points)), torch.from_numpy(np.square(points - anchor).sum(axis=1))
    )


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 9999), rows=st.integers(6, 40), width=st.integers(5, 9), labeled=st.integers(0, 3))
def test_equal_to_gram_schmidt_pick_by_pick(seed: int, rows: int, width: int, labeled: int) -> None:
    rng = np.random.default_rng(seed)
    points, anchor = rng.normal(size=(rows, width)), rng.normal(size=width)
    taken = rng.permutation(rows)[:labeled]
    budget = min(width - 1, rows - labeled)
    picks = greedy_volume(anchored(points, anchor), taken, budget)
    assert picks.tolist() == yardstick.greedy_volume(points - anchor, taken.tolist(), budget)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("most", [1, 3, 2048])
def test_factored_gradients_from_their_mean_as_those_written_out(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, most: int
) -> None:
    # So few candidates between two passes that many passes are made; and chunks of three rows.
    monkeypatch.setattr(volume_module, "_FEWEST_CANDIDATES", 1)
    monkeypatch.setattr(volume_module, "_MOST_CANDIDATES", most)
    monkeypatch.setattr(passes_module, "CHUNK_ROWS", 3)
    rng = np.random.default_rng(4)
    residuals, features = torch.from_numpy(rng.normal(size=(60, 4))), torch.from_numpy(rng.normal(size=(60, 7)))
    written = FactoredGradients(residuals, features).materialize().flatten(1)
    mean = written[:9].mean(dim=0)
    embedding = AnchoredEmbedding(
        FactoredGradients(residuals.to(dtype), features.to(dtype)), (written - mean).square().sum(dim=1).to(dtype)
    )
    picks = greedy_volume(embedding, np.arange(9), 20)
    assert picks.tolist() == yardstick.greedy_volume((written - mean).numpy(), list(range(9)), 20)


def test_every_pick_gives_the_largest_determinant() -> None:
    points = np.random.default_rng(0).normal(size=(12, 6))
    picks = greedy_volume(anchored(points, np.zeros(6)), NOBODY, 5).tolist()

    def determinant(rows: list[int]) -> float:
        return float(np.linalg.det(points[rows] @ points[rows].T))

    for done in range(5):
        others = [row for row in range(12) if row not in picks[:done]]
        assert max(others, key=lambda row: determinant([*picks[:done], row])) == picks[done]
    # Greedy is not the best of all batches, but far above the middle of them.
    every = sorted(determinant(list(rows)) for rows in itertools.combinations(range(12), 5))
    assert determinant(picks) > every[int(0.9 * len(every))]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_twins_wait_until_all_directions_are_taken(dtype: type[np.floating[Any]]) -> None:
    points = np.random.default_rng(1).normal(size=(8, 20)).astype(dtype)
    doubled = np.concatenate([points, points])
    picks = greedy_volume(anchored(doubled, np.zeros(20, dtype)), NOBODY, 16).tolist()
    # The lower of two twins, the longest first; then the rest, as if the first eight were not there.
    assert sorted(picks[:8]) == list(range(8))
    assert picks[8:] == [pick + 8 for pick in picks[:8]]


def test_a_new_volume_is_begun_when_the_rows_span_no_more() -> None:
    # Two directions only: two picks exhaust them, and the next two begin anew among the rows left.
    points = np.array([[5.0, 0.0], [0.0, 4.0], [3.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
    assert greedy_volume(anchored(points, np.zeros(2)), NOBODY, 5).tolist() == [0, 1, 2, 3, 4]


def test_rows_on_the_anchor_come_last_in_their_order() -> None:
    points = np.array([[1.0, 1.0], [1.0, 1.0], [3.0, 1.0], [1.0, 1.0]])
    assert greedy_volume(anchored(points, np.ones(2)), NOBODY, 4).tolist() == [2, 0, 1, 3]


def test_few_passes_over_a_large_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    reach = LocalPasses.reach_span

    def counted(self: LocalPasses, centers: Any, factors: torch.Tensor, taken: Indices) -> None:
        calls.append(len(taken))
        reach(self, centers, factors, taken)

    monkeypatch.setattr(LocalPasses, "reach_span", counted)
    points = np.random.default_rng(2).normal(size=(3000, 200)) * np.linspace(1.0, 0.1, 200)
    picks = greedy_volume(anchored(points, np.zeros(200)), NOBODY, 100)
    assert len(set(picks.tolist())) == 100
    assert 1 <= len(calls) <= 30


def test_rows_without_an_anchor_are_refused() -> None:
    with pytest.raises(InputError, match="anchor"):
        greedy_volume(DenseEmbedding(torch.zeros(3, 2)), NOBODY, 1)


def test_a_tie_with_a_row_outside_of_the_few_goes_to_the_lower_index(monkeypatch: pytest.MonkeyPatch) -> None:
    # After the first pick, along the last axis, rows 2 and 3 have length 1 left, as row 1 has, which none looked at.
    monkeypatch.setattr(volume_module, "_FEWEST_CANDIDATES", 1)
    monkeypatch.setattr(volume_module, "_MOST_CANDIDATES", 3)
    points = np.zeros((5, 5))
    points[0, 4] = 2.0
    points[1, 0] = points[2, 1] = points[3, 2] = 1.0
    points[2:4, 4] = 1.5
    points[4, 3] = 0.5
    picks = greedy_volume(anchored(points, np.zeros(5)), NOBODY, 5).tolist()
    assert picks == yardstick.greedy_volume(points, [], 5) == [0, 1, 2, 3, 4]


def test_as_many_rows_as_are_looked_at_have_no_row_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_module, "_FEWEST_CANDIDATES", 3)
    monkeypatch.setattr(volume_module, "_MOST_CANDIDATES", 3)
    points = np.diag([3.0, 2.0, 1.0])
    assert greedy_volume(anchored(points, np.zeros(3)), NOBODY, 2).tolist() == [0, 1]


def test_an_empty_list_of_labeled_rows_is_nobody() -> None:
    points = np.diag([1.0, 3.0, 2.0])
    picks = greedy_volume(anchored(points, np.zeros(3)), [], 3)  # type: ignore[arg-type]
    assert (picks.dtype, picks.tolist()) == (np.dtype(np.int64), [1, 2, 0])
