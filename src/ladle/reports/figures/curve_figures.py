"""Figures of one experiment over the labels spent: learning curves, and each strategy's difference to random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ladle.experiments.results import ExperimentResults
from ladle.reports.analysis import BASELINE, check
from ladle.reports.figures.curve_panels import band, curve_groups, draw_curves, keep_span, marker_places, spread
from ladle.reports.figures.label_axis import finish_label_axis
from ladle.reports.figures.labels import figure_label, text_width
from ladle.reports.figures.style import COLUMN_WIDTH, FULL_WIDTH, StrategyStyle, Width, paper_style, strategy_styles

#: Panels of one experiment side by side over the text width.
_PANELS_A_ROW = 3
_LEGEND_POINTS = 7.0
#: Inches of a legend entry that are not its text: line sample and gaps.
_LEGEND_HANDLE = 0.42


def learning_curve_figure(
    results: ExperimentResults, *, width: Width = "full", styles: Mapping[str, StrategyStyle] | None = None
) -> Figure:
    """Draw the mean test accuracy of each strategy over its labels.

    More strategies than can be told apart are shared out to a panel for each family, with one scale. `random`, `grad`
    and the best by area have a band of ±1 standard deviation over seeds; one seed has no band. The initial evaluation,
    which all strategies share, is drawn too. The legend stands outside of the axes.

    Args:
        results: one experiment.
        width: "full" sets panels side by side, "column" one above the other.
        styles: a style for each strategy, from `strategy_styles` over all strategies of a report; None takes those of
            this experiment alone.

    Returns:
        A figure that no global state knows of.

    Raises:
        InputError: arrays that do not fit together, or nothing in them.
    """
    check(results)
    styles = styles or strategy_styles(results.strategies)
    groups = curve_groups(results.strategies)
    rows, columns = grid_shape(len(groups), _PANELS_A_ROW if width == "full" else 1)
    with paper_style():
        inches = FULL_WIDTH if width == "full" else COLUMN_WIDTH
        height = (3.1 if len(groups) == 1 else 2.3) * rows + 0.3
        figure = Figure(figsize=(inches, height), layout="constrained")
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel().tolist()
        for axes, group in zip(grid, groups, strict=False):
            draw_curves(axes, results, group.strategies, styles)
            finish_label_axis(axes, results.labeled, ticks=7 if columns == 1 else 4)
            axes.set_title(group.title)
        for axes in grid[len(groups) :]:
            axes.set_axis_off()
        keep_span(grid[0], least=0.01)
        figure.supxlabel("Labeled examples", fontsize=8)
        figure.supylabel("Test accuracy", fontsize=8)
        legend_above(figure, results.strategies, inches)
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
    rows, columns = grid_shape(len(others), 4 if width == "full" else 2)
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
        keep_span(grid[0], least=1.0)
        for axes in grid[len(others) :]:
            axes.set_axis_off()
        for column in range(columns):  # the lowest panel of a column shows the ticks that the shared axis has
            grid[max(place for place in range(column, len(others), columns))].tick_params(labelbottom=True)
        figure.supxlabel("Labeled examples", fontsize=8)
        figure.supylabel("Difference to random (points)", fontsize=8)
    return figure


def legend_above(figure: Figure, strategies: Sequence[str], inches: float) -> None:
    """Set a legend of all panels above them, in catalog order, in as many columns as fit."""
    handles = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    names = [figure_label(name, int((inches - 0.6) / text_width("n", _LEGEND_POINTS))) for name in strategies]
    entry = max(text_width(name, _LEGEND_POINTS) for name in names) + _LEGEND_HANDLE
    columns = max(1, min(len(names), int((inches - 0.2) / entry)))
    columns = ceil(len(names) / ceil(len(names) / columns))  # as even as the rows allow
    figure.legend([handles[name] for name in strategies], names, loc="outside upper center", ncols=columns)


def grid_shape(panels: int, most: int) -> tuple[int, int]:
    """Return rows and columns of so many panels, at most so many side by side, as even as can be."""
    rows = ceil(panels / most)
    return rows, ceil(panels / rows)
