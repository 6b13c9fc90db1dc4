from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ladle.data import Pool, open_pool, save_pool
from ladle.errors import DataError
from ladle.typing import Inputs


def made(rows: int, columns: int, *, sparse: bool, seed: int = 0) -> Pool:
    generator = np.random.default_rng(seed)

    def inputs(count: int) -> Inputs:
        values = generator.normal(size=(count, columns)).astype(np.float32)
        if not sparse:
            return torch.from_numpy(values)
        return scipy.sparse.csr_matrix(np.where(values > 0.5, values, 0).astype(np.float32))

    def labels(count: int) -> Tensor:
        return torch.from_numpy(generator.integers(0, 3, size=count))

    return Pool(
        name="made",
        modality="text" if sparse else "table",
        inputs=inputs(rows),
        labels=labels(rows),
        validation_inputs=inputs(2),
        validation_labels=labels(2),
        test_inputs=inputs(1),
        test_labels=labels(1),
        classes=("one", "zwei", "三"),
    )


def same(one: Inputs, two: Inputs) -> bool:
    if isinstance(one, Tensor) and isinstance(two, Tensor):
        return torch.equal(one, two)
    assert isinstance(one, scipy.sparse.csr_matrix)
    assert isinstance(two, scipy.sparse.csr_matrix)
    return one.shape == two.shape and np.array_equal(one.toarray(), two.toarray())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 4), st.booleans(), st.integers(0, 9))
def test_what_is_opened_is_what_was_saved(
    tmp_path_factory: pytest.TempPathFactory, rows: int, columns: int, sparse: bool, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("pool") / "new" / "folder"
    pool = made(rows, columns, sparse=sparse, seed=seed)
    save_pool(pool, folder)
    opened = open_pool(folder)
    assert (opened.name, opened.modality, opened.classes) == (pool.name, pool.modality, pool.classes)
    for part, (inputs, labels) in pool.parts().items():
        assert same(inputs, opened.parts()[part][0])
        assert torch.equal(labels, opened.parts()[part][1])
    assert opened.fingerprint() == pool.fingerprint()


def test_a_matrix_without_any_number_can_be_saved(tmp_path: Path) -> None:
    empty = scipy.sparse.csr_matrix(np.zeros((2, 5), dtype=np.float32))
    labels = torch.tensor([0, 1])
    pool = Pool("made", "text", empty, labels, empty, labels, empty, labels, ("a", "b"))
    save_pool(pool, tmp_path)
    assert open_pool(tmp_path).fingerprint() == pool.fingerprint()


@pytest.mark.parametrize("sparse", [False, True])
def test_arrays_are_mapped_and_writing_leaves_the_files_alone(tmp_path: Path, sparse: bool) -> None:
    pool = made(50, 4, sparse=sparse)
    save_pool(pool, tmp_path)
    opened = open_pool(tmp_path)
    data = opened.inputs.numpy() if isinstance(opened.inputs, Tensor) else opened.inputs.data
    mapped = Path("/proc/self/maps")
    if mapped.exists():
        names = {line.split()[-1] for line in mapped.read_text().splitlines()}
        assert {str(file) for file in tmp_path.glob("*.npy")} <= names
    data[...] = 7
    assert open_pool(tmp_path).fingerprint() == pool.fingerprint() != opened.fingerprint()


def test_another_process_opens_the_same_pool(tmp_path: Path) -> None:
    pool = made(20, 3, sparse=True)
    save_pool(pool, tmp_path)
    code = "import sys; from ladle.data import open_pool; print(open_pool(sys.argv[1]).fingerprint())"
    other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == pool.fingerprint()
    assert other.stderr == ""


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(DataError, match=r"saved to an empty folder \(got .* with files in it\); choose another folder"):
        save_pool(made(3, 2, sparse=False), tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["note.txt"]


def test_a_folder_that_holds_no_whole_pool_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has a pool.json and .npy files \(got .*pool.json.*\); save it anew"):
        open_pool(tmp_path)
    save_pool(made(3, 2, sparse=False), tmp_path)
    header = json.loads((tmp_path / "pool.json").read_text())
    (tmp_path / "pool.json").write_text(json.dumps(header | {"version": 2}))
    with pytest.raises(DataError, match=r"has version 1 \(got version 2 in .*\); save it anew"):
        open_pool(tmp_path)
    for damaged in ("{", "[]", json.dumps({"version": 1})):
        (tmp_path / "pool.json").write_text(damaged)
        with pytest.raises(DataError, match=r"a saved pool can be read \(got .*\); save it anew"):
            open_pool(tmp_path)
    (tmp_path / "pool.json").write_text(json.dumps(header))
    np.save(tmp_path / "test_labels.npy", np.array([5]))
    with pytest.raises(DataError, match=r"got test labels from 5 to 5, classes=3"):
        open_pool(tmp_path)
    (tmp_path / "test_labels.npy").unlink()
    with pytest.raises(DataError, match=r"got .*test_labels.npy"):
        open_pool(tmp_path)


def test_a_sparse_pool_whose_indices_point_outside_is_refused(tmp_path: Path) -> None:
    rows = scipy.sparse.csr_matrix(np.eye(4, 3, dtype=np.float32))
    labels = torch.tensor([0, 1, 0, 1])
    save_pool(Pool("small", "text", rows, labels, rows, labels, rows, labels, ("a", "b")), tmp_path)
    assert open_pool(tmp_path).inputs.shape == (4, 3)
    for wrong in (10**6, -(10**6)):
        indices = rows.indices.copy()
        indices[0] = wrong
        np.save(tmp_path / "pool_indices.npy", indices)
        with pytest.raises(DataError, match="a saved pool can be read"):
            open_pool(tmp_path)


@pytest.mark.parametrize("starts", [[0, 5, 0, 0, 0], [0, 3, 2, 3, 3], [0, -7, 0, 0, 0]])
def test_a_sparse_pool_whose_rows_end_before_they_begin_is_refused(starts: list[int], tmp_path: Path) -> None:
    # SciPy looks at no row of a matrix whose last one ends at 0, and then reads what lies behind the arrays.
    rows = scipy.sparse.csr_matrix(np.eye(4, 3, dtype=np.float32))
    labels = torch.tensor([0, 1, 0, 1])
    save_pool(Pool("small", "text", rows, labels, rows, labels, rows, labels, ("a", "b")), tmp_path)
    np.save(tmp_path / "pool_indptr.npy", np.array(starts, dtype=rows.indptr.dtype))
    with pytest.raises(DataError, match="a saved pool can be read"):
        open_pool(tmp_path)
