"""Runs of an experiment as tasks on a Ray cluster, wherever in it they find a free core or a share of a GPU."""

from __future__ import annotations

import os
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ladle.engines.cluster import connect
from ladle.errors import ConfigError, LadleError
from ladle.experiments.workers import Workplace

# A task whose node is lost runs again elsewhere, from the last round that it stored.
_LOST_NODES = 20
_MARKER = "pool-identity"


class RayExecutor:
    """Submits functions that work at a ``Workplace`` to the cluster this process is connected to.

    Args:
        pool_directory: where ``ladle.data.save_pool`` has put the pool on this machine. Nodes on other machines get a
            copy each, through the cluster, which all their tasks map into memory together.
        gpus_per_run: share of a GPU that each task takes, 0 for none.
    """

    def __init__(self, pool_directory: Path, gpus_per_run: float) -> None:
        import ray

        self._ray = ray
        token = uuid.uuid4().hex
        (pool_directory / _MARKER).write_text(token, encoding="ascii")
        files = {}
        if _other_machines():
            files = {file.name: ray.put(file.read_bytes()) for file in pool_directory.iterdir() if file.is_file()}
        self._pool = (token, files)
        self._task = ray.remote(_work).options(
            num_cpus=1, num_gpus=gpus_per_run, max_retries=_LOST_NODES, scheduling_strategy="SPREAD"
        )
        self._references: list[Any] = []

    def submit(self, function: Callable[..., Any], workplace: Workplace, *arguments: Any) -> Future[Any]:
        """Return the future of a call of this function, somewhere in the cluster."""
        reference = self._task.remote(self._pool, function, workplace, *arguments)
        self._references.append(reference)
        result: Future[Any] = Future()

        def settle(done: Future[Any]) -> None:
            error = done.exception()
            if error is None:
                result.set_result(done.result())
            else:
                # The error of Ladle's that a task raised, without what Ray wraps around it.
                cause = getattr(error, "cause", None)
                result.set_exception(cause if isinstance(cause, LadleError) else error)

        reference.future().add_done_callback(settle)
        return result

    def cancel(self) -> None:
        """End everything that has been submitted and is not done."""
        for reference in self._references:
            self._ray.cancel(reference, force=True)


@contextmanager
def ray_tasks(pool_directory: Path, *, address: str | None, store: str, gpus_per_run: float) -> Iterator[RayExecutor]:
    """Be connected to a cluster in the block; what has not ended with it is cancelled.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: no cluster at the address, no node with so many GPUs, or a store that other machines cannot reach.
    """
    with connect(address):
        others = _other_machines()
        if others and store.startswith("sqlite"):
            raise ConfigError(
                f"a cluster of several machines needs a store that all of them reach (got {store!r}, other machines: "
                f"{', '.join(sorted(others))}); use --store postgresql://USER@HOST/NAME"
            )
        # A run waits for ever for what no node has alone, however many GPUs the cluster has in all.
        gpus = max((node["Resources"].get("GPU", 0) for node in _nodes()), default=0)
        if gpus_per_run > gpus:
            raise ConfigError(
                f"a node of the cluster must have the GPUs that a run takes (got {gpus_per_run:g} a run, at most "
                f"{gpus:g} on a node); lower --gpus-per-run or use --device cpu"
            )
        executor = RayExecutor(pool_directory, gpus_per_run)
        try:
            yield executor
        except BaseException:
            executor.cancel()
            raise


def _other_machines() -> set[str]:
    return {node["NodeManagerHostname"] for node in _nodes()} - {socket.gethostname()}


def _nodes() -> list[dict[str, Any]]:
    import ray

    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def _work(pool: tuple[str, dict[str, Any]], function: Callable[..., Any], workplace: Workplace, *rest: Any) -> Any:
    # One thread a task, as in a worker process: the sums never depend on where a run is done.
    torch.set_num_threads(1)
    return function(replace(workplace, pool_directory=_pool_here(pool, workplace.pool_directory)), *rest)


def _pool_here(pool: tuple[str, dict[str, Any]], origin: Path) -> Path:
    """Return a folder on this machine that holds the pool, made from the cluster's copy if need be."""
    token, files = pool
    for folder in (origin, Path(tempfile.gettempdir()) / f"ladle-pool-{token}"):
        marker = folder / _MARKER
        if marker.is_file() and marker.read_text(encoding="ascii") == token:
            return folder
    import ray

    partial = Path(tempfile.mkdtemp(prefix=f"ladle-pool-{token}-"))
    for name, reference in files.items():
        (partial / name).write_bytes(ray.get(reference))
    try:
        partial.rename(folder)
    except OSError:
        # Another task of this machine was faster; its copy is as good.
        for file in partial.iterdir():
            file.unlink()
        os.rmdir(partial)  # noqa: PTH106
    return folder
