"""Small files that become enormous are refused before the memory is full."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ladle.data import open_shards, read_table, unfolding
from ladle.data.unfolding import GzipText, check_unfolding
from ladle.errors import DataError


def test_two_hundred_times_its_size_is_the_most_from_one_gib_on() -> None:
    check_unfolding("small", 1, 1 << 30)
    check_unfolding("large", 1 << 30, 200 << 30)
    with pytest.raises(DataError, match=r"at most 200 times its size \(got small of 1 bytes, which becomes 1073741825"):
        check_unfolding("small", 1, (1 << 30) + 1)
    with pytest.raises(DataError, match="got large of 1073741824 bytes"):
        check_unfolding("large", 1 << 30, (200 << 30) + 1)


def test_a_gzip_bomb_is_read_no_further_than_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfolding, "_HARMLESS_BYTES", 1 << 16)
    whole = b"a,b\n" + b"0,0\n" * (1 << 22)
    path = tmp_path / "zeros.csv.gz"
    path.write_bytes(gzip.compress(whole, 9))
    with pytest.raises(DataError, match=r"unfolds to at most 200 times") as caught:
        read_table(path)
    assert int(str(caught.value).split("becomes ")[1].split()[0]) < len(whole) // 2
    fine = tmp_path / "fine.csv.gz"
    fine.write_bytes(gzip.compress(b"a,b\n1,2\n3,4\n"))
    assert read_table(fine).to_numpy().tolist() == [[1, 2], [3, 4]]
    with GzipText(fine) as text:
        assert text.readall() == b"a,b\n1,2\n3,4\n"


def test_parquet_that_claims_too_many_numbers_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfolding, "_HARMLESS_BYTES", 1 << 16)
    path = tmp_path / "zeros.parquet"
    pq.write_table(pa.table({"a": np.zeros(1 << 20), "b": np.zeros(1 << 20)}), path)
    message = r"unfolds to at most 200 times its size \(got .*zeros\.parquet of \d+ bytes"
    lists = tmp_path / "lists-of-zeros.parquet"
    pq.write_table(pa.table({"a": [[0.0], [0.0] * (1 << 20)]}), lists)
    with pytest.raises(DataError, match=message):
        open_shards(lists, scratch=tmp_path)
    for read in (lambda: read_table(path), lambda: open_shards(path, scratch=tmp_path)):
        with pytest.raises(DataError, match=message):
            read()
    assert not list(tmp_path.glob("*.npy"))


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "twice.parquet")
    with pytest.raises(DataError, match="twice"):
        read_table(tmp_path / "twice.parquet")
