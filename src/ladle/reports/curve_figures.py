"""Figures of one experiment over the labels spent: learning curves, and each strategy's difference to random."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from ladle.experiments.results import ExperimentResults
from ladle.reports.analysis import BASELINE, check
from ladle.reports.labels import figure_label, text_width
from ladle.reports.style import COLUMN_WIDTH, FULL_WIDTH, StrategyStyle, Width, paper_style, strategy_styles

#: Drawn last, over all others.
HIGHLIGHT = "grad"
#: More markers than this on a curve hide it.
_MOST_MARKERS = 8
_LEGEND_POINTS = 7.0
#: Inches of a legend entry that are not its text: line sample and gaps.
_LEGEND_HANDLE = 0.42


def learning_curve_figure(
    results: ExperimentResults, *, width: Width = "full", styles: Mapping[str, StrategyStyle] | None = None
) -> Figure:
    """Draw the mean test accuracy of each strategy over its labels, with a band of ±1 standard deviation over seeds.

    The initial evaluation, which all strategies share, is drawn too. One seed has no band. The legend stands outside
    of the axes.

    Args:
        results: one experiment.
        width: "full" or "column".
        styles: a style for each strategy, from `strategy_styles` over all strategies of a report; None takes those of
            this experiment alone.

    Returns:
        A figure that no global state knows of.

    Raises:
        InputError: arrays that do not fit together, or nothing in them.
    """
    check(results)
    styles = styles or strategy_styles(results.strategies)
    means = results.accuracies.mean(axis=-1)
    spreads = spread(results.accuracies)
    with paper_style():
        inches = FULL_WIDTH if width == "full" else COLUMN_WIDTH
        figure = Figure(figsize=(inches, 3.4 if width == "full" else 3.1), layout="constrained")
        axes = figure.add_subplot()
        for order, place in enumerate(drawing_order(results.strategies)):
            style = styles[results.strategies[place]]
            if spreads is not None:
                band(axes, results.labeled, means[place], spreads[place], style, alpha=0.10)
            axes.plot(
                results.labeled,
                means[place],
                color=style.color,
                linestyle=style.dash,
                marker=style.marker,
                markevery=marker_places(len(results.labeled), order),
                markeredgecolor="white",
                markeredgewidth=0.4,
                linewidth=1.8 if results.strategies[place] == HIGHLIGHT else 1.2,
                zorder=3 + order / 10,
                label=results.strategies[place],
            )
        axes.set_xlabel("Labeled examples")
        axes.set_ylabel("Test accuracy")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))
        finish_label_axis(axes, results.labeled)
        _keep_span(axes, least=0.01)
        legend_above(figure, axes, results.strategies, inches)
    return figure


def difference_figure(
    results: ExperimentResults, *, width: Width = "full", styles: Mapping[str, StrategyStyle] | None = None
) -> Figure | None:
    """Draw, in a small panel for each strategy, by how many points it is above or below random.

    The difference is taken seed by seed (a seed has the same initial set and pool for every strategy), then averaged;
    the band is ±1 standard deviation of these differences. The other strategies lie behind in gray.

    Args:
        results: one experiment.
        width: "full" has up to four panels side by side, "column" two.
        styles: as for `learning_curve_figure`.

    Returns:
        A figure that no global state knows of; None where `random` or a strategy to compare with it is missing, or
        where there is only the initial evaluation, which is the same for all.

    Raises:
        InputError: arrays that do not fit together, or nothing in them.
    """
    check(results)
    others = [place for place, name in enumerate(results.strategies) if name != BASELINE]
    if BASELINE not in results.strategies or not others or len(results.labeled) < 2:
        return None
    styles = styles or strategy_styles(results.strategies)
    differences = 100 * (results.accuracies - results.accuracies[results.strategies.index(BASELINE)])
    means = differences.mean(axis=-1)
    spreads = spread(differences)
    rows = ceil(len(others) / (4 if width == "full" else 2))
    columns = ceil(len(others) / rows)
    inches = FULL_WIDTH if width == "full" else COLUMN_WIDTH
    with paper_style():
        height = max(1.55, min(2.4, inches / columns * 0.8))
        figure = Figure(figsize=(inches, height * rows + 0.35), layout="constrained")
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        letters = int(inches / columns * 0.82 / text_width("n", 8))
        for axes, place in zip(grid, others, strict=False):
            style = styles[results.strategies[place]]
            for other in others:
                if other != place:
                    axes.plot(results.labeled, means[other], color="#C4C4C4", linewidth=0.7, zorder=2)
            if spreads is not None:
                band(axes, results.labeled, means[place], spreads[place], style, alpha=0.25)
            axes.axhline(0, color=styles[BASELINE].color, linestyle=styles[BASELINE].dash, linewidth=1.0, zorder=3)
            axes.plot(
                results.labeled,
                means[place],
                color=style.color,
                linestyle=style.dash,
                marker=style.marker,
                markevery=marker_places(len(results.labeled), 0),
                markeredgecolor="white",
                markeredgewidth=0.4,
                zorder=4,
                label=results.strategies[place],
            )
            axes.set_title(figure_label(results.strategies[place], letters), loc="left", pad=3)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda points, _: f"{points:+.3g}" if points else "0"))
            finish_label_axis(axes, results.labeled, ticks=3)
        _keep_span(grid[0], least=1.0)
        for axes in grid[len(others) :]:
            axes.set_axis_off()
        for column in range(columns):  # the lowest panel of a column shows the ticks that the shared axis has
            grid[max(place for place in range(column, len(others), columns))].tick_params(labelbottom=True)
        figure.supxlabel("Labeled examples", fontsize=8)
        figure.supylabel("Difference to random (points)", fontsize=8)
    return figure


def spread(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the standard deviation over the last axis, with S − 1 in the denominator; None with one seed."""
    return values.std(axis=-1, ddof=1) if values.shape[-1] > 1 else None


def drawing_order(strategies: tuple[str, ...]) -> list[int]:
    """Return the places of the strategies in the order they are drawn: random first, the highlighted one on top."""
    rank = {BASELINE: 0, HIGHLIGHT: 2}
    return sorted(range(len(strategies)), key=lambda place: rank.get(strategies[place], 1))


def marker_places(evaluations: int, order: int) -> tuple[int, int]:
    """Return first and step of a curve's markers: few enough to see the line, and not all above each other."""
    step = ceil(evaluations / _MOST_MARKERS)
    return order % step, step


def band(
    axes: Axes,
    labeled: NDArray[np.int64],
    mean: NDArray[np.float64],
    deviation: NDArray[np.float64],
    style: StrategyStyle,
    *,
    alpha: float,
) -> None:
    """Fill one standard deviation to both sides of a mean curve."""
    axes.fill_between(
        labeled, mean - deviation, mean + deviation, color=style.color, alpha=alpha, linewidth=0, zorder=2
    )


def finish_label_axis(axes: Axes, labeled: NDArray[np.int64], ticks: int = 7) -> None:
    """Give the axis of labels whole numbers with thousands set apart, and sensible limits for a single evaluation."""
    axes.xaxis.set_major_locator(MaxNLocator(nbins=ticks, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    if len(labeled) == 1:
        axes.set_xlim(labeled[0] - 1, labeled[0] + 1)


def legend_above(figure: Figure, axes: Axes, strategies: tuple[str, ...], inches: float) -> None:
    """Set a legend above the axes, in catalog order, in as many columns as fit."""
    handles = {line.get_label(): line for line in axes.get_lines()}
    names = [figure_label(name, int((inches - 0.6) / text_width("n", _LEGEND_POINTS))) for name in strategies]
    entry = max(text_width(name, _LEGEND_POINTS) for name in names) + _LEGEND_HANDLE
    columns = max(1, min(len(names), int((inches - 0.2) / entry)))
    columns = ceil(len(names) / ceil(len(names) / columns))  # as even as the rows allow
    figure.legend([handles[name] for name in strategies], names, loc="outside upper center", ncols=columns)


def _keep_span(axes: Axes, least: float) -> None:
    """Keep the vertical axis from blowing up a difference that is none."""
    low, high = axes.get_ylim()
    if high - low < least:
        middle = (low + high) / 2
        axes.set_ylim(middle - least / 2, middle + least / 2)
