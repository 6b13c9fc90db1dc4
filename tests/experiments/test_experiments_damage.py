"""Experiments in a store that was damaged: one line says where, no result is told of it and no file written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from ladle.data import DataConfig, Pool, load_pool
from ladle.errors import DataError, StoreConflictError, StoreError
from ladle.experiments import ExperimentConfig, ExperimentStore, experiment_from, save_experiments
from ladle.experiments.run import run_one
from ladle.session import open_database


@pytest.fixture(scope="module")
def config() -> ExperimentConfig:
    return experiment_from(
        {
            "name": "small",
            "strategies": ["random"],
            "seeds": 2,
            "data": {"name": "digits"},
            "model": {"name": "mlp", "hidden": [8]},
            "schedule": {"initial": 10, "batch": 5, "rounds": 2},
            "training": {"epochs": 1},
        }
    )


@pytest.fixture(scope="module")
def pool() -> Pool:
    return load_pool(DataConfig("digits"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, config: ExperimentConfig, pool: Pool) -> Path:
    """One seed to its end, and one that was cut off after its first round."""
    path = tmp_path_factory.mktemp("made") / "store.db"
    engine = open_database(f"sqlite:///{path}")
    ExperimentStore(engine).register(config, {"fingerprint": "x"})
    for seed in range(2):
        run_one(config, "random", seed, pool=pool, engine=engine, learning_rate=0.01)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM rounds WHERE run_id = 2 AND round > 0"))
        connection.execute(text("DELETE FROM events WHERE session_id = 2 AND sequence > 2"))
    engine.dispose()
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return shutil.copyfile(made, tmp_path / "store.db")


def edited(path: Path, statement: str, **values: Any) -> Engine:
    engine = open_database(f"sqlite:///{path}")
    with engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount > 0
    return engine


def check_named(engine: Engine, do: Callable[[], object], *parts: str, kind: type[StoreError] = StoreError) -> None:
    with pytest.raises(kind) as caught:
        do()
    engine.dispose()
    message = str(caught.value)
    assert "\n" not in message
    assert "put a copy of the store in its place" in message
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE rounds SET test_accuracy = 'high'", "an accuracy expected, not 'high'"),
        ("UPDATE rounds SET test_accuracy = 1.5", "an accuracy expected, not '1.5'"),
        ("UPDATE rounds SET labeled = 11 WHERE round = 0", "10 labels expected, not '11'"),
        ("UPDATE rounds SET round = 7 WHERE round = 0", "round 0 expected, not"),
        ("UPDATE rounds SET training_seconds = -1", "seconds expected, not '-1.0'"),
        ("UPDATE rounds SET finished_at = 'now'", "isoformat"),
        ("UPDATE experiments SET protocol = '{}'", "a hash of its protocol expected"),
        ("UPDATE experiments SET protocol = 'x'", "Expecting value"),
        ("UPDATE experiments SET data = '[]'", "data expected, not '[]'"),
        ("UPDATE experiments SET learning_rate = 'fast'", "learning_rate expected, not 'fast'"),
        ("UPDATE experiments SET learning_rate = NULL", "at a learning rate of None"),
        ("UPDATE runs SET seed = 'first' WHERE seed = 0", "seed 'first'"),
        ("UPDATE runs SET strategy = x'00' WHERE seed = 0", "seed 0"),
    ],
)
def test_no_result_is_told_of_damaged_rows(path: Path, statement: str, reason: str) -> None:
    engine = edited(path, statement)
    check_named(engine, ExperimentStore(engine).results, reason)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE rounds SET test_accuracy = 'high'", "an accuracy expected"),
        ("UPDATE events SET payload = '{}' WHERE sequence = 1", "told with {}"),
        ("UPDATE events SET payload = 'x' WHERE sequence = 1", "Expecting value"),
        ("UPDATE sessions SET config = '[]'", "session_config expected"),
        ("UPDATE sessions SET name = 'other' WHERE id = 1", "rows of runs that are not there"),
        ("UPDATE runs SET seed = 10000000000 WHERE seed = 0", "too large"),
        ("UPDATE experiments SET created_at = 'now'", "isoformat"),
    ],
)
def test_nothing_is_saved_of_damaged_rows(path: Path, tmp_path: Path, statement: str, reason: str) -> None:
    engine = edited(path, statement)
    check_named(engine, lambda: save_experiments(engine, tmp_path / "saved"), reason)
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize(
    ("statement", "reason", "kind"),
    [
        ("UPDATE rounds SET labeled = 11 WHERE run_id = 2", "the rounds of random, seed 1,", StoreError),
        ("UPDATE experiments SET sweep = '7'", "sweep expected, not '7'", StoreError),
        ("UPDATE events SET payload = '[]' WHERE session_id = 2", "asked with []", StoreError),
        ("DELETE FROM rounds WHERE run_id = 2", "got 15 labels after 0 rounds", StoreConflictError),
        ("DELETE FROM events WHERE session_id = 2", "got 0 labels after 1 rounds", StoreConflictError),
    ],
)
def test_a_run_does_not_go_on_from_damaged_rows(
    path: Path, config: ExperimentConfig, pool: Pool, statement: str, reason: str, kind: type[StoreError]
) -> None:
    engine = edited(path, statement)
    check_named(
        engine,
        lambda: run_one(config, "random", 1, pool=pool, engine=engine, learning_rate=0.01),
        reason,
        kind=kind,
    )


def test_a_run_does_not_go_on_from_other_labels_than_the_data_has(
    path: Path, config: ExperimentConfig, pool: Pool
) -> None:
    engine = open_database(f"sqlite:///{path}")
    with engine.begin() as connection:
        query = text("SELECT payload FROM events WHERE session_id = 2 AND sequence = 1")
        payload = json.loads(connection.execute(query).scalar_one())
        payload["labels"][3] = (payload["labels"][3] + 1) % 10
        change = text("UPDATE events SET payload = :payload WHERE session_id = 2 AND sequence = 1")
        connection.execute(change, {"payload": json.dumps(payload)})
    reason = f"example {payload['indices'][3]} has another label than in the data"
    check_named(engine, lambda: run_one(config, "random", 1, pool=pool, engine=engine, learning_rate=0.01), reason)


def test_a_name_longer_than_a_folder_s_is_told(path: Path, tmp_path: Path) -> None:
    engine = edited(path, "UPDATE experiments SET name = :name", name="9" * 5000)
    with pytest.raises(DataError, match=r"999: File name too long\); make room, or name another place$"):
        save_experiments(engine, tmp_path / "saved")
    engine.dispose()


def test_what_is_whole_goes_on(path: Path, config: ExperimentConfig, pool: Pool, tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{path}")
    run_one(config, "random", 1, pool=pool, engine=engine, learning_rate=0.01)
    (results,) = ExperimentStore(engine).results()
    assert results.seeds == (0, 1)
    assert len(save_experiments(engine, tmp_path / "saved")) == 1
    engine.dispose()
