"""Ranks over experiments: the critical-difference diagram, and performance profiles of the labels needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ladle.reports.figures.curve_figures import legend_above
from ladle.reports.figures.curve_panels import HIGHLIGHT
from ladle.reports.figures.labels import figure_label, text_width
from ladle.reports.figures.style import COLUMN_WIDTH, FULL_WIDTH, StrategyStyle, Width, paper_style, strategy_styles
from ladle.statistics import Ranking

_LONGEST_NAME = 18
_BAR = "#444444"


def critical_difference_figure(
    strategies: Sequence[str],
    ranking: Ranking,
    over: str,
    *,
    width: Width = "full",
    styles: Mapping[str, StrategyStyle] | None = None,
) -> Figure:
    """Draw mean ranks on a line, the best at the left; a bar joins strategies that Nemenyi's test does not tell apart.

    Args:
        strategies: (K,) names.
        ranking: from ``ladle.statistics.friedman``.
        over: what the ranks are over, for the title, such as "four experiments".
        width: "full" has names to both sides, "column" to the right only.
        styles: a style for each strategy; None takes `strategy_styles(strategies)`.
    """
    count = len(strategies)
    styles = styles or strategy_styles(strategies)
    inches = FULL_WIDTH if width == "full" else COLUMN_WIDTH
    order = np.argsort(ranking.mean_ranks, kind="stable")
    groups = indistinct_groups(ranking.mean_ranks, ranking.critical_difference)
    left = (count + 1) // 2 if width == "full" else 0
    depth = 0.6 + 0.28 * len(groups)
    lowest = -(depth + 0.55 * max(left, count - left))
    labels = [f"{figure_label(name, _LONGEST_NAME)}  {ranking.mean_ranks[k]:.2f}" for k, name in enumerate(strategies)]
    margin = max(text_width(label, 7) for label in labels) + 0.3
    left_margin = margin if left else 0.25
    # Ranks an inch, so that the labels have the room they need.
    scale = (count - 1) / (inches - margin - left_margin)
    with paper_style():
        body, title = 0.8 + 0.25 * -lowest, 0.24 if width == "full" else 0.4
        figure = Figure(figsize=(inches, body + title))
        axes = figure.add_axes((0.0, 0.0, 1.0, body / (body + title)))
        axes.set_axis_off()
        axes.set(xlim=(1 - left_margin * scale, count + margin * scale), ylim=(lowest - 0.2, 1.9))
        axes.plot([1, count], [0, 0], color="black", linewidth=1.0)
        for tick in range(1, count + 1):
            axes.plot([tick, tick], [0, 0.15], color="black", linewidth=0.8)
            axes.text(tick, 0.25, str(tick), ha="center", va="bottom", fontsize=7)
        axes.plot([1, 1 + ranking.critical_difference], [1.25, 1.25], color=_BAR, linewidth=2.0)
        axes.text(
            1 + ranking.critical_difference / 2,
            1.35,
            f"critical difference {ranking.critical_difference:.2f}",
            ha="center",
            va="bottom",
            fontsize=7,
        )
        for place, index in enumerate(order):
            rank, name = float(ranking.mean_ranks[index]), strategies[index]
            on_left = place < left
            step = place if on_left else count - 1 - place
            height, end = -(depth + 0.55 * step), 1 - 0.15 * scale if on_left else count + 0.15 * scale
            color = styles[name].color
            axes.plot([rank, rank, end], [0, height, height], color=color, linewidth=0.9)
            # At the bend, where each has its own height: on the axis equal ranks would cover each other.
            axes.plot([rank], [height], marker=styles[name].marker, color=color, markersize=4, linestyle="none")
            axes.text(
                end - 0.05 * scale if on_left else end + 0.05 * scale,
                height,
                labels[index],
                ha="right" if on_left else "left",
                va="center",
                fontsize=7,
                color=color,
            )
        for place, (first, last) in enumerate(groups):
            axes.plot([first - 0.04, last + 0.04], [-0.3 - 0.28 * place] * 2, color=_BAR, linewidth=3.0, alpha=0.8)
        what, test = f"over {over}", f"Friedman p = {ranking.p_value:.3g}"
        figure.suptitle(
            f"Mean ranks by area {what}, {test}" if width == "full" else f"Mean ranks by area, {test},\n{what}",
            fontsize=8,
            y=1 - 0.06 / (body + title),
            va="top",
        )
    return figure


def indistinct_groups(mean_ranks: NDArray[np.float64], critical_difference: float) -> list[tuple[float, float]]:
    """Return (lowest, highest) mean rank of each largest group whose ends are no further apart than the difference.

    Groups of one are left out, and so are groups within another.
    """
    ranks = np.sort(mean_ranks)
    groups: list[tuple[float, float]] = []
    reached = -1
    for first in range(len(ranks)):
        last = int(np.searchsorted(ranks, ranks[first] + critical_difference, side="right")) - 1
        if last > first and last > reached:
            groups.append((float(ranks[first]), float(ranks[last])))
            reached = last
    return groups


def performance_profile_figure(
    strategies: Sequence[str],
    factors: NDArray[np.float64],
    profiles: NDArray[np.float64],
    targets: int,
    *,
    width: Width = "full",
    styles: Mapping[str, StrategyStyle] | None = None,
) -> Figure:
    """Draw on what share of targets each strategy needs at most so many times the labels of the best.

    Args:
        strategies: (K,) names.
        factors: (F,) at least 1.
        profiles: (K, F) from ``ladle.statistics.performance_profiles``.
        targets: how many there are, for the axis.
        width: "full" has the names at the right, "column" above.
        styles: a style for each strategy; None takes `strategy_styles(strategies)`.
    """
    styles = styles or strategy_styles(strategies)
    with paper_style():
        size = (FULL_WIDTH, 3.2) if width == "full" else (COLUMN_WIDTH, 3.4)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        for place, name in enumerate(strategies):
            axes.step(
                factors,
                profiles[place],
                where="post",
                color=styles[name].color,
                linestyle=styles[name].dash,
                # Where curves lie on each other, the wide one shows at both sides and dashes let the lower one through.
                linewidth=2.6 if name == HIGHLIGHT else 1.2,
                zorder=1.9 if name == HIGHLIGHT else 2 if styles[name].dash == "-" else 2.1,
                label=figure_label(name, _LONGEST_NAME) if width == "full" else name,
            )
        # Beyond the last step of any curve there is nothing more to see.
        moving = np.flatnonzero((profiles != profiles[:, -1:]).any(axis=0))
        end = factors[min(len(factors) - 1, (moving[-1] if moving.size else 0) + len(factors) // 20 + 1)]
        axes.set(xlim=(factors[0], end), ylim=(0, 1.02))
        axes.set_xlabel("Times the labels of the best strategy")
        axes.set_ylabel(f"Share of {targets} targets")
        if width == "full":
            figure.legend(loc="outside right center", frameon=False)
        else:
            legend_above(figure, strategies, COLUMN_WIDTH)
    return figure
