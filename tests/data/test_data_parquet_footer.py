"""The number of values in a Parquet footer, read by hand: as pyarrow reads it, and refused where it is broken."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ladle.data import open_shards, read_table
from ladle.data.parquet_footer import count_values
from ladle.errors import DataError

_LISTS = pa.table({"row": pa.array([[0.5, 1.0], [2.0], [], None, [3.0] * 6], pa.list_(pa.float64()))})
_TABLES = {
    "lists": _LISTS,
    "lists of lists": pa.table({"a": [[[1, 2], []], [[3]] * 20], "b": ["x", "y"]}),
    "a fixed width": pa.table({"a": pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float32(), 2))}),
    "forty columns": pa.table({f"column {number}": np.arange(7) for number in range(40)}),
    "many types": pa.table(
        {
            "truth": [True, None, False],
            "text": ["", "é", None],
            "time": [datetime(2020, 1, 1, tzinfo=UTC)] * 3,
            "bytes": [b"\0" * 300, b"", None],
            "float": [float("nan"), -0.0, 1e300],
            "struct": [{"x": 1, "y": [1, 2]}, None, {"x": None, "y": []}],
            "map": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int32())),
            "category": pa.array(["a", "b", "a"]).dictionary_encode(),
        }
    ),
    "no rows": _LISTS.slice(0, 0),
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "groups of two rows": {"row_group_size": 2},
    "the newest pages, indexed": {"data_page_version": "2.0", "write_page_index": True, "write_page_checksum": True},
    "without statistics": {"write_statistics": False, "compression": "none", "store_schema": False},
    "sorted": {"sorting_columns": [pq.SortingColumn(0, descending=True)]},
}


def _written(table: pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


@pytest.mark.parametrize("name", _TABLES)
@pytest.mark.parametrize("options", _OPTIONS)
def test_as_many_values_as_pyarrow_says(name: str, options: str) -> None:
    content = _written(_TABLES[name], **_OPTIONS[options])
    described = pq.read_metadata(io.BytesIO(content))
    groups = [described.row_group(number) for number in range(described.num_row_groups)]
    expected = sum(group.column(number).num_values for group in groups for number in range(group.num_columns))
    assert count_values(io.BytesIO(content)) == expected
    assert expected > 0 or name == "no rows"


def test_a_footer_cut_or_changed_anywhere_is_refused_or_counted() -> None:
    content = _written(_TABLES["many types"])
    length = int.from_bytes(content[-8:-4], "little")
    start = len(content) - 8 - length
    refused = 0
    for place in range(start, len(content) - 8):
        cut = content[start:place]
        for broken in (
            cut + len(cut).to_bytes(4, "little") + b"PAR1",
            content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :],
        ):
            try:
                assert count_values(io.BytesIO(broken)) >= 0
            except ValueError:
                refused += 1
    assert refused > length  # every cut, and some changes


def _footer(fields: bytes) -> io.BytesIO:
    return io.BytesIO(fields + len(fields).to_bytes(4, "little") + b"PAR1")


def _describing(count: bytes) -> bytes:
    # Field 4, a list of one row group; its field 1, a list of one column; its field 3, whose field 5 is the count.
    return bytes.fromhex("491c191c3c") + count + bytes(4)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (io.BytesIO(b""), "does not end with a footer"),
        (io.BytesIO(b"\0\0\0\0PAR2"), "does not end with a footer"),
        (io.BytesIO(b"\x01\0\0\0PAR1"), "does not end with a footer"),
        (_footer(b""), "cut short"),
        (_footer(b"\0"), "does not describe the columns"),
        (_footer(bytes.fromhex("4602") + b"\0"), "does not describe the columns"),
        (_footer(_describing(bytes.fromhex("5601"))), "does not say how many values"),  # -1
        (_footer(_describing(bytes.fromhex("580131"))), "does not say how many values"),  # a text, "1"
        (_footer(_describing(bytes.fromhex("56" + "ff" * 10 + "00"))), "a number of too many bytes"),
        (_footer(bytes.fromhex("1c" * 40)), "too deep"),
        (_footer(bytes.fromhex("19" + "19" * 40)), "too deep"),
        (_footer(bytes.fromhex("1b00")), "an unknown type 11"),
        (_footer(bytes.fromhex("19fc" + "ff" * 8 + "7f")), "cut short"),
    ],
)
def test_what_is_no_footer_is_refused(file: io.BytesIO, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        count_values(file)


def test_fields_by_number_and_of_every_type_are_passed_over() -> None:
    # Before field 4 a byte, a double, a truth value, a set of truth values and a field whose number is written out.
    others = bytes.fromhex("1307" + "17" + "00" * 8 + "11" + "0aca0121" + "0102" + "0c0600")
    assert count_values(_footer(others + b"\x09\x08" + _describing(bytes.fromhex("5654"))[1:])) == 42


def test_a_footer_that_contradicts_its_schema_is_told_of_and_does_not_end_the_process(tmp_path: Path) -> None:
    content = _written(pa.table({"row": [[0.0, 1.0, 2.0]] * 3}))
    # Of four definition levels, the lengths of three: here pyarrow's description of a column aborts.
    broken = content.replace(bytes.fromhex("194600000012"), bytes.fromhex("193600009200"))
    if broken == content:
        pytest.skip("this pyarrow writes no level histograms")
    path = tmp_path / "rows.parquet"
    path.write_bytes(broken)
    with pytest.raises(DataError, match=r"must be readable \(got .*rows\.parquet: .*histogram"):
        open_shards(path, scratch=tmp_path)
    with pytest.raises(DataError, match=r"a table can be read \(got .*rows\.parquet: .*histogram"):
        read_table(path)
