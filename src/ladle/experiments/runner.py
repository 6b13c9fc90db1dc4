"""The whole experiment: every strategy with every seed, on all cores, going on where it was cut off."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from ladle.data import Pool, load_pool, save_pool
from ladle.errors import ConfigError, LadleError
from ladle.experiments.config import ExperimentConfig
from ladle.experiments.network import network_for
from ladle.experiments.results import ExperimentResults
from ladle.experiments.store import ExperimentStore
from ladle.experiments.sweep import best_rate
from ladle.experiments.workers import Workplace, run_task, sweep_task, worker_processes
from ladle.session.database import opened_database

_ResultT = TypeVar("_ResultT")


class Executor(Protocol):
    """Runs functions somewhere else: worker processes, or tasks on a cluster."""

    def submit(self, function: Callable[..., _ResultT], /, *arguments: Any) -> Future[_ResultT]:
        """Return the future of a call."""
        ...


_SECONDS_BETWEEN_LOOKS = 0.5
# A pass over the pool, an evaluation and a selection, in training steps: only the time left depends on it.
_STEPS_OF_A_ROUND = 100


@dataclass(frozen=True)
class Progress:
    """How far an experiment is.

    Attributes:
        stage: what is being done, for people.
        done: work done, in training steps.
        total: all work of this stage, in training steps.
        rounds_done: finished rounds.
        rounds_total: all rounds.
    """

    stage: str
    done: int
    total: int
    rounds_done: int
    rounds_total: int


def run_experiment(
    config: ExperimentConfig,
    *,
    store: str,
    workers: int | None = None,
    data_home: Path | None = None,
    device: str = "cpu",
    engine: str = "local",
    address: str | None = None,
    gpus_per_run: float = 1.0,
    on_progress: Callable[[Progress], None] | None = None,
) -> ExperimentResults:
    """Run what is not stored yet, and return the results of the whole experiment.

    Args:
        config: the experiment.
        store: a database URL that outlives the process, such as ``sqlite:///ladle.db``.
        workers: processes, of one thread each; one a core by default. Their number never changes a result.
        data_home: where to look for data sets first.
        device: ``cpu`` or ``cuda``.
        engine: ``local``, worker processes on this machine, or ``ray``, tasks on a cluster. It never changes a result.
        address: of a running Ray cluster; without it Ray is started on this machine.
        gpus_per_run: share of a GPU that a run takes on a cluster when the device is ``cuda``: up to 1, of at most four
            decimals, or a whole number of GPUs.
        on_progress: called twice a second with how far it is.

    Returns:
        The results over all seeds that every strategy has finished.

    Raises:
        ConfigError: more labels than the pool has, a device or share of a GPU that is not there, a store that lives in
            memory, or a cluster that cannot be reached or cannot reach the store.
        MissingExtraError: the engine ``ray`` without Ray installed.
        DataError: a data set that cannot be had.
        StoreError: a store that cannot be used.
    """
    report = on_progress or _ignore
    workers = check_machine(workers, device, engine, gpus_per_run)
    with opened_database(store) as database:
        if database.url.get_backend_name() == "sqlite" and database.url.database in (None, "", ":memory:"):
            raise ConfigError(f"an experiment's store must outlive the process (got {store!r}); use sqlite:///ladle.db")
        experiments = ExperimentStore(database)
        report(_progress(config, experiments, "loading data"))
        pool = load_pool(config.data, data_home=data_home)
        check_fit(config, pool)
        experiments.register(config, {**pool.summary(), "fingerprint": pool.fingerprint()})
        if _unfinished(config, experiments):
            with tempfile.TemporaryDirectory(prefix="ladle-pool-") as directory:
                save_pool(pool, Path(directory))
                workplace = Workplace(Path(directory), store, device)
                with _executor(engine, workers, workplace, address, gpus_per_run) as executor:
                    try:
                        _sweep(config, experiments, workplace, executor, report)
                        _run(config, experiments, workplace, executor, report)
                    except BrokenProcessPool as error:
                        raise LadleError(
                            "a worker process died (out of memory, or killed); what was finished is stored, "
                            "run the same command again to go on, with fewer --workers if memory is short"
                        ) from error
        report(_progress(config, experiments, "done"))
        (results,) = experiments.results(config.identity, strategies=config.strategies)
        return results


def check_fit(config: ExperimentConfig, pool: Pool) -> None:
    """Make sure, before anything trains, that the pool has the labels that are asked for and fits the model.

    Raises:
        ConfigError: more labels than the pool has.
        InputError: a model that cannot read this data.
    """
    schedule = config.schedule
    needed = schedule.labeled[-1]
    if needed > len(pool):
        raise ConfigError(
            f"a schedule cannot ask for more labels than the pool has (got {schedule.initial} + {schedule.rounds} × "
            f"{schedule.batch} = {needed}, pool={len(pool)}); lower schedule.rounds or schedule.batch"
        )
    if config.swept_labels > len(pool) and len(config.learning_rates) > 1:
        raise ConfigError(
            f"a sweep cannot train on more labels than the pool has (got sweep_labels={config.swept_labels}, "
            f"pool={len(pool)}); lower sweep_labels"
        )
    network_for(config.model, pool)


def check_machine(workers: int | None, device: str, engine: str, gpus_per_run: float = 1.0) -> int:
    """Return how many processes run at once; make sure that device and engine are there.

    Raises:
        ConfigError: a device or engine that is not there, fewer than one worker, workers on a cluster, or no share of a
            GPU for a run on one.
    """
    if engine not in ("local", "ray"):
        raise ConfigError(f"the engine is local or ray (got {engine!r}); name one of the two")
    if engine == "ray" and workers is not None:
        raise ConfigError(f"on a cluster its cores say how many runs go at once (got workers={workers}); leave it out")
    if device not in ("cpu", "cuda"):
        raise ConfigError(f"the device is cpu or cuda (got {device!r}); name one of the two")
    if device == "cuda" and engine == "local" and not torch.cuda.is_available():
        raise ConfigError("there is no CUDA device here (got device='cuda'); use --device cpu")
    if device == "cuda" and engine == "ray" and not _is_share(gpus_per_run):
        raise ConfigError(
            "a run takes a share of a GPU up to 1, of at most four decimals, or a whole number of GPUs (got "
            f"gpus_per_run={gpus_per_run}); pass 0.25 to let four share one"
        )
    count = (os.cpu_count() or 1) if workers is None else workers
    if count < 1:
        raise ConfigError(f"workers must be at least 1 (got {count}); leave it out for one a core")
    return count


def _is_share(gpus: float) -> bool:
    """Return whether Ray can hand out so many GPUs: it counts them in whole ones, and the last in ten-thousandths."""
    return 0 < gpus < math.inf and gpus == round(gpus, 4 if gpus <= 1 else 0)


@contextmanager
def _executor(
    engine: str, workers: int, workplace: Workplace, address: str | None, gpus_per_run: float
) -> Iterator[Executor]:
    if engine == "local":
        with worker_processes(workers) as processes:
            yield processes
        return
    from ladle.experiments.ray_grid import ray_tasks

    with ray_tasks(
        workplace.pool_directory,
        address=address,
        store=workplace.store,
        gpus_per_run=gpus_per_run if workplace.device == "cuda" else 0.0,
    ) as tasks:
        yield tasks


def _sweep(
    config: ExperimentConfig,
    experiments: ExperimentStore,
    workplace: Workplace,
    executor: Executor,
    report: Callable[[Progress], None],
) -> None:
    """Choose the learning rate once, if there is a choice and it has not been made."""
    if experiments.learning_rate(config) is not None:
        return
    accuracies = experiments.sweep(config)
    missing = [rate for rate in config.learning_rates if rate not in accuracies]
    futures = {executor.submit(sweep_task, workplace, config, rate): rate for rate in missing}
    total = len(config.learning_rates)

    def look() -> None:
        report(Progress("choosing the learning rate", len(accuracies), total, len(accuracies), total))

    for future in _as_they_finish(futures, look):
        accuracies[futures[future]] = future.result()
        experiments.record_sweep(config, accuracies)
    experiments.record_sweep(config, accuracies, best_rate(accuracies))


def _run(
    config: ExperimentConfig,
    experiments: ExperimentStore,
    workplace: Workplace,
    executor: Executor,
    report: Callable[[Progress], None],
) -> None:
    rate = experiments.learning_rate(config)
    assert rate is not None
    futures = [
        executor.submit(run_task, workplace, config, strategy, seed, rate)
        for strategy, seed in _unfinished(config, experiments)
    ]
    # The store is the one place that knows how far every run is, wherever it runs.
    for future in _as_they_finish(futures, lambda: report(_progress(config, experiments, "running"))):
        future.result()


def _as_they_finish(futures: Iterable[Future[_ResultT]], look: Callable[[], None]) -> Iterator[Future[_ResultT]]:
    """Yield each future once it is done; ``look`` is called about twice a second meanwhile, and at the end."""
    waiting = set(futures)
    while waiting:
        finished, waiting = wait(waiting, timeout=_SECONDS_BETWEEN_LOOKS, return_when=FIRST_COMPLETED)
        yield from finished
        look()


def _unfinished(config: ExperimentConfig, experiments: ExperimentStore) -> list[tuple[str, int]]:
    """Return the runs still to be done, seed by seed, so that whole seeds are finished early."""
    counts = experiments.finished_rounds(config)
    evaluations = config.schedule.rounds + 1
    return [
        (strategy, seed)
        for seed in range(config.seeds)
        for strategy in config.strategies
        if counts.get((strategy, seed), 0) < evaluations
    ]


def _progress(config: ExperimentConfig, experiments: ExperimentStore, stage: str) -> Progress:
    steps = [
        math.ceil(labeled / config.training.batch_size) * config.training.epochs + _STEPS_OF_A_ROUND
        for labeled in config.schedule.labeled
    ]
    runs = len(config.strategies) * config.seeds
    counts: Mapping[tuple[str, int], int] = experiments.finished_rounds(config)
    mine = [counts.get((strategy, seed), 0) for strategy in config.strategies for seed in range(config.seeds)]
    return Progress(
        stage=stage,
        done=sum(sum(steps[:count]) for count in mine),
        total=sum(steps) * runs,
        rounds_done=sum(mine),
        rounds_total=len(steps) * runs,
    )


def _ignore(_progress: Progress) -> None:
    """Do without progress."""
