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
    """Draw a panel for each data set, the epochs that violate assumption 1 in orange, the fitted rate in the title.

    Raises:
        InputError: no data set.
    """
    if not runs:
        raise InputError("this figure needs a data set at hand (got none of its three); put one into the data home")
    with paper_style():
        figure = Figure(figsize=(FULL_WIDTH, 2.5), layout="constrained")
        for axes, (found, fitted) in zip(figure.subplots(1, len(runs), squeeze=False).ravel(), runs, strict=True):
            values = found.discrepancies
            epochs = np.arange(1, len(values) + 1)
            axes.plot(epochs, values, color=_LINE, linewidth=1.2)
            places = np.asarray(fitted.violations, dtype=np.int64)
            axes.plot(epochs[places], values[places], ".", color=_VIOLATION, markersize=3)
            axes.set_ylim(0, 1.25 * float(values.max()) or 1.0)
            axes.set_title(
                f"{found.data}: ρ = {fitted.rate:.4f}\n{len(places)} epochs above the one before", fontsize=7
            )
            axes.set_xlabel("Epoch")
        figure.supylabel("Discrepancy of S and its subset", fontsize=8)
    return figure
