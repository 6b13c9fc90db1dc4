"""The discrepancy between a set and its subset while a model trains (figure 6 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ladle.errors import InputError
from ladle.experiments.contraction import DiscrepancyOverTraining
from ladle.reports.figures.style import FULL_WIDTH, paper_style
from ladle.statistics import contraction

_LINE, _VIOLATION, _OTHERS = "#0072B2", "#D55E00", "#B0B0B0"


def contraction_figure(runs: Sequence[Sequence[DiscrepancyOverTraining]]) -> Figure:
    """Draw a panel for each data set: the first seed in color, the others in gray.

    Epochs of the first that violate assumption 1 are orange; its fitted rate and its losses are in the title.

    Args:
        runs: of each data set, the seeds, at least one.

    Raises:
        InputError: no data set.
    """
    if not runs:
        raise InputError("this figure needs a data set at hand (got none of its three); put one into the data home")
    with paper_style():
        figure = Figure(figsize=(FULL_WIDTH, 2.6), layout="constrained")
        for axes, seeds in zip(figure.subplots(1, len(runs), squeeze=False).ravel(), runs, strict=True):
            _panel(axes, seeds)
        figure.supylabel("Discrepancy of S and its subset", fontsize=8)
    return figure


def contraction_numbers(seeds: Sequence[DiscrepancyOverTraining]) -> dict[str, Any]:
    """Return what belongs to one data set: all of the first seed, and under ``others`` the same of the other seeds."""
    first, *others = seeds
    return {
        "examples": first.examples,
        "subset": first.subset,
        **_seed_numbers(first),
        "seeds": len(seeds),
        "others": [{"seed": one.seed, **_seed_numbers(one)} for one in others],
    }


def _seed_numbers(found: DiscrepancyOverTraining) -> dict[str, Any]:
    fitted = contraction(found.discrepancies)
    return {
        "discrepancies": [float(value) for value in found.discrepancies],
        "losses": [float(found.losses[0]), float(found.losses[-1])],
        "rate": fitted.rate,
        "violations": [int(epoch) for epoch in fitted.violations],
    }


def _panel(axes: Axes, seeds: Sequence[DiscrepancyOverTraining]) -> None:
    first, *others = seeds
    fitted = contraction(first.discrepancies)
    epochs = np.arange(1, len(first.discrepancies) + 1)
    for one in others:
        axes.plot(epochs, one.discrepancies, color=_OTHERS, linewidth=0.9)
    axes.plot(epochs, first.discrepancies, color=_LINE, linewidth=1.2)
    places = np.asarray(fitted.violations, dtype=np.int64)
    axes.plot(epochs[places], first.discrepancies[places], ".", color=_VIOLATION, markersize=3)
    axes.set_ylim(0, 1.25 * max(float(one.discrepancies.max()) for one in seeds) or 1.0)
    axes.set_title(
        f"{first.data}: ρ = {fitted.rate:.4f}\n{len(places)} epochs above the one before\n"
        f"loss on S from {first.losses[0]:.4f} to {first.losses[-1]:.4f}",
        fontsize=7,
    )
    axes.set_xlabel("Epoch")
