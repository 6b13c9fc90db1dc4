"""Experiments taken out of a store as files and put into another: nothing is lost, and unfinished runs go on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete

from ladle.errors import DataError
from ladle.experiments import (
    ExperimentConfig,
    ExperimentStore,
    experiment_from,
    load_experiments,
    run_experiment,
    save_experiments,
)
from ladle.experiments.tables import rounds
from ladle.session import open_database
from ladle.session.database import events
from reference.stored_experiment import stored


def small(seeds: int = 2, **training: Any) -> ExperimentConfig:
    return experiment_from(
        {
            "name": "small / one",
            "strategies": ["random", "grad", "badge"],
            "seeds": seeds,
            "data": {"name": "digits"},
            "model": {"name": "mlp", "hidden": [16]},
            "schedule": {"initial": 10, "batch": 10, "rounds": 2},
            "training": {"epochs": 2, "learning_rate": [0.001, 0.05], **training},
        }
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('whole')}/ladle.db"
    run_experiment(small(), store=url, workers=1)
    return url


def test_a_store_made_of_the_files_holds_the_same(whole: str, tmp_path: Path) -> None:
    (place,) = save_experiments(open_database(whole), tmp_path / "results")
    assert place == tmp_path / "results" / "small___one"
    copy = f"sqlite:///{tmp_path}/copy.db"
    assert load_experiments(open_database(copy), tmp_path / "results") == ["small / one"]
    assert stored(copy) == stored(whole)
    (old,) = ExperimentStore(open_database(whole)).results()
    (new,) = ExperimentStore(open_database(copy)).results()
    for name in ("identity", "strategies", "seeds", "learning_rate", "config", "environment", "data"):
        assert getattr(new, name) == getattr(old, name)
    for name in ("labeled", "accuracies", "training_seconds"):
        assert (getattr(new, name) == getattr(old, name)).all()
    # Saved again, it is the same to the last byte; loaded again, nothing comes twice.
    (again,) = save_experiments(open_database(copy), tmp_path / "again")
    for file in place.iterdir():
        assert file.read_bytes() == (again / file.name).read_bytes()
    load_experiments(open_database(copy), place)
    assert stored(copy) == stored(whole)


def test_what_was_unfinished_goes_on_from_the_files(whole: str, tmp_path: Path) -> None:
    # One seed finished, the other stopped at every possible moment of one run: after its first round.
    part = f"sqlite:///{tmp_path}/part.db"
    save_experiments(open_database(whole), tmp_path / "whole")
    load_experiments(open_database(part), tmp_path / "whole")
    with open_database(part).begin() as connection:
        # The last run's second round, and what was asked and told after the first.
        last = connection.exec_driver_sql("select max(id) from runs").scalar_one()
        connection.execute(delete(rounds).where(rounds.c.run_id == last, rounds.c.round > 0))
        session = connection.exec_driver_sql("select max(id) from sessions").scalar_one()
        connection.execute(delete(events).where(events.c.session_id == session, events.c.sequence > 3))
    save_experiments(open_database(part), tmp_path / "part")
    on = f"sqlite:///{tmp_path}/on.db"
    load_experiments(open_database(on), tmp_path / "part")
    run_experiment(small(), store=on, workers=1)
    assert stored(on) == stored(whole)


def test_what_is_further_in_the_store_stays(whole: str, tmp_path: Path) -> None:
    less = f"sqlite:///{tmp_path}/less.db"
    run_experiment(small(seeds=1), store=less, workers=1)
    save_experiments(open_database(less), tmp_path / "less")
    save_experiments(open_database(whole), tmp_path / "more")
    more = f"sqlite:///{tmp_path}/more.db"
    load_experiments(open_database(more), tmp_path / "more")
    load_experiments(open_database(more), tmp_path / "less")
    assert stored(more) == stored(whole)
    load_experiments(open_database(less), tmp_path / "more")
    assert stored(less) == stored(whole)


def test_two_protocols_of_one_name_have_folders_of_their_own(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/two.db"
    for epochs in (1, 2):
        run_experiment(small(seeds=1, epochs=epochs, learning_rate=0.05), store=url, workers=1)
    places = save_experiments(open_database(url), tmp_path / "results")
    assert len({place.name for place in places}) == 2
    copy = open_database(f"sqlite:///{tmp_path}/copy.db")
    load_experiments(copy, tmp_path / "results")
    assert len(ExperimentStore(copy).results()) == 2


def test_a_damaged_folder_is_named(whole: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="with none"):
        load_experiments(open_database(None), tmp_path)
    (place,) = save_experiments(open_database(whole), tmp_path)
    described = json.loads((place / "experiment.json").read_text())
    (place / "experiment.json").write_text(json.dumps(described | {"format": 99}))
    with pytest.raises(DataError, match=r"format 1 \(got 99"):
        load_experiments(open_database(None), tmp_path)
    (place / "experiment.json").write_text(json.dumps(described))
    content = (place / "rounds.parquet").read_bytes()
    (place / "rounds.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"small___one.*save it anew"):
        load_experiments(open_database(None), tmp_path)


def test_other_data_is_refused(whole: str, tmp_path: Path) -> None:
    (place,) = save_experiments(open_database(whole), tmp_path)
    described = json.loads((place / "experiment.json").read_text())
    described["data"]["fingerprint"] = "another"
    (place / "experiment.json").write_text(json.dumps(described))
    with pytest.raises(DataError, match="the data it began with"):
        load_experiments(open_database(whole), tmp_path)


def test_seeds_may_be_added_later(whole: str, tmp_path: Path) -> None:
    save_experiments(open_database(whole), tmp_path)
    url = f"sqlite:///{tmp_path}/more.db"
    load_experiments(open_database(url), tmp_path)
    results = run_experiment(dataclasses.replace(small(), seeds=3), store=url, workers=1)
    assert results.seeds == (0, 1, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda described: described.update(protocol={}), "a hash of its protocol"),
        (lambda described: described["protocol"]["schedule"].update(batch=11), "a hash of its protocol"),
        (lambda described: described.update(data=None), "data expected"),
        (lambda described: described.update(learning_rate="fast"), "learning_rate expected"),
        (lambda described: described.update(learning_rate=None), "rounds at no learning rate"),
        (lambda described: described.update(sweep={"0.1": "good"}), "sweep expected"),
        (lambda described: described.pop("name"), "name"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(
    change: Callable[[Any], Any], message: str, whole: str, tmp_path: Path
) -> None:
    (place,) = save_experiments(open_database(whole), tmp_path)
    described = json.loads((place / "experiment.json").read_text())
    change(described)
    (place / "experiment.json").write_text(json.dumps(described))
    refused_whole(place, message)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("rounds.parquet", lambda row: row.update(test_accuracy=1.5), "an accuracy expected, not '1.5'"),
        ("rounds.parquet", lambda row: row.update(test_accuracy=float("nan")), "an accuracy expected, not 'nan'"),
        ("rounds.parquet", lambda row: row.update(round=7), "round 0 expected"),
        ("rounds.parquet", lambda row: row.update(labeled=11), "10 labels expected, not '11'"),
        ("rounds.parquet", lambda row: row.update(seed=9), "round 0 expected"),
        ("events.parquet", lambda row: row.update(sequence=5), "event 0 expected"),
        ("events.parquet", lambda row: row.update(payload='{"indices": [0.5]}'), "asked with"),
        ("events.parquet", lambda row: row.update(kind="forgot"), "unknown kind"),
        ("runs.parquet", lambda row: row.update(session_config="[]"), "session_config expected"),
        ("runs.parquet", lambda row: row.update(seed=-1), "a seed expected"),
    ],
)
def test_rows_that_cannot_be_are_refused(
    file: str, change: Callable[[Any], Any], message: str, whole: str, tmp_path: Path
) -> None:
    (place,) = save_experiments(open_database(whole), tmp_path)
    table = pq.read_table(place / file)
    rows = table.to_pylist()
    change(rows[0])
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), place / file)
    forget_digests(place)
    refused_whole(place, message)


def test_a_column_that_is_missing_is_named(whole: str, tmp_path: Path) -> None:
    (place,) = save_experiments(open_database(whole), tmp_path)
    pq.write_table(pq.read_table(place / "rounds.parquet").drop_columns(["labeled"]), place / "rounds.parquet")
    refused_whole(place, "rounds.parquet without labeled")


def forget_digests(place: Path) -> None:
    """Leave an experiment as one that was saved before there were digests, or by somebody who leaves them out."""
    described = json.loads((place / "experiment.json").read_text())
    del described["digests"]
    (place / "experiment.json").write_text(json.dumps(described))


def refused_whole(place: Path, message: str) -> None:
    """Make sure that nothing of a refused experiment reaches the store."""
    engine = open_database(None)
    with pytest.raises(DataError, match=message) as caught:
        load_experiments(engine, place)
    assert "\n" not in str(caught.value)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from experiments").scalar_one() == 0
