"""One learning rate for a data set and network: it is swept once, whatever the schedules are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ladle.data import DataConfig, load_pool
from ladle.errors import ConfigError
from ladle.experiments import (
    ExperimentConfig,
    ExperimentStore,
    ScheduleConfig,
    check_fit,
    experiment_from,
    run_experiment,
    suite,
    suite_experiments,
    sweep_key,
    work_left,
)
from ladle.experiments.sweep import validation_accuracy
from ladle.session.database import opened_database

SAVED = Path(__file__).parents[2] / "results"


def small(batch: int, **changes: object) -> ExperimentConfig:
    return experiment_from(
        {
            "name": f"small-{batch}",
            "strategies": ["random"],
            "seeds": 1,
            "data": {"name": "digits"},
            "model": {"name": "mlp", "hidden": [16]},
            "schedule": {"initial": batch, "batch": batch, "rounds": 1},
            "training": {"epochs": 3, "learning_rate": [0.01, 0.1]},
            "sweep_labels": 40,
            **changes,
        }
    )


def test_what_one_experiment_has_tried_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/ladle.db"
    first, second = small(20), small(10)
    chosen = run_experiment(first, store=url, workers=1).learning_rate

    def never(*_: object) -> float:
        raise AssertionError("swept again")

    monkeypatch.setattr("ladle.experiments.runner.sweep_task", never)
    assert run_experiment(second, store=url, workers=1).learning_rate == chosen
    with opened_database(url) as engine:
        stored = ExperimentStore(engine)
        assert stored.sweep(second) == stored.sweep(first)
        assert set(stored.sweep(first)) == {0.01, 0.1}
        # A rate more, and only that one is open.
        more = replace(second, learning_rates=(0.01, 0.1, 0.5), name="more")
        pool = load_pool(more.data)
        stored.register(more, {**pool.summary(), "fingerprint": pool.fingerprint()})
        assert set(stored.sweep(more)) == {0.01, 0.1}
        # Other data under the same name shares nothing.
        moved = replace(second, name="moved")
        stored.register(moved, {**pool.summary(), "fingerprint": "another"})
        assert stored.sweep(moved) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"sweep_labels": 30},
        {"data": {"name": "digits", "split_seed": 1}},
        {"model": {"name": "mlp", "hidden": [17]}},
        {"training": {"epochs": 4, "learning_rate": [0.01, 0.1]}},
    ],
)
def test_what_decides_a_sweep_is_part_of_its_key(changes: dict[str, object]) -> None:
    same = small(10, name="another", seeds=3, strategies=["grad"], schedule={"initial": 3, "batch": 2, "rounds": 4})
    assert sweep_key(same.protocol()) == sweep_key(small(20).protocol())
    assert sweep_key(small(20, **changes).protocol()) != sweep_key(small(20).protocol())


def test_rates_are_tried_on_so_many_labels() -> None:
    pool = load_pool(DataConfig("digits"))
    final, fewer = small(20, sweep_labels=None), small(20, sweep_labels=20)
    assert validation_accuracy(small(10), 0.1, pool=pool) == validation_accuracy(final, 0.1, pool=pool)
    assert validation_accuracy(fewer, 0.1, pool=pool) != validation_accuracy(final, 0.1, pool=pool)
    # 40 labels are 5 batches of 8, 20 are 2, the last of 12 for want of 4 more.
    assert work_left(fewer, pool, {}, swept=0).steps < work_left(final, pool, {}, swept=0).steps


def test_the_final_budget_said_in_words_changes_no_identity() -> None:
    unsaid = small(20, sweep_labels=None)
    assert small(20, sweep_labels=40).identity == unsaid.identity != small(20, sweep_labels=30).identity
    one_rate = {"training": {"epochs": 3, "learning_rate": 0.1}}
    assert small(20, **one_rate).identity == small(20, sweep_labels=None, **one_rate).identity


def test_every_schedule_of_a_data_set_and_network_shares_its_rate() -> None:
    keys: dict[tuple[str, str], set[str]] = {}
    for config in suite("paper/images"):
        keys.setdefault((config.data.name, config.model.name), set()).add(sweep_key(config.protocol()))
    assert len(keys) == 15
    assert all(len(of_one) == 1 for of_one in keys.values())


def test_saved_experiments_are_those_of_the_suite() -> None:
    """What is stored must be found again: no change of the configuration may give it another identity."""
    saved = [json.loads(path.read_text()) for path in SAVED.glob("*/experiment.json")]
    known = {config.name: config.identity for config in suite("evidence")}
    assert {one["name"]: one["identity"] for one in saved}.items() <= known.items()
    assert len(saved) >= 4


@pytest.mark.parametrize("labels", [0, True, 2.5, "many"])
def test_a_number_of_labels_that_is_none_is_refused(labels: object) -> None:
    with pytest.raises(ConfigError, match="sweep_labels must be an integer of at least 1"):
        small(10, sweep_labels=labels)


def test_a_sweep_beyond_the_pool_is_refused_before_anything_trains() -> None:
    pool = load_pool(DataConfig("digits"))
    with pytest.raises(ConfigError, match="lower sweep_labels"):
        check_fit(small(10, sweep_labels=len(pool) + 1), pool)
    check_fit(small(10, sweep_labels=len(pool)), pool)


def test_a_schedule_is_a_schedule() -> None:
    named = suite_experiments()["paper/images/cifar10-lenet-100"]
    assert named.schedule == ScheduleConfig(initial=100, batch=100, rounds=14)
    assert named.swept_labels == 5_000
