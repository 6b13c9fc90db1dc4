"""The figures of the page, each in both widths and with what it shows and how it is read."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from ladle.reports.analysis import BASELINE, Analysis, Contest, RoundsView
from ladle.reports.figures.curve_figures import difference_figure, learning_curve_figure
from ladle.reports.figures.curve_panels import REFERENCES, banded, curve_groups
from ladle.reports.figures.files import figure_bytes, freeze_layout
from ladle.reports.figures.penalty_figures import loss_score_figure, penalty_figure
from ladle.reports.figures.style import WIDTHS, StrategyStyle
from ladle.reports.formats import format_names, format_penalty, format_percent

_PENALTY_CAPTION = (
    "How to read it: a number is the share of rounds{} in which the strategy of the row significantly beat that of the "
    "column (paired t-test over seeds, Benjamini–Hochberg corrected over the {} of a round, 5%)."
)
_LOSS_CAPTION = (
    "How to read it: the mean of a strategy’s column in the matrix, how much it is beaten by the others; shorter is "
    "better."
)


@dataclass(frozen=True)
class PageFigure:
    """A figure on the page and in the folder of figures.

    Attributes:
        stem: its file name without ending; the column version's ends in "-column".
        alt: what it shows, for those who cannot see it.
        caption: how to read it.
        full: drawn for the text width.
        column: drawn for a column, and for a telephone.
    """

    stem: str
    alt: str
    caption: str
    full: Figure
    column: Figure

    @property
    def full_uri(self) -> str:
        """The full figure as a data URI."""
        return _data_uri(self.full)

    @property
    def column_uri(self) -> str:
        """The column figure as a data URI."""
        return _data_uri(self.column)


def curve_figures(analysis: Analysis, stem: str, styles: Mapping[str, StrategyStyle]) -> list[PageFigure]:
    """Return learning curves and differences to random; of the latter none where there is no random."""
    results = analysis.results
    budget = f"{results.labeled[-1]:,}"
    final = dict(zip(results.strategies, results.accuracies[:, -1].mean(axis=-1).tolist(), strict=True))
    ends = ", ".join(f"{name} {format_percent(end)}" for name, end in final.items())
    bands = [name for name in results.strategies if name in banded(results)]
    whose = f" of {format_names(bands)}" if len(bands) < len(results.strategies) else ""
    band = f"; the bands{whose} are ±1 standard deviation over seeds" if analysis.seeds > 1 else ""
    panels = curve_groups(results.strategies)
    many = f" Each panel has one family of strategies, beside {format_names(REFERENCES)}." if len(panels) > 1 else ""
    figures = [
        PageFigure(
            f"{stem}-learning-curves",
            f"Learning curves: mean test accuracy by number of labels. With {budget} labels: {ends}.",
            "How to read it: higher and further left is better. A line is the mean test accuracy over seeds"
            f"{band}.{many}",
            *(freeze_layout(learning_curve_figure(results, width=width, styles=styles)) for width in WIDTHS),
        )
    ]
    full, column = (difference_figure(results, width=width, styles=styles) for width in WIDTHS)
    if full is not None and column is not None:
        gains = ", ".join(
            f"{name} {100 * (end - final[BASELINE]):+.2f}" for name, end in final.items() if name != BASELINE
        )
        band = ", the band ±1 standard deviation of these differences" if analysis.seeds > 1 else ""
        figures.append(
            PageFigure(
                f"{stem}-difference-to-random",
                f"Difference to random in percentage points, a panel for each strategy. At the end: {gains}.",
                "How to read it: above the dashed line is better than random. Differences are taken seed by seed, the "
                f"line is their mean{band}; the other strategies lie behind in gray.",
                freeze_layout(full),
                freeze_layout(column),
            )
        )
    return figures


def contest_figures(
    strategies: Sequence[str],
    found: Mapping[RoundsView, Contest],
    stem: str,
    styles: Mapping[str, StrategyStyle],
    experiments: int = 1,
    *,
    of: str = "",
) -> list[PageFigure]:
    """Return penalty matrix and loss scores as figures; none where nothing could be tested, or nothing is significant.

    Args:
        strategies: (K,) names.
        found: by view of the rounds, from `contests`.
        stem: a name for the files.
        styles: a style for each strategy of the report.
        experiments: how many are summed.
        of: the network or data set that they share, for the captions.
    """
    overall = found.get("all")
    if overall is None or not overall.penalty.any():
        return []
    start = f"{of}. " if of else ""
    count = len(strategies) * (len(strategies) - 1) // 2
    pairs = "one pair" if count == 1 else f"{count} pairs"
    wins = [
        f"{strategies[row]} beat {strategies[column]} {format_penalty(float(overall.penalty[row, column]))}"
        for row, column in np.argwhere(overall.penalty > 0)
    ]
    losses = ", ".join(
        f"{name} {format_penalty(float(loss))}" for name, loss in zip(strategies, overall.loss, strict=True)
    )
    return [
        PageFigure(
            f"{stem}-penalty-matrix",
            f"Heat maps of the pairwise penalty matrix. Over all rounds: {'; '.join(wins) or 'no wins'}.",
            start
            + _PENALTY_CAPTION.format(f", summed over {experiments} experiments," if experiments > 1 else "", pairs),
            *(freeze_layout(penalty_figure(strategies, found, width=width)) for width in WIDTHS),
        ),
        PageFigure(
            f"{stem}-loss-scores",
            f"Bars of loss scores, lower is better. Over all rounds: {losses}.",
            start + _LOSS_CAPTION,
            *(freeze_layout(loss_score_figure(strategies, found, width=width, styles=styles)) for width in WIDTHS),
        ),
    ]


def _data_uri(figure: Figure) -> str:
    """Return a figure as an SVG that needs no second request."""
    return f"data:image/svg+xml;base64,{b64encode(figure_bytes(figure, 'svg')).decode()}"
