"""On a cluster of two nodes picks and accuracies stay what they are when one is killed; what cannot be is told."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faults.ray_nodes import RAY_MARKS, kill_second_node, on_the_cluster, problem_in, two_nodes
from ladle.engines import Progress
from ladle.engines.cluster import connect
from ladle.errors import ConfigError, DataError, LadleError, MissingExtraError
from ladle.experiments import ExperimentConfig, run_experiment
from ladle.experiments.config import experiment_from
from ladle.experiments.store import ExperimentStore
from ladle.experiments.workers import Workplace
from ladle.session import open_database
from ladle.strategies import select
from reference.stored_experiment import stored

pytest.importorskip("ray")
pytestmark = RAY_MARKS


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return problem_in(tmp_path_factory.mktemp("pool"))


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """For every worker of a selection that was replaced, why."""
    from ladle.engines.ray_selection import RayPasses

    seen: list[Exception] = []
    replace = RayPasses._replace

    def note(self: RayPasses, part: int, error: Any) -> None:
        seen.append(error)
        replace(self, part, error)

    monkeypatch.setattr(RayPasses, "_replace", note)
    return seen


def test_shards_that_a_node_does_not_see_are_named_before_the_work_starts(
    problem: dict[str, Any], cluster: Any, tmp_path: Path
) -> None:
    # Of all processes on this machine this one alone has the open file, as a machine alone has the files on its disk.
    np.save(tmp_path / "all.npy", problem["arrays"]["features"])
    here = tmp_path / "here.npy"
    with (tmp_path / "all.npy").open("rb") as opened:
        number = fcntl.fcntl(opened, fcntl.F_DUPFD, 900)
        here.symlink_to(f"/proc/self/fd/{number}")
        try:
            for name in ("grad", "badge"):
                seen: list[Progress] = []
                with pytest.raises(
                    DataError,
                    match=rf"^every node .*\(got no {here}, .* on .* and others\).*that all nodes share.*--scratch$",
                ):
                    on_the_cluster(problem, name, cluster, features=here, on_progress=seen.append)
                assert not seen
        finally:
            os.close(number)


def test_a_node_killed_in_the_middle_changes_no_pick(
    problem: dict[str, Any], cluster: Any, losses: list[Exception]
) -> None:
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        if progress.pass_number == 3 and not killed:
            killed.append(progress.pass_number)
            kill_second_node(cluster)

    selection = on_the_cluster(problem, "badge", cluster, on_progress=kill)
    assert killed
    assert losses
    assert selection.passes > 3
    assert selection.picks.tolist() == select("badge", **problem["arrays"], **problem["asked"]).tolist()


def test_a_result_lost_with_its_node_is_made_again(
    problem: dict[str, Any], losses: list[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray
    from ray.exceptions import ObjectLostError

    from ladle.engines.ray_selection import RayPasses

    unlabeled: dict[str, Any] = {"labeled": np.empty(0, dtype=np.int64), "labels": np.empty(0, dtype=np.int64)}
    sums, wait = RayPasses.column_sums, ray.wait
    doomed: list[Any] = []

    def sums_of_the_doomed(self: RayPasses) -> Any:
        doomed.append(two)
        return sums(self)

    def kill_once_done(waiting: list[Any], **named: Any) -> Any:
        while doomed:
            wait(waiting, num_returns=len(waiting), fetch_local=False)
            kill_second_node(doomed.pop())
        return wait(waiting, **named)

    monkeypatch.setattr(RayPasses, "column_sums", sums_of_the_doomed)
    monkeypatch.setattr(ray, "wait", kill_once_done)
    # No result is small enough to be sent at once: each stays where it was made until it is fetched.
    with two_nodes(max_direct_call_object_size=1) as two:
        selection = on_the_cluster(problem, "k-center", two, **unlabeled)
    assert [isinstance(loss, ObjectLostError) for loss in losses] == [True]
    expected = select("k-center", **problem["arrays"], **(problem["asked"] | unlabeled))
    assert selection.picks.tolist() == expected.tolist()


def test_workers_that_keep_dying_are_told_in_a_line(
    problem: dict[str, Any], cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ladle.engines import ray_selection

    class Dying(ray_selection.PartWorker):
        def call(self, method: str, *arguments: Any) -> Any:
            os._exit(1)

    def dying(*arguments: Any) -> Any:
        os._exit(1)

    monkeypatch.setattr(ray_selection, "_LOST_WORKERS", 1)
    monkeypatch.setattr(ray_selection, "PartWorker", Dying)
    with pytest.raises(LadleError, match=r"^workers .*keep dying \(got 2 lost of .*: The actor died.*more memory$"):
        on_the_cluster(problem, "badge", cluster)
    monkeypatch.setattr(ray_selection, "_part_scores", dying)
    with pytest.raises(LadleError, match=r"^a cluster must not lose .*\(got WorkerCrashedError: .*run it again$"):
        on_the_cluster(problem, "grad", cluster)


def small_experiment(rounds: int = 6) -> ExperimentConfig:
    return experiment_from(
        {
            "name": "small",
            "strategies": ["random", "badge"],
            "seeds": 2,
            "data": {"name": "digits"},
            "model": {"name": "mlp"},
            "schedule": {"initial": 20, "batch": 20, "rounds": rounds},
            "training": {"epochs": 20, "learning_rate": [0.01, 0.005]},
        }
    )


def test_an_experiment_goes_on_when_a_node_is_killed(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ladle.experiments import ray_grid

    config, here, there = small_experiment(), f"sqlite:///{tmp_path}/here.db", f"sqlite:///{tmp_path}/there.db"
    run_experiment(config, store=here, workers=1)
    experiments = ExperimentStore(open_database(there))
    (second,) = cluster.worker_nodes
    begun, work = tmp_path / "begun", ray_grid._work
    begun.mkdir()

    def note_and_work(pool: Any, function: Any, workplace: Any, config: Any, *rest: Any) -> Any:
        import ray

        if function.__name__ == "run_task":
            strategy, seed, _ = rest
            (begun / f"{strategy} {seed} {ray.get_runtime_context().get_node_id()}").touch()
        return work(pool, function, workplace, config, *rest)

    interrupted: list[tuple[str, int]] = []

    def kill_amid_a_run() -> None:
        while not interrupted:
            time.sleep(0.05)
            for (strategy, seed), rounds in experiments.finished_rounds(config).items():
                if rounds <= 3 and (begun / f"{strategy} {seed} {second.node_id}").exists():
                    interrupted.append((strategy, seed))
                    kill_second_node(cluster)
                    break

    monkeypatch.setattr(ray_grid, "_work", note_and_work)
    killer = threading.Thread(target=kill_amid_a_run, daemon=True)
    killer.start()
    run_experiment(config, store=there, engine="ray", address=cluster.address)
    killer.join(timeout=60)
    ((strategy, seed),) = interrupted
    assert len(list(begun.glob(f"{strategy} {seed} *"))) == 2, "the run was to be taken up on the other node"
    assert stored(there) == stored(here)


@pytest.mark.parametrize("gpus", [-1.0, 0.0, 1.5, 0.33333, float("nan"), float("inf")])
def test_a_share_of_a_gpu_that_cannot_be_is_refused(gpus: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^a run takes .*\(got gpus_per_run={gpus}\); pass 0\.25 "):
        run_experiment(
            small_experiment(), store=f"sqlite:///{tmp_path}/x.db", engine="ray", device="cuda", gpus_per_run=gpus
        )


def test_four_runs_share_a_gpu_and_more_than_a_node_has_is_refused(cluster: Any, tmp_path: Path) -> None:
    from ladle.experiments.ray_grid import ray_tasks

    pool, met = tmp_path / "pool", tmp_path / "met"
    pool.mkdir()
    met.mkdir()
    workplace = Workplace(pool, f"sqlite:///{tmp_path}/x.db", "cuda")

    def meet(_workplace: Workplace, run: int) -> tuple[str, str]:
        import ray

        (met / str(run)).touch()
        while len(list(met.iterdir())) < 4:
            time.sleep(0.01)
        return ray.get_runtime_context().get_node_id(), os.environ["CUDA_VISIBLE_DEVICES"]

    third = cluster.add_node(num_cpus=4, num_gpus=1)
    cluster.wait_for_nodes()
    try:
        with ray_tasks(pool, address=cluster.address, store=workplace.store, gpus_per_run=0.25) as tasks:
            futures = [tasks.submit(meet, workplace, run) for run in range(4)]
            assert {future.result(timeout=200) for future in futures} == {(third.node_id, "0")}
        with (
            pytest.raises(ConfigError, match=r"got 2 a run, at most 1 on a node\); lower --gpus-per-run"),
            ray_tasks(pool, address=cluster.address, store=workplace.store, gpus_per_run=2),
        ):
            pass
    finally:
        cluster.remove_node(third)


@pytest.mark.postgres
def test_an_experiment_on_a_cluster_is_stored_in_postgresql(cluster: Any, tmp_path: Path, postgres_url: str) -> None:
    config, here = small_experiment(rounds=2), f"sqlite:///{tmp_path}/here.db"
    run_experiment(config, store=here, workers=1)
    run_experiment(config, store=postgres_url, engine="ray", address=cluster.address)
    assert stored(postgres_url) == stored(here)


def test_an_address_where_nothing_answers_is_refused_at_once() -> None:
    started = time.monotonic()
    with (
        pytest.raises(ConfigError, match=r"got 127\.0\.0\.1:9: .*start it there with: ray start --head"),
        connect("127.0.0.1:9"),
    ):
        pass
    # Ray itself would go on trying; this asserts that it was not asked, not how fast a machine is.
    assert time.monotonic() - started < 60


def test_without_ray_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ladle\[ray\]'"), connect():
        pass
