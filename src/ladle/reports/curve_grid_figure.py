"""Learning curves of several experiments side by side, with one legend (figures 3, 4 and 7 to 9 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ladle.errors import InputError
from ladle.experiments import ExperimentResults
from ladle.reports.analysis import check
from ladle.reports.curve_figures import HIGHLIGHT, band, drawing_order, finish_label_axis, marker_places, spread
from ladle.reports.labels import figure_label
from ladle.reports.style import FULL_WIDTH, StrategyStyle, paper_style, strategy_styles

_COLUMNS = 3
_LEGEND_COLUMNS = 6


def curve_grid_figure(
    experiments: Sequence[ExperimentResults], *, styles: Mapping[str, StrategyStyle] | None = None
) -> Figure:
    """Draw a panel of learning curves for each experiment: the mean over seeds, and a band of ±1 standard deviation.

    Args:
        experiments: at least one; panels stand in their order, titled with name and number of seeds.
        styles: a style for each strategy; by default those of all strategies here.

    Returns:
        A figure over the text width that no global state knows of.

    Raises:
        InputError: no experiments, or arrays that do not fit together.
    """
    if not experiments:
        raise InputError("this figure needs an experiment that is stored (got 0); run one, or name another store")
    for results in experiments:
        check(results)
    names = list(dict.fromkeys(name for results in experiments for name in results.strategies))
    styles = styles or strategy_styles(names)
    columns = min(_COLUMNS, len(experiments))
    rows = ceil(len(experiments) / columns)
    legend_rows = ceil(len(names) / _LEGEND_COLUMNS)
    with paper_style():
        figure = Figure(figsize=(FULL_WIDTH, 2.15 * rows + 0.2 * legend_rows + 0.15), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
        for axes, results in zip(grid, experiments, strict=False):
            _panel(axes, results, styles)
        for axes in grid[len(experiments) :]:
            axes.set_visible(False)
        lines = {line.get_label(): line for axes in grid[: len(experiments)] for line in axes.get_lines()}
        figure.legend(
            [lines[name] for name in names],
            [figure_label(name, 18) for name in names],
            loc="outside upper center",
            ncols=min(_LEGEND_COLUMNS, len(names)),
        )
        figure.supxlabel("Labeled examples", fontsize=8)
        figure.supylabel("Test accuracy", fontsize=8)
    return figure


def _panel(axes: Axes, results: ExperimentResults, styles: Mapping[str, StrategyStyle]) -> None:
    means, spreads = results.accuracies.mean(axis=-1), spread(results.accuracies)
    for order, place in enumerate(drawing_order(results.strategies)):
        name = results.strategies[place]
        if spreads is not None:
            band(axes, results.labeled, means[place], spreads[place], styles[name], alpha=0.07)
        axes.plot(
            results.labeled,
            means[place],
            color=styles[name].color,
            linestyle=styles[name].dash,
            marker=styles[name].marker,
            markevery=marker_places(len(results.labeled), order),
            markersize=3.5,
            markeredgecolor="white",
            markeredgewidth=0.3,
            linewidth=1.6 if name == HIGHLIGHT else 1.0,
            zorder=3 + order / 10,
            label=name,
        )
    seeds = len(results.seeds)
    axes.set_title(f"{figure_label(results.name, 26)} ({seeds} seed{'s' if seeds != 1 else ''})")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))
    finish_label_axis(axes, results.labeled, ticks=4)
