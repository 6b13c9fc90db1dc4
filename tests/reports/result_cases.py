"""What the tests of the page of results are made of: made-up experiments on named data, and numbers of figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from report_cases import made_up

from ladle.experiments import ExperimentResults
from ladle.reports.claims.claimed_orderings import COMPARED

GEOMETRY: dict[str, Any] = {
    "data": "mnist-5000",
    "test_accuracy": 0.333,
    "dispersion": {
        "gradient space": {
            f"{name}, {size}": 2.0 if name == "grad" else 1.0 for name in ("grad", "entropy") for size in (10, 20, 40)
        },
        "input space": {
            f"{name}, {size}": 1.0 if name == "grad" else 2.0 for name in ("grad", "entropy") for size in (10, 20, 40)
        },
    },
}
SHIFT: dict[str, Any] = {
    "inside": "cifar10",
    "outside": "svhn",
    "model": "lenet",
    "auroc": 0.7,
    "entropy_auroc": 0.6,
    "test_accuracy": 0.5,
}


def experiment(
    name: str, data: str, model: str, gains: tuple[float, ...], strategies: tuple[str, ...] = COMPARED, **more: Any
) -> ExperimentResults:
    found = made_up(strategies, gains=gains, **more)
    config = {**found.config, "data": {"name": data}, "model": {"name": model}, "training": {"epochs": 30}}
    modality = "image" if model in ("lenet", "resnet18", "vgg16") else "table"
    return replace(
        found, name=name, identity=name, config=config, data={"pool": 1234, "classes": 10, "modality": modality}
    )
