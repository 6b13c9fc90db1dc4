"""The conversions at every door: what is shared, what is copied, what is kept, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ladle.arrays import as_indices, as_tensor, blocks, like, squared_lengths
from ladle.errors import InputError


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "uint8", "bool"])
def test_plain_types_are_kept(dtype: str) -> None:
    array = np.array([[0, 1], [1, 1]]).astype(dtype)
    tensor = as_tensor(array)
    assert str(tensor.dtype) == f"torch.{dtype}"
    assert np.array_equal(tensor.numpy(), array)
    assert as_tensor(tensor).dtype == tensor.dtype


def test_half_precision_becomes_single() -> None:
    assert as_tensor(np.ones(2, dtype=np.float16)).dtype == torch.float32
    assert as_tensor(torch.ones(2, dtype=torch.bfloat16)).dtype == torch.float32


def test_memory_is_shared_where_that_is_safe() -> None:
    array = np.zeros((2, 3))
    as_tensor(array)[0, 0] = 7.0
    assert array[0, 0] == 7.0
    tensor = torch.zeros(3)
    assert as_tensor(tensor).data_ptr() == tensor.data_ptr()


def test_read_only_arrays_are_copied_without_a_warning() -> None:
    array = np.zeros((2, 3))
    array.setflags(write=False)
    as_tensor(array)[0, 0] = 7.0
    assert array[0, 0] == 0.0


@pytest.mark.parametrize("view", [np.s_[::-1], np.s_[:, ::2], np.s_[::-2, 1:]])
def test_views_of_any_stride_are_read_rightly(view: Any) -> None:
    array = np.arange(20.0).reshape(4, 5)[view]
    assert np.array_equal(as_tensor(array).numpy(), array)
    assert np.array_equal(as_tensor(array.T).numpy(), array.T)


def test_the_other_byte_order_is_read_rightly() -> None:
    array = np.array([1.5, -2.0])
    assert as_tensor(array.astype(">f8")).tolist() == as_tensor(array.astype("<f8")).tolist() == [1.5, -2.0]


def test_lists_are_arrays_too() -> None:
    assert as_tensor([[1.0, 2.0]]).dtype == torch.float64
    assert as_tensor([1, 2]).dtype == torch.int64


def test_gradients_are_left_behind() -> None:
    leaf = torch.ones(3, requires_grad=True)
    assert not as_tensor(leaf * 2).requires_grad
    assert leaf.requires_grad


def test_the_kind_that_was_given_comes_back() -> None:
    tensor = torch.ones(2)
    assert like(tensor, torch.zeros(1)) is tensor
    assert isinstance(like(tensor, np.zeros(1)), np.ndarray)


@pytest.mark.parametrize(
    "values", [[3, 1, 2], (3, 1, 2), np.array([3, 1, 2], dtype=np.int16), torch.tensor([3, 1, 2]), [[3], [1], [2]]]
)
def test_indices_are_one_row_of_int64(values: Any) -> None:
    indices = as_indices(values)
    assert indices.dtype == np.int64
    assert indices.tolist() == [3, 1, 2]


def test_indices_are_a_copy() -> None:
    given_indices = np.array([3, 1, 2])
    as_indices(given_indices)[0] = 9
    assert given_indices.tolist() == [3, 1, 2]


@pytest.mark.parametrize("values", [[], (), np.empty(0), torch.empty(0), np.empty((0, 1), dtype=bool)])
def test_no_indices_have_any_type(values: Any) -> None:
    indices = as_indices(values)
    assert indices.dtype == np.int64
    assert indices.shape == (0,)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, False], "bool"),  # would read as the indices 1 and 0
        (torch.tensor([False, True]), "bool"),
        ([1.0, 2.0], "float64"),
        (torch.tensor([1.0], requires_grad=True), "float32"),
        ("ab", "<U2"),
        (None, "object"),
        ({1, 2}, "object"),
        ([[1], [1, 2]], "rows of different lengths"),
    ],
)
def test_anything_but_whole_numbers_is_refused(values: Any, kind: str) -> None:
    with pytest.raises(InputError, match=rf"whole numbers \(got {kind}\)"):
        as_indices(values)


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(0, 20), size=st.integers(1, 25))
def test_blocks_are_the_rows_in_order(rows: int, size: int) -> None:
    tensor = torch.arange(rows * 2).reshape(rows, 2)
    parts = list(blocks(tensor, size))
    assert all(0 < len(part) <= size for part in parts)
    assert len(parts) == -(-rows // size)
    assert torch.equal(torch.cat([tensor[:0], *parts]), tensor)


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(0, 6), width=st.sampled_from([0, 1, 3, 40_000, 70_000]), seed=st.integers(0, 99))
def test_squared_lengths_are_sums_of_squares(rows: int, width: int, seed: int) -> None:
    tensor = torch.from_numpy(np.random.default_rng(seed).integers(-9, 10, size=(rows, width)).astype(np.float64))
    # Whole numbers: exact, not merely close.
    assert squared_lengths(tensor).tolist() == [sum(value * value for value in row) for row in tensor.tolist()]


def test_squared_lengths_keep_the_type() -> None:
    assert squared_lengths(torch.ones(3, 2)).dtype == torch.float32
