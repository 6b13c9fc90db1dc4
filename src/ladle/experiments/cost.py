"""What an experiment will cost before it starts: runs, training steps, and hours from a short calibration."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil

import torch

from ladle.data import Pool
from ladle.experiments.config import ExperimentConfig
from ladle.experiments.network import network_for
from ladle.models import pool_outputs, train
from ladle.models.batches import training_batches
from ladle.strategies import find_strategy

_TRAINED_EXAMPLES, _PASSED_EXAMPLES = 160, 512
_LEAST_SECONDS = 0.5


@dataclass(frozen=True)
class Work:
    """What is left to do of an experiment.

    Attributes:
        runs: runs of a strategy and seed that are not finished.
        steps: training steps of theirs, those of the learning-rate sweep among them.
        passed: examples passed through a model without training, over pool and test split.
    """

    runs: int
    steps: int
    passed: int


@dataclass(frozen=True)
class Pace:
    """How fast one worker is on this machine, on one thread.

    Attributes:
        step_seconds: a training step.
        pass_seconds: one example passed through the model.
    """

    step_seconds: float
    pass_seconds: float


def work_left(
    config: ExperimentConfig, pool: Pool, finished: Mapping[tuple[str, int], int], *, swept: int | None = None
) -> Work:
    """Count what is left to do.

    Args:
        config: the experiment.
        pool: its data.
        finished: rounds finished of each (strategy, seed).
        swept: learning rates already tried; None once one is in force.
    """
    labeled = config.schedule.labeled
    steps_a_round = [_steps(config, count) for count in labeled]
    open_rates = 0 if swept is None or len(config.learning_rates) == 1 else len(config.learning_rates) - swept
    runs, steps, passed = 0, open_rates * steps_a_round[-1], open_rates * len(pool.validation_labels)
    for strategy in config.strategies:
        looks = find_strategy(strategy).needs_model
        for seed in range(config.seeds):
            done = finished.get((strategy, seed), 0)
            rounds = range(done, len(labeled))
            runs += bool(rounds)
            steps += sum(steps_a_round[number] for number in rounds)
            # After the last round no batch follows, and the pool is not looked at.
            passes = sum(looks for number in rounds if number < len(labeled) - 1)
            passed += passes * len(pool) + len(rounds) * len(pool.test_labels)
    return Work(runs, steps, passed)


def calibrate(config: ExperimentConfig, pool: Pool, device: torch.device | str = "cpu") -> Pace:
    """Train and pass a few examples on one thread, and time both.

    Cost: about two seconds, more for a network whose single step takes longer.
    """
    build = network_for(config.model, pool)
    count = min(_TRAINED_EXAMPLES, len(pool))
    training = replace(config.training, epochs=1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = _seconds(
            lambda: train(build, pool.inputs[:count], pool.labels[:count], training, seed=0, device=device)
        )
        model = train(build, pool.inputs[:2], pool.labels[:2], training, seed=0, device=device)
        passed = min(_PASSED_EXAMPLES, len(pool))
        forward = _seconds(lambda: pool_outputs(model, pool.inputs[:passed], device=device))
    finally:
        torch.set_num_threads(threads)
    return Pace(whole / _steps(replace(config, training=training), count), forward / passed)


def hours(work: Work, pace: Pace, workers: int) -> float:
    """Return the expected hours; selection itself is left out, since it costs next to nothing beside the rest."""
    return (work.steps * pace.step_seconds + work.passed * pace.pass_seconds) / workers / 3600


def _steps(config: ExperimentConfig, labeled: int) -> int:
    return config.training.epochs * len(training_batches(labeled, config.training.batch_size))


def _seconds(work: Callable[[], object]) -> float:
    """Return the seconds of one call, after one to warm up, from as many as fill half a second."""
    work()
    started = time.perf_counter()
    work()
    once = max(time.perf_counter() - started, 1e-6)
    more = min(20, ceil(_LEAST_SECONDS / once) - 1)
    for _ in range(more):
        work()
    return (time.perf_counter() - started) / (1 + max(0, more))
