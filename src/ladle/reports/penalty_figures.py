"""Figures of the corrected tests: the penalty matrix as a heat map, and the loss scores as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ladle.errors import InputError
from ladle.reports.analysis import PART, Contest, RoundsView
from ladle.reports.formats import format_penalty
from ladle.reports.labels import figure_label, text_width
from ladle.reports.style import COLUMN_WIDTH, FULL_WIDTH, StrategyStyle, Width, paper_style, strategy_styles

#: What each view of the rounds is called in figures and tables.
VIEW_TITLES: Mapping[RoundsView, str] = {
    "all": "All rounds",
    "early": f"First {PART} rounds",
    "late": f"Last {PART} rounds",
}

# One hue from white to dark: it reads the same in grayscale and to the color-blind.
_SHADES: Colormap = LinearSegmentedColormap.from_list("wins", ["#FFFFFF", "#9EC3E3", "#2171B5", "#08306B"])
_CELL_POINTS = 14.0  # a cell that holds ".25" at 7 points
_LARGEST_CELL = 0.42  # inches
_LONGEST_NAME = 18
_PANEL_GAP = 0.12


def penalty_figure(
    strategies: Sequence[str], contests: Mapping[RoundsView, Contest], *, width: Width = "full"
) -> Figure:
    """Draw the pairwise penalty matrices: the row's strategy significantly beat the column's in this share of rounds.

    All views share one scale of color. Over several experiments the shares are summed, as in the paper.

    Args:
        strategies: (K,) names.
        contests: by view, from `contests`; not empty.
        width: "full" sets views side by side as far as cells stay legible, "column" one above the other.

    Returns:
        A figure that no global state knows of. From 9 strategies in a column, or 23 over the full width, the numbers
        in the cells get smaller than 7 points.

    Raises:
        InputError: no contests.
    """
    _require(contests)
    names = [figure_label(name, _LONGEST_NAME) for name in strategies]
    inches = FULL_WIDTH if width == "full" else COLUMN_WIDTH
    margin = max(text_width(name, 7) for name in names) + 0.3
    columns, cell = _arrange(len(contests) if width == "full" else 1, len(names), inches - margin)
    rows = ceil(len(contests) / columns)
    darkest = max([0.2, *(float(contest.penalty.max()) for contest in contests.values())])
    with paper_style():
        figure = Figure(figsize=(inches, rows * cell * len(names) + 1.5), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel().tolist()
        for axes, (view, contest) in zip(grid, contests.items(), strict=False):
            _heat_map(axes, contest.penalty, darkest, points=min(7.0, cell * 72 * 0.5))
            axes.set_title(VIEW_TITLES[view], pad=4)
            places = range(len(names))
            axes.set_xticks(places, names, rotation=45, ha="right", rotation_mode="anchor")
            axes.set_yticks(places, names)
        _tidy(grid, len(contests), columns)
        figure.supylabel("Winner", fontsize=8)
        figure.supxlabel("Loser", fontsize=8)
        _square_cells(figure, grid[0], rows, len(names))
    return figure


def loss_score_figure(
    strategies: Sequence[str],
    contests: Mapping[RoundsView, Contest],
    *,
    width: Width = "full",
    styles: Mapping[str, StrategyStyle] | None = None,
) -> Figure:
    """Draw the loss scores, the column means of the penalty matrix, as bars; the least beaten strategy comes first.

    All views keep the order of the first one, so that a strategy is found in the same line.

    Args:
        strategies: (K,) names.
        contests: by view, from `contests`; not empty.
        width: "full" sets views side by side, "column" one above the other.
        styles: a style for each strategy; None takes `strategy_styles(strategies)`.

    Returns:
        A figure that no global state knows of.

    Raises:
        InputError: no contests.
    """
    _require(contests)
    styles = styles or strategy_styles(strategies)
    order = np.argsort(next(iter(contests.values())).loss, kind="stable")
    names = [figure_label(strategies[place], _LONGEST_NAME) for place in order]
    longest = max([0.05, *(float(contest.loss.max()) for contest in contests.values())])
    columns = len(contests) if width == "full" else 1
    rows = ceil(len(contests) / columns)
    with paper_style():
        inches = FULL_WIDTH if width == "full" else COLUMN_WIDTH
        figure = Figure(figsize=(inches, rows * (0.19 * len(names) + 0.42) + 0.2), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel().tolist()
        for axes, (view, contest) in zip(grid, contests.items(), strict=True):
            loss = contest.loss[order]
            bars = axes.barh(range(len(names)), loss, height=0.68, color=[styles[strategies[k]].color for k in order])
            axes.bar_label(bars, [format_penalty(value) for value in loss], padding=2, fontsize=7)
            axes.set_title(VIEW_TITLES[view], pad=4)
            axes.set_yticks(range(len(names)), names)
            axes.tick_params(axis="y", length=0)
            axes.grid(visible=False, axis="y")
            axes.set_xlim(0, longest * 1.18)
        grid[0].invert_yaxis()  # shared by all panels
        figure.supxlabel("Loss score (lower is better)", fontsize=8)
    return figure


def _heat_map(axes: Axes, penalty: NDArray[np.float64], darkest: float, points: float) -> None:
    """Draw one matrix with its numbers; the diagonal, no contest, stays gray."""
    strategies = len(penalty)
    shown = np.ma.masked_array(penalty, mask=np.eye(strategies, dtype=bool))
    axes.set_facecolor("#ECECEC")
    axes.imshow(shown, cmap=_SHADES, vmin=0, vmax=darkest, aspect="auto", interpolation="nearest")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    # White lines between the cells, as minor ticks half a cell off.
    edges = np.arange(strategies + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(visible=True, which="minor", color="#D8D8D8", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    for row in range(strategies):
        for column in range(strategies):
            if row != column:
                value = float(penalty[row, column])
                axes.text(
                    column,
                    row,
                    format_penalty(value),
                    ha="center",
                    va="center",
                    fontsize=points,
                    color="white" if value > 0.5 * darkest else "#9A9A9A" if value == 0 else "black",
                )


def _arrange(most: int, strategies: int, inches: float) -> tuple[int, float]:
    """Return how many panels, up to so many, stand side by side with legible cells, and a cell's side in inches."""
    for columns in range(most, 0, -1):
        cell = (inches / columns - _PANEL_GAP) / strategies
        if columns == 1 or cell * 72 >= _CELL_POINTS:
            break
    return columns, min(cell, _LARGEST_CELL)


def _square_cells(figure: Figure, axes: Axes, rows: int, strategies: int) -> None:
    """Give the figure the height at which cells are square, or flat where they would get very large.

    An equal aspect would do the same, but with it constrained layout cuts titles off.
    """
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    box = axes.get_position()
    cell = min(box.width * width / strategies, _LARGEST_CELL)
    figure.set_size_inches(width, height + rows * (cell * strategies - box.height * height))


def _tidy(grid: Sequence[Axes], used: int, columns: int) -> None:
    """Switch off panels without a matrix, and name the columns under the lowest panel of each."""
    for axes in grid[used:]:
        axes.set_axis_off()
    for column in range(min(columns, used)):
        grid[max(range(column, used, columns))].tick_params(labelbottom=True)


def _require(contests: Mapping[RoundsView, Contest]) -> None:
    """Check that there is something to draw."""
    if not contests:
        raise InputError("a figure of tests needs a contest (got none); run two strategies over two seeds or more")
