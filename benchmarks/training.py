"""Training: the sparse first layer against the dense one, and two workers against one."""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from timing import save

from ladle.data import DataConfig, load_pool, resolve_data_home
from ladle.errors import DataError
from ladle.experiments import Progress, read_experiment, run_experiment
from ladle.models import MLP, TrainingConfig, train

LABELED, BATCH = 600, 8


def steps_a_second() -> dict[str, float] | None:
    """Return steps/s of the sparse and the dense first layer over 20 Newsgroups with all columns, on one thread."""
    try:
        pool = load_pool(DataConfig(name="20newsgroups"), data_home=resolve_data_home(None))
    except DataError as error:
        print(f"20 Newsgroups left out: {error}")
        return None
    torch.set_num_threads(1)
    examples, labels = pool.inputs[:LABELED], pool.labels[:LABELED]
    columns, classes = examples.shape[1], len(pool.classes)
    found = {"columns": float(columns)}
    for name, sparse, epochs, rows in (("sparse", True, 20, LABELED), ("dense", False, 1, 80)):
        inputs = examples[:rows] if sparse else torch.from_numpy(examples[:rows].toarray()).float()
        build = partial(MLP, columns, classes, sparse=sparse)
        seconds = []
        # The time of more epochs less that of fewer: what is done once per training falls out.
        for times in (1, 2):
            started = time.perf_counter()
            train(build, inputs, labels[:rows], TrainingConfig(epochs=epochs * times, batch_size=BATCH), seed=0)
            seconds.append(time.perf_counter() - started)
        found[name] = epochs * rows / BATCH / (seconds[1] - seconds[0])
    return found


def rate(workers: int, seeds: int) -> float:
    """Return the training steps a second of a small grid, from its first finished round to its end."""
    config = replace(read_experiment("quickstart"), seeds=seeds, strategies=("random", "grad"))
    seen: list[tuple[float, int]] = []

    def watch(progress: Progress) -> None:
        if progress.stage == "running" and progress.rounds_done:
            seen.append((time.perf_counter(), progress.done))

    with tempfile.TemporaryDirectory() as folder:
        run_experiment(config, store=f"sqlite:///{Path(folder) / 'store.db'}", workers=workers, on_progress=watch)
    (begun, first), (ended, last) = seen[0], seen[-1]
    return (last - first) / (ended - begun)


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    arguments = parser.parse_args()
    steps = steps_a_second()
    rates = {workers: rate(workers, arguments.seeds) for workers in (1, 2)}
    checks = [{"name": "two workers", "ratio": rates[2] / rates[1], "at_least": 1.7, "of": "one worker"}]
    if steps:
        checks.append(
            {
                "name": "20 Newsgroups, sparse first layer",
                "ratio": steps["sparse"] / steps["dense"],
                "at_least": 50.0,
                "of": "the dense one",
            }
        )
    save("training", steps_a_second=steps, steps_a_second_by_workers=rates, checks=checks)


if __name__ == "__main__":
    main()
