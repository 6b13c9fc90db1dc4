"""A million rows, 10,000 picks: k-means++ and farthest-first against their products, and the memory they take."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

import numpy as np
import torch
from timing import peak_memory, save

from ladle.gradients import FactoredGradients, cross_entropy
from ladle.selectors import CHUNK_ROWS, LocalPasses, farthest_first, k_means_plus_plus

WIDTH, CLASSES, LABELED = 512, 100, 1000


def floor(features: torch.Tensor, residuals: torch.Tensor | None, budget: int) -> float:
    """Return the seconds of the matrix product alone, in the blocks this machine's library is fastest at."""
    centers = features[:budget].clone().T
    others = None if residuals is None else residuals[:budget].clone().T
    started = time.perf_counter()
    for start in range(0, len(features), CHUNK_ROWS):
        rows = features[start : start + CHUNK_ROWS]
        out = torch.empty(len(rows), 512)
        for first in range(0, budget, 512):
            block = slice(first, min(first + 512, budget))
            into = out.flatten()[: len(rows) * (block.stop - block.start)].view(len(rows), -1)
            torch.mm(rows, centers[:, block], out=into)
            if residuals is not None and others is not None:
                torch.mm(residuals[start : start + CHUNK_ROWS], others[:, block], out=into)
    return time.perf_counter() - started


def measure(method: str, rows: int, budget: int) -> None:
    """Run one method in this process and print what it took."""
    generator = torch.Generator().manual_seed(0)
    # Clusters, so that far rows and near ones are both there: pure noise would be one pass for farthest-first.
    middles = 2 * torch.randn(1000, WIDTH, generator=generator)
    features = torch.empty(rows, WIDTH)
    for start in range(0, rows, 65_536):
        part = features[start : start + 65_536]
        torch.randn(part.shape, generator=generator, out=part)
        # Rows of every cluster lie at their own distance from its middle.
        part *= torch.rand(len(part), 1, generator=generator)
        part += middles[torch.randint(0, 1000, (len(part),), generator=generator)]
    labeled = np.arange(LABELED)
    passes: list[int] = []
    reach = LocalPasses.reach

    def counted(self: LocalPasses, centers: object, taken: object) -> None:
        passes.append(len(centers))  # type: ignore[arg-type]
        reach(self, centers, taken)  # type: ignore[arg-type]

    LocalPasses.reach = counted  # type: ignore[method-assign]
    if method == "BADGE":
        logits = torch.randn(rows, CLASSES, generator=generator)
        residuals = cross_entropy.pseudo_residuals(logits.mul_(2))
        del logits
        gradients = FactoredGradients(residuals, features)
        started = time.perf_counter()
        k_means_plus_plus(gradients, labeled, budget, generator=np.random.default_rng(0))
        seconds = time.perf_counter() - started
        peak = peak_memory()
        product = floor(features, residuals, budget)
    else:
        started = time.perf_counter()
        farthest_first(features, labeled, budget)
        seconds = time.perf_counter() - started
        peak = peak_memory()
        product = floor(features, None, budget + LABELED)
    print(json.dumps({"method": method, "seconds": seconds, "product": product, "memory": peak, "passes": passes}))


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--budget", type=int, default=10_000)
    parser.add_argument("--method", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.method:
        measure(arguments.method, arguments.rows, arguments.budget)
        return
    inputs = arguments.rows * (WIDTH + CLASSES) * 4
    found, checks = [], []
    for method in ("BADGE", "k-center"):
        command = [sys.executable, __file__, "--rows", str(arguments.rows), "--budget", str(arguments.budget)]
        output = subprocess.run([*command, "--method", method], capture_output=True, text=True, check=True).stdout
        one = json.loads(output.splitlines()[-1])
        found.append(one)
        name = f"{method}, {arguments.rows:,} rows"
        checks.append({"name": name, "ratio": one["seconds"] / one["product"], "at_most": 3.0, "of": "its product"})
        checks.append(
            {"name": f"{name}, memory", "ratio": one["memory"] / inputs, "at_most": 2.0, "of": "features and logits"}
        )
    save(
        "large",
        setting={
            "rows": arguments.rows,
            "width": WIDTH,
            "classes": CLASSES,
            "labeled": LABELED,
            "budget": arguments.budget,
        },
        inputs_bytes=inputs,
        methods=found,
        checks=checks,
    )


if __name__ == "__main__":
    main()
