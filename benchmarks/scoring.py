"""The discrepancy against entropy: with the last layer included, and with the whole forward pass."""

from __future__ import annotations

import argparse

import numpy as np
import torch
from timing import interleaved, ratio, save

from ladle import scores
from ladle.gradients import cross_entropy, mean_gradient
from ladle.models import build_model, pool_outputs
from ladle.strategies import CATALOG, PoolOutputs

ROWS, WIDTH, CLASSES, LABELED = 25_000, 256, 10, 1000


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=60)
    arguments = parser.parse_args()
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(ROWS, WIDTH, generator=generator).relu_()
    weight, bias = 0.1 * torch.randn(CLASSES, WIDTH, generator=generator), torch.randn(CLASSES, generator=generator)
    logits, labels = torch.addmm(bias, features, weight.T), torch.arange(LABELED) % CLASSES
    reference = mean_gradient(cross_entropy.residuals(logits[:LABELED], labels), features[:LABELED])
    outputs = PoolOutputs(features, logits, np.arange(LABELED), labels, cross_entropy, bias=True)
    seconds = interleaved(
        {
            "entropy with head": lambda: scores.entropy(torch.addmm(bias, features, weight.T)),
            "grad with head": lambda: scores.discrepancy_with_head(
                features, weight, bias, reference, LABELED, cross_entropy.pseudo_residuals
            ),
            "entropy of logits": lambda: CATALOG["entropy"].view(outputs),
            "grad of logits": lambda: CATALOG["grad"].view(outputs),
            "head": lambda: torch.addmm(bias, features, weight.T),
            "head and reference in one product": lambda: torch.addmm(
                torch.cat([bias, bias]), features, torch.cat([weight, weight]).T
            ),
        },
        arguments.repeats,
    )
    forward = {}
    for name, images in (("lenet", 8192), ("resnet18", 512)):
        pixels = torch.randn(images, 3, 32, 32, generator=generator)
        network = build_model(name, example_shape=(3, 32, 32), classes=CLASSES)().eval()
        passed = pool_outputs(network, pixels)
        some = PoolOutputs(
            passed.features, passed.logits, np.arange(100), labels[:100], cross_entropy, bias=passed.bias
        )
        one = interleaved(
            {
                "forward": lambda network=network, pixels=pixels: pool_outputs(network, pixels),
                "entropy": lambda some=some: CATALOG["entropy"].select(some, 50, generator=np.random.default_rng(0)),
                "grad": lambda some=some: CATALOG["grad"].select(some, 50, generator=np.random.default_rng(0)),
            },
            5,
        )
        middle = {key: float(np.median(values)) for key, values in one.items()}
        forward[name] = {
            "images": images,
            "seconds": one,
            "ratio": (middle["forward"] + middle["grad"]) / (middle["forward"] + middle["entropy"]),
        }
    checks = [
        {
            "name": "grad, head included",
            "ratio": ratio(seconds, "grad with head", "entropy with head"),
            "at_most": 1.5,
            "of": "entropy",
        }
    ]
    checks += [
        {"name": f"grad, {name} forward included", "ratio": one["ratio"], "at_most": 1.1, "of": "entropy"}
        for name, one in forward.items()
    ]
    save(
        "scoring",
        setting={"rows": ROWS, "width": WIDTH, "classes": CLASSES, "labeled": LABELED},
        seconds=seconds,
        forward=forward,
        checks=checks,
    )


if __name__ == "__main__":
    main()
