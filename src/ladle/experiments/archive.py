"""Experiments as files: small enough to commit, whole enough to go on from.

An experiment becomes a folder: ``experiment.json`` (protocol, data, sweep), ``runs.parquet`` (each strategy and seed),
``rounds.parquet`` (what each round measured) and ``events.parquet`` (every pick and label, in order). Loaded into a
store, unfinished runs go on where they were, as if they had never left it. ``experiment.json`` has the digest of each
table: tables of two savings, of which the second was cut off, are never taken for one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from ladle.data.unfolding import check_parquet
from ladle.errors import DataError, reason_of
from ladle.experiments.archive_checks import check_experiment, check_run, check_runs
from ladle.experiments.tables import experiments, rounds, runs
from ladle.files import cannot_write, write_whole, written_whole
from ladle.session import as_written
from ladle.session.database import events, sessions

if TYPE_CHECKING:
    import pyarrow as pa

_FORMAT = 1
_EXPERIMENT = "experiment.json"
_RUNS, _ROUNDS, _EVENTS = "runs.parquet", "rounds.parquet", "events.parquet"
_TABLES = (_RUNS, _ROUNDS, _EVENTS)
_DESCRIBED = ("identity", "name", "protocol", "environment", "data", "learning_rate", "sweep")
_ROUND_COLUMNS = [column.name for column in rounds.columns if column.name != "run_id"]


def save_experiments(engine: Engine, folder: Path) -> list[Path]:
    """Write every experiment of a store to a folder of its own, over what an earlier call wrote there.

    Args:
        engine: an open store.
        folder: gets a folder for each experiment, named after it.

    Returns:
        The folders written, in the order of the store.

    Raises:
        DataError: a folder that cannot be written, or a full disk; no file is half written.
        StoreError: a store that is damaged; of that experiment nothing is written.
    """
    written = []
    with engine.connect() as connection:
        with as_written(engine, "an experiment"):
            found = connection.execute(select(experiments).order_by(experiments.c.id)).all()
        names = [row.name for row in found]
        for row in found:
            # Two protocols may go by one name.
            suffix = f"-{row.identity[:8]}" if names.count(row.name) > 1 else ""
            place = folder / f"{_file_name(row.name)}{suffix}"
            _save(connection, row, place)
            written.append(place)
    return written


def load_experiments(engine: Engine, folder: Path) -> list[str]:
    """Put saved experiments into a store; a run that is further there than in the files stays as it is.

    Args:
        engine: an open store.
        folder: what ``save_experiments`` wrote, or the folder of one experiment.

    Returns:
        The names of the experiments.

    Raises:
        DataError: no saved experiment there, or a damaged file.
    """
    places = sorted(path.parent for path in folder.rglob(_EXPERIMENT))
    if not places:
        raise DataError(f"saved experiments are folders with an {_EXPERIMENT} (got {folder}, with none); correct it")
    names = []
    for place in places:
        described, saved = _read(place)
        try:
            _check(described, saved)
        # The files may hold anything: missing keys, other types, nesting without end.
        except Exception as error:
            raise DataError(
                f"a saved experiment is as it was written (got {place}: {reason_of(error)}); save it anew"
            ) from error
        with engine.begin() as connection:
            names.append(_load(connection, described, saved))
    return names


def _check(described: dict[str, Any], saved: Mapping[str, list[dict[str, Any]]]) -> None:
    schedule = check_experiment(described)
    if saved[_ROUNDS] and described["learning_rate"] is None:
        raise ValueError(f"{len(saved[_ROUNDS])} rounds at no learning rate")
    check_runs(saved[_RUNS])
    left = len(saved[_ROUNDS]) + len(saved[_EVENTS])
    for run in saved[_RUNS]:
        rounds_of, events_of = (_of_run(run, saved[name]) for name in (_ROUNDS, _EVENTS))
        check_run(schedule, rounds_of, events_of)
        left -= len(rounds_of) + len(events_of)
    if left:
        raise ValueError(f"{left} rows of runs that are not there")


def _of_run(run: Mapping[str, Any], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if (row["strategy"], row["seed"]) == (run["strategy"], run["seed"])]


def _save(connection: Connection, row: Any, place: Path) -> None:
    described = {"format": _FORMAT} | {key: getattr(row, key) for key in _DESCRIBED}
    with as_written(connection.engine, f"experiment {row.name!r}"):
        saved = _stored(connection, row.id)
        _check(described, saved)
        tables = {name: _table(name, saved[name]) for name in _TABLES}
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # a name may be longer than a folder's may
        raise cannot_write(place, error) from error
    for name, table in tables.items():
        _write(place / name, table)
    # Last: a folder is an experiment once this is there.
    described["digests"] = {name: _digest(place / name) for name in _TABLES}
    write_whole(place / _EXPERIMENT, json.dumps(described, indent=1) + "\n")


def _stored(connection: Connection, experiment: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all three tables, as they are written."""
    of_it = runs.c.experiment_id == experiment
    key = (runs.c.strategy, runs.c.seed)
    # A run that was cut off before its first event has no session yet.
    made = connection.execute(
        select(runs, sessions.c.config, sessions.c.environment.label("opened_with"))
        .join(sessions, sessions.c.name == runs.c.session_name)
        .where(of_it)
        .order_by(*key)
    )
    measured = connection.execute(
        select(*key, *(rounds.c[name] for name in _ROUND_COLUMNS))
        .join(runs, runs.c.id == rounds.c.run_id)
        .where(of_it)
        .order_by(*key, rounds.c.round)
    )
    happened = connection.execute(
        select(*key, events.c.sequence, events.c.kind, events.c.created_at, events.c.payload)
        .join(sessions, sessions.c.id == events.c.session_id)
        .join(runs, runs.c.session_name == sessions.c.name)
        .where(of_it)
        .order_by(*key, events.c.sequence)
    )
    return {
        _RUNS: [
            {
                "strategy": run.strategy,
                "seed": run.seed,
                "session_name": run.session_name,
                "environment": json.dumps(run.environment),
                "session_config": json.dumps(run.config),
                "session_environment": json.dumps(run.opened_with),
            }
            for run in made
        ],
        _ROUNDS: [dict(one._mapping) for one in measured],
        _EVENTS: [dict(one._mapping) | {"payload": json.dumps(one.payload)} for one in happened],
    }


def _load(connection: Connection, described: Mapping[str, Any], saved: Mapping[str, list[dict[str, Any]]]) -> str:
    values = {key: described[key] for key in _DESCRIBED}
    found = connection.execute(select(experiments).where(experiments.c.identity == values["identity"])).first()
    if found is None:
        made = connection.execute(insert(experiments).values(values)).inserted_primary_key
        assert made is not None
        experiment = made[0]
    else:
        experiment = found.id
        if found.data.get("fingerprint") != values["data"].get("fingerprint"):
            raise DataError(
                f"an experiment goes on with the data it began with (got other data for {values['name']!r} in the "
                "files than in the store); use another store"
            )
        if found.learning_rate is None:
            settled = {"learning_rate": values["learning_rate"], "sweep": values["sweep"]}
            connection.execute(update(experiments).where(experiments.c.id == experiment).values(settled))
    for run in saved[_RUNS]:
        mine = {name: _of_run(run, saved[name]) for name in (_ROUNDS, _EVENTS)}
        _load_run(connection, experiment, run, mine[_ROUNDS], mine[_EVENTS])
    return str(values["name"])


def _load_run(
    connection: Connection,
    experiment: int,
    run: Mapping[str, Any],
    measured: Sequence[Mapping[str, Any]],
    happened: Sequence[Mapping[str, Any]],
) -> None:
    there = select(runs.c.id).where(
        runs.c.experiment_id == experiment, runs.c.strategy == run["strategy"], runs.c.seed == run["seed"]
    )
    old = connection.execute(there).scalar()
    if old is not None:
        done = connection.execute(select(func.count()).where(rounds.c.run_id == old)).scalar_one()
        if done >= len(measured):
            return
        connection.execute(delete(rounds).where(rounds.c.run_id == old))
        connection.execute(delete(runs).where(runs.c.id == old))
    session = connection.execute(select(sessions.c.id).where(sessions.c.name == run["session_name"])).scalar()
    if session is not None:
        connection.execute(delete(events).where(events.c.session_id == session))
        connection.execute(delete(sessions).where(sessions.c.id == session))
    made = connection.execute(
        insert(sessions).values(
            name=run["session_name"],
            config=json.loads(run["session_config"]),
            environment=json.loads(run["session_environment"]),
        )
    ).inserted_primary_key
    assert made is not None
    session = made[0]
    if happened:
        connection.execute(
            insert(events),
            [
                {
                    "session_id": session,
                    "sequence": one["sequence"],
                    "kind": one["kind"],
                    "payload": json.loads(one["payload"]),
                    "created_at": one["created_at"],
                }
                for one in happened
            ],
        )
    made = connection.execute(
        insert(runs).values(
            experiment_id=experiment,
            session_name=run["session_name"],
            strategy=run["strategy"],
            seed=run["seed"],
            environment=json.loads(run["environment"]),
        )
    ).inserted_primary_key
    assert made is not None
    if measured:
        connection.execute(
            insert(rounds), [{"run_id": made[0]} | {name: one[name] for name in _ROUND_COLUMNS} for one in measured]
        )


def _schema(name: str) -> pa.Schema:
    import pyarrow as pa

    key = [("strategy", pa.string()), ("seed", pa.int32())]
    moment = pa.timestamp("us", tz="UTC")
    texts = ("session_name", "environment", "session_config", "session_environment")
    columns = {
        _RUNS: [(text, pa.string()) for text in texts],
        _ROUNDS: [
            ("round", pa.int32()),
            ("labeled", pa.int32()),
            ("test_accuracy", pa.float64()),
            ("training_seconds", pa.float64()),
            ("outputs_seconds", pa.float64()),
            ("selection_seconds", pa.float64()),
            ("finished_at", moment),
        ],
        _EVENTS: [("sequence", pa.int32()), ("kind", pa.string()), ("created_at", moment), ("payload", pa.string())],
    }
    return pa.schema(key + columns[name])


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    import pyarrow as pa

    # SQLite gives times back without their zone.
    aware = [{column: _aware(value) for column, value in row.items()} for row in rows]
    return pa.Table.from_pylist(aware, schema=_schema(name))


def _write(path: Path, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    with written_whole(path) as partial:
        pq.write_table(table, partial, compression="zstd")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _read(place: Path) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    try:
        described = json.loads((place / _EXPERIMENT).read_text(encoding="utf-8"))
        saved = {name: _rows(place / name) for name in _TABLES}
        written = described["format"]
        _check_digests(place, described)
    # Decoding, JSON and Arrow share no base class.
    except Exception as error:
        raise DataError(f"a saved experiment can be read (got {place}: {reason_of(error)}); save it anew") from error
    if written != _FORMAT:
        raise DataError(
            f"this version reads saved experiments of format {_FORMAT} (got {written} in {place}); save anew"
        )
    return described, saved


def _rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    with path.open("rb") as file, pq.ParquetFile(path) as parquet:
        check_parquet(str(path), file, parquet.metadata)
        missing = set(_schema(path.name).names) - set(parquet.schema_arrow.names)
    if missing:
        raise ValueError(f"{path.name} without {', '.join(sorted(missing))}")
    rows: list[dict[str, Any]] = pq.read_table(path, schema=_schema(path.name)).to_pylist()
    return rows


def _check_digests(place: Path, described: Mapping[str, Any]) -> None:
    # Archives from before there were digests are read as they are.
    for name, digest in described.get("digests", {}).items():
        if _digest(place / name) != digest:
            raise ValueError(f"{name} is not the one saved with {_EXPERIMENT}")


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name).strip(".") or "experiment"
