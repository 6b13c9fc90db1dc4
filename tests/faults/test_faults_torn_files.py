"""Files cut short at random places: each is named, or set aside and made again; none is taken for a whole one."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ladle.data import DataConfig, load_pool, open_pool, save_pool
from ladle.data.shards import open_shards
from ladle.errors import LadleError
from ladle.experiments import ExperimentStore, experiment_from, load_experiments, save_experiments
from ladle.experiments.run import run_one
from ladle.labeling import LabelingProject, load_trained, open_source, save_trained
from ladle.session import open_database
from reference.stored_experiment import stored

CUTS = 8


def cuts(file: Path, seed: int, whole_from: int = 0) -> list[int]:
    """Return lengths to cut a file to: nothing, all but a byte, and random ones between."""
    size, chance = file.stat().st_size, random.Random(seed)
    last = size - 1 - whole_from
    return [1, last, *(chance.randint(1, last) for _ in range(CUTS))]


def cut(file: Path, length: int) -> None:
    with file.open("r+b") as opened:
        opened.truncate(length)


def names(read: Callable[[], object], *parts: str) -> None:
    """Make sure that reading fails in one line that names what is damaged."""
    with pytest.raises(LadleError) as caught:
        read()
    assert "\n" not in str(caught.value)
    assert any(part in str(caught.value) for part in parts), caught.value


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "pool.npy"
    np.save(path, np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32))
    return path


def test_a_store_cut_short_is_named_and_a_copy_goes_on(embeddings: Path, tmp_path: Path) -> None:
    whole, torn = tmp_path / "whole.db", tmp_path / "torn.db"
    source = open_source(embeddings)
    with LabelingProject(source, classes=["a", "b"], store=f"sqlite:///{whole}") as project:
        project.ingest({name: "ab"[number % 2] for number, name in enumerate(source.ids[:30])})
        expected = project.labels()

    def read() -> None:
        with LabelingProject(source, store=f"sqlite:///{torn}") as project:
            project.status()

    for length in [*cuts(whole, seed=0), 511, 512, 600, 4095, 4096]:
        shutil.copyfile(whole, torn)
        cut(torn, length)
        names(read, str(torn))
        for beside in tmp_path.glob("torn.db-*"):
            beside.unlink()
    shutil.copyfile(whole, torn)
    with LabelingProject(source, store=f"sqlite:///{torn}") as project:
        assert project.labels() == expected


def test_a_saved_experiment_cut_short_or_mixed_is_named(tmp_path: Path) -> None:
    config = experiment_from(
        {
            "name": "torn",
            "strategies": ["random"],
            "seeds": 2,
            "data": {"name": "digits"},
            "model": {"name": "mlp", "hidden": [8]},
            "schedule": {"initial": 10, "batch": 5, "rounds": 1},
            "training": {"epochs": 1},
        }
    )
    pool, engine = load_pool(config.data), open_database(f"sqlite:///{tmp_path}/store.db")
    ExperimentStore(engine).register(config, {"fingerprint": "x"})
    place = tmp_path / "saved" / "torn"
    for seed in range(2):
        run_one(config, "random", seed, pool=pool, engine=engine, learning_rate=0.01)
        save_experiments(engine, tmp_path / "saved")
        if not seed:
            shutil.copytree(place, tmp_path / "earlier")
    files = sorted(place.iterdir())
    assert [file.name for file in files] == ["events.parquet", "experiment.json", "rounds.parquet", "runs.parquet"]

    def read() -> None:
        again = open_database(None)
        load_experiments(again, tmp_path / "saved")

    for number, file in enumerate(files):
        kept = file.read_bytes()
        # The last byte of the description is the end of its line.
        for length in cuts(file, seed=number, whole_from=file.suffix == ".json"):
            cut(file, length)
            names(read, str(place))
            file.write_bytes(kept)
    # The second saving, killed after its first file.
    for name in ("events.parquet", "rounds.parquet", "runs.parquet"):
        kept = (place / name).read_bytes()
        shutil.copyfile(tmp_path / "earlier" / name, place / name)
        names(read, name)
        (place / name).write_bytes(kept)
    url = f"sqlite:///{tmp_path}/again.db"
    again = open_database(url)
    load_experiments(again, tmp_path / "saved")
    again.dispose()
    engine.dispose()
    assert stored(url) == stored(f"sqlite:///{tmp_path}/store.db")


def test_a_copy_of_a_shard_cut_short_is_made_again(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    pq.write_table(pa.table({f"f{n}": rows[:, n] for n in range(3)}), tmp_path / "pool.parquet")
    scratch = tmp_path / "scratch"

    def read() -> Any:
        return open_shards(tmp_path / "pool.parquet", scratch=scratch).take(np.arange(50))

    assert np.array_equal(read(), rows)
    (copy,) = scratch.iterdir()
    for length in cuts(copy, seed=1):
        cut(copy, length)
        assert np.array_equal(read(), rows)
        assert list(scratch.iterdir()) == [copy]


def test_a_shard_cut_short_is_named(tmp_path: Path) -> None:
    for file, write in (
        (tmp_path / "pool.npy", lambda file: np.save(file, np.ones((50, 3), dtype=np.float32))),
        (tmp_path / "pool.parquet", lambda file: pq.write_table(pa.table({"f": np.ones(50)}), file)),
    ):
        write(file)
        kept = file.read_bytes()
        for length in cuts(file, seed=2):
            cut(file, length)
            names(lambda file=file: open_shards(file, scratch=tmp_path / "scratch"), str(file))  # type: ignore[misc]
            file.write_bytes(kept)


def test_a_saved_pool_cut_short_is_named(tmp_path: Path) -> None:
    save_pool(load_pool(DataConfig("digits", pool_size=50)), tmp_path / "pool")
    for number, file in enumerate(sorted((tmp_path / "pool").iterdir())):
        kept = file.read_bytes()
        for length in cuts(file, seed=number)[:5]:
            cut(file, length)
            names(lambda: open_pool(tmp_path / "pool"), str(tmp_path / "pool"))
            file.write_bytes(kept)


def test_a_trained_model_cut_short_is_named(embeddings: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    source = open_source(embeddings)
    with LabelingProject(source, classes=["a", "b"], store="sqlite://") as project:
        project.ingest({name: "ab"[number % 2] for number, name in enumerate(source.ids[:20])})
        save_trained(project, path)
        kept = path.read_bytes()
        for length in cuts(path, seed=3):
            cut(path, length)
            names(lambda: load_trained(path), str(path))
        save_trained(project, path)
    assert path.read_bytes() == kept
