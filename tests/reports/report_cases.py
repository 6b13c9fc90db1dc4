"""Experiments made up for the tests of reports: plausible curves, and the awkward ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ladle.experiments.results import ExperimentResults

CATALOG = (
    "random",
    "entropy",
    "margin",
    "least-confidence",
    "egl",
    "grad",
    "badge",
    "k-center",
    "grad-cosine",
    "grad-volume",
    "grad-d2",
)
LONG_NAMES = (
    "random",
    "a-recipe-with-a-very-long-name-that-somebody-gave-it",
    "_hidden from legends $x_1$ & <b>bold</b>",
    "語-recipe\nwith a line break",
)


def from_accuracies(
    accuracies: NDArray[np.float64] | Sequence[Sequence[Sequence[float]]],
    strategies: Sequence[str] = ("random", "margin"),
    labeled: Sequence[int] | None = None,
    name: str = "letters",
    identity: str = "0123456789abcdef",
    unfinished: int = 0,
) -> ExperimentResults:
    """Return results with these (K, R, S) accuracies; picking takes strategy k 1 + k seconds, training 2 seconds."""
    values = np.asarray(accuracies, dtype=np.float64)
    count, evaluations, seeds = values.shape
    acquisition = np.broadcast_to(1.0 + np.arange(count)[:, None, None], values.shape).copy()
    acquisition[:, -1] = np.nan
    return ExperimentResults(
        name=name,
        identity=identity,
        strategies=tuple(strategies),
        seeds=tuple(range(seeds)),
        labeled=np.asarray(labeled if labeled is not None else 100 * np.arange(1, evaluations + 1), dtype=np.int64),
        accuracies=values,
        acquisition_seconds=acquisition,
        selection_seconds=acquisition / 2,
        training_seconds=np.full(values.shape, 2.0),
        config={
            "data": {"name": "letters"},
            "model": {"name": "mlp", "hidden": [512, 256]},
            "schedule": {"batch": 100, "path": None},
        },
        environment={"torch": "2.6.0", "machine": {"cores": 2}},
        learning_rate=0.005,
        unfinished=unfinished,
        data={"classes": 26, "pool": 12345},
    )


def made_up(
    strategies: Sequence[str] = CATALOG,
    evaluations: int = 7,
    seeds: int = 5,
    *,
    seed: int = 0,
    gains: Sequence[float] | None = None,
    noise: float = 0.006,
    name: str = "made up",
    identity: str = "0123456789abcdef",
) -> ExperimentResults:
    """Return results on rising curves; `gains` lift each strategy above a common curve after the initial evaluation."""
    generator = np.random.default_rng(seed)
    curve = 0.93 - 0.45 * np.arange(1, evaluations + 1) ** -0.8
    lifts = generator.normal(0, 0.01, len(strategies)) if gains is None else np.asarray(gains)
    accuracies = curve[None, :, None] + lifts[:, None, None] + generator.normal(0, noise, (1, 1, seeds))
    accuracies = accuracies + generator.normal(0, noise / 2, (len(strategies), evaluations, seeds))
    accuracies[:, 0] = accuracies[0, 0]
    return from_accuracies(np.clip(accuracies, 0, 1), strategies, name=name, identity=identity)
