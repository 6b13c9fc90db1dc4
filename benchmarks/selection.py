"""BADGE and k-center at the paper's setting, against the one matrix product that any exact method needs."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from floor import fastest, product
from plain_numpy import badge, k_center
from timing import at_most, forget_peak, interleaved, options, peak_memory, ratio, save
from torch import Tensor

from ladle.data import DataConfig, load_pool, resolve_data_home
from ladle.errors import DataError
from ladle.gradients import FactoredGradients, cross_entropy
from ladle.models import TrainingConfig, build_model, pool_outputs, train
from ladle.selectors import LocalPasses, farthest_first, k_means_plus_plus
from ladle.typing import Embedding, Indices

ROWS, WIDTH, CLASSES, LABELED, BUDGET, THREADS = 25_000, 256, 10, 1000, 500, 2
# One size at a time is another than in the paper's setting.
SWEEPS = {
    "rows": (3125, 6250, 12_500, 25_000, 50_000, 100_000),
    "width": (32, 64, 128, 256, 512, 1024),
    "classes": (2, 10, 100, 1000),
    "budget": (50, 100, 200, 500, 1000, 2000),
}


def inputs(rows: int = ROWS, width: int = WIDTH, classes: int = CLASSES) -> tuple[Tensor, Tensor]:
    """Return features as a ReLU leaves them, and residuals of a model that is fairly sure."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(rows, width, generator=generator).relu_()
    logits = 2 * torch.randn(rows, classes, generator=generator)
    return features, cross_entropy.pseudo_residuals(logits)


def real_inputs() -> tuple[Tensor, Tensor] | None:
    """Return what LeNet, trained on the labeled rows, says of as many CIFAR-10 images; None where there are none."""
    try:
        pool = load_pool(DataConfig(name="cifar10", pool_size=ROWS), data_home=resolve_data_home(None))
    except DataError as error:
        print(f"CIFAR-10 left out: {error}")
        return None

    def build() -> torch.nn.Module:
        return build_model("lenet", example_shape=tuple(pool.inputs.shape[1:]), classes=len(pool.classes))()

    network = train(build, pool.inputs[:LABELED], pool.labels[:LABELED], TrainingConfig(epochs=10), seed=0)
    passed = pool_outputs(network, pool.inputs)
    return passed.features, cross_entropy.pseudo_residuals(passed.logits)


def functions(features: Tensor, residuals: Tensor, budget: int) -> tuple[dict[str, Callable[[], Any]], dict[str, str]]:
    """Return both methods and their products, and how the products are written."""
    labeled, gradients = np.arange(LABELED), FactoredGradients(residuals, features)
    badge_way = fastest([features, residuals], budget)
    k_center_way = fastest([features], LABELED + budget)
    timed: dict[str, Callable[[], Any]] = {
        "badge floor": product([features, residuals], budget, badge_way),
        "badge": lambda: k_means_plus_plus(gradients, labeled, budget, generator=np.random.default_rng(0)),
        "k-center floor": product([features], LABELED + budget, k_center_way),
        "k-center": lambda: farthest_first(features, labeled, budget),
    }
    return timed, {"badge": str(badge_way), "k-center": str(k_center_way)}


def plain_functions(features: Tensor, residuals: Tensor, budget: int) -> dict[str, Callable[[], Any]]:
    """Return both methods as most libraries have them."""
    rows, others = features.numpy(), residuals.numpy()
    return {
        "plain badge": lambda: badge(others, rows, budget, 0),
        "plain k-center": lambda: k_center(rows, np.arange(LABELED), budget),
    }


def ratios(features: Tensor, residuals: Tensor, budget: int, repeats: int) -> dict[str, Any]:
    """Return both methods' times in units of their products, and every single time."""
    seconds = interleaved(functions(features, residuals, budget)[0], repeats)
    found = {name: ratio(seconds, name, f"{name} floor") for name in ("badge", "k-center")}
    return {**found, "seconds": seconds}


def sweep(by: str, repeats: int) -> list[dict[str, Any]]:
    """Return the times at each of the sizes, with plain NumPy's once."""
    found = []
    for size in SWEEPS[by]:
        features, residuals = inputs(**({by: size} if by != "budget" else {}))
        budget = size if by == "budget" else BUDGET
        one = ratios(features, residuals, budget, repeats)
        plain = interleaved(plain_functions(features, residuals, budget), 1)
        found.append({"size": size, **one, "seconds": one["seconds"] | plain})
    return found


def centers_passed(features: Tensor, residuals: Tensor) -> dict[str, list[int]]:
    """Return the centers of each pass over the pool: fewer in all than the product has where none is needed any more."""
    found: dict[str, list[int]] = {}
    reach = LocalPasses.reach
    for name, method in functions(features, residuals, BUDGET)[0].items():
        passes: list[int] = []

        def counted(self: LocalPasses, of: Embedding, taken: Indices, passes: list[int] = passes) -> None:
            passes.append(len(of))
            reach(self, of, taken)

        with patch.object(LocalPasses, "reach", counted):
            method()
        if passes:
            found[name] = passes
    return found


def memory_of(what: str) -> int:
    """Return the bytes that a selection takes beyond its inputs, in a process of its own."""
    found = subprocess.run([sys.executable, __file__, "--memory", what], capture_output=True, text=True, check=True)
    return int(found.stdout.split()[-1])


def measure_memory(what: str) -> None:
    """Print it."""
    features, residuals = inputs()
    labeled = np.arange(LABELED)
    # The libraries' own threads and buffers are there before the count starts.
    product([features], LABELED, fastest([features[:4096]], LABELED))()
    before = forget_peak()
    if what == "badge":
        k_means_plus_plus(FactoredGradients(residuals, features), labeled, BUDGET, generator=np.random.default_rng(0))
    elif what == "k-center":
        farthest_first(features, labeled, BUDGET)
    elif what == "plain badge":
        badge(residuals.numpy(), features.numpy(), BUDGET, 0)
    else:
        k_center(features.numpy(), labeled, BUDGET)
    print(max(0, peak_memory() - before))


def peers(python: Path) -> list[dict[str, object]]:
    """Time the other libraries on the same arrays, in the environment that has them."""
    features, residuals = inputs()
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "inputs.npz"
        np.savez(arrays, features=features.numpy(), residuals=residuals.numpy())
        script = Path(__file__).parent / "peers.py"
        found = subprocess.run([python, script, arrays], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]


def main() -> None:
    """Measure, print and save."""
    parser = options(__doc__)
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    parser.add_argument("--peers", type=Path, help="Python of an environment with scikit-activeml and small-text.")
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    if arguments.memory:
        measure_memory(arguments.memory)
        return
    features, residuals = inputs()
    timed, ways = functions(features, residuals, BUDGET)
    seconds = interleaved(timed, arguments.repeats)
    plain = interleaved(plain_functions(features, residuals, BUDGET), 3)
    few = max(3, arguments.repeats // 2)
    real = real_inputs()
    save(
        arguments.results,
        "selection",
        setting={"rows": ROWS, "width": WIDTH, "classes": CLASSES, "labeled": LABELED, "budget": BUDGET},
        ways=ways,
        passes=centers_passed(features, residuals),
        seconds=seconds | plain,
        memory={what: memory_of(what) for what in ("badge", "k-center", "plain badge", "plain k-center")},
        sweeps={by: sweep(by, few) for by in SWEEPS},
        real=real and {"width": real[0].shape[1], "classes": real[1].shape[1], **ratios(*real, BUDGET, few)},
        peers=peers(arguments.peers) if arguments.peers else None,
        checks=[
            at_most("BADGE, 500 of 25,000", ratio(seconds, "badge", "badge floor"), 2.5, "its product"),
            at_most("k-center, 500 of 25,000", ratio(seconds, "k-center", "k-center floor"), 2.0, "its product"),
        ],
    )


if __name__ == "__main__":
    main()
