"""Same seed, same picks and accuracies, whatever must not matter; ``docs/determinism.md`` says where the rest is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ladle
from ladle import select
from ladle.data import DataConfig, load_pool
from ladle.engines import select_from_shards
from ladle.experiments import ExperimentStore, experiment_from
from ladle.experiments.run import run_one
from ladle.gradients import cross_entropy
from ladle.labeling import open_source
from ladle.models import TrainingConfig, build_model, pool_outputs, train
from ladle.session import open_database
from ladle.strategies import PoolOutputs, find_strategy
from reference.stored_experiment import stored

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENT = """
name = "same"
strategies = ["random", "grad", "badge", "k-center"]
seeds = 2
[data]
name = "digits"
[model]
name = "mlp"
hidden = [16]
[schedule]
initial = 10
batch = 10
rounds = 2
[training]
epochs = 4
"""


def test_other_processes_workers_threads_hash_seeds_and_clocks(tmp_path: Path) -> None:
    config = experiment_from(tomllib.loads(EXPERIMENT))
    here, there = f"sqlite:///{tmp_path}/here.db", f"sqlite:///{tmp_path}/there.db"
    engine = open_database(here)
    store, pool = ExperimentStore(engine), load_pool(config.data)
    store.register(config, {"fingerprint": pool.fingerprint()})
    # Here one run after the other, the last one first; there two workers take them as they come.
    for seed in (1, 0):
        for strategy in reversed(config.strategies):
            run_one(config, strategy, seed, pool=pool, engine=engine, learning_rate=config.learning_rates[0])
    engine.dispose()
    file = tmp_path / "same.toml"
    file.write_text(EXPERIMENT)
    command = [sys.executable, "-m", "ladle", "run", str(file), "--store", there, "--workers", "2"]
    other = {"PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "OMP_NUM_THREADS": "2"}
    subprocess.run(command, env=os.environ | other, check=True, capture_output=True)
    assert stored(there) == stored(here)


def test_the_order_of_the_batches_of_a_pool_pass() -> None:
    generator = torch.Generator().manual_seed(0)
    # Both would carry something from one batch to the next, if they were in training mode.
    model = nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 3))
    inputs = torch.randn(2500, 6, generator=generator)
    whole = pool_outputs(model, inputs, batch_size=512)
    starts = list(range(0, 2500, 512))
    parts = {start: pool_outputs(model, inputs[start : start + 512], batch_size=512) for start in reversed(starts)}
    for name in ("features", "logits"):
        assert torch.equal(torch.cat([getattr(parts[start], name) for start in starts]), getattr(whole, name))


@pytest.fixture(scope="module")
def pool_in_two_orders() -> tuple[PoolOutputs, PoolOutputs]:
    """What a trained network says of a pool, passed in its order and in another, and laid back in its order."""
    rng = np.random.default_rng(0)
    inputs = torch.from_numpy(rng.normal(size=(2500, 6)).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, 3, size=30))
    build = build_model("mlp", example_shape=(6,), classes=3)
    model = train(build, inputs[:30], labels, TrainingConfig(epochs=20), seed=0)
    order = torch.from_numpy(rng.permutation(2500))
    passed = pool_outputs(model, inputs), pool_outputs(model, inputs[order])
    back = order.argsort()
    features, logits = passed[1].features[back], passed[1].logits[back]
    labeled = np.arange(30)
    return (
        PoolOutputs(passed[0].features, passed[0].logits, labeled, labels, cross_entropy, bias=True),
        PoolOutputs(features, logits, labeled, labels, cross_entropy, bias=True),
    )


@pytest.mark.parametrize("name", ladle.list_strategies())
def test_a_pool_passed_in_another_order_gives_the_same_picks(
    name: str, pool_in_two_orders: tuple[PoolOutputs, PoolOutputs]
) -> None:
    picks = [
        find_strategy(name).select(outputs, 40, generator=np.random.default_rng(1)).tolist()
        for outputs in pool_in_two_orders
    ]
    assert picks[0] == picks[1]


@pytest.mark.parametrize("name", ["grad", "badge", "k-center", "grad-volume"])
def test_the_order_in_which_files_lie_on_the_disk(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {"features": rng.normal(size=(60, 5)), "logits": rng.normal(size=(60, 3))}
    asked: dict[str, Any] = {"labeled": np.arange(6), "labels": np.arange(6) % 3, "budget": 12, "seed": 2}
    for key, array in arrays.items():
        (tmp_path / key).mkdir()
        for number in range(12):
            np.save(tmp_path / key / f"part-{number}.npy", array[5 * number : 5 * number + 5])
    for label in ("cat", "dog"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(10):
            picture = Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
            picture.save(tmp_path / "images" / label / f"{number}.png")
    outputs: dict[str, Any] = {key: tmp_path / key for key in arrays}
    seen = []
    for backwards in (False, True):
        with monkeypatch.context() as patch:
            list_backwards(patch, backwards=backwards)
            seen.append(
                (
                    select_from_shards(name, **outputs, **asked, memory="4GiB").picks.tolist(),
                    load_pool(DataConfig("image-folder", path=str(tmp_path / "images"))).fingerprint(),
                    open_source(tmp_path / "images").ids,
                )
            )
    assert seen[0] == seen[1]
    assert seen[0][0] == select(name, **arrays, **asked).tolist()


def list_backwards(patch: pytest.MonkeyPatch, *, backwards: bool) -> None:
    """Make folders list what is in them in alphabetical order, or against it; file systems do as they like."""
    listdir, scandir = os.listdir, os.scandir

    def names(path: Any = ".") -> list[str]:
        return sorted(listdir(path), reverse=backwards)

    class Entries:
        """As os.scandir has it, an iterator that may be opened by a with statement or not."""

        def __init__(self, path: Any = ".") -> None:
            with scandir(path) as found:
                self._left = iter(sorted(found, key=lambda entry: entry.name, reverse=backwards))

        def __iter__(self) -> Iterator[os.DirEntry[str]]:
            return self

        def __next__(self) -> os.DirEntry[str]:
            return next(self._left)

        def __enter__(self) -> Iterator[os.DirEntry[str]]:
            return self

        def __exit__(self, *_error: object) -> None:
            self._left = iter(())

    patch.setattr(os, "listdir", names)
    patch.setattr(os, "scandir", Entries)
    first = next(Path(ROOT).iterdir()).name
    assert (first == max(names(ROOT))) is backwards, "the order is the one asked for"


@pytest.mark.parametrize("page", ["determinism.md", "compatibility.md"])
def test_the_pages_name_tests_that_exist(page: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / page).read_text())
    assert len(named) > 3
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(), f"{page} names {file}::{test}"
