"""A cluster of two Ray nodes on this machine, a pool in shards to select from on it, and a node under kills."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faults.tally import Tally
from ladle.data import write_shards
from ladle.engines import select_from_shards
from ladle.strategies import select

#: Of a file of tests on a cluster.
RAY_MARKS = [
    # Every selection starts processes that import torch: on a busy machine that takes minutes.
    pytest.mark.timeout(600),
    # Ray's own, from its sockets, processes and settings to come.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
_ROWS = 9001


def select_under_kills(folder: Path, chance: random.Random, kills: int, tally: Tally) -> None:
    """Kill one of two nodes of a cluster while BADGE selects on it, at moments drawn over an undisturbed selection."""
    problem = problem_in(folder)
    expected = select("badge", **problem["arrays"], **problem["asked"]).tolist()
    with two_nodes() as cluster:
        started = time.monotonic()
        tally.different += on_the_cluster(problem, "badge", cluster).picks.tolist() != expected
        whole = time.monotonic() - started
        for _ in range(kills):
            killer = threading.Timer(chance.uniform(0, whole), kill_second_node, (cluster,))
            killer.start()
            tally.different += on_the_cluster(problem, "badge", cluster).picks.tolist() != expected
            killer.join()
            tally.kills["Ray node"] += 1
            cluster.add_node(num_cpus=1)
            cluster.wait_for_nodes()
        tally.stories["selection on Ray"] += 1


@contextmanager
def two_nodes(**more: Any) -> Iterator[Any]:
    """Give a cluster of two nodes on this machine, one core each, with these settings of Ray's."""
    import ray
    from ray.cluster_utils import Cluster

    # A dead node, which refuses to be asked, is found out within seconds; one that is slow to answer is not dead.
    settings = {
        "health_check_period_ms": 500,
        "health_check_timeout_ms": 10_000,
        "health_check_failure_threshold": 3,
        **more,
    }
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": settings}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]


def kill_second_node(cluster: Any) -> None:
    """Kill one of two nodes with all that runs on it, as when a machine loses its power."""
    (second,) = cluster.worker_nodes
    # Ray kills what serves the node; the workers themselves would work on for a moment.
    (server,) = second.all_processes["raylet"]
    pid = server.process.pid
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    cluster.remove_node(second, allow_graceful=False)
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(int(worker), signal.SIGKILL)


def on_the_cluster(problem: dict[str, Any], name: str, cluster: Any, **named: Any) -> Any:
    """Select from the shards of a problem on a cluster; named arguments go before the problem's own."""
    folder = problem["folder"]
    files = {"features": folder / "features", "logits": folder / "logits"}
    return select_from_shards(
        name, **(files | problem["asked"] | named), memory="4GiB", engine="ray", address=cluster.address
    )


def problem_in(folder: Path, *, width: int = 8, classes: int = 4) -> dict[str, Any]:
    """Write a pool in shards, and return its folder, its arrays and what is asked of it."""
    rng = np.random.default_rng(0)
    arrays = {
        "features": rng.normal(size=(_ROWS, width)).astype(np.float16),
        "logits": (2 * rng.normal(size=(_ROWS, classes))).astype(np.float16),
    }
    for name, array in arrays.items():
        write_shards(folder / name, [array], rows_a_file=2500)
    labeled = rng.choice(_ROWS, 30, replace=False)
    asked = {"labeled": labeled, "labels": rng.integers(0, classes, 30), "budget": 120, "seed": 3}
    return {"folder": folder, "arrays": arrays, "asked": asked}
