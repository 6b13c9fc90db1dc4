"""A run that is killed goes on from its last finished round and ends as one that was never killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, select

from ladle.data import DataConfig, load_pool
from ladle.errors import ConfigError, StoreConflictError
from ladle.experiments import ExperimentConfig, ExperimentStore, experiment_from, run_experiment
from ladle.experiments.run import run_one
from ladle.experiments.store import FinishedRound
from ladle.experiments.tables import rounds
from ladle.session import EventLog, open_database
from reference.databases import left_open
from reference.stored_experiment import stored

FILE = """
name = "small"
strategies = ["random", "grad", "badge"]
seeds = 2
[data]
name = "digits"
[model]
name = "mlp"
hidden = [32]
[schedule]
initial = 10
batch = 10
rounds = 4
[training]
epochs = 12
learning_rate = [0.001, 0.05]
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("experiment") / "small.toml"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def undisturbed(file: Path) -> dict[str, Any]:
    url = f"sqlite:///{file.parent}/undisturbed.db"
    assert call(file, url, workers=1).wait(timeout=200) == 0, (file.parent / "errors.txt").read_text()
    return stored(url)


def call(file: Path, url: str, workers: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "ladle", "run", str(file), "--store", url, "--workers", str(workers)]
    with (file.parent / "errors.txt").open("wb") as errors:
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)


def count_rounds(url: str) -> int:
    engine = open_database(url)
    count = rounds_in(engine)
    engine.dispose()
    return count


def rounds_in(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(select(rounds.c.round)).all())


def check_killed(file: Path, url: str, undisturbed: dict[str, Any]) -> None:
    total = len(undisturbed["rounds"])
    # Workers that outlive their parent end the run they are at: late in the middle they would end all there is.
    for goal, workers_too in ((1, False), (total // 3, False), (total // 2, True)):
        process = call(file, url, workers=2)
        engine = open_database(url)
        while rounds_in(engine) < goal and process.poll() is None:
            time.sleep(0.01)
        engine.dispose()
        assert process.poll() is None, "it was to be killed in the middle"
        if workers_too:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        assert 0 < count_rounds(url) < total
    last = call(file, url, workers=2)
    assert last.wait(timeout=200) == 0, (file.parent / "errors.txt").read_text()
    assert stored(url) == undisturbed


def test_killed_again_and_again_it_ends_the_same(file: Path, tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    check_killed(file, f"sqlite:///{tmp_path}/killed.db", undisturbed)


@pytest.mark.postgres
def test_killed_again_and_again_it_ends_the_same_in_postgresql(
    file: Path, postgres_url: str, undisturbed: dict[str, Any]
) -> None:
    check_killed(file, postgres_url, undisturbed)


def test_a_second_call_does_nothing_twice(file: Path, undisturbed: dict[str, Any]) -> None:
    url = f"sqlite:///{file.parent}/undisturbed.db"
    process = call(file, url, workers=2)
    assert process.wait(timeout=100) == 0
    assert stored(url) == undisturbed


def test_interrupted_it_says_how_to_go_on(file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/interrupted.db"
    process = call(file, url, workers=2)
    while count_rounds(url) < 1 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    error = (file.parent / "errors.txt").read_text()
    assert "goes on from there" in error
    assert "Traceback" not in error


def small(**schedule: int) -> ExperimentConfig:
    return experiment_from(
        {
            "name": "inside",
            "strategies": ["random", "grad"],
            "seeds": 1,
            "data": {"name": "digits"},
            "model": {"name": "mlp", "hidden": [16]},
            "schedule": {"initial": 10, "batch": 5, "rounds": 3, **schedule},
            "training": {"epochs": 3},
        }
    )


def test_methods_share_the_initial_set_and_the_first_model(undisturbed: dict[str, Any]) -> None:
    first: dict[int, set[tuple[Any, ...]]] = {}
    for name, sequence, kind, payload in undisturbed["events"]:
        if sequence == 1:
            assert kind == "told"
            first.setdefault(int(name.rsplit("/")[-1]), set()).add(tuple(payload["indices"]))
    assert {seed: len(sets) for seed, sets in first.items()} == {0: 1, 1: 1}
    assert first[0] != first[1]
    accuracies = {(seed, accuracy) for _, seed, number, _, accuracy in undisturbed["rounds"] if number == 0}
    assert len(accuracies) == 2


def test_a_run_cut_off_between_any_two_writes_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small()
    pool = load_pool(DataConfig("digits"))

    def run(url: str, appends: int | None) -> None:
        engine = open_database(url)
        store = ExperimentStore(engine)
        store.register(config, {"fingerprint": "x"})
        left = [appends]
        write = EventLog.append

        def cut_off(self: EventLog, *arguments: Any) -> None:
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt
            write(self, *arguments)

        monkeypatch.setattr(EventLog, "append", cut_off)
        try:
            for strategy in config.strategies:
                run_one(config, strategy, 0, pool=pool, engine=engine, learning_rate=0.01)
        finally:
            monkeypatch.setattr(EventLog, "append", write)
            engine.dispose()

    whole = f"sqlite:///{tmp_path}/whole.db"
    run(whole, None)
    expected = stored(whole)
    assert len(expected["events"]) == 2 * 2 * 4
    for appends in range(len(expected["events"])):
        url = f"sqlite:///{tmp_path}/cut-{appends}.db"
        with pytest.raises(KeyboardInterrupt):
            run(url, appends)
        run(url, None)
        assert stored(url) == expected


def test_two_drivers_of_one_run_do_not_both_write(tmp_path: Path) -> None:
    config = small()
    engine = open_database(f"sqlite:///{tmp_path}/twice.db")
    store = ExperimentStore(engine)
    store.register(config, {})
    run_one(config, "random", 0, pool=load_pool(DataConfig("digits")), engine=engine, learning_rate=0.01)
    run, count = store.register_run(config, "random", 0)
    assert count == 4
    with pytest.raises(StoreConflictError, match="finished once"), engine.begin() as connection:
        store.record_round(run, FinishedRound(3, 25, 0.5, 0.1, None, None), connection)
    engine.dispose()


@pytest.mark.parametrize(
    ("schedule", "message"),
    [({"rounds": 300}, r"got 10 \+ 300 × 5 = 1510, pool=\d+\); lower")],
)
def test_an_impossible_budget_is_refused_before_anything_trains(
    tmp_path: Path, schedule: dict[str, int], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run_experiment(small(**schedule), store=f"sqlite:///{tmp_path}/x.db")


def test_other_wrong_uses_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must outlive the process"):
        run_experiment(small(), store="sqlite://")
    with pytest.raises(ConfigError, match=r"got 'tpu'"):
        run_experiment(small(), store=f"sqlite:///{tmp_path}/x.db", device="tpu")
    with pytest.raises(ConfigError, match=r"workers must be at least 1 \(got 0\)"):
        run_experiment(small(), store=f"sqlite:///{tmp_path}/x.db", workers=0)


def test_it_leaves_no_connection_open(tmp_path: Path, databases: list[Engine]) -> None:
    run_experiment(small(rounds=1), store=f"sqlite:///{tmp_path}/x.db", workers=1)
    assert len(databases) == 1
    assert left_open(databases) == []


def test_changed_data_is_refused(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/x.db")
    store = ExperimentStore(engine)
    store.register(small(), {"fingerprint": "old"})
    with pytest.raises(ConfigError, match="goes on with the data it began with"):
        store.register(small(), {"fingerprint": "new"})
    engine.dispose()


def test_results_hold_whole_seeds_only(tmp_path: Path) -> None:
    config = small()
    engine = open_database(f"sqlite:///{tmp_path}/x.db")
    store = ExperimentStore(engine)
    store.register(config, {"name": "digits"})
    pool = load_pool(DataConfig("digits"))
    assert store.results() == []
    for strategy, seed in (("grad", 0), ("random", 1)):
        run_one(config, strategy, seed, pool=pool, engine=engine, learning_rate=0.01)
    assert store.results() == [], "no seed has been finished by both"
    run_one(config, "random", 0, pool=pool, engine=engine, learning_rate=0.01)
    (results,) = store.results(config.identity)
    (alone,) = store.results(config.identity, strategies=["random"])
    assert (alone.strategies, alone.seeds) == (("random",), (0, 1))
    assert results.strategies == ("random", "grad")
    assert results.seeds == (0,)
    assert results.unfinished == 1
    assert results.labeled.tolist() == [10, 15, 20, 25]
    assert results.accuracies.shape == (2, 4, 1)
    assert results.accuracies[0, 0, 0] == results.accuracies[1, 0, 0]
    assert np.isnan(results.acquisition_seconds[:, -1]).all()
    assert (results.acquisition_seconds[:, :-1] >= 0).all()
    assert results.learning_rate == 0.01
    given_up, _ = store.register_run(config, "badge", 0)
    with engine.begin() as connection:
        store.record_round(given_up, FinishedRound(0, 10, 0.5, 0.1, None, None), connection)
    (same,) = store.results(config.identity)
    engine.dispose()
    assert same.strategies == results.strategies, "a strategy that was begun and given up hides nothing"
