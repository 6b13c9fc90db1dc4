"""Labels by hand: integers under two names, each once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ladle.data.array_files import read_labeled, write_batch
from ladle.errors import DataError


def test_labels_are_read_by_the_names_of_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes("\ufefflabel,note,index\n1,x,7\n0,,3\n".encode())
    rows, labels = read_labeled(path)
    assert (rows.tolist(), labels.tolist()) == ([7, 3], [1, 0])
    assert rows.dtype == labels.dtype == np.int64


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"index,label,index\n0,1,2\n", r"got \['index', 'label', 'index'\].*each once"),
        (b"index\n0\n", r"got \['index'\]"),
        (b"", "got none"),
        (b"index,label\n0\n", r"got '0', None in line 2"),
        (b"index,label\n0,one\n", r"got '0', 'one' in line 2"),
        (b"index,label\n0,1.0\n", r"got '0', '1.0'"),
        (b"index,label\n0," + b"9" * 30 + b"\n", "integers"),
        (b"index,label\n0,\xff\n", "readable CSV"),
        (b"index,label\n0," + b"1" * 200_000 + b"\n", "field larger than field limit"),
    ],
)
def test_what_cannot_be_read_is_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_labeled(path)
    assert "\n" not in str(caught.value)


def test_a_batch_goes_where_it_can_be_written(tmp_path: Path) -> None:
    write_batch(tmp_path / "batch.csv", np.array([4, 2]), [0.5, 0.25])
    assert (tmp_path / "batch.csv").read_text() == "rank,index,score\n1,4,0.5\n2,2,0.25\n"
    with pytest.raises(DataError, match="can be written"):
        write_batch(tmp_path / "no folder" / "batch.csv", np.array([4]))
