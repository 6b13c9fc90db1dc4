"""The network goes away in a download: that is said in one line, and no half file is ever read as a whole one."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import _openml, _twenty_newsgroups
from sklearn.datasets._base import RemoteFileMetadata

from faults.cut_off_server import CutOff, cut_off_server
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


@contextmanager
def serve_letters(monkeypatch: pytest.MonkeyPatch) -> Iterator[CutOff]:
    """Be OpenML, with a small table of letters."""
    with cut_off_server({}) as server:
        server.files.update(table_of_letters(server.address))
        for name, path in (("_DATA_INFO", "about"), ("_DATA_FEATURES", "features"), ("_DATA_QUALITIES", "qualities")):
            monkeypatch.setattr(_openml, name, f"{server.address}/{path}/{{}}")
        # Older releases put the host before every path, and ask for a file by its number.
        monkeypatch.setattr(_openml, "_OPENML_PREFIX", "", raising=False)
        monkeypatch.setattr(_openml, "_DATA_FILE", f"{server.address}/letters.arff", raising=False)
        yield server


def test_a_table_of_openml_cut_off_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    chance = random.Random(0)
    with serve_letters(monkeypatch) as server:
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


def test_what_is_kept_of_openml_and_was_torn_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    chance = random.Random(0)
    with serve_letters(monkeypatch) as server:
        expected = load_pool(DataConfig("isolet"), data_home=tmp_path).fingerprint()
        kept = sorted(file for file in tmp_path.rglob("*") if file.is_file())
        assert len(kept) == len(server.files)
        for file in kept:
            content = file.read_bytes()
            # Each as a kill in the middle of writing it leaves it.
            for length in (0, 1, chance.randrange(2, len(content) - 1), len(content) - 1):
                file.write_bytes(content[:length])
                del server.asked[:]
                assert load_pool(DataConfig("isolet"), data_home=tmp_path).fingerprint() == expected
                assert len(server.asked) == 1, "the torn file alone was fetched again"
                assert len(file.read_bytes()) == len(content)


def kept_copies(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix in (".arrow", ".json"))


def test_a_damaged_copy_of_the_hub_is_fetched_again_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    real, cache, asked = datasets.load_dataset, tmp_path / "cache", list[dict[str, Any]]()
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 3), dtype=np.uint8)
    for split, part in (("train", images[:30]), ("test", images[30:])):
        file = tmp_path / f"hub/uoft-cs/cifar10/{split}-00000-of-00001.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        encoded = pa.array([{"bytes": encode(image)} for image in part], type=pa.struct([("bytes", pa.binary())]))
        pq.write_table(pa.table({"img": encoded, "label": pa.array([n % 2 for n in range(len(part))])}), file)

    def hub(path: str, _configuration: str | None, **options: Any) -> Any:
        # Files on this disk in place of the hub's: all behind that is the package's own.
        asked.append(options)
        return real(str(tmp_path / "hub" / path), cache_dir=str(cache), **options)

    monkeypatch.delenv("LADLE_DATA_HOME", raising=False)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(datasets, "load_dataset", hub)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", lambda *_given, **_more: None)
    expected = load_pool(DataConfig("cifar10")).fingerprint()
    (tmp_path / "kept" / "uoft-cs___cifar10").mkdir(parents=True)
    chance, whole = random.Random(1), {file: file.read_bytes() for file in kept_copies(cache)}
    assert [file.suffix for file in whole] == [".arrow", ".arrow", ".json"]
    for file, content in whole.items():
        for length in (0, 1, chance.randrange(2, len(content) - 8), len(content) - 1):
            file.write_bytes(content[:length])
            del asked[:]
            if file.suffix == ".json":
                # The package reads it before it fetches anything.
                with pytest.raises(
                    DataError, match=r"kept/uoft-cs___cifar10, or fetched again \(got .*remove that"
                ) as told:
                    load_pool(DataConfig("cifar10"))
                one_line(told, "uoft-cs/cifar10")
                file.write_bytes(content)
            else:
                assert load_pool(DataConfig("cifar10")).fingerprint() == expected
                assert file.read_bytes() == content, "it was made again"
            assert [bool(options) for options in asked] == [False, True], "and that once"


def encode(image: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


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
        with pytest.raises(Exception, match=r"without sending complete message body|[Cc]onsistency|[Ii]ncomplete"):
            fetch()
        assert not list(tmp_path.rglob("snapshots/*/a.parquet")), "half a file has its name"
        server.cuts = {}
        assert fetch().read_bytes() == content
