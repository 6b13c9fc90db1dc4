"""The paper's generalization bound along a training, beside the risk that it bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ladle.experiments.bound import BoundedTraining, BoundOverTraining
from ladle.reports.figures.style import FULL_WIDTH, paper_style, plain_log_axis

_COLORS = ("#56B4E9", "#0072B2", "#332288", "#009E73", "#CC79A7")
_RISK = "black"


def bound_figure(found: BoundOverTraining) -> Figure:
    """Draw a panel for each precision: eq. 6 as lines, eq. 10 as dashes, a color for each η, and the risk held out."""
    with paper_style():
        figure = Figure(figsize=(FULL_WIDTH, 3.0), layout="constrained")
        grid = figure.subplots(1, len(found.trainings), squeeze=False, sharey=True)[0]
        for axes, training in zip(grid, found.trainings, strict=True):
            _panel(axes, training, found.step_size)
        grid[0].set_ylabel("Share of wrong answers, its bounds")
        handles, labels = grid[0].get_legend_handles_labels()
        # Filled column by column: each has both bounds of an η, the last the risk and the line at 1.
        figure.legend(handles, labels, loc="outside upper center", ncols=len(found.trainings[0].bounds) + 1)
    return figure


def bound_numbers(found: BoundOverTraining) -> dict[str, Any]:
    """Return sizes, constants, and by precision over step size what became of them after the last step."""
    return {
        "data": found.data,
        "examples": found.examples,
        "subset": found.subset,
        "dimension": found.dimension,
        "held_out": found.held_out,
        "steps": len(found.trainings[0].sums),
        "step_size": found.step_size,
        "delta": found.delta,
        "trainings": {
            f"{one.precision / found.step_size:g}": {
                "precision": one.precision,
                "discrepancies": [float(value) for value in one.discrepancies],
                "growing": int((np.diff(one.discrepancies) > 0).sum()),
                "sum": float(one.sums[-1]),
                "moved": int(one.moved.sum()),
                "empirical_risk": float(one.empirical_risks[-1]),
                "held_out_risk": float(one.held_out_risks[-1]),
                "bound": {f"{eta:g}": float(values[-1]) for eta, values in one.bounds.items()},
                "simplified": {f"{eta:g}": float(values[-1]) for eta, values in one.simplified.items()},
            }
            for one in found.trainings
        },
    }


def _panel(axes: Axes, training: BoundedTraining, step_size: float) -> None:
    steps = np.arange(1, len(training.sums) + 1)
    for color, (eta, values) in zip(_COLORS, training.bounds.items(), strict=False):
        axes.plot(steps, values, color=color, linewidth=1.2, label=f"eq. 6, η = {eta:g}")
        axes.plot(steps, training.simplified[eta], "--", color=color, linewidth=1.0, label=f"eq. 10, η = {eta:g}")
    axes.plot(steps, training.held_out_risks, color=_RISK, linewidth=1.2, label="held-out examples")
    axes.axhline(1, color="#808080", linewidth=0.8, linestyle=":", label="above: says nothing")
    axes.set_yscale("log")
    plain_log_axis(axes.yaxis)
    axes.set_title(f"ε = {training.precision / step_size:g} γ", fontsize=7)
    axes.set_xlabel("Step")
