"""Worker processes: one a core, one thread each, sharing one memory-mapped pool."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from sqlalchemy import Engine

from ladle.data import Pool, open_pool
from ladle.errors import StoreConflictError
from ladle.experiments.config import ExperimentConfig
from ladle.experiments.run import run_one
from ladle.experiments.sweep import validation_accuracy
from ladle.session import open_database

_SECONDS_BETWEEN_LOOKS = 0.5
_TRIES = 3


@dataclass(frozen=True)
class Workplace:
    """What a worker needs to know to find its work.

    Attributes:
        pool_directory: where ``ladle.data.save_pool`` has put the pool.
        store: the database URL.
        device: where models train.
    """

    pool_directory: Path
    store: str
    device: str


def run_task(workplace: Workplace, config: ExperimentConfig, strategy: str, seed: int, learning_rate: float) -> None:
    """Do one run to its end, in a worker."""
    pool, engine = _open(workplace)
    for attempt in range(_TRIES):
        try:
            run_one(
                config,
                strategy,
                seed,
                pool=pool,
                engine=engine,
                learning_rate=learning_rate,
                device=workplace.device,
            )
        except StoreConflictError:
            # The last breath of a worker whose parent was killed. What it wrote is what this one would have written.
            if attempt == _TRIES - 1:
                raise
            time.sleep(2 * _SECONDS_BETWEEN_LOOKS)
        else:
            return


def sweep_task(workplace: Workplace, config: ExperimentConfig, learning_rate: float) -> float:
    """Return the validation accuracy of one learning rate, in a worker."""
    pool, _ = _open(workplace)
    return validation_accuracy(config, learning_rate, pool=pool, device=workplace.device)


@contextmanager
def worker_processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Start worker processes, and make sure that none is left when the block ends, however it ends.

    Args:
        count: how many, at least 1.
    """
    # Spawned, not forked: a forked copy of a process that has used torch's threads can hang.
    executor = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare, initargs=(os.getpid(),)
    )
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@functools.lru_cache(maxsize=1)
def _open(workplace: Workplace) -> tuple[Pool, Engine]:
    return open_pool(workplace.pool_directory), open_database(workplace.store)


def _prepare(parent: int) -> None:
    # One thread a process: two such train twice as fast as one of two threads, and the sums never depend on the count.
    torch.set_num_threads(1)
    # Ctrl-C reaches every process of the terminal; the parent reports it, workers just end (the store is safe).
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    # A killed parent cannot tell its workers; an orphan has another parent.
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)
