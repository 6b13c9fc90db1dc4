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
    assert max((part["longest"] for part in parts), key=lambda pair: pair[1]) == expected["longest"]


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
