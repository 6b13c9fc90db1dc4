"""Learning curves of several experiments side by side, with one legend (figures 3, 4 and 7 to 9 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ladle.errors import InputError
from ladle.experiments import ExperimentResults
from ladle.reports.analysis import check
from ladle.reports.figures.curve_figures import grid_shape, legend_above
from ladle.reports.figures.curve_panels import CurveGroup, curve_groups, draw_curves
from ladle.reports.figures.label_axis import finish_label_axis
from ladle.reports.figures.labels import figure_label
from ladle.reports.figures.style import FULL_WIDTH, StrategyStyle, paper_style, strategy_styles

_COLUMNS = 3
_LONGEST_NAME = 26


def curve_grid_figure(
    experiments: Sequence[ExperimentResults], *, styles: Mapping[str, StrategyStyle] | None = None
) -> Figure:
    """Draw the learning curves of each experiment: means over seeds, and bands of ±1 standard deviation for a few.

    A panel each while its strategies can be told apart; else a row each, with a panel for each family of strategies.

    Args:
        experiments: at least one; they stand in their order, with name and number of seeds.
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
    groups = curve_groups(names)
    with paper_style():
        if len(groups) == 1:
            figure = _a_panel_each(experiments, groups[0], styles)
        else:
            figure = _a_row_each(experiments, groups, styles)
        figure.supxlabel("Labeled examples", fontsize=8)
        legend_above(figure, names, FULL_WIDTH)
    return figure


def _a_panel_each(
    experiments: Sequence[ExperimentResults], group: CurveGroup, styles: Mapping[str, StrategyStyle]
) -> Figure:
    rows, columns = grid_shape(len(experiments), _COLUMNS)
    figure = Figure(figsize=(FULL_WIDTH, 2.15 * rows + 0.35), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes, results in zip(grid, experiments, strict=False):
        _panel(axes, results, group, styles, ticks=4 if columns == _COLUMNS else 6)
        axes.set_title(f"{figure_label(results.name, _LONGEST_NAME)} ({_seeds(results)})")
    for axes in grid[len(experiments) :]:
        axes.set_axis_off()
    figure.supylabel("Test accuracy", fontsize=8)
    return figure


def _a_row_each(
    experiments: Sequence[ExperimentResults], groups: Sequence[CurveGroup], styles: Mapping[str, StrategyStyle]
) -> Figure:
    rows, columns = grid_shape(len(groups), _COLUMNS)
    figure = Figure(figsize=(FULL_WIDTH, 2.0 * rows * len(experiments) + 0.6), layout="constrained")
    grid = figure.subplots(rows * len(experiments), columns, squeeze=False)
    for place, results in enumerate(experiments):
        panels = grid[place * rows : (place + 1) * rows].ravel().tolist()
        for number, (axes, group) in enumerate(zip(panels, groups, strict=False)):
            if number:
                axes.sharey(panels[0])  # one scale, so that heights can be compared between families
            _panel(axes, results, group, styles, ticks=4)
            if place == 0 or rows > 1:  # else the panels of a column are of one family
                axes.set_title(group.title)
            if number % columns:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel(f"{figure_label(results.name, _LONGEST_NAME)}\nTest accuracy ({_seeds(results)})")
        for axes in panels[len(groups) :]:
            axes.set_axis_off()
    return figure


def _panel(
    axes: Axes, results: ExperimentResults, group: CurveGroup, styles: Mapping[str, StrategyStyle], ticks: int
) -> None:
    draw_curves(axes, results, group.strategies, styles)
    finish_label_axis(axes, results.labeled, ticks=ticks)


def _seeds(results: ExperimentResults) -> str:
    return f"{len(results.seeds)} seed{'s' if len(results.seeds) != 1 else ''}"
