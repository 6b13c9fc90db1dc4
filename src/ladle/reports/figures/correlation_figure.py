"""The discrepancy over all parameters against that over the last layer."""

from __future__ import annotations

from matplotlib.figure import Figure
from scipy.stats import rankdata

from ladle.experiments.full_vs_last import FullAgainstLast
from ladle.reports.figures.style import FULL_WIDTH, paper_style, plain_log_axis

_DOT = "#0072B2"


def correlation_figure(found: FullAgainstLast) -> Figure:
    """Draw values against values on log axes, and ranks against ranks, rank 1 being the largest discrepancy."""
    with paper_style():
        figure = Figure(figsize=(FULL_WIDTH, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        positive = (found.last > 0) & (found.full > 0)
        left.scatter(found.last[positive], found.full[positive], s=4, color=_DOT, alpha=0.4, linewidths=0)
        left.set(xscale="log", yscale="log", xlabel="Discrepancy, last layer", ylabel="Discrepancy, all parameters")
        plain_log_axis(left.xaxis)
        plain_log_axis(left.yaxis)
        left.set_title(f"{found.data}, {found.labeled} labeled")
        right.scatter(rankdata(-found.last), rankdata(-found.full), s=4, color=_DOT, alpha=0.4, linewidths=0)
        right.set(xlabel="Rank by the last layer", ylabel="Rank by all parameters")
        right.set_title(f"Spearman {found.spearman:.3f}; highest tenth: {100 * found.overlap:.0f}% in common")
    return figure
