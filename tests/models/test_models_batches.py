"""Rows of inputs: dense, sparse, in batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ladle.errors import InputError
from ladle.models.batches import as_rows, example_shape, passing_batches, training_batches
from ladle.typing import Inputs

CPU = torch.device("cpu")


@settings(deadline=None)
@given(count=st.integers(1, 60), batch_size=st.integers(1, 12))
def test_training_batches_hold_every_example_and_none_is_alone(count: int, batch_size: int) -> None:
    sizes = training_batches(count, batch_size)
    assert sum(sizes) == count
    assert all(size == batch_size for size in sizes[:-1])
    assert 1 not in sizes or count == 1 or batch_size == 1
    assert sizes[-1] <= batch_size + 1


@pytest.mark.parametrize(("count", "sizes"), [(16, [8, 8]), (17, [8, 9]), (18, [8, 8, 2]), (9, [9]), (1, [1])])
def test_a_single_last_example_joins_the_batch_before(count: int, sizes: list[int]) -> None:
    assert training_batches(count, 8) == sizes


@settings(deadline=None)
@given(count=st.integers(0, 60), batch_size=st.integers(1, 12))
def test_passing_batches_hold_every_example(count: int, batch_size: int) -> None:
    assert [list(range(count))[i : i + batch_size] for i in range(0, count, batch_size)] == [
        list(range(start, start + size))
        for start, size in zip(range(0, count, batch_size), passing_batches(count, batch_size), strict=True)
    ]


def matrices(draw: st.DrawFn) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a matrix with few numbers in it, empty rows and columns among them."""
    rows, columns = draw(st.integers(1, 8)), draw(st.integers(1, 6))
    density = draw(st.sampled_from([0.0, 0.2, 0.7, 1.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    return np.asarray(rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) < density))


@settings(deadline=None)
@given(st.data())
def test_sparse_rows_are_the_dense_ones(data: st.DataObject) -> None:
    dense = data.draw(st.composite(matrices)())
    positions = torch.tensor(data.draw(st.lists(st.integers(0, len(dense) - 1), min_size=1, max_size=12)))
    sizes = training_batches(len(positions), data.draw(st.integers(1, 5)))
    sparse_batches: list[Any] = list(as_rows(scipy.sparse.csr_matrix(dense)).take(positions).batches(sizes))
    dense_batches: list[Any] = list(as_rows(torch.from_numpy(dense)).take(positions).batches(sizes))
    assert len(sparse_batches) == len(dense_batches) == len(sizes)
    for sparse, expected in zip(sparse_batches, dense_batches, strict=True):
        assert sparse.layout is torch.sparse_csr
        assert torch.equal(sparse.to_dense(), expected)
    torch.testing.assert_close(torch.cat(dense_batches), torch.from_numpy(dense)[positions])


def test_repeated_and_unsorted_entries_count_as_their_sum_and_the_matrix_is_left_alone() -> None:
    parts = (np.array([1.0, 2.0, 4.0]), np.array([2, 0, 2]), np.array([0, 3]))
    matrix = scipy.sparse.csr_matrix(parts, shape=(1, 3))
    batch: Any = next(as_rows(matrix).batches([1]))
    assert torch.equal(batch.to_dense(), torch.tensor([[2.0, 0.0, 5.0]], dtype=torch.float64))
    parts_again = batch.crow_indices(), batch.col_indices(), batch.values()
    torch.sparse_csr_tensor(*parts_again, batch.shape, check_invariants=True)
    assert matrix.nnz == 3


def test_floating_numbers_take_the_dtype_and_integers_keep_theirs() -> None:
    def dtype_of(inputs: Inputs) -> torch.dtype:
        (numbers,) = as_rows(inputs).to(CPU, torch.float32).numbers()
        return numbers.dtype

    assert dtype_of(scipy.sparse.csr_matrix(np.eye(2))) == torch.float32
    assert dtype_of(torch.ones(2, 2, dtype=torch.float64)) == torch.float32
    assert dtype_of(torch.ones(2, 2, dtype=torch.int64)) == torch.int64


@pytest.mark.parametrize(
    ("inputs", "shape"),
    [
        (torch.zeros(4, 3, 32, 32), (3, 32, 32)),
        (torch.zeros(4), ()),
        (torch.zeros(0, 7), (7,)),
        (scipy.sparse.csr_matrix((4, 9)), (9,)),
    ],
)
def test_example_shape_leaves_out_the_examples(inputs: Tensor, shape: tuple[int, ...]) -> None:
    assert example_shape(inputs) == shape


def test_other_sparse_formats_are_refused() -> None:
    with pytest.raises(InputError, match=r"got format='csc'\); call .tocsr\(\)"):
        as_rows(scipy.sparse.csc_matrix((2, 2)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="first axis"):
        as_rows(torch.tensor(1.0))
    with pytest.raises(InputError, match="layout"):
        as_rows(torch.sparse_coo_tensor(torch.zeros(2, 1), torch.ones(1), (2, 2), check_invariants=True))
