"""Files that people have: CSV, TSV, gzip, JSON lines, Parquet and .npy, as sources, tables, answers and labels."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
import torch

from fuzz.material import Material, refused, scratch_folder
from ladle.data import DataConfig, load_pool
from ladle.data.array_files import read_labeled
from ladle.labeling import open_source, read_answers

WHOLE_CSV = (
    b'id,text\nx1,cats purr\nx2,"dogs, bark"\nx3,birds sing\n',
    b"size,color,when,class\n"
    + b"".join(b"%d,%s,%d.5,%d\n" % (k, b"red" if k % 3 else b"?", k, k % 2) for k in range(24)),
    b"id,label\na,cat\nb,\nc,skip\n",
    b"index,label\n0,1\n3,0\n",
    b"\xef\xbb\xbfid,label\na,1\n",
    b"Unnamed: 0,x,class\n" + b"".join(b"%d,%d,%d\n" % (k, k * k, k % 3) for k in range(24)),
)
_LINES = (
    b'{"id": "x1", "text": "cats purr"}\n{"id": "x2", "text": "dogs bark"}\n',
    b'{"id": 1, "embedding": [0.5, 1]}\n{"id": 2, "embedding": [1e3, -2]}\n',
    b'{"size": 1.5, "color": "red", "ok": true}\n{"size": null, "color": "blue", "ok": false}\n',
    b'{"id": "a", "label": "cat"}\n{"id": "b", "label": null}\n',
    b"[" * 5000 + b"\n",
    b'{"id": ' + b"9" * 5000 + b', "text": "one"}\n',
    b'{"id": "a", "text": "\\ud800 lone"}\n',
    '{"id": "a", "text": "one\u2028line"}\n'.encode(),
    b'{"a": {"b": 1}, "c": [1]}\n{"a": 2, "c": "d"}\n',
)


def check(data: bytes) -> None:
    """Write one file, broken or strange, and read it in every way there is."""
    material = Material(data)
    read = material.one_of(READERS)
    ending, content = _file(material)
    path = scratch_folder() / f"file{ending}"
    path.write_bytes(content)
    refused(partial(read, path, material))


def _file(material: Material) -> tuple[str, bytes]:
    match material.whole(0, 6):
        case 0:
            return ".csv", material.broken(material.one_of(WHOLE_CSV), *WHOLE_CSV)
        case 1:
            return ".tsv", material.broken(material.one_of(WHOLE_CSV), *WHOLE_CSV).replace(b",", b"\t")
        case 2:
            whole = gzip.compress(material.broken(material.one_of(WHOLE_CSV)), 1, mtime=0)
            return ".csv.gz", material.broken(whole)
        case 3:
            return material.one_of((".jsonl", ".ndjson")), material.broken(material.one_of(_LINES), *_LINES)
        case 4:
            return ".parquet", material.broken(material.one_of(_parquets()), *_parquets())
        case 5:
            return ".npy", material.broken(material.one_of(_arrays()), *_arrays())
        case _:
            return ".jsonl", _strange_rows(material)


def source(path: Path, material: Material) -> None:
    """Open it as something to label."""
    opened = open_source(path, text=material.one_of((None, None, "text", "color")))
    assert len(opened) == len(opened.ids) == len(opened.shown) == opened.inputs.shape[0] > 0
    assert len(set(opened.ids)) == len(opened)
    "".join((*opened.ids, *opened.shown)).encode()
    numbers = opened.inputs.data if scipy.sparse.issparse(opened.inputs) else opened.inputs
    assert bool(torch.isfinite(torch.as_tensor(numbers)).all())


def pool(path: Path, material: Material) -> None:
    """Load it as a table with a column of classes."""
    config = DataConfig(
        "table", path=str(path), target=material.one_of(("class", "label", "color", "id")), test=0.25, validation=0.2
    )
    loaded = load_pool(config)
    assert len(loaded) == len(loaded.inputs) > 0
    for inputs, _ in loaded.parts().values():
        assert isinstance(inputs, torch.Tensor)
        assert bool(torch.isfinite(inputs).all())


def answers(path: Path, _material: Material) -> None:
    """Take it for what people answered."""
    for name, label in read_answers(path).items():
        assert isinstance(name, str)
        assert isinstance(label, str)
        assert label
        (name + label).encode()


def labeled(path: Path, _material: Material) -> None:
    """Take it for labeled rows."""
    rows, labels = read_labeled(path)
    assert rows.shape == labels.shape
    assert rows.dtype == labels.dtype == np.int64


#: Every way to read a file.
READERS = (source, pool, answers, labeled)


def _strange_rows(material: Material) -> bytes:
    """Return JSON lines whose values are now and then of another kind than those before."""
    names = material.one_of((("id", "text"), ("size", "class"), ("id", "embedding"), ("id", "label"), ("embedding",)))
    rows = [
        {name: material.strange() if material.rarely() else material.number() for name in names}
        for _ in range(material.whole(1, 6))
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@cache
def _parquets() -> tuple[bytes, ...]:
    letters = [f"name {number}" for number in range(24)]
    frames: list[Callable[[], dict[str, Any]]] = [
        lambda: {"id": letters, "text": letters},
        lambda: {"x": np.arange(24.0), "color": pd.Categorical(["red", "blue"] * 12), "class": [0, 1] * 12},
        lambda: {"id": letters[:3], "embedding": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]},
        lambda: {"embedding": [[1.0], None, ["a"]][:2]},
        lambda: {"id": [1, 2], "label": ["a", None]},
        lambda: {"when": pd.date_range("2026-01-01", periods=3), "class": [0, 1, 0]},
        lambda: {"a": [{"b": 1}, {"b": 2}], "class": [0, 1]},
    ]
    contents = []
    for frame in frames:
        file = io.BytesIO()
        pd.DataFrame(frame()).to_parquet(file, index=False)
        contents.append(file.getvalue())
    return tuple(contents)


@cache
def _arrays() -> tuple[bytes, ...]:
    contents = []
    for array in (
        np.arange(6, dtype=np.float32).reshape(3, 2),
        np.arange(6, dtype=np.float64).reshape(3, 2) * 1e200,
        np.arange(6).reshape(3, 2) * 1j,
        np.array([["1", "2"], ["3", "x"]]),
        np.zeros((2, 2), dtype="datetime64[s]"),
        np.zeros(2, dtype=[("a", "<f4")]),
        np.ones((2, 0)),
    ):
        file = io.BytesIO()
        np.save(file, array)
        contents.append(file.getvalue())
    archive = io.BytesIO()
    np.savez(archive, a=np.ones((2, 2)))
    claim = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 4), }"
    contents += [archive.getvalue(), b"\x93NUMPY\x01\x00" + len(claim).to_bytes(2, "little") + claim + bytes(32)]
    return tuple(contents)
