"""Stores: the rows of a labeling project and of an experiment changed, or the bytes of the SQLite file broken."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fuzz.archives import add_experiment
from fuzz.material import Material, refused, scratch_folder
from ladle.experiments import ExperimentStore, save_experiments
from ladle.labeling import LabelingProject, Source
from ladle.models import TrainingConfig
from ladle.session.database import opened_database

_EXAMPLES = 12
#: What a cell may come to hold beside a value of another kind within its JSON.
_CELLS: tuple[Any, ...] = (
    *(None, -1, 0, 1, 7, _EXAMPLES, 999_999, 1 << 62, 0.5, -0.5, 1e300, float("inf"), "", "a", "0", "nan", "\x00", "{"),
    *(
        b"",
        b"\xff",
        b"{}",
        "{}",
        "[]",
        "null",
        "7",
        '"a"',
        "NaN",
        "[" * 100_000,
        "9" * 5000,
        '{"index": 1}',
        '{"a": 1}',
    ),
    *('{"indices": [1]}', '{"indices": [], "labels": []}', '{"indices": [1], "labels": [[1]]}', '["a", "b"]'),
    *("asked", "told", "skipped", "undone", "label", "skip", "2026-11-25 01:05:45"),
)


def check(data: bytes) -> None:
    """Break a store, open it, and hold what it says against what a pool of this size can come to."""
    material = Material(data)
    path = scratch_folder() / "store.db"
    for file in scratch_folder().glob("store.db*"):
        file.unlink()
    whole = _store()
    changed = False
    if material.whole(0, 3) == 0:
        content = material.broken(whole)
        changed = content != whole
        path.write_bytes(content)
    else:
        path.write_bytes(whole)
        with closing(sqlite3.connect(path)) as connection:
            for _ in range(material.whole(0, 2)):
                changed = _change(material, connection) or changed
    url = f"sqlite:///{path}"
    said, told = refused(lambda: _labeling(url)), refused(lambda: _experiments(url))
    assert changed or (said, told) == (_said_of_whole(), 1)


def _labeling(url: str) -> Any:
    with LabelingProject(_source(), store=url, training=TrainingConfig(epochs=1)) as project:
        state, status = project.session.state, project.status()
        labels = project.labels()
        opinions, receipts = project.opinions(), [project.receipt(place) for place in range(_EXAMPLES)]
        project.control_arm()
        project.snapshot()
    places = [state.labeled.tolist(), state.pending.tolist(), state.skipped.tolist()]
    named = [*places[0], *places[1], *places[2]]
    assert len(set(named)) == len(named), f"an example is in one place: {places}"
    assert set(named) <= set(range(_EXAMPLES))
    assert (status.labeled, status.pending, status.skipped) == tuple(map(len, places))
    assert sum(status.counts.values()) == len(labels) == len(places[0])
    assert set(labels.values()) <= set(status.counts)
    assert all(0 <= one.place < _EXAMPLES for one in opinions)
    return places, labels, opinions, receipts


def _experiments(url: str) -> int:
    with opened_database(url) as engine:
        found = ExperimentStore(engine).results()
        for results in found:
            assert ((results.accuracies >= 0) & (results.accuracies <= 1)).all()
            assert len(results.labeled) == results.accuracies.shape[1]
        again = scratch_folder() / "again"
        shutil.rmtree(again, ignore_errors=True)
        save_experiments(engine, again)
        return len(found)


def _change(material: Material, connection: sqlite3.Connection) -> bool:
    """Change a cell, or take a row away; tell whether the tables let it happen."""
    table = material.one_of(
        sorted(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
    )
    rows = connection.execute(f"SELECT rowid, * FROM {table}").fetchall()
    if not rows:
        return False
    row = material.one_of(rows)
    if material.rarely():
        connection.execute(f"DELETE FROM {table} WHERE rowid = ?", row[:1])
        connection.commit()
        return True
    columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
    place = material.whole(0, len(columns) - 1)
    old = row[1 + place]
    new = _strange_json(material, old) if material.whole(0, 1) else material.one_of(_CELLS)
    try:
        connection.execute(f"UPDATE {table} SET {columns[place]} = ? WHERE rowid = ?", (new, row[0]))
    except (sqlite3.IntegrityError, sqlite3.DataError, UnicodeEncodeError):
        return False
    connection.commit()
    return True


def _strange_json(material: Material, old: Any) -> Any:
    """Return JSON with one value changed somewhere in it; of what is none, a cell."""
    try:
        found = json.loads(old)
    except (TypeError, ValueError):
        return material.one_of(_CELLS)
    place: Any = found
    while isinstance(place, dict | list) and place:
        key = material.one_of(sorted(place)) if isinstance(place, dict) else material.whole(0, len(place) - 1)
        inside = place[key]
        if isinstance(inside, dict | list) and inside and not material.rarely():
            place = inside
            continue
        place[key] = (
            material.one_of((1, 99, -1, 1.5, "1", True, None, [1], 10**30))
            if material.whole(0, 1)
            else material.strange()
        )
        return json.dumps(found)
    return json.dumps(material.strange())


@cache
def _said_of_whole() -> Any:
    path = scratch_folder() / "whole.db"
    path.write_bytes(_store())
    return _labeling(f"sqlite:///{path}")


@cache
def _store() -> bytes:
    """Return a store with answers of two people, guesses, receipts, and two runs of an experiment."""
    with tempfile.TemporaryDirectory(prefix="ladle-fuzz-") as folder:
        url = f"sqlite:///{folder}/store.db"
        given: dict[str, Any] = {"classes": ["a", "b"], "control": 0.5, "training": TrainingConfig(epochs=1)}
        with LabelingProject(_source(), store=url, **given) as project:
            project.next(3)
            for place in project.session.state.pending.tolist():
                project.answer(place, "ab"[place % 2], "ada")
            for place, label in ((0, "a"), (1, "b"), (0, "b"), (2, "skip")):
                project.answer(place, label, "ben")
            project.take_back("ben")
            project.next(4)
        with opened_database(url) as engine:
            add_experiment(engine)
        # The last connection that closes puts the log into the file.
        return (Path(folder) / "store.db").read_bytes()


@cache
def _source() -> Source:
    names = tuple(map(str, range(_EXAMPLES)))
    rows = torch.from_numpy(np.random.default_rng(0).normal(size=(_EXAMPLES, 2)).astype(np.float32))
    return Source("embeddings", Path("rows.npy"), names, names, rows, "mlp")
