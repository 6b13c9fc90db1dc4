"""The network goes away in a download: that is said in one line, and no half file is ever read as a whole one."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import _openml, _twenty_newsgroups
from sklearn.datasets._base import RemoteFileMetadata

from faults.cut_off_server import cut_off_server
from ladle.data import DataConfig, load_pool
from ladle.errors import DataError


def one_line(caught: pytest.ExceptionInfo[DataError], name: str) -> None:
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def archive_of_posts() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for part, posts in (("train", 24), ("test", 8)):
            for number in range(posts):
                topic = ("cars", "football")[number % 2]
                text = f"From: someone\n\nthe {topic} of number {number}".encode()
                entry = tarfile.TarInfo(f"20news-bydate-{part}/{topic}/{number}")
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text))
    return content.getvalue()


def test_newsgroups_cut_off_are_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LADLE_DATA_HOME", raising=False)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "own"))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)  # between two tries
    content = archive_of_posts()
    with cut_off_server({"/posts": content}) as server:
        whole = RemoteFileMetadata("posts.tar.gz", f"{server.address}/posts", hashlib.sha256(content).hexdigest())
        monkeypatch.setattr(_twenty_newsgroups, "ARCHIVE", whole)
        for length in (0, 1, len(content) // 2, len(content) - 1):
            server.cuts["/posts"] = length
            with pytest.raises(DataError, match="run once with a network") as caught:
                load_pool(DataConfig("20newsgroups"))
            one_line(caught, "20newsgroups")
        server.cuts.clear()
        pool = load_pool(DataConfig("20newsgroups"))
        assert (len(pool) + len(pool.validation_labels), len(pool.test_labels)) == (24, 8)
        asked = len(server.asked)
        # What scikit-learn keeps of it was being written when the process died.
        (kept,) = (tmp_path / "own").glob("*.pkz")
        with kept.open("r+b") as file:
            file.truncate(kept.stat().st_size // 2)
        assert len(load_pool(DataConfig("20newsgroups"))) == len(pool)
        assert len(server.asked) == asked + 1, "the torn file was fetched again"


def table_of_letters(address: str) -> dict[str, bytes]:
    """Return what OpenML would answer for a small data set in place of isolet."""
    rows = "\n".join(f"{number},{number % 7},'{'ab'[number % 2]}'" for number in range(60))
    arff = (
        f"@relation letters\n@attribute one numeric\n@attribute two numeric\n@attribute class {{a,b}}\n@data\n{rows}\n"
    )
    features = [
        {"index": str(n), "name": name, "data_type": kind, "is_target": target, "is_ignore": "false"}
        | {"is_row_identifier": "false", "number_of_missing_values": "0"}
        for n, (name, kind, target) in enumerate(
            [("one", "numeric", "false"), ("two", "numeric", "false"), ("class", "nominal", "true")]
        )
    ]
    about = {"id": "300", "name": "letters", "version": "1", "format": "ARFF", "status": "active"}
    about |= {"description": "letters"}
    about |= {"url": f"{address}/letters.arff", "file_id": "1", "md5_checksum": hashlib.md5(arff.encode()).hexdigest()}
    return {
        "/about/300": json.dumps({"data_set_description": about}).encode(),
        "/features/300": json.dumps({"data_features": {"feature": features}}).encode(),
        "/qualities/300": json.dumps(
            {"data_qualities": {"quality": [{"name": "NumberOfInstances", "value": "60"}]}}
        ).encode(),
        "/letters.arff": arff.encode(),
    }


def test_a_table_of_openml_cut_off_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    chance = random.Random(0)
    with cut_off_server({}) as server:
        server.files.update(table_of_letters(server.address))
        for name, path in (("_DATA_INFO", "about"), ("_DATA_FEATURES", "features"), ("_DATA_QUALITIES", "qualities")):
            monkeypatch.setattr(_openml, name, f"{server.address}/{path}/{{}}")
        for number, (path, content) in enumerate(server.files.items()):
            home = tmp_path / str(number)
            home.mkdir()
            for length in (1, chance.randrange(2, len(content) - 1), len(content) - 1):
                server.cuts = {path: length}
                with pytest.raises(DataError, match="run once with a network") as caught:
                    load_pool(DataConfig("isolet"), data_home=home)
                one_line(caught, "isolet")
            server.cuts = {}
            pool = load_pool(DataConfig("isolet"), data_home=home)
            assert sum(len(labels) for _, labels in pool.parts().values()) == 60


def test_a_file_of_the_hub_cut_off_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    hub = pytest.importorskip("huggingface_hub")
    content = np.random.default_rng(0).bytes(50_000)
    with cut_off_server({f"/datasets/some/images/resolve/{'0' * 40}/a.parquet": content}) as server:
        (path,) = server.files

        def fetch() -> Path:
            options: dict[str, Any] = {"repo_type": "dataset", "revision": "0" * 40, "endpoint": server.address}
            return Path(hub.hf_hub_download("some/images", "a.parquet", cache_dir=tmp_path, token=False, **options))

        server.cuts = {path: 20_000}
        # Which error depends on the HTTP library under it.
        with pytest.raises(Exception, match=r"without sending complete message body|[Cc]onsistency|incomplete"):
            fetch()
        assert not list(tmp_path.rglob("snapshots/*/a.parquet")), "half a file has its name"
        server.cuts = {}
        assert fetch().read_bytes() == content
