"""What people have is read as it is, and what cannot be read is named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from PIL import Image

from ladle.errors import ConfigError, DataError
from ladle.labeling import open_source, read_answers


def picture(path: Path, shade: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 5), (shade, 0, 0)).save(path)


def test_a_folder_is_read_with_those_below(tmp_path: Path) -> None:
    for name in ("b.png", "a/c.jpg", "a/.hidden.png"):
        picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    source = open_source(tmp_path)
    assert (source.kind, source.ids, source.model) == ("images", ("a/c.jpg", "b.png"), "lenet")
    assert isinstance(source.inputs, torch.Tensor)
    assert source.inputs.shape == (2, 3, 32, 32)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_texts_come_with_their_names(ending: str, tmp_path: Path) -> None:
    rows = [{"id": "x1", "text": "cats purr"}, {"id": "x2", "text": "dogs, bark"}]
    path = tmp_path / f"texts.{ending}"
    if ending == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    elif ending == "csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    else:
        pd.DataFrame(rows).to_parquet(path)
    source = open_source(path)
    assert (source.kind, source.ids, source.shown) == ("texts", ("x1", "x2"), ("cats purr", "dogs, bark"))
    assert scipy.sparse.issparse(source.inputs)
    assert source.inputs.shape == (2, 4)
    named = pd.DataFrame({"body": ["one word", "two words"]})
    named.to_csv(tmp_path / "named.csv", index=False)
    assert open_source(tmp_path / "named.csv", text="body").ids == ("0", "1")


def test_tables_and_embeddings(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": [7, 8, 9], "size": [1.0, 2.0, 3.0], "color": ["red", "blue", "red"]})
    table.to_csv(tmp_path / "table.csv", index=False)
    source = open_source(tmp_path / "table.csv")
    assert (source.kind, source.ids) == ("table", ("7", "8", "9"))
    assert source.inputs.shape == (3, 3)
    assert source.shown[0] == "size: 1\ncolor: red"
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.save(tmp_path / "rows.npy", rows)
    pd.DataFrame({"id": ["a", "b", "c"], "embedding": rows.tolist()}).to_parquet(tmp_path / "rows.parquet")
    for name, ids in (("rows.npy", ("0", "1", "2")), ("rows.parquet", ("a", "b", "c"))):
        source = open_source(tmp_path / name)
        assert (source.kind, source.ids) == ("embeddings", ids)
        assert isinstance(source.inputs, torch.Tensor)
        # Numbers of size one, at the same angles.
        assert torch.allclose(source.inputs, torch.from_numpy(rows) * source.scale)
        assert source.inputs.square().mean().item() == pytest.approx(1.0)


def write(path: Path, content: Any) -> Path:
    if isinstance(content, pd.DataFrame):
        content.to_parquet(path)
    elif isinstance(content, np.ndarray):
        np.save(path, content)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("texts.csv", 'text\nfine\n"  "\n', r"got 1 without one, the first in row 1"),
        ("texts.csv", "text\n!!\n??\n", "hold words"),
        ("twice.csv", "id,text\na,one\na,two\n", "got 'a' twice"),
        ("empty.csv", "text\n", "at least one row"),
        ("lines.jsonl", '{"text": "one"}\nnot json\n', "line 2"),
        ("lines.jsonl", "[1]\n", "JSON object"),
        ("rows.npy", np.ones(3, dtype=np.float32), r"got shape \(3,\)"),
        ("rows.npy", np.array([[1.0], [np.nan]]), "row 1"),
        ("rows.npy", "no array", "numbers"),
        ("rows.npy", np.ones((2, 2)) * 1j, "complex128"),
        ("rows.npy", np.array([["1"]]), "<U1"),
        ("rows.npy", np.full((1, 1), 1e200), "NaN or infinity in row 0"),
        ("names.csv", "id,text\na,one\n,two\n", "got none in row 1"),
        ("lines.jsonl", "[" * 100_000, "in line 1"),
        ("lines.jsonl", '{"text": ' + "9" * 5000 + "}", "in line 1"),
        ("lines.jsonl", '{"text": "\\ud800 one"}', "half a character in line 1"),
        ("lines.jsonl", b"\xff\xfe{}", "UTF-8"),
        ("lines.jsonl", '{"e": [1, "a"]}\n{"e": [1, 2]}', "one list of numbers a row"),
        ("lines.jsonl", '{"e": [1, 2]}\n{"e": null}', "one list of numbers a row"),
        ("rows.parquet", pd.DataFrame({"e": [[1.0, 2.0], [1.0]]}), "got 1 to 2"),
    ],
)
def test_what_cannot_be_read_is_one_line(name: str, content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message) as caught:
        open_source(write(tmp_path / name, content))
    assert "\n" not in str(caught.value)


def test_other_wrong_sources(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neither"):
        open_source(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="with none"):
        open_source(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"broken\.png"):
        open_source(tmp_path)
    with pytest.raises(ConfigError, match="got text='body'"):
        open_source(write(tmp_path / "t.csv", "text\none\n"), text="body")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_answers_are_read_as_text_and_empty_ones_are_awaited(ending: str, tmp_path: Path) -> None:
    rows = [("a", "1"), ("b", ""), ("c", "NA"), ("d", " skip "), ("a", "1")]
    path = tmp_path / f"answers.{ending}"
    if ending == "jsonl":
        path.write_text("".join(json.dumps({"id": i, "label": label or None}) + "\n" for i, label in rows))
    elif ending == "csv":
        path.write_bytes("\ufeffid,label,note\n".encode() + "".join(f"{i},{label},x\n" for i, label in rows).encode())
    else:
        pd.DataFrame(rows, columns=["id", "label"]).replace("", None).to_parquet(path)
    assert read_answers(path) == {"a": "1", "c": "NA", "d": "skip"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "id,class\na,b\n", "add label"),
        ("a.csv", "id,label\na,b\na,c\n", "got 'b' and 'c' for 'a'"),
        ("a.csv", "id,label\na,cat,x\nb,dog,y\n", "does not match length of data"),
        ("a.csv", "", "No columns"),
        ("a.jsonl", "{", "every line is JSON"),
        ("a.jsonl", '{"id": "a", "label": "\\ud800"}', "half a character in line 1"),
        ("a.txt", "id,label\n", r"a \.csv, \.parquet or \.jsonl file \(got .*a\.txt\)"),
        ("a.parquet", "no parquet", "a table can be read"),
    ],
)
def test_wrong_answers_are_one_line(name: str, content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_answers(write(tmp_path / name, content))
    assert "\n" not in str(caught.value)


def test_arrays_that_claim_more_than_the_file_has_and_archives_are_refused(tmp_path: Path) -> None:
    claim = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 4), }"
    (tmp_path / "claim.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(claim).to_bytes(2, "little") + claim + bytes(32))
    np.savez(tmp_path / "several.npz", a=np.ones((2, 2)))
    (tmp_path / "several.npz").rename(tmp_path / "archive.npy")
    for name in ("claim.npy", "archive.npy"):
        with pytest.raises(DataError, match=r"embeddings are an \.npy file of numbers"):
            open_source(tmp_path / name)


def test_separators_that_json_allows_within_a_text_end_no_line(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(
        json.dumps({"id": "a", "text": "one\u2028two \x85 three"}, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    assert open_source(path).shown == ("one\u2028two \x85 three",)


def test_images_whose_names_are_no_text_are_named(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    try:
        (tmp_path / "a.png").rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    with pytest.raises(DataError, match="names of images are UTF-8"):
        open_source(tmp_path)


def test_a_row_is_shown_as_people_read_it(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('age,size,city\n82,1.5,"Bonn\nfake: 1"\n,2.0,\n')
    assert open_source(path).shown == ("age: 82\nsize: 1.5\ncity: Bonn fake: 1", "age: \nsize: 2.0\ncity: ")
