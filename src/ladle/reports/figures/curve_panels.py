"""Panels of learning curves that can be told apart: few curves in each, and bands for those that matter most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from ladle.experiments.results import ExperimentResults
from ladle.reports.analysis import BASELINE, areas_under_curves
from ladle.reports.figures.style import StrategyStyle

#: Drawn last, over all others.
HIGHLIGHT = "grad"
#: More curves than this in one panel cannot be told apart; then each panel shows a few beside these two.
MOST_CURVES = 6
REFERENCES = (BASELINE, HIGHLIGHT)
#: What goes into one panel, where there are too many for one.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "Uncertainty": ("entropy", "margin", "least-confidence"),
    "Gradients and features": ("egl", "badge", "k-center"),
    "Variants of grad": ("grad-cosine", "grad-volume", "grad-d2"),
}
_OTHERS = "Others"
#: More markers than this on a curve hide it.
_MOST_MARKERS = 8
#: Up to this many curves, all have bands.
_FEW = 3


@dataclass(frozen=True)
class CurveGroup:
    """The strategies of one panel, and its title; "" where it is the only one."""

    title: str
    strategies: tuple[str, ...]


def curve_groups(strategies: Sequence[str]) -> list[CurveGroup]:
    """Share strategies out to panels: all in one while they can be told apart, else by family.

    Each panel of several has `random` and `grad` too, to compare by eye. Strategies outside of the catalog come last,
    in panels of about equal size.
    """
    if len(strategies) <= MOST_CURVES:
        return [CurveGroup("", tuple(strategies))]
    references = tuple(name for name in REFERENCES if name in strategies)
    families = [(title, [name for name in members if name in strategies]) for title, members in FAMILIES.items()]
    placed = {*REFERENCES, *(name for members in FAMILIES.values() for name in members)}
    rest = [name for name in strategies if name not in placed]
    panels = ceil(len(rest) / (MOST_CURVES - len(REFERENCES)))
    families += [(_OTHERS, [str(name) for name in part]) for part in np.array_split(rest, panels)] if panels else []
    return [CurveGroup(title, (*references, *members)) for title, members in families if members]


def banded(results: ExperimentResults) -> frozenset[str]:
    """Return the strategies that get a band: `random`, `grad` and the best by area; all of them while they are few."""
    if len(results.strategies) <= _FEW:
        return frozenset(results.strategies)
    return frozenset({*REFERENCES, best_by_area(results)} & set(results.strategies))


def best_by_area(results: ExperimentResults) -> str:
    """Return the strategy with the largest mean area under its curve; with one evaluation, with the best mean."""
    if len(results.labeled) == 1:
        return results.strategies[int(np.argmax(results.accuracies[:, 0].mean(axis=-1)))]
    areas = areas_under_curves(results).mean(axis=-1)
    return results.strategies[int(np.argmax(areas))]


def draw_curves(
    axes: Axes, results: ExperimentResults, strategies: Sequence[str], styles: Mapping[str, StrategyStyle]
) -> None:
    """Draw the mean test accuracy of these strategies over labels, and a band of ±1 standard deviation for `banded`.

    One seed has no band.
    """
    spreads = spread(results.accuracies)
    bands = banded(results)
    means = results.accuracies.mean(axis=-1)
    shown = [name for name in strategies if name in results.strategies]
    for order, name in enumerate(drawing_order(shown)):
        place, style = results.strategies.index(name), styles[name]
        if spreads is not None and name in bands:
            band(axes, results.labeled, means[place], spreads[place], style, alpha=0.15)
        axes.plot(
            results.labeled,
            means[place],
            color=style.color,
            linestyle=style.dash,
            marker=style.marker,
            markevery=marker_places(len(results.labeled), order),
            markersize=3.5,
            markeredgecolor="white",
            markeredgewidth=0.3,
            linewidth=1.8 if name == HIGHLIGHT else 1.1,
            zorder=3 + order / 10,
            label=name,
        )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))


def spread(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the standard deviation over the last axis, with S − 1 in the denominator; None with one seed."""
    return values.std(axis=-1, ddof=1) if values.shape[-1] > 1 else None


def drawing_order(strategies: Sequence[str]) -> list[str]:
    """Return the strategies in the order they are drawn: random first, the highlighted one on top."""
    rank = {BASELINE: 0, HIGHLIGHT: 2}
    return sorted(strategies, key=lambda name: rank.get(name, 1))


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


def keep_span(axes: Axes, least: float) -> None:
    """Keep the vertical axis from blowing up a difference that is none."""
    low, high = axes.get_ylim()
    if high - low < least:
        middle = (low + high) / 2
        axes.set_ylim(middle - least / 2, middle + least / 2)
