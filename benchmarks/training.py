"""Training: the sparse first layer against the dense one, and two workers against one."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from timing import at_least, interleaved, options, save
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from ladle.data import DataConfig, load_pool, resolve_data_home
from ladle.errors import DataError
from ladle.experiments import Progress, read_experiment, run_experiment
from ladle.models import MLP, TrainingConfig, train

LABELED, BATCH = 600, 8
# What the sparse first layer was made for: 600 steps a second on a machine where the dense one does 9.
AT_LEAST = 600 / 9
# So many operations are named by the profile of a step.
OPERATIONS = 8
# Steps of the dense layer take so long that fewer of them tell the time.
SPARSE_EPOCHS, DENSE_EPOCHS, DENSE_ROWS = 20, 1, 80


def first_layers(repeats: int) -> dict[str, Any] | None:
    """Return steps/s of the sparse and the dense first layer over 20 Newsgroups with all columns, on one thread."""
    try:
        pool = load_pool(DataConfig(name="20newsgroups"), data_home=resolve_data_home(None))
    except DataError as error:
        print(f"20 Newsgroups left out: {error}")
        return None
    assert not isinstance(pool.inputs, Tensor)
    examples, labels = pool.inputs[:LABELED], pool.labels[:LABELED]
    columns, classes = examples.shape[1], len(pool.classes)
    dense = torch.from_numpy(examples[:DENSE_ROWS].toarray()).float()

    def training(sparse: bool, epochs: int) -> Callable[[], object]:
        inputs = examples if sparse else dense
        build = partial(MLP, columns, classes, sparse=sparse)
        config = TrainingConfig(epochs=epochs, batch_size=BATCH)
        return lambda: train(build, inputs, labels[: inputs.shape[0]], config, seed=0)

    # The time of twice the epochs less that of once: what is done once per training falls out.
    seconds = interleaved(
        {
            "sparse, once": training(True, SPARSE_EPOCHS),
            "sparse, twice": training(True, 2 * SPARSE_EPOCHS),
            "dense, once": training(False, DENSE_EPOCHS),
            "dense, twice": training(False, 2 * DENSE_EPOCHS),
        },
        repeats,
    )
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    steps = {"sparse": SPARSE_EPOCHS * LABELED / BATCH, "dense": DENSE_EPOCHS * DENSE_ROWS / BATCH}
    rates = {name: steps[name] / (middle[f"{name}, twice"] - middle[f"{name}, once"]) for name in steps}
    return {
        "columns": columns,
        "steps_a_second": rates,
        "steps": steps,
        "seconds": seconds,
        "profile": step_profile(training(True, 1), training(True, 1 + SPARSE_EPOCHS), steps["sparse"]),
    }


def step_profile(once: Callable[[], object], longer: Callable[[], object], steps: float) -> dict[str, float]:
    """Return the seconds that a step spends in each of torch's operations, the largest first and the rest together."""

    def by_operation(run: Callable[[], object]) -> Counter[str]:
        with profile(activities=[ProfilerActivity.CPU]) as watched:
            run()
        return Counter({one.key: one.self_cpu_time_total / 1e6 for one in watched.key_averages()})

    # As above: what is done once per training falls out.
    spent = by_operation(longer)
    spent.subtract(by_operation(once))
    largest = dict(spent.most_common(OPERATIONS))
    rest = sum(spent.values()) - sum(largest.values())
    return {name: seconds / steps for name, seconds in {**largest, "all others": rest}.items()}


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
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="Of the grid: twice as many runs.")
    parser.add_argument("--repeats", type=int, default=3, help="Of each training.")
    parser.add_argument("--turns", type=int, default=2, help="Of one worker, then two.")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    layers = first_layers(arguments.repeats)
    rates: dict[str, list[float]] = {"1": [], "2": []}
    for _ in range(arguments.turns):
        for workers, found in rates.items():
            found.append(rate(int(workers), arguments.seeds))
    speedup = {"ratio": statistics.median(rates["2"]) / statistics.median(rates["1"])}
    checks = [at_least("training steps a second of two workers", speedup, 1.7, "one worker's")]
    if layers:
        steps = layers["steps_a_second"]
        measured = {"ratio": steps["sparse"] / steps["dense"]}
        checks.append(at_least("training steps a second, sparse first layer", measured, AT_LEAST, "the dense one's"))
    save(arguments.results, "training", first_layers=layers, steps_a_second_by_workers=rates, checks=checks)


if __name__ == "__main__":
    main()
