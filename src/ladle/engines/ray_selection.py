"""Passes on a Ray cluster: the rows of the pool shared among workers, each pass a map over them and one reduce."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch
from numpy.typing import NDArray
from ray.exceptions import (
    ActorUnschedulableError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    RayError,
    RayTaskError,
    WorkerCrashedError,
)
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from torch import Tensor

from ladle.engines.local import local_scores
from ladle.engines.plan import Plan
from ladle.engines.views import ShardedOutputs, ViewRows
from ladle.errors import DataError, LadleError, reason_of
from ladle.selectors import CHUNK_ROWS, LocalPasses
from ladle.strategies import Strategy
from ladle.typing import Embedding, Indices

# A worker whose node is lost is started anew elsewhere and brought up to date, so many times for each part of the rows.
_LOST_WORKERS = 20
# A worker is gone, alone or with its node; or its result alone: a large one stays on the node until it is fetched.
_LOST = (
    RayActorError,
    ActorUnschedulableError,
    ObjectLostError,
    NodeDiedError,
    WorkerCrashedError,
    OutOfMemoryError,
)


class PartWorker:
    """One worker: passes over its consecutive rows of the pool, with their state."""

    def __init__(self, shared: tuple[ShardedOutputs, Strategy, Plan], first: int, stop: int) -> None:
        # One thread each: there is a worker for every core.
        torch.set_num_threads(1)
        outputs, strategy, plan = shared
        rows = ViewRows(outputs, strategy, first, stop, block_rows=plan.block_rows, kept_blocks=plan.kept_blocks)
        self._passes = LocalPasses(rows, first)

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of ``LocalPasses`` on this part."""
        return getattr(self._passes, method)(*arguments)


class RayPasses:
    """The pool seen by a selector (``selectors.Passes``), its parts held by workers of a cluster.

    A worker that is lost is replaced: the new one starts as the lost one did and repeats every pass made since.

    Raises:
        DataError: a node that does not see the shards, when this is made.
    """

    def __init__(self, outputs: ShardedOutputs, strategy: Strategy, plan: Plan, on_rows: Callable[[int], None]) -> None:
        self._outputs, self._strategy, self._plan = outputs, strategy, plan
        self._on_rows = on_rows
        _check_within_reach(outputs)
        self._spans = spans(len(outputs), worker_count(len(outputs)))
        self._shared = ray.put((outputs, strategy, plan))
        self._workers = [
            _new_worker(self._shared, span, node) for span, node in zip(self._spans, cycle(_seats()), strict=False)
        ]
        self._history: list[tuple[str, tuple[Any, ...]]] = []
        self._lost = [0] * len(self._spans)
        # A few rows at a time are fetched here: they are looked at together, whichever part they come from. No row is
        # passed here, so none needs a distance.
        self._here = LocalPasses(ViewRows(outputs, strategy, 0, 0, block_rows=plan.block_rows))

    def __len__(self) -> int:
        return len(self._outputs)

    def fetch(self, rows: Indices) -> Embedding:
        """Return these rows, held in memory and seen from the origin."""
        return self._here.fetch(rows)

    def start(self, taken: Indices, origin: Tensor | None) -> None:
        """Forget all centers; take these rows out; look at plain rows from this (d,) origin from now on."""
        self._here.start(np.empty(0, dtype=np.int64), origin)
        self._history = []
        self._on_all("start", taken, origin)
        self._history = [("start", (taken, origin))]

    def column_sums(self) -> Tensor | None:
        """Return the (chunks, d) float64 sums of the rows of a plain array; None for any other embedding."""
        parts = self._on_all("column_sums", counted=True)
        return None if any(part is None for part in parts) else torch.cat(parts)

    def farthest_from(self, point: Tensor | None) -> tuple[int, float]:
        """Return the free row farthest from a (d,) point, or the longest, and the square of that length."""
        # max keeps the first of equals: the lowest index.
        best: tuple[int, float] = max(self._on_all("farthest_from", point, counted=True), key=lambda found: found[1])
        return best

    def reach(self, centers: Embedding, taken: Indices) -> None:
        """Pass the pool once: lower every distance to that of the nearest of these centers, and take rows out."""
        shared = ray.put(centers)
        self._on_all("reach", shared, taken, counted=True)
        self._history.append(("reach", (shared, taken)))

    def reach_anchor(self) -> None:
        """Make the anchor of an ``AnchoredEmbedding`` a center: lower every distance to that of the anchor."""
        self._on_all("reach_anchor", counted=True)
        self._history.append(("reach_anchor", ()))

    def reach_span(self, centers: Embedding, factors: Tensor, taken: Indices) -> None:
        """Take off every distance what more directions explain, all seen from the anchor, and take rows out."""
        arguments = ray.put(centers), ray.put(factors), taken
        self._on_all("reach_span", *arguments, counted=True)
        self._history.append(("reach_span", arguments))

    def take_out(self, taken: Indices) -> None:
        """Take rows out; distances stay."""
        self._on_all("take_out", taken)
        self._history.append(("take_out", (taken,)))

    def chunk_weights(self) -> NDArray[np.float64]:
        """Return the (chunks,) sums of the free rows' squared distances."""
        return np.concatenate(self._on_all("chunk_weights"))

    def find(self, chunks: NDArray[np.int64], marks: NDArray[np.float64]) -> tuple[Indices, NDArray[np.float64]]:
        """Return the rows at which the running sums of these chunks pass these marks, and their squared distances."""
        rows, values = np.empty(len(chunks), dtype=np.int64), np.empty(len(chunks))
        for part, (first, stop) in enumerate(self._spans):
            mine = np.flatnonzero((chunks >= first // CHUNK_ROWS) & (chunks * CHUNK_ROWS < stop))
            if len(mine):
                (found,) = self._on([part], "find", chunks[mine] - first // CHUNK_ROWS, marks[mine])
                rows[mine], values[mine] = found
        return rows, values

    def farthest(self, count: int) -> tuple[Indices, NDArray[np.float64]]:
        """Return up to ``count`` free rows of the largest squared distance, and these; lower indices among equals."""
        parts = self._on_all("farthest", count)
        rows, values = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
        order = np.lexsort((rows, -values))[:count]
        return rows[order], values[order]

    def _on_all(self, method: str, *arguments: Any, counted: bool = False) -> list[Any]:
        return self._on(range(len(self._spans)), method, *arguments, counted=counted)

    def _on(self, parts: Sequence[int], method: str, *arguments: Any, counted: bool = False) -> list[Any]:
        """Return what a method gives on each of these parts, in their order, replacing workers that are lost."""
        waiting = {self._workers[part].call.remote(method, *arguments): part for part in parts}
        results: dict[int, Any] = {}
        while waiting:
            (done, *_), _ = ray.wait(list(waiting), num_returns=1)
            part = waiting.pop(done)
            try:
                results[part] = ray.get(done)
            except RayTaskError as error:
                raise _own(error) from None
            except _LOST as error:
                self._replace(part, error)
                waiting[self._workers[part].call.remote(method, *arguments)] = part
            else:
                if counted:
                    first, stop = self._spans[part]
                    self._on_rows(stop - first)
        return [results[part] for part in parts]

    def _replace(self, part: int, error: RayError) -> None:
        self._lost[part] += 1
        if self._lost[part] > _LOST_WORKERS:
            raise LadleError(
                f"workers of the cluster must not keep dying (got {self._lost[part]} lost of one part of the rows, the "
                f"last: {reason_of(error)}); give them more memory"
            ) from error
        seats = _seats()
        seat = seats[(part + self._lost[part]) % len(seats)]
        self._workers[part] = _new_worker(self._shared, self._spans[part], seat)
        # Calls of one worker run in order, so nobody need wait for these.
        for method, arguments in self._history:
            self._workers[part].call.remote(method, *arguments)


def ray_scores(outputs: ShardedOutputs, strategy: Strategy, plan: Plan, on_rows: Callable[[int], None]) -> Tensor:
    """Return the (n,) scores of the pool, each part a task; one whose worker is lost is done again elsewhere.

    Raises:
        DataError: a node that does not see the shards; NaN, infinity or a row that is too long, by file and row.
    """
    _check_within_reach(outputs)
    shared = ray.put((outputs, strategy, plan))
    task = ray.remote(_part_scores).options(scheduling_strategy="SPREAD", max_retries=_LOST_WORKERS)
    parts = spans(len(outputs), worker_count(len(outputs)))
    waiting = {task.remote(shared, first, stop): part for part, (first, stop) in enumerate(parts)}
    results: dict[int, Tensor] = {}
    while waiting:
        (done, *_), _ = ray.wait(list(waiting), num_returns=1)
        part = waiting.pop(done)
        try:
            results[part] = ray.get(done)
        except RayTaskError as error:
            raise _own(error) from None
        on_rows(parts[part][1] - parts[part][0])
    return torch.cat([results[part] for part in range(len(parts))])


def worker_count(rows: int) -> int:
    """Return how many workers share so many rows: one a core of the cluster, none with less than a chunk."""
    return max(1, min(len(_seats()), -(-rows // CHUNK_ROWS)))


def spans(rows: int, parts: int) -> list[tuple[int, int]]:
    """Return (first row, one beyond the last) of each part, every part but the last a whole number of chunks."""
    step = max(1, -(-rows // (parts * CHUNK_ROWS))) * CHUNK_ROWS
    return [(first, min(rows, first + step)) for first in range(0, rows, step)]


def _check_within_reach(outputs: ShardedOutputs) -> None:
    """Make sure that every node that gets work sees the files that are read, as long as they are here.

    Raises:
        DataError: a file that is not there, by node and path.
    """
    shards = (*outputs.features.shards, *outputs.logits.shards)
    files = {shard.path: shard.offset + shard.rows * shard.row_bytes for shard in shards}
    task = ray.remote(_first_out_of_reach)
    # Softly: a node that is lost meanwhile gets no work either.
    seats = [NodeAffinitySchedulingStrategy(node, soft=True) for node in dict.fromkeys(_seats())]
    looks = [task.options(num_cpus=0, scheduling_strategy=seat).remote(files) for seat in seats]
    missing = [found for found in ray.get(looks) if found is not None]
    if missing:
        host, path = missing[0]
        raise DataError(
            f"every node of a cluster must see the shards under the same path (got no {path}, or a shorter one, on "
            f"{host}{' and others' if len(missing) > 1 else ''}); put them in a folder that all nodes share, and "
            "copies of Parquet or remote ones too, with --scratch"
        )


def _first_out_of_reach(files: dict[str, int]) -> tuple[str, str] | None:
    """Return (this machine, path) of the first file that is not here, or is too short; None where all are."""
    for path, end in files.items():
        if not Path(path).is_file() or Path(path).stat().st_size < end:
            return socket.gethostname(), path
    return None


def _part_scores(shared: tuple[ShardedOutputs, Strategy, Plan], first: int, stop: int) -> Tensor:
    torch.set_num_threads(1)
    outputs, strategy, plan = shared
    return local_scores(outputs, strategy, plan, first=first, stop=stop)


def _seats() -> list[str]:
    """Return the node of each core of the cluster: the first core of every node, then the second of every node."""
    nodes: list[dict[str, Any]] = [node for node in ray.nodes() if node["Alive"]]
    seats = [(core, place) for place, node in enumerate(nodes) for core in range(int(node["Resources"].get("CPU", 0)))]
    return [nodes[place]["NodeID"] for _, place in sorted(seats)] or [node["NodeID"] for node in nodes]


def _new_worker(shared: Any, span: tuple[int, int], node: str) -> Any:
    # A worker reserves no core: after a node is lost the others hold its part. Without cores to go by Ray puts workers
    # anywhere, all of them on one node at times, unless it is told where, and firmly.
    seat = NodeAffinitySchedulingStrategy(node, soft=False)
    return ray.remote(PartWorker).options(num_cpus=0, scheduling_strategy=seat).remote(shared, *span)


def _own(error: RayTaskError) -> Exception:
    """Return the error of Ladle's that a worker raised, without what Ray wraps around it."""
    cause = error.cause
    return cause if isinstance(cause, LadleError) else error
