"""A store of any age opens: migrated as a whole or not at all, whoever else opens it, with nothing in it changed.

``stores/first.sql`` and ``stores/first-postgresql.sql`` are dumps of a store that the code of the first schema filled:
a project labeled by two people, and an experiment. ``stores/first.json`` is what ``state_of`` told of it then.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import torch
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

from ladle.errors import StoreError
from ladle.experiments import ExperimentStore, experiment_from
from ladle.labeling import LabelingProject, Source
from ladle.models import TrainingConfig
from ladle.session import migration, open_database
from ladle.session.database import metadata
from ladle.session.log import EventLog
from reference.stored_experiment import stored

STORES = Path(__file__).with_name("stores")
MIGRATIONS = migration.FOLDER
EXPERIMENT = experiment_from(
    {
        "name": "first",
        "strategies": ["random", "grad"],
        "seeds": 2,
        "data": {"name": "digits"},
        "model": {"name": "mlp", "hidden": [8]},
        "schedule": {"initial": 10, "batch": 5, "rounds": 2},
        "training": {"epochs": 3, "learning_rate": [0.01, 0.02]},
    }
)
# What a later Ladle may bring: a column, in a table that others refer to.
SECOND = """
import time
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    moved = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("sessions", recreate=moved) as t:
        t.add_column(sa.Column("note", sa.String(20), nullable=False, server_default="none"))
    {then}
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with nothing in it."""
    url: str = (
        request.getfixturevalue("postgres_url") if request.param == "postgresql" else f"sqlite:///{tmp_path}/x.db"
    )
    return url


@pytest.fixture
def first(empty: str) -> str:
    """The URL of a store as the first schema left it."""
    if empty.startswith("sqlite"):
        file = sqlite3.connect(empty.removeprefix("sqlite:///"))
        file.executescript((STORES / "first.sql").read_text())
        file.close()
    else:
        with psycopg.connect(empty) as server:
            server.execute((STORES / "first-postgresql.sql").read_bytes())
    return empty


def with_a_second(folder: Path, then: str = "") -> Path:
    """Return a folder of migrations with one more."""
    target = folder / "migrations"
    shutil.copytree(MIGRATIONS, target, dirs_exist_ok=True)
    (target / "versions" / "v0002_note.py").write_text(SECOND.format(then=then))
    return target


def open_project(url: str, folder: Path) -> LabelingProject:
    rows = torch.from_numpy(((np.arange(160) * 37) % 64).reshape(40, 4).astype(np.float32) / 64)
    names = tuple(str(row) for row in range(len(rows)))
    source = Source("embeddings", folder / "pens.npy", names, names, rows, "mlp")
    return LabelingProject(source, store=url, name="pens", training=TrainingConfig(epochs=5), seed=4)


def state_of(url: str, folder: Path) -> dict[str, Any]:
    """Return all that a store tells of the project and the experiment, as JSON would give it."""
    with open_project(url, folder) as project:
        state = project.session.state
        status = project.status()
        labeling = {
            "classes": list(project.classes),
            "settings": [project.control, project.model, project.session.strategy.name],
            "labels": project.labels(),
            "pending": state.pending.tolist(),
            "skipped": state.skipped.tolist(),
            "drawn": state.drawn.tolist(),
            "rounds": state.rounds,
            "counts": dict(status.counts),
            "curve": [[point.labeled, point.accuracy, point.answers] for point in status.curve],
            "opinions": [list(vars(opinion).values()) for opinion in project.opinions()],
            "control arm": sorted(project.control_arm()),
            "receipts": {str(place): project.receipt(place) for place in range(40) if project.receipt(place)},
            "key": project.key(),
        }
    engine = open_database(url)
    (results,) = ExperimentStore(engine).results(EXPERIMENT.identity)
    engine.dispose()
    told = stored(url)
    return {
        "project": labeling,
        "experiment": {
            "events": [list(event) for event in told["events"] if event[0] != "pens"],
            "rounds": [list(row) for row in told["rounds"]],
            "rate": told["rate"],
            "accuracies": results.accuracies.tolist(),
            "training seconds": results.training_seconds.tolist(),
            "environment": results.environment,
            "data": results.data,
        },
    }


def differences(engine: Engine) -> list[Any]:
    options = {"version_table": migration.VERSION_TABLE, "compare_server_default": True}
    with engine.connect() as connection:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    return found


def in_the_middle(url: str, folder: Path) -> subprocess.Popen[str]:
    """Return a process that is migrating a store right now, with a migration that says so."""
    code = f"""
from pathlib import Path
from ladle.session import migration, open_database
migration.FOLDER, migration.HEAD = Path({str(folder)!r}), "0002"
open_database({url!r}).dispose()
"""
    process = subprocess.Popen([sys.executable, "-c", code], text=True, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "in the middle\n"
    return process


def contents(url: str) -> dict[str, list[Any]]:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        names = [*metadata.tables, migration.VERSION_TABLE]
        rows = {
            name: sorted((tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))), key=repr)
            for name in names
            if engine.dialect.has_table(connection, name)
        }
    engine.dispose()
    return rows


def test_a_store_of_the_first_schema_tells_the_same(first: str, tmp_path: Path) -> None:
    expected = json.loads((STORES / "first.json").read_text())
    assert state_of(first, tmp_path) == expected
    assert state_of(first, tmp_path) == expected, "and again, once it is migrated"
    engine = open_database(first)
    assert differences(engine) == []
    engine.dispose()


def test_a_store_of_the_first_schema_goes_on(first: str, tmp_path: Path) -> None:
    with open_project(first, tmp_path) as project:
        place = int(project.session.state.pending[0])
        project.answer(place, "red", "Cleo")
        assert project.labels()[str(place)] == "red"
        assert len(project.next(3)) == 3, "the rest of the batch"
        assert project.take_back("Cleo") == place
    engine = open_database(first)
    assert ExperimentStore(engine).standing(EXPERIMENT) == (12, 12), "nothing of it is left to do"
    engine.dispose()


def test_migrations_make_what_the_code_reads(empty: str) -> None:
    engine = open_database(empty)
    assert differences(engine) == []
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE answers DROP COLUMN undone"))
    assert [found[0] for found in differences(engine)] == ["add_column"], "what is missing would be seen"
    engine.dispose()


def test_a_store_with_the_tables_of_one_room_gets_the_others(empty: str) -> None:
    engine = create_engine(empty.replace("postgresql:", "postgresql+psycopg:"))
    metadata.create_all(engine, tables=[metadata.tables["sessions"], metadata.tables["events"]])
    EventLog(engine, "old", {"seed": 1})
    engine.dispose()
    engine = open_database(empty)
    assert differences(engine) == []
    assert EventLog(engine, "old", {"seed": 1}).read() == []
    engine.dispose()


def test_the_revision_in_the_code_is_the_last_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(migration.FOLDER))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [migration.HEAD]
    for script in scripts.walk_revisions():
        assert re.fullmatch(r"\d{4}", script.revision), "later revisions are greater"
        assert script.down_revision is None or str(script.down_revision) < script.revision


def test_a_later_migration_keeps_every_row(first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_database(first).dispose()
    before = contents(first)
    monkeypatch.setattr(migration, "FOLDER", with_a_second(tmp_path))
    monkeypatch.setattr(migration, "HEAD", "0002")
    for _ in range(2):
        open_database(first).dispose()
        after = contents(first)
        assert after.pop(migration.VERSION_TABLE) == [("0002",)]
        assert after["sessions"] == [(*row, "none") for row in before["sessions"]]
        # Events refer to sessions, and would go with the old table.
        assert {name: after[name] for name in after if name != "sessions"} == {
            name: before[name] for name in before if name not in ("sessions", migration.VERSION_TABLE)
        }
    engine = open_database(first)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM sessions"))
        assert connection.execute(text("SELECT count(*) FROM events")).scalar() == 0, (
            "rows still refer to the new table"
        )
    engine.dispose()


def test_a_migration_that_fails_changes_nothing(first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(first)
    monkeypatch.setattr(migration, "FOLDER", with_a_second(tmp_path, 'op.execute("SELECT 1 FROM nowhere")'))
    monkeypatch.setattr(migration, "HEAD", "0002")
    with pytest.raises(StoreError, match="nowhere"):
        open_database(first)
    assert contents(first) == before, "not even the first migration is left half of the way"
    with_a_second(tmp_path)
    open_database(first).dispose()
    assert contents(first)[migration.VERSION_TABLE] == [("0002",)]


def test_a_migration_that_is_killed_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    open_database(url).dispose()
    EventLog(engine := open_database(url), "kept", {"seed": 1})
    engine.dispose()
    before = contents(url)
    with in_the_middle(url, with_a_second(tmp_path, 'print("in the middle", flush=True); time.sleep(60)')) as process:
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert contents(url) == before
    engine = open_database(url)
    EventLog(engine, "added", {"seed": 1})
    engine.dispose()


def test_a_process_that_comes_in_the_middle_waits(first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = with_a_second(tmp_path, 'print("in the middle", flush=True); time.sleep(0.5)')
    with in_the_middle(first, folder) as process:
        monkeypatch.setattr(migration, "FOLDER", tmp_path / "nothing to run here")
        monkeypatch.setattr(migration, "HEAD", "0002")
        open_database(first).dispose()
        assert contents(first)[migration.VERSION_TABLE] == [("0002",)]
    assert process.returncode == 0


def test_a_newer_store_is_refused(empty: str) -> None:
    engine = open_database(empty)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {migration.VERSION_TABLE} SET version_num = '0999'"))
    before = contents(empty)
    engine.dispose()
    with pytest.raises(
        StoreError, match=r"got schema 0999 in .* knows schemas up to 0001\); install a newer one"
    ) as caught:
        open_database(empty)
    assert "\n" not in str(caught.value)
    assert contents(empty) == before


def test_a_store_that_needs_no_migration_opens_without_alembic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = f"sqlite:///{tmp_path}/x.db", f"sqlite:///{tmp_path}/y.db"
    open_database(old).dispose()
    monkeypatch.setitem(sys.modules, "alembic", None)
    open_database(old).dispose()
    with pytest.raises(StoreError):
        open_database(new)
