"""BADGE and k-center at the paper's setting, against the one matrix product that any exact method needs."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from plain_numpy import badge, k_center
from timing import interleaved, peak_memory, ratio, resident_memory, save

from ladle.gradients import FactoredGradients, cross_entropy
from ladle.selectors import farthest_first, k_means_plus_plus

ROWS, WIDTH, CLASSES, LABELED = 25_000, 256, 10, 1000
BUDGETS = (50, 100, 200, 500, 1000, 2000)


def inputs(rows: int = ROWS) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features as a ReLU leaves them, and residuals of a model that is fairly sure."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(rows, WIDTH, generator=generator).relu_()
    logits = 2 * torch.randn(rows, CLASSES, generator=generator)
    return features, cross_entropy.pseudo_residuals(logits)


def product(budget: int, features: torch.Tensor, residuals: torch.Tensor | None) -> object:
    """Return a function that multiplies the pool with so many rows, chunk by chunk in the cache, and looks at nothing."""
    centers = features[:budget].clone().T
    others = None if residuals is None else residuals[:budget].clone().T
    # Blocks of rows and of centers at which this machine's library is fastest; the results are overwritten.
    out = torch.empty(2048, 512)

    def multiply() -> None:
        for start in range(0, len(features), 2048):
            rows = slice(start, min(start + 2048, len(features)))
            for first in range(0, budget, 512):
                block = slice(first, min(first + 512, budget))
                into = out.flatten()[: (rows.stop - rows.start) * (block.stop - block.start)]
                into = into.view(rows.stop - rows.start, block.stop - block.start)
                torch.mm(features[rows], centers[:, block], out=into)
                if residuals is not None and others is not None:
                    torch.mm(residuals[rows], others[:, block], out=into)

    return multiply


def memory_of(what: str) -> int:
    """Return the bytes that a selection takes beyond its inputs, in a process of its own."""
    found = subprocess.run([sys.executable, __file__, "--memory", what], capture_output=True, text=True, check=True)
    return int(found.stdout.split()[-1])


def measure_memory(what: str) -> None:
    """Print it."""
    features, residuals = inputs()
    labeled = np.arange(LABELED)
    before = resident_memory()
    if what == "badge":
        k_means_plus_plus(FactoredGradients(residuals, features), labeled, 500, generator=np.random.default_rng(0))
    elif what == "k-center":
        farthest_first(features, labeled, 500)
    elif what == "plain badge":
        badge(residuals.numpy(), features.numpy(), 500, 0)
    else:
        k_center(features.numpy(), labeled, 500)
    print(max(0, peak_memory() - before))


def peers(python: Path) -> list[dict[str, object]]:
    """Time the other libraries on the same arrays, in the environment that has them."""
    features, residuals = inputs()
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "inputs.npz", features=features.numpy(), residuals=residuals.numpy())
        script = Path(__file__).parent / "peers.py"
        found = subprocess.run(
            [python, script, Path(folder) / "inputs.npz"], capture_output=True, text=True, check=False
        )
    if found.returncode:
        print(f"peers: {found.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return []
    return [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    parser.add_argument("--peers", type=Path, help="Python of an environment with scikit-activeml and small-text.")
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    if arguments.memory:
        measure_memory(arguments.memory)
        return
    features, residuals = inputs()
    labeled, gradients = np.arange(LABELED), FactoredGradients(residuals, features)

    def functions(budget: int) -> dict[str, object]:
        return {
            "badge floor": product(budget, features, residuals),
            "badge": lambda: k_means_plus_plus(gradients, labeled, budget, generator=np.random.default_rng(0)),
            "k-center floor": product(budget + LABELED, features, None),
            "k-center": lambda: farthest_first(features, labeled, budget),
        }

    seconds = interleaved(functions(500), arguments.repeats)
    plain = interleaved(
        {
            "plain badge": lambda: badge(residuals.numpy(), features.numpy(), 500, 0),
            "plain k-center": lambda: k_center(features.numpy(), labeled, 500),
        },
        3,
    )
    sweep = []
    for budget in BUDGETS:
        one = interleaved(functions(budget), 5)
        sweep.append({"budget": budget, **{name: ratio(one, name, f"{name} floor") for name in ("badge", "k-center")}})
    save(
        "selection",
        setting={"rows": ROWS, "width": WIDTH, "classes": CLASSES, "labeled": LABELED, "budget": 500},
        seconds=seconds | plain,
        memory={what: memory_of(what) for what in ("badge", "k-center", "plain badge", "plain k-center")},
        sweep=sweep,
        peers=peers(arguments.peers) if arguments.peers else [],
        checks=[
            {"name": "BADGE", "ratio": ratio(seconds, "badge", "badge floor"), "at_most": 2.5, "of": "its product"},
            {
                "name": "k-center",
                "ratio": ratio(seconds, "k-center", "k-center floor"),
                "at_most": 2.0,
                "of": "its product",
            },
        ],
    )


if __name__ == "__main__":
    main()
