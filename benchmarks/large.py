"""A million rows, 10,000 picks: k-means++ and farthest-first against their products, and the memory they take."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from unittest.mock import patch

import numpy as np
import torch
from floor import fastest, product
from timing import at_most, forget_peak, options, peak_memory, save
from torch import Tensor

from ladle.gradients import FactoredGradients, cross_entropy
from ladle.selectors import LocalPasses, farthest_first, k_means_plus_plus
from ladle.typing import Embedding, Indices

WIDTH, CLASSES, LABELED, THREADS = 512, 100, 1000, 2


def inputs(rows: int) -> tuple[Tensor, Tensor]:
    """Return features in clusters, so that far rows and near ones are both there, and residuals."""
    generator = torch.Generator().manual_seed(0)
    middles = 2 * torch.randn(1000, WIDTH, generator=generator)
    features = torch.empty(rows, WIDTH)
    for start in range(0, rows, 65_536):
        part = features[start : start + 65_536]
        torch.randn(part.shape, generator=generator, out=part)
        # Every row lies at its own distance from the middle of its cluster.
        part *= torch.rand(len(part), 1, generator=generator)
        part += middles[torch.randint(0, 1000, (len(part),), generator=generator)]
    logits = torch.randn(rows, CLASSES, generator=generator)
    return features, cross_entropy.pseudo_residuals(logits.mul_(2))


def measure(method: str, rows: int, budget: int) -> None:
    """Run one method in this process between two turns of its product, and print what it took."""
    features, residuals = inputs(rows)
    labeled = np.arange(LABELED)
    pools, centers = ([features, residuals], budget) if method == "BADGE" else ([features], LABELED + budget)
    way = fastest(pools, centers)
    passes: list[int] = []
    reach = LocalPasses.reach

    def counted(self: LocalPasses, of: Embedding, taken: Indices) -> None:
        passes.append(len(of))
        reach(self, of, taken)

    def select() -> None:
        with patch.object(LocalPasses, "reach", counted):
            if method == "BADGE":
                gradients = FactoredGradients(residuals, features)
                k_means_plus_plus(gradients, labeled, budget, generator=np.random.default_rng(0))
            else:
                farthest_first(features, labeled, budget)

    multiply = product(pools, centers, way)
    before = seconds_of(multiply)
    inputs_and_program = forget_peak()
    seconds = seconds_of(select)
    peak = peak_memory()
    products = [before, seconds_of(multiply)]
    found = {"method": method, "seconds": seconds, "products": products, "way": str(way), "centers": centers}
    print(json.dumps(found | {"memory": peak, "extra_memory": peak - inputs_and_program, "passes": passes}))


def seconds_of(function: object) -> float:
    """Return the seconds of one call."""
    assert callable(function)
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def main() -> None:
    """Measure, print and save."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--budget", type=int, default=10_000)
    parser.add_argument("--method", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    if arguments.method:
        measure(arguments.method, arguments.rows, arguments.budget)
        return
    inputs_bytes = arguments.rows * (WIDTH + CLASSES) * 4
    found, checks = [], []
    for method in ("BADGE", "k-center"):
        command = [sys.executable, __file__, "--rows", str(arguments.rows), "--budget", str(arguments.budget)]
        output = subprocess.run([*command, "--method", method], stdout=subprocess.PIPE, text=True, check=True).stdout
        one = json.loads(output.splitlines()[-1])
        found.append(one)
        name = f"{method}, {arguments.rows:,} rows"
        # The faster turn of the product: the harder floor.
        measured = {"ratio": one["seconds"] / min(one["products"])}
        memory = {"ratio": one["memory"] / inputs_bytes}
        checks.append(at_most(name, measured, 3.0, "its product"))
        checks.append(at_most(f"{name}, memory of the process", memory, 2.0, "features and logits"))
    save(
        arguments.results,
        "large",
        setting={
            "rows": arguments.rows,
            "width": WIDTH,
            "classes": CLASSES,
            "labeled": LABELED,
            "budget": arguments.budget,
        },
        inputs_bytes=inputs_bytes,
        methods=found,
        checks=checks,
    )


if __name__ == "__main__":
    main()
