"""What Ladle wrote and reads again: saved experiments, and pools in a folder."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse
import torch
from sqlalchemy import Engine

from fuzz.material import Material, refused, scratch_folder
from ladle.data import Pool, open_pool, save_pool
from ladle.experiments import ExperimentStore, experiment_from, load_experiments, save_experiments
from ladle.experiments.store import FinishedRound, session_name
from ladle.session import open_database
from ladle.session.log import EventLog
from ladle.session.state import Asked, Told

_MOST_ROWS = 1 << 16


def check(data: bytes) -> None:
    """Break one file of a saved experiment or pool, or put strange values into it, and read the whole."""
    material = Material(data)
    if material.whole(0, 2) == 0:
        _check_pool(material)
    else:
        _check_experiment(material)


def _check_experiment(material: Material) -> None:
    files = dict(_experiment())
    name = material.one_of(sorted(files))
    if material.whole(0, 1):
        files[name] = material.broken(files[name])
    elif name.endswith(".json"):
        files[name] = json.dumps(_strange(material, json.loads(files[name]))).encode()
    else:
        files[name] = _strange_rows(material, files[name])
    engine = open_database(None)
    try:
        if refused(lambda: load_experiments(engine, _folder("experiment", files))) is None:
            assert _stored(engine) == 0, "what is refused leaves nothing behind"
            return
        for results in ExperimentStore(engine).results():
            assert ((results.accuracies >= 0) & (results.accuracies <= 1)).all()
            assert len(results.labeled) == results.accuracies.shape[1]
        again = scratch_folder() / "again"
        shutil.rmtree(again, ignore_errors=True)
        save_experiments(engine, again)
    finally:
        engine.dispose()


def _stored(engine: Engine) -> int:
    with engine.connect() as connection:
        tables = ("experiments", "runs", "rounds", "sessions", "events")
        return sum(connection.exec_driver_sql(f"select count(*) from {table}").scalar_one() for table in tables)


def _check_pool(material: Material) -> None:
    files = dict(_pools()[material.whole(0, 1)])
    name = material.one_of(sorted(files))
    if name == "pool.json" and material.whole(0, 1):
        files[name] = json.dumps(_strange(material, json.loads(files[name]))).encode()
    else:
        files[name] = material.broken(files[name])
    pool = refused(lambda: open_pool(_folder("pool", files)))
    if pool is None or len(pool) > _MOST_ROWS:
        return
    pool.summary()
    pool.fingerprint()
    for inputs, labels in pool.parts().values():
        assert inputs.shape[0] == len(labels) > 0
        if scipy.sparse.issparse(inputs) and inputs.shape[1] < _MOST_ROWS:
            inputs @ np.ones(inputs.shape[1], dtype=np.float32)


def _strange(material: Material, described: dict[str, Any]) -> Any:
    if material.rarely():
        return material.strange()
    for _ in range(material.whole(1, 2)):
        place = described
        while True:
            key = material.one_of(sorted(place))
            if isinstance(place[key], dict) and place[key] and not material.rarely():
                place = place[key]
                continue
            place[key] = material.strange()
            break
    return described


def _strange_rows(material: Material, content: bytes) -> bytes:
    """Return a Parquet file with one cell changed, a row twice, a row less, or a column of another name."""
    table = pq.read_table(io.BytesIO(content))
    rows = table.to_pylist()
    row = material.one_of(rows)
    match material.whole(0, 3):
        case 0:
            rows.append(dict(row))
        case 1:
            rows.remove(row)
        case 2:
            column = material.one_of(table.column_names)
            table = table.rename_columns(["other" if name == column else name for name in table.column_names])
            rows = [{("other" if name == column else name): value for name, value in one.items()} for one in rows]
        case _:
            row[material.one_of(table.column_names)] = material.one_of(
                (
                    None,
                    -1,
                    0,
                    7,
                    float("nan"),
                    1e9,
                    "",
                    "{",
                    "[]",
                    "{}",
                    '{"indices": [0]}',
                    '{"indices": ["a"]}',
                    "null",
                )
            )
    file = io.BytesIO()
    try:
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # a value that the column's type cannot hold
        return content
    return file.getvalue()


def _folder(name: str, files: dict[str, bytes]) -> Path:
    folder = scratch_folder() / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder


@cache
def _experiment() -> dict[str, bytes]:
    """Return the files of a small experiment: two runs of two rounds, as a store has them."""
    engine = open_database(None)
    add_experiment(engine)
    with tempfile.TemporaryDirectory(prefix="ladle-fuzz-") as folder:
        (place,) = save_experiments(engine, Path(folder))
        engine.dispose()
        return {file.name: file.read_bytes() for file in place.iterdir()}


def add_experiment(engine: Engine) -> None:
    """Put a small experiment into a store: two runs of two rounds."""
    config = experiment_from(
        {
            "name": "small",
            "strategies": ["random", "margin"],
            "seeds": 1,
            "data": {"name": "digits", "pool_size": 60},
            "model": {"name": "mlp", "hidden": [4]},
            "schedule": {"initial": 2, "batch": 2, "rounds": 1},
            "training": {"epochs": 1, "learning_rate": 0.05},
        }
    )
    store = ExperimentStore(engine)
    store.register(config, {"fingerprint": "f" * 64, "classes": 10})
    for strategy in config.strategies:
        run, _ = store.register_run(config, strategy, 0)
        log = EventLog(engine, session_name(config, strategy, 0), {"classes": 10, "seed": 0}, {"torch": "2"})
        for number, rows in enumerate(([0, 1], [3, 2])):
            indices = np.array(rows)
            log.append(Asked(indices, strategy, {"selection": 0.5}))
            log.append(Told(indices, np.array([number, 1])))
            with engine.begin() as connection:
                finished = FinishedRound(number, 2 + 2 * number, 0.25, 1.0, 0.5, None if number else 0.5)
                store.record_round(run, finished, connection)


@cache
def _pools() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the files of a small pool of numbers, and of a sparse one."""
    rows = torch.arange(12, dtype=torch.float32).reshape(4, 3)
    labels = torch.tensor([0, 1, 0, 1])
    sparse = scipy.sparse.csr_matrix(np.eye(4, 3, dtype=np.float32))
    found = []
    for inputs in (rows, sparse):
        pool = Pool("small", "table", inputs, labels, inputs, labels, inputs, labels, ("a", "b"))
        with tempfile.TemporaryDirectory(prefix="ladle-fuzz-") as folder:
            save_pool(pool, folder)
            found.append({file.name: file.read_bytes() for file in Path(folder).iterdir()})
    return found[0], found[1]
