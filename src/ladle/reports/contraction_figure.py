"""The discrepancy between a set and its subset while a model trains (figure 6 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ladle.errors import InputError
from ladle.experiments.contraction import DiscrepancyOverTraining
from ladle.reports.style import FULL_WIDTH, paper_style
from ladle.statistics import Contraction

_LINE, _VIOLATION = "#0072B2", "#D55E00"


def contraction_figure(runs: Sequence[tuple[DiscrepancyOverTraining, Contraction]]) -> Figure:
    """Draw a panel for each data set, the epochs that violate assumption 1 marked, the fitted rate in the title.

    Raises:
        InputError: no data set.
    """
    if not runs:
        raise InputError("this figure needs a data set at hand (got none of its three); put one into the data home")
    with paper_style():
        figure = Figure(figsize=(FULL_WIDTH, 2.4), layout="constrained")
        for axes, (found, fitted) in zip(figure.subplots(1, len(runs), squeeze=False).ravel(), runs, strict=True):
            values = found.discrepancies
            epochs = np.arange(1, len(values) + 1)
            axes.plot(epochs, values, color=_LINE, linewidth=1.2, label="discrepancy")
            places = np.asarray(fitted.violations, dtype=np.int64)
            axes.plot(
                epochs[places],
                values[places],
                ".",
                color=_VIOLATION,
                markersize=4,
                label=f"above the epoch before ({len(places)})",
            )
            axes.set_yscale("log")
            axes.set_title(f"{found.data}: ρ = {fitted.rate:.4f}")
            axes.set_xlabel("Epoch")
            axes.legend(frameon=False, fontsize=6)
        figure.supylabel("|DF(S, S_J, t)|", fontsize=8)
    return figure
