"""Passes over a pool in pieces or in parts find what passes over the whole pool find, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ladle.gradients import FactoredGradients
from ladle.selectors import DenseEmbedding, LocalPasses, Passes
from ladle.selectors.passes import EmbeddingRows, as_passes
from ladle.selectors.top import highest
from ladle.typing import Embedding, Indices

CHUNK = 16


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ladle.selectors.passes.CHUNK_ROWS", CHUNK)


class InPieces:
    """Consecutive rows of an embedding in pieces of two chunks, as from files."""

    def __init__(self, embedding: Embedding, first: int, stop: int) -> None:
        self.embedding, self.first, self.stop = embedding, first, stop

    def __len__(self) -> int:
        return self.stop - self.first

    def pieces(self) -> Iterator[tuple[int, Embedding]]:
        for start in range(self.first, self.stop, 2 * CHUNK):
            yield start - self.first, self.embedding.take(slice(start, min(self.stop, start + 2 * CHUNK)))

    def take(self, rows: Indices) -> Embedding:
        return self.embedding.take(torch.from_numpy(rows + self.first))


def dense(rows: int, seed: int = 0) -> DenseEmbedding:
    points = np.random.default_rng(seed).normal(size=(rows, 5)).astype(np.float32)
    points[rows // 2 :: 7] = points[0]  # twins
    return DenseEmbedding(torch.from_numpy(points))


def factored(rows: int) -> FactoredGradients:
    rng = np.random.default_rng(1)
    residuals, features = rng.normal(size=(rows, 3)), rng.normal(size=(rows, 5))
    return FactoredGradients(torch.from_numpy(residuals).float(), torch.from_numpy(features).float())


def found(passes: Passes, taken: Indices, origin: Any, whole: Passes) -> dict[str, Any]:
    """Return everything that passes find within a range of rows."""
    passes.start(taken, origin)
    whole.start(taken, origin)
    sums = passes.column_sums()
    results: dict[str, Any] = {
        "sums": None if sums is None else sums.numpy(),
        "longest": passes.farthest_from(None),
        "from a point": passes.farthest_from(
            None if sums is None else torch.linspace(-3.0, 3.0, sums.shape[1]).double()
        ),
    }
    for step, rows in enumerate((np.array([3, 40]), np.array([70, 5, 9]))):
        passes.reach(whole.fetch(rows), rows)
        results[f"weights {step}"] = passes.chunk_weights()
        results[f"farthest {step}"] = passes.farthest(25)
    chunks = np.arange(len(results["weights 1"]))
    results["find"] = passes.find(chunks, 0.5 * results["weights 1"])
    return results


@pytest.mark.parametrize("view", [dense(101), factored(101)], ids=["dense", "factored"])
def test_pieces_find_what_the_whole_finds(view: Embedding) -> None:
    taken = np.array([0, 17, 33])
    origin = view.middle() if isinstance(view, DenseEmbedding) else None
    whole = LocalPasses(EmbeddingRows(view))
    expected = found(whole, taken, origin, LocalPasses(EmbeddingRows(view)))
    pieces = found(LocalPasses(InPieces(view, 0, 101)), taken, origin, whole)
    np.testing.assert_equal(pieces, expected)


@pytest.mark.parametrize("view", [dense(101), factored(101)], ids=["dense", "factored"])
def test_parts_put_together_find_what_the_whole_finds(view: Embedding) -> None:
    taken = np.array([0, 17, 33, 90])
    origin = view.middle() if isinstance(view, DenseEmbedding) else None
    whole = LocalPasses(EmbeddingRows(view))
    expected = found(whole, taken, origin, LocalPasses(EmbeddingRows(view)))
    parts = [
        found(LocalPasses(InPieces(view, first, stop), first), taken, origin, whole)
        for first, stop in ((0, 48), (48, 101))
    ]
    for key in ("weights 0", "weights 1"):
        assert np.array_equal(np.concatenate([part[key] for part in parts]), expected[key])
    rows = [np.concatenate([part["farthest 1"][which] for part in parts]) for which in (0, 1)]
    order = np.lexsort((rows[0], -rows[1]))[:25]
    np.testing.assert_equal((rows[0][order], rows[1][order]), expected["farthest 1"])
    np.testing.assert_equal(np.concatenate([part["find"][0] for part in parts]), expected["find"][0])
    for key in ("longest", "from a point"):
        assert max((part[key] for part in parts), key=lambda pair: pair[1]) == expected[key]
    if isinstance(view, DenseEmbedding):
        assert np.array_equal(np.concatenate([part["sums"] for part in parts]), expected["sums"])
    else:
        assert expected["sums"] is None


def test_what_the_whole_finds_is_what_the_rows_say() -> None:
    view = dense(101)
    rows, taken = view.rows.double().numpy(), np.array([0, 17, 33])
    expected = found(LocalPasses(EmbeddingRows(view)), taken, view.middle(), as_passes(view))
    np.testing.assert_allclose(expected["sums"].sum(axis=0), rows.sum(axis=0), rtol=1e-12)
    assert len(expected["sums"]) == 7
    free = np.setdiff1d(np.arange(101), taken)
    for key, point in (("longest", np.zeros(5)), ("from a point", np.linspace(-3.0, 3.0, 5))):
        lengths = ((rows[free] - point) ** 2).sum(axis=1)
        assert expected[key][0] == free[lengths.argmax()]
        assert expected[key][1] == pytest.approx(lengths.max(), rel=1e-5)


def test_the_longest_of_equals_is_the_first_of_those_that_are_free() -> None:
    points = np.array([[1.0], [-2.0], [2.0], [-2.0]]).repeat(20, axis=0)
    for first in (0, 5 * CHUNK):
        passes = LocalPasses(InPieces(DenseEmbedding(torch.from_numpy(points)), 0, 80), first)
        passes.start(np.arange(20, 35) + first, None)
        assert passes.farthest_from(None) == (first + 35, 4.0)
        # 3 away from 1: the rows at -2, of which 35 is the first that is free.
        assert passes.farthest_from(torch.ones(1)) == (first + 35, 9.0)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 999),
    rows=st.integers(1, 70),
    centers=st.integers(1, 12),
    count=st.integers(0, 80),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_centers_step_by_step_or_all_at_once(
    seed: int, rows: int, centers: int, count: int, dtype: type[np.floating[Any]]
) -> None:
    # Rows on a grid: ties everywhere, and no rounding.
    rng = np.random.default_rng(seed)
    points = rng.integers(-2, 3, size=(rows, 2)).astype(dtype)
    chosen = rng.permutation(rows)[:centers].astype(np.int64)
    step_by_step, at_once = (LocalPasses(InPieces(DenseEmbedding(torch.from_numpy(points)), 0, rows)) for _ in "12")
    at_once.start(np.empty(0, dtype=np.int64), None)
    at_once.reach(at_once.fetch(chosen), chosen)
    for row in chosen:
        step_by_step.reach(step_by_step.fetch(np.array([row])), np.array([row]))
    nearest = ((points[:, None] - points[chosen]) ** 2).sum(axis=2).min(axis=1).astype(float)
    nearest[chosen] = -1.0
    expected = [row for row in by_sorting(nearest, rows) if row not in chosen][:count]
    for passes in (step_by_step, at_once):
        found_rows, squared = passes.farthest(count)
        assert found_rows.tolist() == expected
        assert squared.tolist() == nearest[expected].tolist()
        weights = [nearest[low : low + CHUNK].clip(0.0).sum() for low in range(0, rows, CHUNK)]
        assert passes.chunk_weights().tolist() == weights


def test_no_centers_leave_all_distances_infinite() -> None:
    passes = as_passes(dense(20))
    passes.reach(passes.fetch(np.empty(0, dtype=np.int64)), np.array([3]))
    rows, squared = passes.farthest(30)
    assert rows.tolist() == [row for row in range(20) if row != 3]
    assert np.isinf(squared).all()


@pytest.mark.parametrize("at_once", [1, 2, 512])
def test_find_on_a_grid_is_exact(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whole numbers have exact running sums: marks on a border belong to the row behind it, never to one of weight zero.
    monkeypatch.setattr("ladle.selectors.passes._CHUNKS_OF_SUMS", at_once)
    rng = np.random.default_rng(4)
    points = rng.integers(0, 4, size=(90, 1)).astype(np.float64)
    points[:CHUNK] = 0.0  # a chunk without weight
    points[-3:] = 0.0
    first = 3 * CHUNK
    passes = LocalPasses(InPieces(DenseEmbedding(torch.from_numpy(points)), 0, 90), first)
    passes.start(np.array([50, 51, 70]) + first, None)
    passes.reach(passes.fetch(np.array([first])), np.array([first]))
    nearest = points[:, 0] ** 2
    nearest[[50, 51, 70]] = 0.0
    weights = passes.chunk_weights()
    chunks = rng.permutation(np.repeat(np.flatnonzero(weights), 30))
    marks = np.floor(rng.random(len(chunks)) * weights[chunks] * 2) / 2
    marks[::9] = weights[chunks[::9]]  # rounded up to the whole
    rows, squared = passes.find(chunks, marks)
    for chunk, mark, row, value in zip(chunks, marks, rows - first, squared, strict=True):
        inside = range(chunk * CHUNK, min(90, (chunk + 1) * CHUNK))
        beyond = [place for place in inside if nearest[chunk * CHUNK : place + 1].sum() > mark]
        weighty = [place for place in inside if nearest[place] > 0.0]
        assert row == (beyond[0] if beyond else weighty[-1])
        assert value == nearest[row] > 0.0


def test_rows_are_fetched_as_seen_from_the_origin() -> None:
    view, other = dense(40), factored(40)
    passes = LocalPasses(InPieces(view, 0, 40), 2 * CHUNK)
    passes.start(np.empty(0, dtype=np.int64), torch.ones(5))
    fetched = passes.fetch(np.array([7, 3]) + 2 * CHUNK)
    assert isinstance(fetched, DenseEmbedding)
    assert torch.equal(fetched.rows, view.rows[[7, 3]] - 1.0)
    gradients = as_passes(other)
    gradients.start(np.empty(0, dtype=np.int64), torch.ones(5))
    fetched_gradients = gradients.fetch(np.array([7]))
    assert isinstance(fetched_gradients, FactoredGradients)
    assert torch.equal(fetched_gradients.features, other.features[7:8])
    assert as_passes(passes) is passes


def test_an_origin_moves_no_distance() -> None:
    # On a grid nothing is rounded, wherever it is seen from; a new start measures the rows anew.
    points = torch.from_numpy(np.random.default_rng(0).integers(-3, 4, size=(40, 3)).astype(np.float64))
    passes, found_from = as_passes(DenseEmbedding(points)), []
    for origin in (None, torch.tensor([5.0, -9.0, 2.0]).double(), None):
        passes.start(np.array([1]), origin)
        passes.reach(passes.fetch(np.array([0])), np.array([0]))
        found_from.append(passes.farthest(40))
    np.testing.assert_equal(found_from[1], found_from[0])
    np.testing.assert_equal(found_from[2], found_from[0])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 999), share=st.floats(0.0, 1.0, exclude_max=True))
def test_find_is_where_a_plain_running_sum_passes_the_mark(seed: int, share: float) -> None:
    view = dense(50, seed)
    passes = as_passes(view)
    passes.start(np.array([4, 20]), None)
    passes.reach(passes.fetch(np.array([7])), np.array([7]))
    nearest = ((view.rows.double() - view.rows[7].double()) ** 2).sum(dim=1).numpy()
    nearest[[4, 20, 7]] = 0.0
    weights = passes.chunk_weights()
    np.testing.assert_allclose(weights, [nearest[start : start + CHUNK].sum() for start in range(0, 50, CHUNK)], 1e-4)
    chunks = np.arange(len(weights))
    rows, squared = passes.find(chunks, share * weights)
    for chunk, row, value in zip(chunks, rows, squared, strict=True):
        inside = nearest[chunk * CHUNK : (chunk + 1) * CHUNK]
        before = inside[: row - chunk * CHUNK].sum()
        assert chunk * CHUNK <= row < (chunk + 1) * CHUNK
        assert nearest[row] > 0.0
        assert value == pytest.approx(nearest[row], rel=1e-4)
        assert before <= share * weights[chunk] * (1 + 1e-4) <= (before + inside[row - chunk * CHUNK]) * (1 + 2e-4)


def test_a_start_forgets_and_what_is_taken_stays_out() -> None:
    passes = as_passes(dense(60))
    passes.start(np.array([1]), None)
    passes.reach(passes.fetch(np.array([2, 3])), np.array([2, 3]))
    assert not set(passes.farthest(60)[0].tolist()) & {1, 2, 3}
    passes.start(np.array([5]), None)
    passes.reach(passes.fetch(np.array([0])), np.array([0]))
    again = as_passes(dense(60))
    again.start(np.array([5]), None)
    again.reach(again.fetch(np.array([0])), np.array([0]))
    np.testing.assert_equal(passes.farthest(60), again.farthest(60))
    assert len(passes.farthest(60)[0]) == 58


def test_nothing_is_farthest_when_all_is_taken() -> None:
    passes = as_passes(dense(20))
    passes.start(np.arange(20), None)
    assert passes.farthest_from(None) == (-1, -1.0)
    assert len(passes.farthest(5)[0]) == 0


def by_sorting(values: NDArray[Any], count: int) -> list[int]:
    return sorted(range(len(values)), key=lambda row: (-values[row], row))[:count]


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.sampled_from([0.0, 1.0, 2.5, -3.0, float("inf"), float("-inf")]), max_size=30),
    count=st.integers(0, 30),
)
def test_highest_is_sorting(values: list[float], count: int) -> None:
    count = min(count, len(values))
    array = np.array(values)
    assert highest(torch.from_numpy(array), count).tolist() == by_sorting(array, count)


def test_small_weights_count_beside_a_large_one_in_single_precision() -> None:
    # A float32 sum that has reached 1e8 does not grow by ones any more.
    points = torch.ones(CHUNK, 1)
    points[0] = 1e4
    passes = LocalPasses(EmbeddingRows(DenseEmbedding(points)))
    passes.start(np.empty(0, dtype=np.int64), None)
    passes.reach(DenseEmbedding(torch.zeros(1, 1)), np.empty(0, dtype=np.int64))
    assert passes.chunk_weights().tolist() == [1e8 + CHUNK - 1]


def test_no_rows_have_no_weights() -> None:
    assert LocalPasses(EmbeddingRows(DenseEmbedding(torch.empty(0, 3)))).chunk_weights().shape == (0,)


def test_the_middle_is_the_mean_rounded_to_a_power_of_two_of_each_column() -> None:
    rows = torch.tensor([[0.0, 5.0, 100.0], [3.0, 5.0, 101.0], [1.0, 5.0, 102.0]])
    # Means 4/3, 5 and 101; ranges 3, none and 2, hence steps of 2, none and 2.
    middle = DenseEmbedding(rows).middle()
    assert middle[:2].tolist() == [2.0, 5.0]
    assert float(middle[2]) in (100.0, 102.0)
