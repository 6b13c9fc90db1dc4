"""What an experiment will cost before it starts: runs, training steps, and hours from a short calibration."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import nn

from ladle.data import Pool
from ladle.experiments.config import ExperimentConfig
from ladle.experiments.network import network_for
from ladle.models import pool_outputs, train
from ladle.models.batches import training_batches
from ladle.strategies import find_strategy

_TRAINED_EXAMPLES, _PASSED_EXAMPLES = 160, 512
# What is timed fills this long, where that takes no more calls or epochs than these.
_LEAST_SECONDS, _MOST_CALLS, _MOST_EPOCHS = 0.5, 20, 100


@dataclass(frozen=True)
class Work:
    """What is left to do of an experiment.

    Attributes:
        runs: runs of a strategy and seed that are not finished.
        trainings: trainings from scratch of theirs, one a round, those of the learning-rate sweep among them.
        steps: training steps in these.
        passed: examples passed through a model without training, over pool and test split.
    """

    runs: int
    trainings: int
    steps: int
    passed: int


@dataclass(frozen=True)
class Pace:
    """How fast one worker is on this machine, on one thread.

    Attributes:
        training_seconds: what every training takes beside its steps: building the network, and the last bookkeeping.
        step_seconds: a training step.
        pass_seconds: one example passed through the model.
    """

    training_seconds: float
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
    runs, trainings = 0, open_rates
    steps, passed = open_rates * _steps(config, config.swept_labels), open_rates * len(pool.validation_labels)
    for strategy in config.strategies:
        looks = find_strategy(strategy).needs_model
        for seed in range(config.seeds):
            done = finished.get((strategy, seed), 0)
            rounds = range(done, len(labeled))
            runs += bool(rounds)
            trainings += len(rounds)
            steps += sum(steps_a_round[number] for number in rounds)
            # After the last round no batch follows, and the pool is not looked at.
            passes = sum(looks for number in rounds if number < len(labeled) - 1)
            passed += passes * len(pool) + len(rounds) * len(pool.test_labels)
    return Work(runs, trainings, steps, passed)


def calibrate(config: ExperimentConfig, pool: Pool, device: torch.device | str = "cpu") -> Pace:
    """Train and pass a few examples on one thread, and time it.

    A training tells when each of its epochs is over: the time between the first and the last is that of steps alone,
    what is left of the whole is what a training costs once. A network over 100,000 columns takes a thousand times as
    long to build as to take a step.

    Cost: two seconds or three, more for a network whose single step takes longer.
    """
    build = network_for(config.model, pool)
    count = min(_TRAINED_EXAMPLES, len(pool))
    passed = min(_PASSED_EXAMPLES, len(pool))

    def timed(epochs: int) -> tuple[nn.Module, float, float]:
        """Return the model, the seconds of the whole training, and those of an epoch."""
        ends: list[float] = []
        training = replace(config.training, epochs=epochs)
        started = _now(device)
        model = train(
            build,
            pool.inputs[:count],
            pool.labels[:count],
            training,
            seed=0,
            device=device,
            progress=lambda _done, _all: ends.append(_now(device)),
        )
        return model, _now(device) - started, (ends[-1] - ends[0]) / (epochs - 1)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _, _, epoch = timed(2)  # to warm up, and to know how many epochs fill the time
        epochs = 2 + min(_MOST_EPOCHS, int(_LEAST_SECONDS / max(epoch, 1e-6)))
        model, whole, epoch = timed(epochs)
        forward = _seconds(lambda: pool_outputs(model, pool.inputs[:passed], device=device), device)
    finally:
        torch.set_num_threads(threads)
    steps = len(training_batches(count, config.training.batch_size))
    return Pace(max(0.0, whole - epochs * epoch), epoch / steps, forward / passed)


def hours(work: Work, pace: Pace, workers: int) -> float:
    """Return the expected hours; selection itself is left out, since it costs next to nothing beside the rest."""
    training = work.trainings * pace.training_seconds + work.steps * pace.step_seconds
    return (training + work.passed * pace.pass_seconds) / workers / 3600


def _steps(config: ExperimentConfig, labeled: int) -> int:
    return config.training.epochs * len(training_batches(labeled, config.training.batch_size))


def _seconds(work: Callable[[], object], device: torch.device | str) -> float:
    """Return the seconds of one call, after one to warm up, from as many as fill half a second."""
    work()
    started, calls, elapsed = _now(device), 0, 0.0
    while calls < _MOST_CALLS and elapsed < _LEAST_SECONDS:
        work()
        calls, elapsed = calls + 1, _now(device) - started
    return elapsed / calls


def _now(device: torch.device | str) -> float:
    """Return the clock's seconds, once a device that works on its own has caught up."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
