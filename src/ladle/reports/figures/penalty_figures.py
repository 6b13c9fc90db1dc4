"""Figures of the corrected tests: the penalty matrix as a heat map, and the loss scores as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ladle.errors import InputError
from ladle.reports.analysis import PART, Contest, RoundsView
from ladle.reports.figures.labels import figure_label, text_width
from ladle.reports.figures.style import COLUMN_WIDTH, FULL_WIDTH, StrategyStyle, Width, paper_style, strategy_styles
from ladle.reports.formats import format_penalty

#: What each view of the rounds is called in figures and tables.
VIEW_TITLES: Mapping[RoundsView, str] = {
    "all": "All rounds",
    "early": f"First {PART} rounds",
    "late": f"Last {PART} rounds",
}

# One hue from white to dark: it reads the same in grayscale and to the color-blind.
_SHADES: Colormap = LinearSegmentedColormap.from_list("wins", ["#FFFFFF", "#9EC3E3", "#2171B5", "#08306B"])
_CELL_POINTS = 11.0  # a cell that holds ".25" at 5.5 points, the smallest that is read without effort
_LARGEST_CELL = 0.32  # inches; beyond that the numbers get lonely
_LONGEST_NAME = 18
_PANEL_GAP = 0.12


def penalty_figure(
    strategies: Sequence[str], contests: Mapping[RoundsView, Contest], *, width: Width = "full"
) -> Figure:
    """Draw the pairwise penalty matrices: the row's strategy significantly beat the column's in this share of rounds.

    All views share one scale of color. Over several experiments the shares are summed, as in the paper. A view in which
    nothing is significant is told in a line instead of drawn.

    Args:
        strategies: (K,) names.
        contests: by view, from `contests`; not empty.
        width: "full" sets all views side by side as long as cells stay legible, "column" one above the other.

    Returns:
        A figure that no global state knows of. From 9 strategies in a column, or 10 over the full width, the numbers in
        the cells get smaller than 7 points.

    Raises:
        InputError: no contests.
    """
    _require(contests)
    shown = telling_views(contests)
    names = [figure_label(name, _LONGEST_NAME) for name in strategies]
    inches = FULL_WIDTH if width == "full" else COLUMN_WIDTH
    margin = max(text_width(name, 7) for name in names) + 0.4
    columns, cell = _arrange(len(shown) if width == "full" else 1, len(names), inches - margin)
    rows = ceil(len(shown) / columns)
    darkest = max([0.2, *(float(contest.penalty.max()) for contest in shown.values())])
    with paper_style():
        figure = Figure(figsize=(inches, rows * (cell * len(names) + 1.3)), layout="constrained")
        # Each matrix has its own names of columns; a row of matrices shares those of rows.
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel().tolist()
        for place, (axes, (view, contest)) in enumerate(zip(grid, shown.items(), strict=True)):
            _heat_map(axes, contest.penalty, darkest, points=min(7.0, cell * 72 * 0.5))
            axes.set_title(VIEW_TITLES[view], pad=4)
            places = range(len(names))
            axes.set_xticks(places, names, rotation=45, ha="right", rotation_mode="anchor")
            axes.set_yticks(places, names)
            axes.set_xlabel("Loser")
            if place % columns == 0:
                axes.set_ylabel("Winner")
        _note(figure, contests, inches)
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

    All views keep the order of the first one, so that a strategy is found in the same line. A view in which nothing is
    significant is told in a line instead of drawn.

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
    shown = telling_views(contests)
    order = np.argsort(next(iter(shown.values())).loss, kind="stable")
    names = [figure_label(strategies[place], _LONGEST_NAME) for place in order]
    longest = max([0.05, *(float(contest.loss.max()) for contest in shown.values())])
    columns = len(shown) if width == "full" else 1
    rows = ceil(len(shown) / columns)
    with paper_style():
        inches = FULL_WIDTH if width == "full" else COLUMN_WIDTH
        figure = Figure(figsize=(inches, rows * (0.19 * len(names) + 0.42) + 0.35), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel().tolist()
        for axes, (view, contest) in zip(grid, shown.items(), strict=True):
            loss = contest.loss[order]
            bars = axes.barh(range(len(names)), loss, height=0.68, color=[styles[strategies[k]].color for k in order])
            axes.bar_label(bars, [format_penalty(value) for value in loss], padding=2, fontsize=7)
            axes.set_title(VIEW_TITLES[view], pad=4)
            axes.set_yticks(range(len(names)), names)
            axes.tick_params(axis="y", length=0)
            axes.grid(visible=False, axis="y")
            axes.set_xlim(0, longest * 1.18)
        grid[0].invert_yaxis()  # shared by all panels
        for axes in grid[-columns:]:
            axes.set_xlabel("Loss score (lower is better)")
            axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
        _note(figure, contests, inches)
    return figure


def telling_views(contests: Mapping[RoundsView, Contest]) -> dict[RoundsView, Contest]:
    """Return the views in which a difference is significant; the first alone where there is none in any."""
    telling = {view: contest for view, contest in contests.items() if contest.penalty.any()}
    return telling or dict([next(iter(contests.items()))])


def silent_sentence(contests: Mapping[RoundsView, Contest]) -> str:
    """Return the sentence on views in which nothing is significant; "" where there are none."""
    silent = [view for view, contest in contests.items() if not contest.penalty.any()]
    if not silent:
        return ""
    if len(silent) == len(contests):
        return "No pair differs significantly in any round."
    return f"No pair differs significantly in the {' or in the '.join(VIEW_TITLES[view].lower() for view in silent)}."


def _note(figure: Figure, contests: Mapping[RoundsView, Contest], inches: float) -> None:
    """Write that sentence under the panels, on as many lines as it takes."""
    sentence = silent_sentence(contests)
    if sentence:
        lines = wrap(sentence, int(inches / text_width("n", 7)))
        figure.supxlabel("\n".join(lines), fontsize=7, color="#58606A")


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
                written = format_penalty(value)
                axes.text(
                    column,
                    row,
                    written,
                    ha="center",
                    va="center",
                    fontsize=points * min(1, 3 / len(written)),
                    color="white" if value > 0.5 * darkest else "#9A9A9A" if value == 0 else "black",
                )


def _arrange(panels: int, strategies: int, inches: float) -> tuple[int, float]:
    """Return how many panels stand side by side, all or one, and a cell's side in inches.

    Two of three would leave a hole.
    """
    cell = (inches / panels - _PANEL_GAP) / strategies
    if cell * 72 < _CELL_POINTS:
        panels, cell = 1, inches / strategies
    return panels, min(cell, _LARGEST_CELL)


def _square_cells(figure: Figure, axes: Axes, rows: int, strategies: int) -> None:
    """Give the figure the height at which cells are square, or flat where they would get very large.

    An equal aspect would do the same, but with it constrained layout cuts titles off.
    """
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    box = axes.get_position()
    cell = min(box.width * width / strategies, _LARGEST_CELL)
    figure.set_size_inches(width, height + rows * (cell * strategies - box.height * height))


def _require(contests: Mapping[RoundsView, Contest]) -> None:
    """Check that there is something to draw."""
    if not contests:
        raise InputError("a figure of tests needs a contest (got none); run two strategies over two seeds or more")
