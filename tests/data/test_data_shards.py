"""A matrix in shards is the concatenation of its files, whatever they are and wherever they lie, or a clear error."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow
import pyarrow.fs
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ladle.data.shard_reading import Shard
from ladle.data.shard_sources import natural_order
from ladle.data.shard_trials import copying_seconds, stand_in
from ladle.data.shard_writing import write_shards
from ladle.data.shards import ShardedMatrix, check_rows, find_matrix, open_shards, scratch_bytes
from ladle.errors import DataError, InputError

STORED = ["float16", "float32", "float64", "int8", "uint8", "int32", "uint16", "int64"]


def numbers(rows: int, columns: int, dtype: str = "float16", seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, 100, size=(rows, columns)).astype(dtype)


def saved(folder: Path, *arrays: NDArray[Any]) -> list[str | Path]:
    paths: list[str | Path] = []
    for number, array in enumerate(arrays):
        paths.append(folder / f"part-{number}.npy")
        np.save(paths[-1], array)
    return paths


def whole(matrix: ShardedMatrix, dtype: Any = np.float64) -> NDArray[Any]:
    out = np.full((len(matrix), matrix.columns), -1, dtype=dtype)
    matrix.read_into(0, len(matrix), out)
    return out


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every limit so small that a few rows go beyond it."""
    monkeypatch.setattr("ladle.data.shard_reading._CONVERT_BYTES", 24)
    monkeypatch.setattr("ladle.data.shard_reading._READ_BYTES", 64)
    monkeypatch.setattr("ladle.data.shard_reading._GAP_BYTES", 16)
    monkeypatch.setattr("ladle.data.shard_copies._BATCH_BYTES", 64)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(0, 4), st.booleans())
def test_shards_read_as_their_concatenation(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, sizes: list[int], columns: int, small: bool
) -> None:
    kinds = [data.draw(st.sampled_from(STORED)) for _ in sizes]
    arrays = [numbers(rows, columns, kind, seed) for seed, (rows, kind) in enumerate(zip(sizes, kinds, strict=True))]
    expected = np.concatenate([array.astype(np.float64) for array in arrays])
    with pytest.MonkeyPatch.context() as patch:
        if small:
            small_pieces.__wrapped__(patch)  # type: ignore[attr-defined]
        matrix = open_shards(saved(tmp_path_factory.mktemp("shards"), *arrays))
        assert (len(matrix), matrix.columns) == expected.shape
        assert matrix.nbytes == sum(array.nbytes for array in arrays)
        start = data.draw(st.integers(0, len(matrix)))
        stop = data.draw(st.integers(start, len(matrix)))
        dtype = data.draw(st.sampled_from([np.float16, np.float32, np.float64]))
        out = np.full((stop - start, columns), -1, dtype=dtype)
        matrix.read_into(start, stop, out)
        assert np.array_equal(out, expected[start:stop])
        rows = data.draw(st.lists(st.integers(0, len(matrix) - 1), max_size=20) if len(matrix) else st.just([]))
        taken = matrix.take(np.array(rows, dtype=np.int64))
        assert taken.dtype == (np.float64 if "float64" in kinds else np.float32)
        assert np.array_equal(taken, expected[rows].reshape(len(rows), columns))
        places = [(str(file), row) for file, size in zip(matrix.files, sizes, strict=True) for row in range(size)]
        assert [matrix.place(row) for row in range(len(matrix))] == places


@pytest.mark.parametrize(
    ("kinds", "dtype"),
    [
        (["float16"], "float16"),
        (["float16", "float32"], "float32"),
        (["float16", "float64", "float32"], "float64"),
        (["int64"], "float32"),
        (["float16", "int32"], "float32"),
        (["float64", "int8"], "float64"),
    ],
)
def test_the_type_is_the_widest_float_and_integers_count_as_float32(
    kinds: list[str], dtype: str, tmp_path: Path
) -> None:
    matrix = open_shards(saved(tmp_path, *(numbers(2, 3, kind) for kind in kinds)))
    assert matrix.dtype == np.dtype(dtype)


def test_rows_far_apart_are_not_read_with_what_lies_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    from ladle.data import shard_reading

    exactly = shard_reading._read_exactly

    def counted(file: Any, shard: Shard, first: int, rows: NDArray[Any]) -> None:
        read.append(rows.nbytes)
        exactly(file, shard, first, rows)

    monkeypatch.setattr(shard_reading, "_read_exactly", counted)
    array = numbers(100_000, 10)
    matrix = open_shards(saved(tmp_path, array))
    apart = np.arange(0, 100_000, 1000)
    assert np.array_equal(matrix.take(apart), array[apart])
    assert read == [20] * 100
    # Nearer ones are read together, but never more at a time than stated.
    read.clear()
    monkeypatch.setattr(shard_reading, "_READ_BYTES", 100_000)
    near = np.arange(0, 100_000, 50)
    assert np.array_equal(matrix.take(near), array[near])
    assert 20 <= len(read) <= 21
    assert max(read) <= 100_000


def test_rows_can_be_read_into_a_part_of_a_wider_array(tmp_path: Path) -> None:
    array = numbers(7, 3, "float32")
    matrix = open_shards(saved(tmp_path, array[:3], array[3:]))
    wide = np.zeros((7, 5), dtype=np.float32)
    matrix.read_into(0, 7, wide[:, 1:4])
    assert np.array_equal(wide[:, 1:4], array)
    assert not wide[:, [0, 4]].any()


@pytest.mark.parametrize("rows", [[-1], [5], [0, 4, 99], [[0.5]]])
def test_rows_that_are_not_there_are_refused(rows: Any, tmp_path: Path) -> None:
    matrix = open_shards(saved(tmp_path, numbers(2, 3), numbers(3, 3)))
    with pytest.raises(InputError, match=r"(rows must be from 0 to 4|whole numbers) \(got"):
        matrix.take(np.array(rows))
    for row in (-1, 5):
        with pytest.raises(InputError, match=rf"from 0 to 4 \(got {row}\)"):
            matrix.place(row)
    for start, stop in ((-1, 2), (0, 6), (3, 2)):
        with pytest.raises(InputError, match=rf"from 0 to 5 \(got {start} to {stop}\)"):
            matrix.read_into(start, stop, np.empty((max(0, stop - start), 3)))


@pytest.mark.parametrize("out", [np.empty((2, 4)), np.empty((3, 3)), np.empty((2, 3), int), np.empty((2, 3), ">f4")])
def test_an_array_that_does_not_fit_is_refused(out: NDArray[Any], tmp_path: Path) -> None:
    matrix = open_shards(saved(tmp_path, numbers(5, 3)))
    with pytest.raises(InputError, match=r"floats of their shape \(got .* for 2 rows of 3\)"):
        matrix.read_into(0, 2, out)


def test_pickled_it_is_small_and_reads_the_same_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = numbers(20_000, 3)
    saved(tmp_path, array)
    monkeypatch.chdir(tmp_path)
    matrix = open_shards("part-0.npy")
    assert np.array_equal(whole(matrix), array)
    stored = pickle.dumps(matrix)
    assert len(stored) < 2000
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = pickle.loads(stored)
    assert again == matrix
    assert np.array_equal(whole(again), array)


# Which files, in what order.


@pytest.mark.parametrize("source", ["", "part-*.npy", "part-?*.npy"])
def test_folders_and_patterns_are_read_in_natural_order(source: str, tmp_path: Path) -> None:
    names = ["part-1.npy", "part-2.npy", "part-02.npy", "part-10.npy", "part-10a.npy", "part-100.npy", "part-²0.npy"]
    for number, name in enumerate(reversed(names)):
        np.save(tmp_path / name, np.full((1, 1), number, dtype=np.float32))
    (tmp_path / "part-3.txt").write_text("a note")
    (tmp_path / "part-4.npy").mkdir()
    found = [Path(file).name for file in open_shards(str(tmp_path / source)).files]
    # Equal numbers go by spelling.
    expected = ["part-1.npy", "part-02.npy", "part-2.npy", "part-10.npy", "part-10a.npy", "part-100.npy", "part-²0.npy"]
    assert found == expected


@given(st.permutations(["a-1", "a-01", "a-2", "a-10", "b", "b-1x", "b-1y"]))
def test_natural_order_depends_on_names_alone(names: list[str]) -> None:
    assert sorted(names, key=natural_order) == ["a-01", "a-1", "a-2", "a-10", "b", "b-1x", "b-1y"]


def test_a_list_keeps_its_order_and_may_mix_kinds(tmp_path: Path) -> None:
    array = numbers(6, 2, "float32")
    (first,) = write_shards(tmp_path, [array[:2]], rows_a_file=9, prefix="z", dtype="float32", kind="parquet")
    (second,) = write_shards(tmp_path, [array[2:]], rows_a_file=9, prefix="a")
    matrix = open_shards([first, str(second)], scratch=tmp_path / "scratch")
    assert matrix.files == (str(first), str(second))
    assert np.array_equal(whole(matrix), array)


def test_the_home_folder_and_names_with_brackets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    np.save(tmp_path / "run[1].npy", numbers(2, 2))
    assert len(open_shards("~/run[1].npy")) == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], r"features must be in \.npy or \.parquet files \(got an empty list\)"),
        ("none.npy", r"got none at .*none\.npy\); check the path"),
        ("none-*.npy", r"got none at .*none-\*\.npy\); check the path"),
        ("empty", r"got none at .*empty\); check the path"),
        ("note.txt", r"must be \.npy or \.parquet \(got .*note\.txt\)"),
        ("*", r"must be \.npy or \.parquet \(got .*note\.txt\)"),
        ("both", r"one kind \(got \.npy and \.parquet at .*both\)"),
    ],
)
def test_sources_without_shards_are_refused(source: Any, message: str, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("a note")
    (tmp_path / "empty").mkdir()
    write_shards(tmp_path / "both", [numbers(2, 2)], rows_a_file=2)
    write_shards(tmp_path / "both", [numbers(2, 2)], rows_a_file=2, kind="parquet")
    with pytest.raises(DataError, match=message):
        open_shards(source if isinstance(source, list) else tmp_path / source)


# What is in a file.


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(()),
        np.zeros(3),
        np.zeros((2, 3, 4)),
        np.zeros((2, 2), complex),
        np.zeros((2, 2), bool),
        np.zeros((2, 2), "U3"),
        np.zeros((2, 2), object),
        np.zeros((2, 2), [("a", "f4")]),
        np.zeros((2, 2), "M8[s]"),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(array: NDArray[Any], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=r"two axes of numbers \(got shape \(.*in .*a\.npy\)"):
        open_shards(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not an array", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x09\x00\x10\x00{}"])
def test_a_file_that_is_no_array_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"must hold an array \(got .*a\.npy: .*\); save it again"):
        open_shards(tmp_path)
    (tmp_path / "a.npy").rename(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"must be readable \(got .*a\.parquet: .*\); write it again"):
        open_shards(tmp_path, scratch=tmp_path / "scratch")


def test_a_file_cut_short_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    saved(tmp_path, numbers(5, 3), numbers(5, 3))
    os.truncate(tmp_path / "part-1.npy", 157)
    with pytest.raises(DataError, match=r"whole \(got 157 of 158 bytes in .*part-1\.npy, which is cut short\)"):
        open_shards(tmp_path)


def test_a_file_cut_short_or_gone_since_is_named(tmp_path: Path) -> None:
    saved(tmp_path, numbers(5, 3), numbers(5, 3))
    matrix = open_shards(tmp_path)
    os.truncate(tmp_path / "part-1.npy", 140)
    with pytest.raises(DataError, match=r"stay as it is while it is read \(got .*part-1\.npy cut short\)"):
        whole(matrix)
    with pytest.raises(DataError, match=r"part-1\.npy cut short"):
        matrix.take(np.array([9]))
    (tmp_path / "part-1.npy").unlink()
    with pytest.raises(DataError, match=r"stay readable \(got .*part-1\.npy: .*No such file"):
        whole(matrix)


def test_shards_that_disagree_in_width_are_named_before_anything_is_copied(tmp_path: Path) -> None:
    write_shards(tmp_path, [numbers(3, 4)], rows_a_file=3, prefix="a", kind="parquet")
    write_shards(tmp_path, [numbers(0, 5)], rows_a_file=3, prefix="b", kind="parquet")
    scratch = tmp_path / "scratch"
    for call in (open_shards, scratch_bytes):
        with pytest.raises(
            DataError, match=r"logits must be equally wide \(got 4 columns in .*a-00000\.parquet, 5 in .*b-00000\."
        ):
            call(tmp_path, scratch=scratch, name="logits")
    assert not scratch.exists()


@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8", ">i4", "<f4", "longdouble"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.usefixtures("small_pieces")
def test_other_memory_layouts_are_converted(dtype: str, order: Any, tmp_path: Path) -> None:
    arrays = [numbers(rows, 5, dtype, seed=rows) for rows in (13, 0, 1)]
    saved(tmp_path, *(np.asarray(array, order=order) for array in arrays))
    plain = dtype == "<f4" and order == "C"
    if not plain:
        with pytest.raises(DataError, match=r"folder for plain copies \(got scratch=None, .*part-0\.npy"):
            open_shards(tmp_path)
    matrix = open_shards(tmp_path, scratch=tmp_path / "scratch")
    assert np.array_equal(whole(matrix), np.concatenate(arrays).astype(np.float64))
    assert np.array_equal(matrix.take(np.array([13, 2, 12])), np.concatenate(arrays)[[13, 2, 12]].astype(np.float64))
    assert (tmp_path / "scratch").exists() == (not plain)


# Parquet.


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=4),
    st.integers(1, 4),
    st.sampled_from(["float16", "float32", "float64", "int8", "int64", "uint16"]),
    st.sampled_from(["columns", "lists", "large lists", "fixed lists"]),
)
def test_parquet_reads_as_the_same_numbers_in_npy(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], columns: int, dtype: str, layout: str
) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    arrays = [numbers(rows, columns, dtype, seed) for seed, rows in enumerate(sizes)]
    for number, array in enumerate(arrays):
        _write_parquet(folder / f"{number}.parquet", array, layout)
    with pytest.MonkeyPatch.context() as patch:
        small_pieces.__wrapped__(patch)  # type: ignore[attr-defined]
        matrix = open_shards(folder, scratch=folder / "scratch")
    # Lists of any length do not tell their width where there are none.
    width = columns if sum(sizes) or layout in ("columns", "fixed lists") else 0
    assert (len(matrix), matrix.columns) == (sum(sizes), width)
    assert matrix.dtype == (dtype if dtype.startswith("float") else "float32")
    if sum(sizes):
        assert np.array_equal(whole(matrix), np.concatenate(arrays))
        assert matrix.place(len(matrix) - 1)[0].endswith(f"{max(n for n, rows in enumerate(sizes) if rows)}.parquet")


def _write_parquet(path: Path, array: NDArray[Any], layout: str) -> None:
    value = pyarrow.from_numpy_dtype(array.dtype)
    if layout == "columns":
        table = pyarrow.table({f"f{column}": array[:, column] for column in range(array.shape[1])})
    else:
        kind = {
            "lists": pyarrow.list_(value),
            "large lists": pyarrow.large_list(value),
            "fixed lists": pyarrow.list_(value, array.shape[1]),
        }[layout]
        table = pyarrow.table({"features": pyarrow.array(list(array), type=kind)})
    pyarrow.parquet.write_table(table, path, row_group_size=4)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": ["x"]}, r"numeric \(got 'a' of string in .*a\.parquet\); drop it"),
        ({"a": [1.0], "b": [True]}, r"numeric \(got 'b' of bool"),
        ({"a": [1.0], "b": [[1.0]]}, r"numeric \(got 'b' of list"),
        ({"a": [{"b": 1.0}]}, r"numeric \(got 'a' of struct"),
        ({"a": [["x"]]}, r"lists must hold numbers \(got string"),
        ({"a": [[[1.0]]]}, r"lists must hold numbers \(got list"),
        ({"a": [[1.0, 2.0], [3.0]]}, r"equally many numbers a row \(got .*a\.parquet, 2 in its first row"),
        ({"a": [[1.0, 2.0], [1.0], [1.0, 2.0, 3.0]]}, r"equally many numbers a row"),
        ({"a": [[1.0, 2.0], None]}, r"equally many numbers a row .*none elsewhere"),
        ({"a": [None, [1.0, 2.0]]}, r"equally many numbers a row"),
        ({"a": [[], [1.0, 2.0]]}, r"equally many numbers a row"),
    ],
)
def test_parquet_that_is_no_matrix_is_refused(columns: Any, message: str, tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        open_shards(tmp_path, scratch=tmp_path / "scratch")
    assert not list(tmp_path.glob("scratch/*"))


@pytest.mark.parametrize("values", [[[1.0, None], [3.0, 4.0]], None])
def test_numbers_that_are_missing_become_nan(values: Any, tmp_path: Path) -> None:
    table = pyarrow.table({"a": values or [1, 3]} | ({} if values else {"b": [None, 4]}))
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    matrix = open_shards(tmp_path, scratch=tmp_path / "scratch")
    assert np.array_equal(whole(matrix), np.array([[1, np.nan], [3, 4]]), equal_nan=True)
    with pytest.raises(DataError, match=r"row 0 of .*a\.parquet, row 0 of the pool"):
        check_rows(whole(matrix), 0, matrix)


# Copies.


def _copies(scratch: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in scratch.iterdir()}


def test_copies_are_found_again_while_nothing_changed(tmp_path: Path) -> None:
    array = numbers(9, 4, "float32")
    write_shards(tmp_path, [array], rows_a_file=4, dtype="float32", kind="parquet")
    scratch = tmp_path / "scratch"
    seen: list[tuple[int, int]] = []
    assert np.array_equal(whole(open_shards(tmp_path, scratch=scratch, on_progress=lambda *at: seen.append(at))), array)
    assert seen[-1][0] == seen[-1][1] == 3 * 128 + array.nbytes
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    before = _copies(scratch)
    assert len(before) == 3
    seen.clear()
    assert np.array_equal(whole(open_shards(tmp_path, scratch=scratch, on_progress=lambda *at: seen.append(at))), array)
    assert _copies(scratch) == before
    assert not seen
    # Another time, and another size, are another file.
    os.utime(tmp_path / "part-00001.parquet", ns=(1, 1))
    array[4:8] = 7
    assert len(_copies(scratch)) == 3
    open_shards(tmp_path, scratch=scratch)
    assert len(_copies(scratch)) == 4
    write_shards(tmp_path, [array], rows_a_file=4, dtype="float32", kind="parquet")
    assert np.array_equal(whole(open_shards(tmp_path, scratch=scratch)), array)


def test_files_of_one_name_in_two_folders_have_copies_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in (1, 2):
        folder = tmp_path / str(value)
        write_shards(folder, [np.full((2, 2), value)], rows_a_file=2, kind="parquet")
        os.utime(folder / "part-00000.parquet", ns=(5, 5))
        monkeypatch.chdir(folder)
        assert (whole(open_shards("part-00000.parquet", scratch=tmp_path / "scratch")) == value).all()


def test_the_size_of_copies_is_told_before(tmp_path: Path) -> None:
    array = numbers(1000, 8)
    write_shards(tmp_path / "parquet", [array], rows_a_file=400, kind="parquet")
    write_shards(tmp_path / "npy", [array], rows_a_file=400)
    assert scratch_bytes(tmp_path / "npy") == 0
    needed = scratch_bytes(tmp_path / "parquet")
    scratch = tmp_path / "scratch"
    assert scratch_bytes(tmp_path / "parquet", scratch=scratch) == needed
    open_shards(tmp_path / "parquet", scratch=scratch)
    assert sum(file.stat().st_size for file in scratch.iterdir()) == needed
    assert scratch_bytes(tmp_path / "parquet", scratch=scratch) == 0


@pytest.mark.parametrize("kind", ["npy", "parquet"])
@pytest.mark.usefixtures("small_pieces")
def test_what_has_yet_to_be_copied_is_tried_out_and_leaves_nothing(
    kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ladle.data.shard_trials._TRIAL_BYTES", 30)
    array = numbers(25, 3)
    write_shards(tmp_path / "rows", [array], rows_a_file=10, kind=kind)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = find_matrix(tmp_path / "rows")
    with stand_in(found, scratch) as matrix:
        assert np.array_equal(whole(matrix), array if kind == "npy" else np.ones_like(array))
        assert matrix.dtype == found.dtype == array.dtype
    assert (copying_seconds(found, scratch) > 0) == (kind == "parquet")
    assert not list(scratch.iterdir())
    opened = found.opened(scratch, lambda _bytes: None)
    assert copying_seconds(found, scratch) == 0
    with stand_in(found, scratch) as matrix:
        assert matrix == opened


def test_a_trial_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shards(tmp_path / "rows", [numbers(5, 3)], rows_a_file=10, kind="parquet")
    found = find_matrix(tmp_path / "rows")
    for attempt in (lambda: copying_seconds(found, tmp_path / "gone"), stand_in(found, tmp_path / "gone").__enter__):
        with pytest.raises(
            DataError, match=r"got .*gone: No such file or directory\); make room, or name another place"
        ):
            attempt()


def test_a_disk_with_too_little_room_is_refused_before_copying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shards(tmp_path, [numbers(3, 4)], rows_a_file=3, kind="parquet")
    scratch = tmp_path / "scratch"
    usage = SimpleNamespace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    with pytest.raises(DataError, match=r"need room \(got 0 MiB free at .*scratch, 1 MiB needed\); choose another"):
        open_shards(tmp_path, scratch=scratch)
    assert not list(scratch.iterdir())
    usage.free = 1000
    open_shards(tmp_path, scratch=scratch)
    # What is there already needs no room.
    usage.free = 0
    open_shards(tmp_path, scratch=scratch)


def test_without_a_scratch_folder_copies_are_refused(tmp_path: Path) -> None:
    write_shards(tmp_path, [numbers(3, 4)], rows_a_file=3, kind="parquet")
    with pytest.raises(DataError, match=r"folder for plain copies \(got scratch=None, 152 bytes for .*\); pass one"):
        open_shards(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"scratch must be a folder that can be written \(got .*file: "):
        open_shards(tmp_path, scratch=tmp_path / "file")
    if Path("/proc").is_dir():  # which not even root can write to
        with pytest.raises(DataError, match=r"scratch must be a folder that can be written \(got /proc: "):
            open_shards(tmp_path, scratch=Path("/proc"))


@pytest.mark.usefixtures("small_pieces")
def test_a_copy_that_was_cut_off_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = numbers(50, 4)
    write_shards(tmp_path, [array], rows_a_file=50, kind="parquet")
    scratch = tmp_path / "scratch"

    def stopped(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_shards(tmp_path, scratch=scratch, on_progress=stopped)
    assert not list(scratch.iterdir())
    assert np.array_equal(whole(open_shards(tmp_path, scratch=scratch)), array)
    (copy,) = scratch.iterdir()
    os.truncate(copy, 200)
    assert scratch_bytes(tmp_path, scratch=scratch) == 128 + array.nbytes
    assert np.array_equal(whole(open_shards(tmp_path, scratch=scratch)), array)


_KILLED = """
import os, signal, sys
from pathlib import Path
from ladle.data import shard_copies
from ladle.data.shards import open_shards

shard_copies._BATCH_BYTES = 64
def killed(done, total):
    if done > total // 2:
        os.kill(os.getpid(), signal.SIGKILL)
open_shards(sys.argv[1], scratch=Path(sys.argv[2]), on_progress=killed)
"""


def test_what_a_killed_process_left_is_never_used_and_removed_in_time(tmp_path: Path) -> None:
    array = numbers(50, 4)
    write_shards(tmp_path, [array], rows_a_file=50, kind="parquet")
    scratch = tmp_path / "scratch"
    process = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path), str(scratch)], check=False)
    assert process.returncode == -9
    (left,) = scratch.iterdir()
    assert left.suffix == ".partial"
    assert np.array_equal(whole(open_shards(tmp_path, scratch=scratch)), array)
    # It may be another process's, still at work.
    assert left.exists()
    os.utime(left, (time.time() - 7200, time.time() - 7200))
    open_shards(tmp_path, scratch=scratch)
    assert [file.suffix for file in scratch.iterdir()] == [".npy"]


_CAPPED = """
import sys
from pathlib import Path
import pyarrow.compute, pyarrow.parquet
from ladle.data.shards import open_shards

def peak():
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024

before = peak()
open_shards(sys.argv[1], scratch=Path(sys.argv[2]))
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_parquet_is_copied_in_bounded_memory(tmp_path: Path) -> None:
    # One row group of 400 MiB.
    rng = np.random.default_rng(0)
    values = rng.normal(size=2_000_000).astype(np.float32)
    table = pyarrow.table({f"f{column}": np.roll(values, column) for column in range(50)})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", row_group_size=len(values), use_dictionary=False)
    del table
    command = [sys.executable, "-c", _CAPPED, str(tmp_path / "a.parquet"), str(tmp_path / "scratch")]
    peak = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert peak < 200 << 20


# Elsewhere than in local paths.


@pytest.mark.parametrize("kind", ["npy", "parquet"])
@pytest.mark.parametrize("source", ["", "/part-*.{kind}", "/part-00001.{kind}"])
def test_a_file_url_is_a_local_path(kind: Any, source: str, tmp_path: Path) -> None:
    folder = tmp_path / "two words"
    array = numbers(9, 2)
    write_shards(folder, [array], rows_a_file=4, kind=kind)
    matrix = open_shards(folder.as_uri() + source.format(kind=kind), scratch=tmp_path / "scratch")
    assert np.array_equal(whole(matrix), array[4:8] if "00001" in source else array)
    assert matrix.files[0].startswith(str(folder))
    assert (tmp_path / "scratch").exists() == (kind == "parquet")


def _elsewhere(kind: str, folder: Path) -> tuple[Any, str]:
    """Return a filesystem that holds the files of a folder, and where."""
    if kind == "subtree":
        return pyarrow.fs.SubTreeFileSystem(str(folder.parent), pyarrow.fs.LocalFileSystem()), folder.name
    if kind == "local":
        return pyarrow.fs.LocalFileSystem(), str(folder)
    if kind == "mock":
        filesystem = pyarrow.fs._MockFileSystem()
    else:
        fsspec = pytest.importorskip("fsspec")
        filesystem = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(fsspec.filesystem("memory")))
    filesystem.create_dir("bucket/rows", recursive=True)
    for file in folder.iterdir():
        with filesystem.open_output_stream(f"bucket/rows/{file.name}") as stream:
            stream.write(file.read_bytes())
    return filesystem, "bucket/rows"


@pytest.fixture(autouse=True)
def _memory_is_empty() -> Iterator[None]:
    yield
    if "fsspec.implementations.memory" in sys.modules:
        sys.modules["fsspec.implementations.memory"].MemoryFileSystem.store.clear()


@pytest.mark.parametrize("where", ["subtree", "local", "mock", "memory"])
@pytest.mark.parametrize("kind", ["npy", "parquet", "by columns"])
@pytest.mark.usefixtures("small_pieces")
def test_other_filesystems_hold_the_same_numbers(where: str, kind: Any, tmp_path: Path) -> None:
    folder, scratch = tmp_path / "rows", tmp_path / "scratch"
    folder.mkdir()
    array = numbers(25, 3, "float32")
    parts = [array[start : start + 2] for start in range(0, 25, 2)]
    suffix = "parquet" if kind == "parquet" else "npy"
    for number, part in enumerate(parts):
        if kind == "parquet":
            _write_parquet(folder / f"part-{number}.parquet", part, "columns")
        else:
            np.save(folder / f"part-{number}.npy", np.asfortranarray(part) if kind == "by columns" else part)
    filesystem, path = _elsewhere(where, folder)
    for source in (path, f"{path}/part-*.{suffix}", [f"{path}/part-{number}.{suffix}" for number in range(13)]):
        matrix = open_shards(source, scratch=scratch, filesystem=filesystem)
        assert [file.rpartition("/")[2] for file in matrix.files] == [f"part-{n}.{suffix}" for n in range(13)]
        assert np.array_equal(whole(matrix), array)
        assert np.array_equal(matrix.take(np.array([24, 0, 24])), array[[24, 0, 24]])
    one = open_shards(f"{path}/part-3.{suffix}", scratch=scratch, filesystem=filesystem)
    assert np.array_equal(whole(one), parts[3])
    for source in (f"{path}/none.npy", f"{path}/none-*.npy", "nowhere"):
        with pytest.raises(DataError, match=rf"got none at .*{source.replace('*', '.')}\); check the path"):
            open_shards(source, scratch=scratch, filesystem=filesystem)


def test_copies_from_elsewhere_are_kept_where_the_time_of_change_is_known(tmp_path: Path) -> None:
    folder, scratch = tmp_path / "rows", tmp_path / "scratch"
    write_shards(folder, [numbers(6, 3)], rows_a_file=6)
    for where in ("subtree", "memory"):
        filesystem, path = _elsewhere(where, folder)
        open_shards(path, scratch=scratch, filesystem=filesystem)
        left = scratch_bytes(path, scratch=scratch, filesystem=filesystem)
        assert left == (0 if where == "subtree" else 128 + 36)


def test_a_url_names_a_file_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    array = numbers(6, 3)
    write_shards(tmp_path / "rows", [array], rows_a_file=4)
    _elsewhere("memory", tmp_path / "rows")
    for source in ("fsspec+memory://bucket/rows", "fsspec+memory://bucket/rows/part-*.npy"):
        matrix = open_shards(source, scratch=tmp_path / "scratch")
        assert matrix.files == tuple(f"fsspec+memory://bucket/rows/part-0000{number}.npy" for number in range(2))
        assert np.array_equal(whole(matrix), array)
    with pytest.raises(DataError, match=r"folder for plain copies \(got scratch=None, 292 bytes for fsspec\+memory"):
        open_shards("fsspec+memory://bucket/rows")


def test_the_key_in_a_url_stays_out_of_messages() -> None:
    with pytest.raises(DataError, match=r"where pyarrow can read \(got gopher://bucket/x: ") as caught:
        open_shards("gopher://name:secret@bucket/x")
    assert "secret" not in str(caught.value)


# Numbers that are none.


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("at_once", [1, 7, 1 << 19])
def test_a_row_that_is_not_finite_is_named(
    value: float, dtype: str, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ladle.data.shards._CHECK_NUMBERS", at_once)
    array = numbers(10, 3, dtype)
    array[7, 1] = value
    matrix = open_shards(saved(tmp_path, array[:4], array[:0], array[4:]))
    check_rows(array[:7], 0, matrix)
    with pytest.raises(DataError, match=r"got NaN or infinity in row 3 of .*part-2\.npy, row 7 of the pool"):
        check_rows(array[5:9], 5, matrix)


def test_finite_numbers_whose_sum_is_not_are_accepted(tmp_path: Path) -> None:
    array = np.full((4, 2), 3e38, dtype=np.float32)
    matrix = open_shards(saved(tmp_path, array))
    check_rows(array, 0, matrix)
    check_rows(array[:0], 4, matrix)
    check_rows(np.full((4, 2), 60000, dtype=np.float16), 0, matrix)


# Writing.


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=6), st.integers(1, 9), st.sampled_from(["npy", "parquet"]))
def test_what_is_written_is_read_in_full_shards(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], rows_a_file: int, kind: Any
) -> None:
    folder = tmp_path_factory.mktemp("written")
    array = numbers(sum(sizes), 3)
    blocks = np.split(array.astype(np.float64), np.cumsum(sizes)[:-1])
    files = write_shards(folder, iter(blocks), rows_a_file=rows_a_file, prefix="x", dtype=np.float16, kind=kind)
    assert [file.name for file in files] == [f"x-{number:05d}.{kind}" for number in range(len(files))]
    matrix = open_shards(folder, scratch=folder / "scratch")
    assert matrix.dtype == np.float16
    assert np.array_equal(whole(matrix), array)
    rows = [shard.rows for shard in matrix.shards]
    assert all(count == rows_a_file for count in rows[:-1])
    assert 0 < rows[-1] <= rows_a_file or rows == [0]
    if kind == "npy":
        assert np.array_equal(np.concatenate([np.load(file) for file in files]), array)


@pytest.mark.parametrize(
    ("blocks", "named", "message"),
    [
        ([numbers(2, 3)], {"rows_a_file": 0}, r"room for a row \(got rows_a_file=0\)"),
        ([numbers(2, 3)], {"rows_a_file": 2, "kind": "csv"}, r"npy or parquet \(got 'csv'\)"),
        ([numbers(2, 3), numbers(2, 4)], {"rows_a_file": 3}, r"one width \(got shape \(2, 4\), 3 columns before\)"),
        ([np.zeros(3)], {"rows_a_file": 3}, r"one width \(got shape \(3,\)\)"),
    ],
)
def test_what_cannot_be_written_is_refused(blocks: Any, named: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        write_shards(tmp_path / "new", blocks, **named)


def test_without_blocks_nothing_is_written(tmp_path: Path) -> None:
    assert write_shards(tmp_path, [], rows_a_file=3) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 0), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4, -3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3), }",
        "{'descr': ('<f4', (3,)), 'fortran_order': False, 'shape': (2, 3), }",
        "{1: 2, 'a': 3}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, " + "(" * 3000,
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 5000 + ", 3), }",
    ],
)
def test_a_header_that_claims_what_cannot_be_is_refused(header: str, tmp_path: Path) -> None:
    text = header.encode()
    content = b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text + bytes(24)
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"\.npy|two axes") as caught:
        open_shards(tmp_path / "a.npy")
    assert "\n" not in str(caught.value)


def test_what_arrow_says_in_several_lines_becomes_one(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"a": [1.0, 2.0]}), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(content[:-12] + b"\xff" * 4 + content[-8:])
    with pytest.raises(DataError, match=r"a \.parquet file must be readable") as caught:
        open_shards(tmp_path / "a.parquet", scratch=tmp_path)
    assert "\n" not in str(caught.value)
