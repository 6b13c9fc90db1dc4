"""Squared distances against differences squared in float64, and what counts as zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ladle.gradients import FactoredGradients
from ladle.selectors import DenseEmbedding
from ladle.selectors.distances import (
    Centers,
    nearest_squared_distances,
    pairwise_squared_distances,
    squared_distances,
)
from ladle.typing import Embedding

DTYPES = [torch.float32, torch.float64]


def brute_force(rows: torch.Tensor, centers: torch.Tensor) -> NDArray[np.float64]:
    differences = rows.double().unsqueeze(1) - centers.double().unsqueeze(0)
    squared: NDArray[np.float64] = (differences**2).sum(dim=2).numpy()
    return squared


def in_blocks(rows: Embedding, centers: Embedding) -> torch.Tensor:
    norms = rows.squared_norms()
    return torch.cat([squared_distances(rows, norms, block) for block in Centers.of(centers)], dim=1)


def assert_close(found: torch.Tensor | NDArray[Any], expected: NDArray[np.float64], scale: float) -> None:
    """Within some units in the last place of the largest |a|² + |b|², which is what an inner product can promise."""
    values = np.asarray(found)
    np.testing.assert_allclose(values, expected, rtol=0.0, atol=64 * float(np.finfo(values.dtype).eps) * scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "centers", "width"), [(1, 1, 1), (50, 3, 7), (40, 256, 5), (30, 257, 4), (9, 700, 2)])
def test_equal_to_differences_squared(rows: int, centers: int, width: int, dtype: torch.dtype) -> None:
    rng = np.random.default_rng(rows)
    points = torch.from_numpy(rng.normal(size=(rows, width))).to(dtype)
    others = torch.from_numpy(rng.normal(size=(centers, width))).to(dtype)
    found = in_blocks(DenseEmbedding(points), DenseEmbedding(others))
    assert found.dtype == dtype
    assert_close(found, brute_force(points, others), 2 * float(max((points**2).sum(1).max(), (others**2).sum(1).max())))


@pytest.mark.parametrize("bias", [True, False])
def test_gradients_are_as_far_apart_as_materialized(bias: bool) -> None:
    rng = np.random.default_rng(3)
    gradients = FactoredGradients(
        torch.from_numpy(rng.normal(size=(20, 3))), torch.from_numpy(rng.normal(size=(20, 4))), bias
    )
    points = gradients.materialize().flatten(1)
    found = in_blocks(gradients, gradients.take(slice(5, 12)))
    assert_close(found, brute_force(points, points[5:12]), 2 * float((points**2).sum(1).max()))


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 600])
def test_among_each_other(rows: int) -> None:
    points = torch.from_numpy(np.random.default_rng(rows).normal(size=(rows, 3)))
    found = pairwise_squared_distances(DenseEmbedding(points))
    assert found.shape == (rows, rows)
    assert_close(found, brute_force(points, points), 2 * float((points**2).sum(1).max()))
    assert not found.diagonal().any()


def test_among_no_rows_at_all() -> None:
    assert pairwise_squared_distances(DenseEmbedding(torch.empty(0, 3))).shape == (0, 0)
    assert Centers.of(DenseEmbedding(torch.empty(0, 3))) == []


def test_centers_come_in_blocks_that_make_up_the_whole() -> None:
    points = torch.from_numpy(np.random.default_rng(0).normal(size=(600, 3)))
    blocks = Centers.of(DenseEmbedding(points))
    assert [len(block.norms) for block in blocks] == [256, 256, 88]
    assert torch.equal(torch.cat([block.norms for block in blocks]), DenseEmbedding(points).squared_norms())
    second = blocks[1].rows
    assert isinstance(second, DenseEmbedding)
    assert torch.equal(second.rows, points[256:512])


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 40),
    centers=st.integers(1, 300),
    width=st.integers(0, 6),
    kind=st.sampled_from(["spread", "grid", "twins", "offset"]),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 9999),
)
def test_the_nearest_is_the_row_minimum_to_the_last_bit(
    rows: int, centers: int, width: int, kind: str, dtype: torch.dtype, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    others = rng.normal(size=(centers, width))
    if kind == "grid":
        others = np.round(others)
    points = others[rng.integers(centers, size=rows)] if kind in ("twins", "offset") else rng.normal(size=(rows, width))
    if kind == "offset":
        # Hardly more than noise apart: some distances are cut, others in the same row are not.
        points, others = points + 1000.0, others + 1000.0 + rng.normal(size=others.shape) * 1e-4
    embedding, center_rows = (DenseEmbedding(torch.from_numpy(values).to(dtype)) for values in (points, others))
    norms = embedding.squared_norms()
    for block in Centers.of(center_rows):
        expected = squared_distances(embedding, norms, block).amin(dim=1)
        assert torch.equal(nearest_squared_distances(embedding, norms, block), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 7, 100, 2000])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_a_twin_is_at_distance_zero_and_nobody_else(offset: float, width: int, dtype: torch.dtype) -> None:
    points = (torch.from_numpy(np.random.default_rng(0).normal(size=(300, width))) * 30 + offset).to(dtype)
    twins = DenseEmbedding(torch.cat([points, points]))
    found = in_blocks(twins, DenseEmbedding(points))
    same = torch.eye(300, dtype=torch.bool).repeat(2, 1)
    assert torch.equal(found[same], torch.zeros(600, dtype=dtype))
    if width > 1:  # in one dimension some of so many lie close together
        assert float(found[~same].min()) > 0.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_below_the_noise_of_its_inner_products_counts_as_zero(dtype: torch.dtype) -> None:
    # |a|² + |b|² is about 2: differences are noise up to 16 units in its last place.
    unit = float(torch.finfo(dtype).eps)
    points = torch.tensor([[1.0, 0.0], [1.0, (28 * unit) ** 0.5], [1.0, (36 * unit) ** 0.5]], dtype=dtype)
    found = in_blocks(DenseEmbedding(points), DenseEmbedding(points[:1])).squeeze(1)
    assert found[:2].tolist() == [0.0, 0.0]
    assert float(found[2]) == pytest.approx(36 * unit, rel=0.1)


@dataclass(frozen=True)
class NoisyEmbedding:
    """Rows whose inner products come out a little too small, by a share that the center's index sets."""

    rows: torch.Tensor
    shares: torch.Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: torch.Tensor | slice) -> NoisyEmbedding:
        return NoisyEmbedding(self.rows[rows], self.shares[rows])

    def squared_norms(self) -> torch.Tensor:
        return (self.rows**2).sum(dim=1)

    def inner(self, other: NoisyEmbedding) -> torch.Tensor:
        return (self.rows @ other.rows.T) * (1.0 - other.shares)


def test_a_center_with_more_noise_of_its_own_hides_more() -> None:
    # Both points lie 0.04 from each center. |c|² = 1 and the first center's own distance comes out as 2 · 0.02 = 0.04:
    # four times that is its noise, 0.16, and 0.04 + 0.04 is lost in it. The second center is exact.
    centers = NoisyEmbedding(torch.tensor([[1.0, 0.0], [1.0, 0.0]]).double(), torch.tensor([0.02, 0.0]).double())
    points = NoisyEmbedding(torch.tensor([[1.0, 0.2], [1.0, -0.2]]).double(), torch.zeros(2).double())
    (block,) = Centers.of(centers)
    assert block.noise.tolist() == pytest.approx([0.04, 0.0])
    found = squared_distances(points, points.squared_norms(), block)
    assert found[:, 0].tolist() == [0.0, 0.0]
    assert found[:, 1].tolist() == pytest.approx([0.04, 0.04])
    assert nearest_squared_distances(points, points.squared_norms(), block).tolist() == [0.0, 0.0]
    # 0.5 away is more than the noise.
    far = NoisyEmbedding(torch.tensor([[1.0, 0.5]]).double(), torch.zeros(1).double())
    assert squared_distances(far, far.squared_norms(), block).tolist()[0] == pytest.approx([0.29, 0.25])
    # The nearest looks at the noise of each center, not at the largest alone.
    exact_only = NoisyEmbedding(torch.tensor([[1.0, 0.3]]).double(), torch.zeros(1).double())
    both = NoisyEmbedding(torch.tensor([[-3.0, 0.0], [1.0, 0.0]]).double(), torch.tensor([0.02, 0.0]).double())
    (block,) = Centers.of(both)
    nearest = nearest_squared_distances(exact_only, exact_only.squared_norms(), block)
    assert nearest.tolist() == pytest.approx([0.09])


def test_the_nearest_knows_the_noise_of_a_center_longer_than_the_others() -> None:
    # 1001.5 is 2.25 from 1000, below 16 units of 2e6 (3.8) but above those of 1e6 (1.9).
    points = DenseEmbedding(torch.tensor([[1001.5]], dtype=torch.float32))
    (block,) = Centers.of(DenseEmbedding(torch.tensor([[1.0], [1000.0]], dtype=torch.float32)))
    assert squared_distances(points, points.squared_norms(), block).amin(dim=1).tolist() == [0.0]
    assert nearest_squared_distances(points, points.squared_norms(), block).tolist() == [0.0]


@dataclass(frozen=True)
class CoarseInBulk(NoisyEmbedding):
    """Rows whose inner products are rounded more coarsely when there are many of them at once."""

    def take(self, rows: torch.Tensor | slice) -> CoarseInBulk:
        return CoarseInBulk(self.rows[rows], self.shares[rows])

    def inner(self, other: NoisyEmbedding) -> torch.Tensor:
        return (self.rows @ other.rows.T) * (1.0 - (1e-3 if len(self) > 256 else 1e-4))


def test_a_row_is_at_distance_zero_from_itself_whatever_the_rounding() -> None:
    points = torch.from_numpy(np.random.default_rng(0).normal(size=(300, 8)))
    assert not pairwise_squared_distances(CoarseInBulk(points, torch.zeros(300))).diagonal().any()


def test_what_is_given_stays_as_it_was() -> None:
    points = torch.from_numpy(np.random.default_rng(0).normal(size=(10, 3)))
    before, norms = points.clone(), DenseEmbedding(points).squared_norms()
    norms_before = norms.clone()
    (block,) = Centers.of(DenseEmbedding(points[:4]))
    center_norms, noise = block.norms.clone(), block.noise.clone()
    squared_distances(DenseEmbedding(points), norms, block)
    nearest_squared_distances(DenseEmbedding(points), norms, block)
    assert torch.equal(points, before)
    assert torch.equal(norms, norms_before)
    assert torch.equal(block.norms, center_norms)
    assert torch.equal(block.noise, noise)
