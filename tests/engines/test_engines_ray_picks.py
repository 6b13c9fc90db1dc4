"""On a cluster of two nodes the picks are those of one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faults.ray_nodes import RAY_MARKS, on_the_cluster, problem_in
from ladle.errors import DataError
from ladle.strategies import select

pytest.importorskip("ray")
pytestmark = RAY_MARKS


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return problem_in(tmp_path_factory.mktemp("pool"))


def test_the_picks_are_those_of_the_arrays_in_memory(problem: dict[str, Any], cluster: Any, tmp_path: Path) -> None:
    for name in ("random", "grad", "badge", "k-center", "grad-cosine", "grad-volume", "grad-d2"):
        selection = on_the_cluster(problem, name, cluster)
        assert selection.picks.tolist() == select(name, **problem["arrays"], **problem["asked"]).tolist()
    # What a worker finds wrong is told as if there were no cluster.
    damaged = problem["arrays"]["features"].copy()
    damaged[8000, 3] = np.nan
    np.save(tmp_path / "damaged.npy", damaged)
    for name in ("grad", "badge"):
        with pytest.raises(
            DataError, match=r"^rows must be finite \(got NaN or infinity in row 8000 of .*damaged\.npy"
        ):
            on_the_cluster(problem, name, cluster, features=tmp_path / "damaged.npy")


def test_the_command_writes_what_it_writes_without_a_cluster(
    problem: dict[str, Any], cluster: Any, tmp_path: Path, call: Any
) -> None:
    labeled, asked = tmp_path / "labeled.csv", problem["asked"]
    rows = zip(asked["labeled"], asked["labels"], strict=True)
    labeled.write_text("index,label\n" + "".join(f"{index},{label}\n" for index, label in rows))
    written = []
    for strategy in ("grad", "badge"):
        for engine in (("local",), ("ray", "--address", cluster.address)):
            batch = tmp_path / f"{strategy}-{engine[0]}.csv"
            words = ("--labeled", labeled, "--budget", 120, "--seed", 3, "--strategy", strategy, "--out", batch)
            files = ("--features", problem["folder"] / "features", "--logits", problem["folder"] / "logits")
            code, _, errors = call("select", *files, *words, "--engine", *engine)
            assert code == 0, errors
            written.append(batch.read_text())
    assert written[0] == written[1] != written[2] == written[3]


def test_wide_rows_give_the_picks_of_two_threads(cluster: Any, tmp_path: Path) -> None:
    # A worker on a cluster has one thread: no sum may depend on how many share a product of matrices.
    wide = problem_in(tmp_path, width=256, classes=10)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for name in ("grad", "badge", "k-center"):
            expected = select(name, **wide["arrays"], **wide["asked"]).tolist()
            assert on_the_cluster(wide, name, cluster).picks.tolist() == expected
    finally:
        torch.set_num_threads(threads)
