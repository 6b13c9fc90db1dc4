"""Where the picks of one acquisition lie, in input space and in gradient space (figure 1 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ladle.experiments.geometry import AcquisitionGeometry, Space
from ladle.reports.figures.style import FULL_WIDTH, StrategyStyle, paper_style, strategy_styles


def geometry_figure(found: AcquisitionGeometry) -> Figure:
    """Draw a row of panels for each space and a column for each batch size.

    Pool in gray, initial set in black, picks in the strategy's color; the number beside a strategy is the dispersion of
    its picks, 1 being as wide as the pool.
    """
    strategies = list(dict.fromkeys(name for name, _ in found.picks))
    sizes = list(dict.fromkeys(size for _, size in found.picks))
    styles = strategy_styles(strategies)
    with paper_style():
        figure = Figure(figsize=(FULL_WIDTH, 2.45 * len(found.spaces) + 0.3), layout="constrained")
        grid = figure.subplots(len(found.spaces), len(sizes), squeeze=False)
        for row, space in zip(grid, found.spaces, strict=True):
            for axes, size in zip(row, sizes, strict=True):
                _panel(axes, found, space, size, strategies, styles)
        axes = grid[0][0]
        handles = [axes.plot([], [], "o", color="#C9C9C9", markersize=4)[0]]
        handles.append(axes.plot([], [], "o", color="black", markersize=4)[0])
        handles += [
            axes.plot([], [], styles[name].marker, color=styles[name].color, markersize=5, linestyle="none")[0]
            for name in strategies
        ]
        figure.legend(
            handles,
            ["pool", "labeled before", *strategies],
            loc="outside upper center",
            ncols=2 + len(strategies),
            title="Numbers: dispersion of the picks, 1 is as wide as the pool",
            title_fontsize=7,
        )
    return figure


def geometry_numbers(draws: Sequence[AcquisitionGeometry]) -> dict[str, Any]:
    """Return what belongs to the first draw, which is the one drawn, and the dispersions of all draws.

    Args:
        draws: of the same pool and strategies, one a seed, at least one.
    """
    first = draws[0]
    return {
        "data": first.data,
        "examples": len(first.spaces[0].coordinates),
        "available": first.available,
        "test_accuracy": first.accuracy,
        "dispersion": {
            space.name: {f"{name}, {size}": value for (name, size), value in space.dispersion.items()}
            for space in first.spaces
        },
        "seeds": len(draws),
        "dispersions": {
            space.name: {
                f"{name}, {size}": [float(one.spaces[place].dispersion[name, size]) for one in draws]
                for name, size in space.dispersion
            }
            for place, space in enumerate(first.spaces)
        },
    }


def _panel(
    axes: Axes,
    found: AcquisitionGeometry,
    space: Space,
    size: int,
    strategies: list[str],
    styles: dict[str, StrategyStyle],
) -> None:
    points = space.coordinates
    # As pixels in a PDF: thousands of gray dots would make it slow to open.
    axes.scatter(points[:, 0], points[:, 1], s=3, color="#C9C9C9", linewidths=0, rasterized=True, zorder=1)
    for name in strategies:
        chosen = points[found.picks[name, size]]
        axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=22,
            marker=styles[name].marker,
            color=styles[name].color,
            edgecolors="white",
            linewidths=0.4,
            zorder=3,
        )
    labeled = points[found.labeled]
    axes.scatter(labeled[:, 0], labeled[:, 1], s=12, color="black", linewidths=0, zorder=4)
    spread = ", ".join(f"{name} {space.dispersion[name, size]:.2f}" for name in strategies)
    axes.set_title(f"{space.name}, B = {size}\n{spread}", fontsize=7)
    axes.set_xticks([])
    axes.set_yticks([])
    first, second = 100 * space.explained
    axes.set_xlabel(f"component 1 ({first:.0f}%)", fontsize=7)
    axes.set_ylabel(f"component 2 ({second:.0f}%)", fontsize=7)
