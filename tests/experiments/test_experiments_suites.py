"""The paper's suites are its protocol, everything in them fits, and what they cost is counted right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ladle.data import DATASETS, DataConfig, Pool, load_pool
from ladle.errors import UnknownNameError
from ladle.experiments import (
    ExperimentConfig,
    Pace,
    Work,
    calibrate,
    check_fit,
    experiment_from,
    find_experiments,
    hours,
    list_suites,
    suite,
    work_left,
)
from ladle.experiments.suites import RATES, SEEDS, STRATEGIES, suite_experiments
from ladle.models import TrainingConfig, train
from ladle.strategies import list_strategies


def test_the_suites_are_the_papers_protocol() -> None:
    assert list_suites() == ["paper/text-tabular", "paper/images", "evidence"]
    for config in suite("paper/text-tabular"):
        assert (config.schedule.initial, config.schedule.batch, config.schedule.rounds) == (100, 100, 39)
        assert config.model.name == "mlp"
    images = suite("paper/images")
    assert {config.schedule.batch: config.schedule.rounds for config in images} == {100: 14, 500: 8, 1000: 4}
    assert {config.model.name for config in images} == {"lenet", "resnet18", "vgg16"}
    assert {config.data.name: config.data.pool_size for config in images} == {
        "cifar10": 25_000,
        "stl10": None,
        "cinic10": 100_000,
        "gtsrb": None,
        "svhn": 25_000,
    }
    for name in list_suites():
        for config in suite(name):
            assert config.learning_rates == RATES == (0.0001, 0.0005, 0.001, 0.005, 0.01)
            assert config.seeds == SEEDS == 5
            assert config.schedule.initial == config.schedule.batch
            assert 30 <= config.training.epochs <= 60
            assert (config.training.batch_size, config.training.momentum) == (8, 0.9)
            assert config.data.name in DATASETS
    assert set(STRATEGIES) == set(list_strategies())


def test_every_experiment_of_a_suite_has_an_identity_of_its_own() -> None:
    for name in list_suites():
        configs = suite(name)
        assert len({config.identity for config in configs}) == len({config.name for config in configs}) == len(configs)
    # One protocol is one experiment, whichever suite names it: its runs are shared.
    named = suite_experiments()
    assert named["evidence/cifar10-lenet-500"].identity == named["paper/images/cifar10-lenet-500"].identity


def test_the_evidence_fits_what_is_at_hand(data_home: Path) -> None:
    pools: dict[DataConfig, Pool] = {}
    for config in suite("evidence"):
        if config.data.name in ("cifar10", "20newsgroups"):  # seconds to load; their pools are large enough
            continue
        pool = pools.setdefault(config.data, load_pool(config.data, data_home=data_home))
        check_fit(config, pool)


def test_names_lead_to_suites_single_experiments_and_bundled_ones() -> None:
    assert find_experiments("evidence") == suite("evidence")
    (one,) = find_experiments("paper/images/gtsrb-vgg16-1000")
    assert (one.data.name, one.model.name, one.schedule.batch) == ("gtsrb", "vgg16", 1000)
    assert find_experiments("quickstart")[0].name == "quickstart"
    with pytest.raises(UnknownNameError, match="paper/images"):
        find_experiments("paper/image")


def small() -> ExperimentConfig:
    return experiment_from(
        {
            "name": "small",
            "strategies": ["random", "grad"],
            "seeds": 2,
            "data": {"name": "digits"},
            "model": {"name": "mlp", "hidden": [16]},
            "schedule": {"initial": 9, "batch": 8, "rounds": 2},
            "training": {"epochs": 3, "batch_size": 8, "learning_rate": [0.01, 0.1]},
        }
    )


def test_work_is_counted_as_it_is_done() -> None:
    config, pool = small(), load_pool(DataConfig("digits"))
    rows, tests, validation = len(pool), len(pool.test_labels), len(pool.validation_labels)
    # Nine labels are one batch (the ninth joins it), 17 two, 25 three; grad looks at the pool in two rounds of three.
    run = 3 * (1 + 2 + 3)
    whole = Work(
        runs=4, trainings=4 * 3 + 2, steps=4 * run + 2 * 9, passed=4 * 3 * tests + 2 * 2 * rows + 2 * validation
    )
    assert work_left(config, pool, {}, swept=0) == whole
    finished = {("random", 0): 3, ("grad", 0): 2}
    left = work_left(config, pool, finished, swept=None)
    assert left == Work(runs=3, trainings=1 + 2 * 3, steps=2 * run + 9, passed=(3 + 3 + 1) * tests + 2 * rows)
    everything = {(name, seed): 3 for name in ("random", "grad") for seed in (0, 1)}
    assert work_left(config, pool, everything) == Work(0, 0, 0, 0)


def test_hours_follow_from_the_pace() -> None:
    assert hours(Work(1, 10, 3600, 7200), Pace(36.0, 1.0, 0.5), workers=2) == pytest.approx(1.05)


@pytest.mark.parametrize(("once", "step"), [(0.75, 0.0015), (0.0, 0.004), (0.02, 1.5)])
def test_calibration_tells_what_a_training_costs_once_from_what_a_step_costs(
    once: float, step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that only the training and the pass move: 20 steps an epoch, part of the rest before and after them."""
    clock = 100.0

    def fake_train(
        build: Any, inputs: Any, labels: Any, training: TrainingConfig, *, progress: Any, **_: object
    ) -> torch.nn.Module:
        nonlocal clock
        clock += 0.8 * once
        for epoch in range(training.epochs):
            clock += step * len(inputs) / training.batch_size
            progress(epoch + 1, training.epochs)
        clock += 0.2 * once
        return torch.nn.Identity()

    def fake_pass(model: Any, inputs: Any, **_: object) -> None:
        nonlocal clock
        clock += 0.0001 * len(inputs)

    monkeypatch.setattr("ladle.experiments.cost.train", fake_train)
    monkeypatch.setattr("ladle.experiments.cost.pool_outputs", fake_pass)
    monkeypatch.setattr("ladle.experiments.cost._now", lambda _device: clock)
    pace = calibrate(small(), load_pool(DataConfig("digits")))
    assert pace.training_seconds == pytest.approx(once, abs=1e-9)
    assert pace.step_seconds == pytest.approx(step)
    assert pace.pass_seconds == pytest.approx(0.0001)


def test_calibration_leaves_the_threads_as_found_and_finds_a_pace() -> None:
    config, pool = small(), load_pool(DataConfig("digits"))
    threads = torch.get_num_threads()
    pace = calibrate(config, pool)
    assert torch.get_num_threads() == threads
    assert pace.training_seconds >= 0
    assert pace.step_seconds > 0
    assert pace.pass_seconds > 0


def test_training_tells_of_every_epoch() -> None:
    seen: list[tuple[int, float]] = []
    inputs, labels = torch.randn(16, 4, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 2

    def look(epoch: int, model: torch.nn.Module) -> None:
        # One weight: their sum never moves, since residuals over the classes add up to nothing.
        seen.append((epoch, float(next(model.parameters())[0, 0].detach())))

    def build() -> torch.nn.Module:
        return torch.nn.Linear(4, 2)

    config = TrainingConfig(epochs=3, learning_rate=0.1)
    model = train(build, inputs, labels, config, seed=0, on_epoch=look)
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert seen[-1][1] == float(next(model.parameters())[0, 0].detach())
    assert len(np.unique([value for _, value in seen])) == 3
    plain = train(build, inputs, labels, config, seed=0)
    assert torch.equal(next(model.parameters()), next(plain.parameters()))
