"""Pools in shards: .npy and Parquet files that are cut, spliced, ragged, or claim more rows than there are bytes."""

from __future__ import annotations

import io
import shutil
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fuzz.material import Material, refused, scratch_folder
from ladle.data import ShardedMatrix, open_shards
from ladle.engines import select_from_shards

_MOST_NUMBERS = 1 << 16
_HEADERS = (
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 3), }",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 0), }",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3), }",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (-4, -3), }",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (True, 3), }",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }",
    b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }",
    b"{'descr': ('<f4', (3,)), 'fortran_order': False, 'shape': (2, 3), }",
    b"{'descr': 3, 'fortran_order': 3, 'shape': 3, }",
    b"{1: 2, 'a': 3}",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, " + b"(" * 3000,
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"9" * 5000 + b", 3), }",
)


def check(data: bytes) -> None:
    """Open one to three shards, some of them broken, read all rows, and select from them."""
    material = Material(data)
    kind = material.one_of(("npy", "parquet"))
    folder, scratch = scratch_folder() / "shards", scratch_folder() / "copies"
    for place in (folder, scratch):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
    parts: list[NDArray[Any]] = []
    whole = True
    for number in range(material.whole(1, 3)):
        array = _ARRAYS[material.whole(0, len(_ARRAYS) - 1)]
        content = _content(array, kind)
        if material.whole(0, 3) == 3 and kind == "npy":
            broken = _npy_header(material.broken(material.one_of(_HEADERS)))
        else:
            broken = material.broken(content, _content(_ARRAYS[0], kind))
        whole = whole and broken == content
        parts.append(array)
        (folder / f"part-{number}.{kind}").write_bytes(broken)
    matrix = refused(lambda: open_shards(folder, scratch=scratch))
    if whole:
        fits = len({part.shape[1] for part in parts}) == 1
        assert (matrix is not None) == fits
    if matrix is None:
        return
    assert len(matrix) >= 0
    assert matrix.columns >= 0
    if len(matrix) * max(1, matrix.columns) > _MOST_NUMBERS:
        return
    rows = refused(lambda: _all_rows(matrix))
    if whole:
        expected = np.concatenate([part.astype(matrix.dtype) for part in parts])
        np.testing.assert_array_equal(rows, expected)
    _select(material, folder, scratch, len(matrix))


def _all_rows(matrix: ShardedMatrix) -> NDArray[Any]:
    rows = matrix.take(np.arange(len(matrix)))
    again = np.empty_like(rows)
    matrix.read_into(0, len(matrix), again)
    np.testing.assert_array_equal(rows, again)
    return rows


def _select(material: Material, folder: Any, scratch: Any, count: int) -> None:
    logits = scratch_folder() / "logits.npy"
    np.save(logits, np.linspace(-1, 1, 2 * count, dtype=np.float32).reshape(count, 2))
    strategy, budget = material.one_of(("grad", "k-center", "badge", "random")), material.whole(0, 3)
    selection = refused(
        lambda: select_from_shards(
            strategy, features=folder, logits=logits, labeled=[0], labels=[1], budget=budget, scratch=scratch
        )
    )
    if selection is not None:
        picks = selection.picks.tolist()
        assert len(set(picks)) == len(picks) == budget
        assert set(picks) <= set(range(1, count))


_ARRAYS: tuple[NDArray[Any], ...] = (
    np.arange(12, dtype=np.float32).reshape(4, 3),
    np.arange(9, dtype=np.float64).reshape(3, 3) / 8,
    np.asfortranarray(np.arange(6, dtype=np.float16).reshape(2, 3)),
    np.arange(6, dtype=">f4").reshape(2, 3),
    np.arange(6, dtype=np.int16).reshape(2, 3),
    np.empty((0, 3), dtype=np.float32),
    np.arange(8, dtype=np.float32).reshape(2, 4),
    np.array([[1.0, np.nan, np.inf]], dtype=np.float32),
    np.full((2, 3), 60000, dtype=np.float16),
)


def _content(array: NDArray[Any], kind: str) -> bytes:
    return _contents()[kind][next(place for place, one in enumerate(_ARRAYS) if one is array)]


@cache
def _contents() -> dict[str, list[bytes]]:
    return {"npy": [_npy(array) for array in _ARRAYS], "parquet": [_parquet(array) for array in _ARRAYS]}


def _npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _parquet(array: NDArray[Any]) -> bytes:
    native = array.astype(array.dtype.newbyteorder("="))
    if array.dtype == np.float64:  # one column of lists
        table = pa.table({"row": pa.array(native.tolist(), pa.list_(pa.float64()))})
    else:
        table = pa.table({f"f{number}": np.ascontiguousarray(column) for number, column in enumerate(native.T)})
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def _npy_header(text: bytes) -> bytes:
    return b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text + bytes(24)
