"""The disk is full: that is said in one line, what was acknowledged is there, and it goes on once there is room."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import event, text

from ladle.data import DataConfig, load_pool, open_pool, save_pool, write_shards
from ladle.errors import DataError, StoreError
from ladle.experiments import ExperimentStore, experiment_from, save_experiments
from ladle.files import write_whole
from ladle.labeling import Desk, LabelingProject, Source, copy_by_class, open_source, save_trained
from ladle.session import open_database


@pytest.fixture
def source(tmp_path: Path) -> Source:
    np.save(tmp_path / "pool.npy", np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32))
    return open_source(tmp_path / "pool.npy")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Have this process write no file beyond a size, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = sys.platform == "linux" and os.geteuid() == 0
    if not mounted or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", place], check=True)


def answer_until_full(desk: Desk) -> tuple[dict[int, str], str]:
    """Answer until the store takes no more; return what it acknowledged, and what it said."""
    told: dict[int, str] = {}
    for _ in range(3000):
        handed = desk.hand("ada")
        if handed is None:
            desk.project.record(desk.project.plan_at_random(50))
            continue
        label = "ab"[handed.place % 2]
        try:
            desk.answer("ada", handed.place, label)
        except StoreError as error:
            return told, str(error)
        told[handed.place] = label
    raise AssertionError("it was never full")


def check_full(source: Source, store: str, project: LabelingProject, make_room: Callable[[], None]) -> None:
    desk = Desk(project)
    try:
        told, said = answer_until_full(desk)
    except StoreError as error:  # while a batch was recorded
        told, said = {one.place: project.classes[one.label or 0] for one in desk.answered_by("ada")}, str(error)
    assert "database or disk is full" in said
    assert said.endswith("see to it and go on: what was acknowledged is in it")
    assert "\n" not in said
    assert len(told) > 20
    make_room()
    # The same desk, without a restart: nothing is between what it holds and what the store holds.
    for _ in range(60):
        handed = desk.hand("ada")
        if handed is None:
            project.record(project.plan_at_random(50))
            continue
        assert handed.place not in told
        desk.answer("ada", handed.place, "a")
        told[handed.place] = "a"
    assert project.labels() == {source.ids[place]: label for place, label in told.items()}
    with LabelingProject(source, store=store) as again:
        assert again.labels() == project.labels()


def test_a_full_disk_loses_no_answer(source: Source, small_disk: Path) -> None:
    store = f"sqlite:///{small_disk}/labels.db"
    with LabelingProject(source, classes=["a", "b"], store=store) as project:
        (small_disk / "filler").write_bytes(b"x" * (6500 << 10))
        check_full(source, store, project, (small_disk / "filler").unlink)


def test_a_full_database_loses_no_answer(source: Source, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/labels.db"
    engine = open_database(store)
    most = [28]
    event.listen(engine, "begin", lambda connection: connection.execute(text(f"PRAGMA max_page_count={most[0]}")))
    with LabelingProject(source, classes=["a", "b"], store=engine) as project:
        check_full(source, store, project, lambda: most.__setitem__(0, 1000))
    engine.dispose()


def contents(place: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_no_file_is_left_half_written_and_what_stood_there_stays(source: Source, tmp_path: Path) -> None:
    config = experiment_from(
        {
            "name": "full",
            "strategies": ["random"],
            "seeds": 2,
            "data": {"name": "digits"},
            "model": {"name": "mlp"},
            "schedule": {"initial": 10, "batch": 5, "rounds": 1},
        }
    )
    experiments = open_database(None)
    ExperimentStore(experiments).register(config, {"fingerprint": "x"})
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(photos / "a.png")
    images = open_source(photos)
    with LabelingProject(source, classes=["a", "b"], store="sqlite://") as project:
        project.ingest({name: "ab"[number % 2] for number, name in enumerate(source.ids[:20])})
        assert project.session.model is not None
        #: What is written, into a folder of its own each.
        writes: dict[str, Callable[[Path], object]] = {
            "file": lambda place: write_whole(place / "labels.csv", "old\n" * 2000),
            "model": lambda place: save_trained(project, place / "model.safetensors"),
            "experiments": lambda place: save_experiments(experiments, place),
            "images": lambda place: copy_by_class(images, {"a.png": "cat"}, place),
            "npy": lambda place: write_shards(place, [np.ones((900, 4))], rows_a_file=900, kind="npy"),
            "parquet": lambda place: write_shards(place, [np.ones((900, 400))], rows_a_file=900, kind="parquet"),
        }
        for name, write in writes.items():
            place = tmp_path / "out" / name
            place.mkdir(parents=True)
            refuse_for_space(lambda: write(place), name)  # noqa: B023
            assert contents(place) == {}, name
            write(place)
            for path in contents(place):
                # Other bytes than the next try would write.
                path.write_bytes(path.read_bytes()[::-1])
            stood = contents(place)
            assert stood, name
            refuse_for_space(lambda: write(place), name)  # noqa: B023
            assert contents(place) == stood, name
            write(place)
            assert contents(place) != stood, f"{name} is written over what stood there"
    experiments.dispose()


def test_a_pool_that_found_no_room_leaves_its_folder_empty_for_the_next_try(tmp_path: Path) -> None:
    digits = load_pool(DataConfig("digits"))
    refuse_for_space(lambda: save_pool(digits, tmp_path / "saved"), "pool")
    assert contents(tmp_path / "saved") == {}
    save_pool(digits, tmp_path / "saved")
    assert open_pool(tmp_path / "saved").fingerprint() == digits.fingerprint()


def refuse_for_space(write: Callable[[], object], name: str) -> None:
    with largest_file(1000), pytest.raises(OSError, match=r"File too large|requested and") as caught:
        write()
    if name not in ("npy", "parquet"):
        assert isinstance(caught.value, DataError), name
    if isinstance(caught.value, DataError):
        assert str(caught.value).endswith("; make room, or name another place")
