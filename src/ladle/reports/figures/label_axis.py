"""The axis of labels: ticks where there are evaluations, whole numbers, thousands set apart."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator
from numpy.typing import NDArray


def finish_label_axis(axes: Axes, labeled: NDArray[np.int64], ticks: int = 7) -> None:
    """Set at most so many ticks, all of them at evaluations, and sensible limits for a single evaluation."""
    axes.xaxis.set_major_locator(FixedLocator(label_ticks(labeled, ticks)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    if len(labeled) == 1:
        axes.set_xlim(labeled[0] - 1, labeled[0] + 1)


def label_ticks(labeled: NDArray[np.int64], most: int) -> list[int]:
    """Return up to so many evaluations to mark: round ones, evenly apart, where there are; else some from the last on.

    A tick between two evaluations would say that something was measured there.
    """
    low, high = int(labeled[0]), int(labeled[-1])
    measured = {int(count) for count in labeled}
    for bins in range(most, 1, -1):
        steps = MaxNLocator(nbins=bins, integer=True, steps=[1, 2, 5, 10]).tick_values(low, high)
        round_ones = [int(value) for value in steps if low <= value <= high]
        if 3 <= len(round_ones) <= most and measured.issuperset(round_ones):
            return round_ones
    apart = (high - low) / max(1, most - 1)
    chosen = [high]
    for count in reversed([int(count) for count in labeled[:-1]]):
        if chosen[-1] - count >= apart:
            chosen.append(count)
    return chosen[::-1]
