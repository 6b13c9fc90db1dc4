"""Cold starts: when they are due, and the rows they take distances between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

from ladle.errors import InputError, UnknownNameError
from ladle.gradients import cross_entropy
from ladle.strategies import COLD_STARTS, PoolOutputs, distance_rows, find_cold_start, is_cold


@pytest.mark.parametrize(
    ("labels", "cold"),
    [
        ([], True),
        (np.empty(0, dtype=np.int64), True),
        ([3], True),
        ([3, 3, 3], True),
        (["cat", "cat"], True),
        (["cat", "dog"], False),
        ([0, 1], False),
        (np.empty((0, 2)), True),
        ([[1, 0]], False),
        ([[0, 0], [0, 0]], False),
    ],
)
def test_it_is_cold_without_labels_or_with_one_class(labels: Any, cold: bool) -> None:
    assert is_cold(labels) == cold


@pytest.mark.parametrize("name", ["k-center", "k-means++"])
def test_far_apart_groups_get_one_pick_each(name: str) -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(6), 20)
    inputs = rng.normal(size=(120, 5, 2)) * 0.01 + 100.0 * np.eye(10)[groups].reshape(-1, 5, 2)
    rows = distance_rows(torch.from_numpy(inputs))
    nothing = torch.empty(120, 0)
    for seed in range(10):
        outputs = PoolOutputs(rows, nothing, np.array([0]), torch.tensor([1]), cross_entropy, bias=True)
        picks = find_cold_start(name).select(outputs, 5, generator=np.random.default_rng(seed))
        assert len(set(groups[picks])) == 5
        if name == "k-center":  # k-means++ has no centers but its own
            assert 0 not in groups[picks]


def test_dense_rows_are_flattened_and_kept_as_they_are() -> None:
    images = torch.randint(0, 256, (5, 1, 2, 3), dtype=torch.uint8)
    assert torch.equal(distance_rows(images), images.reshape(5, 6).float())
    assert distance_rows(images).dtype == torch.float32
    floats = torch.randn(4, 3, dtype=torch.float64)
    assert distance_rows(floats).data_ptr() == floats.data_ptr()
    assert distance_rows(torch.arange(3.0)).shape == (3, 1)


def test_sparse_rows_keep_the_distances_their_largest_components_have() -> None:
    rng = np.random.default_rng(1)
    dense = (rng.normal(size=(30, 5)) @ rng.normal(size=(5, 200))) * (rng.random(200) < 0.4)
    rows = distance_rows(scipy.sparse.csr_matrix(dense))
    # Of rank five: nothing is lost.
    torch.testing.assert_close(torch.pdist(rows), torch.pdist(torch.from_numpy(dense)))
    wide = scipy.sparse.csr_matrix(rng.normal(size=(300, 200)))
    assert distance_rows(wide).shape == (300, 64)
    assert torch.equal(distance_rows(wide), distance_rows(wide))


@pytest.mark.parametrize("shape", [(5, 1), (5, 2), (70, 64), (0, 3), (0, 100)])
def test_sparse_rows_of_few_columns_are_kept_as_they_are(shape: tuple[int, int]) -> None:
    dense = np.random.default_rng(0).normal(size=shape)
    assert np.array_equal(distance_rows(scipy.sparse.csr_matrix(dense)).numpy(), dense)


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_few_sparse_rows_keep_their_distances(rows: int) -> None:
    # Rows that share no column: all at right angles, each needs a component of its own.
    dense = np.eye(rows, 100) * np.arange(1.0, rows + 1)[:, None]
    reduced = distance_rows(scipy.sparse.csr_matrix(dense))
    expected = torch.from_numpy(dense)
    torch.testing.assert_close(torch.cdist(reduced, reduced), torch.cdist(expected, expected))


def test_sparse_rows_that_are_all_equal_are_at_no_distance() -> None:
    reduced = distance_rows(scipy.sparse.csr_matrix(np.ones((9, 100))))
    torch.testing.assert_close(torch.cdist(reduced, reduced), torch.zeros(9, 9, dtype=torch.float64), rtol=0, atol=1e-6)


def test_what_has_no_distances_is_refused() -> None:
    with pytest.raises(InputError, match=r"finite inputs \(got NaN"):
        distance_rows(torch.tensor([[1.0], [float("nan")]]))
    with pytest.raises(UnknownNameError, match="did you mean 'k-means\\+\\+'"):
        find_cold_start("kmeans++")
    assert list(COLD_STARTS) == ["random", "k-center", "k-means++"]
