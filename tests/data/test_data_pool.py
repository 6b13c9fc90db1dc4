from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor

from ladle.data import Pool
from ladle.errors import InputError
from ladle.typing import Inputs


def dense(**changes: Any) -> Pool:
    values: dict[str, Any] = {
        "name": "made",
        "modality": "table",
        "inputs": torch.arange(12, dtype=torch.float32).reshape(4, 3),
        "labels": torch.tensor([0, 1, 2, 1]),
        "validation_inputs": torch.zeros(2, 3),
        "validation_labels": torch.tensor([2, 0]),
        "test_inputs": torch.ones(1, 3),
        "test_labels": torch.tensor([1]),
        "classes": ("a", "b", "c"),
    }
    return Pool(**(values | changes))


def csr(rows: list[list[float]]) -> scipy.sparse.csr_matrix:
    return scipy.sparse.csr_matrix(np.array(rows, dtype=np.float32))


def sparse(**changes: Any) -> Pool:
    values: dict[str, Any] = {
        "modality": "text",
        "inputs": csr([[0, 1, 0], [0, 0, 0], [2, 0, 3], [0, 0, 4]]),
        "validation_inputs": csr([[0, 0, 0], [1, 1, 1]]),
        "test_inputs": csr([[5, 0, 0]]),
    }
    return dense(**(values | changes))


def test_length_and_shape_are_the_pool_s() -> None:
    assert len(dense()) == len(sparse()) == 4
    assert dense().example_shape == sparse().example_shape == (3,)
    images = torch.zeros(4, 1, 8, 8)
    pool = dense(inputs=images, validation_inputs=images[:2], test_inputs=images[:1], modality="image")
    assert pool.example_shape == (1, 8, 8)


def test_the_summary_counts_every_part_in_json() -> None:
    summary = json.loads(json.dumps(dense().summary()))
    assert summary == {
        "name": "made",
        "modality": "table",
        "pool": 4,
        "validation": 2,
        "test": 1,
        "classes": 3,
        "class_names": ["a", "b", "c"],
        "class_counts": {"pool": [1, 2, 1], "validation": [1, 0, 1], "test": [0, 1, 0]},
        "example_shape": [3],
    }


def changed(inputs: Inputs) -> Inputs:
    """The inputs with another number in the last row."""
    if isinstance(inputs, Tensor):
        inputs = inputs.clone()
        inputs[-1, -1] += 1
        return inputs
    rows = inputs.toarray().tolist()
    rows[-1][-1] += 1
    return csr(rows)


@pytest.mark.parametrize("build", [dense, sparse])
def test_the_fingerprint_changes_with_every_array_and_with_nothing_else(build: Any) -> None:
    pool = build()
    base = pool.fingerprint()
    assert len(base) == 64
    assert build().fingerprint() == build(name="another").fingerprint() == base
    seen = {base}
    for field in ("inputs", "validation_inputs", "test_inputs"):
        seen.add(build(**{field: changed(getattr(pool, field))}).fingerprint())
    for field in ("labels", "validation_labels", "test_labels"):
        seen.add(build(**{field: (getattr(pool, field) + 1) % 3}).fingerprint())
    seen.add(build(classes=("a", "b", "d")).fingerprint())
    seen.add(build(classes=("a", "b", "c", "d")).fingerprint())
    seen.add(build(modality="image").fingerprint())
    assert len(seen) == 10


def test_one_matrix_in_two_csr_forms_has_one_fingerprint() -> None:
    whole = csr([[0, 1, 0], [0, 0, 0], [2, 0, 3], [0, 0, 4]])
    unsorted = scipy.sparse.csr_matrix(
        (np.array([1, 3, 2, 4], np.float32), np.array([1, 2, 0, 2]), np.array([0, 1, 1, 3, 4])), shape=(4, 3)
    )
    wide = whole.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    assert sparse(inputs=unsorted).fingerprint() == sparse(inputs=wide).fingerprint() == sparse().fingerprint()
    assert not unsorted.has_sorted_indices, "the pool's own matrix is left as it was"


def test_a_row_s_place_counts() -> None:
    rows = torch.arange(12, dtype=torch.float32).reshape(4, 3)
    assert dense(inputs=rows.flip(0)).fingerprint() != dense(inputs=rows).fingerprint()


def test_the_fingerprint_is_this_one_on_every_machine() -> None:
    assert dense().fingerprint() == "7a412a5ef7e9a64242e9fb948daf4293fd3fdc60d141cade3ada9468920f41d7"
    assert sparse().fingerprint() == "301074b8a0e76e9f9fdffeb1f4085e352bc5ebd776f86a64a1e6c55cdc6135b9"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"inputs": torch.zeros(4, 3, dtype=torch.float64)},
            r"float32 .* \(got pool inputs of Tensor and torch.float64\)",
        ),
        ({"test_inputs": np.zeros((1, 3), np.float32)}, r"got test inputs of ndarray and float32\); convert them"),
        ({"labels": torch.zeros(4)}, r"one int64 class number a row \(got pool labels torch.float32 \(4,\)\)"),
        ({"labels": torch.zeros(4, 1, dtype=torch.int64)}, r"got pool labels torch.int64 \(4, 1\)\)"),
        ({"test_labels": torch.tensor([1, 1])}, r"one label each \(got test inputs=1, labels=2\); pair them up"),
        ({"inputs": torch.zeros(0, 3), "labels": torch.zeros(0, dtype=torch.int64)}, r"got pool inputs=0, labels=0"),
        ({"labels": torch.tensor([0, 1, 3, 1])}, r"got pool labels from 0 to 3, classes=3\); renumber them"),
        ({"validation_labels": torch.tensor([-1, 0])}, r"got validation labels from -1 to 0, classes=3"),
        ({"test_inputs": torch.ones(1, 4)}, r"got pool tensor \(4, 3\), test tensor \(1, 4\)\); prepare them alike"),
        ({"test_inputs": csr([[1, 2, 3]])}, r"got pool tensor \(4, 3\), test csr \(1, 3\)\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dense(**changes)
