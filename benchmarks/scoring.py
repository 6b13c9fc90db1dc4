"""The discrepancy against entropy: with the last layer included, and with the whole forward pass."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from timing import at_most, interleaved, options, ratio, save

from ladle import scores
from ladle.gradients import cross_entropy, mean_gradient
from ladle.models import build_model, pool_outputs
from ladle.strategies import CATALOG, PoolOutputs

ROWS, WIDTH, CLASSES, LABELED, THREADS = 25_000, 256, 10, 1000, 2
IMAGES = {"lenet": 8192, "resnet18": 512}


def with_forward(name: str, images: int, generator: torch.Generator, labels: torch.Tensor) -> dict[str, Any]:
    """Return the times of a forward pass and of both selections from it, and the ratio of the sums."""
    pixels = torch.randn(images, 3, 32, 32, generator=generator)
    network = build_model(name, example_shape=(3, 32, 32), classes=CLASSES)().eval()
    passed = pool_outputs(network, pixels)
    outputs = PoolOutputs(passed.features, passed.logits, np.arange(len(labels)), labels, cross_entropy, passed.bias)

    def select(strategy: str) -> None:
        CATALOG[strategy].select(outputs, 50, generator=np.random.default_rng(0))

    seconds = interleaved(
        {
            "forward": partial(pool_outputs, network, pixels),
            "entropy": partial(select, "entropy"),
            "grad": partial(select, "grad"),
        },
        5,
    )
    middle = {key: float(np.median(values)) for key, values in seconds.items()}
    whole = {key: middle["forward"] + middle[key] for key in ("entropy", "grad")}
    return {"images": images, "seconds": seconds, "ratio": whole["grad"] / whole["entropy"]}


def with_head(repeats: int) -> dict[str, list[float]]:
    """Return the times of scores from features, and of the products in them."""
    torch.set_num_threads(THREADS)
    generator = torch.Generator().manual_seed(0)
    # By a hidden layer, as in use: a process that let go of arrays as large keeps pages at hand for the small ones after.
    hidden = torch.randn(WIDTH, WIDTH, generator=generator) / WIDTH**0.5
    features = (torch.randn(ROWS, WIDTH, generator=generator) @ hidden).relu()
    weight, bias = 0.1 * torch.randn(CLASSES, WIDTH, generator=generator), torch.randn(CLASSES, generator=generator)
    logits, labels = torch.addmm(bias, features, weight.T), torch.arange(LABELED) % CLASSES
    reference = mean_gradient(cross_entropy.residuals(logits[:LABELED], labels), features[:LABELED])
    outputs = PoolOutputs(features, logits, np.arange(LABELED), labels, cross_entropy, bias=True)
    twice, twice_bias = torch.cat([weight, weight]), torch.cat([bias, bias])
    columns = logits.T.contiguous().T
    return interleaved(
        {
            "entropy with head": lambda: scores.entropy(torch.addmm(bias, features, weight.T)),
            "grad with head": lambda: scores.discrepancy_with_head(
                features, weight, bias, reference, LABELED, cross_entropy.pseudo_residuals
            ),
            "entropy of logits": lambda: CATALOG["entropy"].view(outputs),
            "grad of logits": lambda: CATALOG["grad"].view(outputs),
            "head": lambda: torch.addmm(bias, features, weight.T),
            "head and reference in one product": lambda: torch.mm(twice, features.T).add_(twice_bias.unsqueeze(1)),
            "the same, an example after the other": lambda: torch.addmm(twice_bias, features, twice.T),
            "lengths of the features": lambda: torch.linalg.vector_norm(features, dim=1),
            "residuals": lambda: cross_entropy.pseudo_residuals(columns),
            "residuals, an example after the other": lambda: cross_entropy.pseudo_residuals(logits),
        },
        repeats,
    )


def main() -> None:
    """Measure, print and save."""
    parser = options(__doc__)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--processes", type=int, default=7)
    arguments = parser.parse_args()
    # Where in memory the arrays come to lie decides over a tenth of such short times, and stays for a process's life.
    seconds: dict[str, list[float]] = {}
    for _ in range(arguments.processes):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            for name, values in process.submit(with_head, arguments.repeats).result().items():
                seconds.setdefault(name, []).extend(values)
    torch.set_num_threads(THREADS)
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(LABELED) % CLASSES
    forward = {name: with_forward(name, images, generator, labels[:100]) for name, images in IMAGES.items()}
    checks = [at_most("grad, head included", ratio(seconds, "grad with head", "entropy with head"), 1.5, "entropy")]
    checks += [
        at_most(f"grad, {name} forward included", {"ratio": one["ratio"]}, 1.1, "entropy")
        for name, one in forward.items()
    ]
    save(
        arguments.results,
        "scoring",
        setting={
            "rows": ROWS,
            "width": WIDTH,
            "classes": CLASSES,
            "labeled": LABELED,
            "processes": arguments.processes,
        },
        seconds=seconds,
        forward=forward,
        checks=checks,
    )


if __name__ == "__main__":
    main()
