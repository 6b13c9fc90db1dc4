"""Histograms of the discrepancy in and out of distribution (figure 2 of the paper)."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ladle.experiments.shift import ShiftScores
from ladle.reports.figures.style import COLUMN_WIDTH, paper_style

_BINS = 60
_INSIDE, _OUTSIDE = "#0072B2", "#D55E00"


def shift_figure(found: ShiftScores) -> Figure:
    """Draw both histograms over the same bins, with the AUROC in the title.

    The highest thousandth of all scores is gathered in the last bin: a few far ones would squeeze all others together.
    """
    both = np.concatenate([found.inside_scores, found.outside_scores])
    edges = np.linspace(0.0, float(np.quantile(both, 0.999)) or 1.0, _BINS + 1)
    with paper_style():
        figure = Figure(figsize=(1.4 * COLUMN_WIDTH, 2.6), layout="constrained")
        axes = figure.add_subplot()
        for name, values, color in (
            (f"{found.inside} (in distribution)", found.inside_scores, _INSIDE),
            (f"{found.outside} (out of distribution)", found.outside_scores, _OUTSIDE),
        ):
            axes.hist(
                np.minimum(values, edges[-1]),
                bins=edges.tolist(),
                color=color,
                alpha=0.45,
                label=f"{name}, median {np.median(values):.3g}",
                histtype="stepfilled",
                edgecolor=color,
            )
        axes.set_xlabel("Discrepancy")
        axes.set_ylabel(f"Examples of {len(found.inside_scores):,}")
        axes.set_title(f"AUROC {found.auroc:.3f} (entropy {found.entropy_auroc:.3f})")
        axes.legend(frameon=False)
    return figure
