"""The summary table of an experiment: numbers first, then the strings that console and page both show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ladle.experiments.results import ExperimentResults
from ladle.reports.analysis import BASELINE, Analysis, analyze, check
from ladle.reports.formats import (
    format_labels_interval,
    format_mean,
    format_penalty,
    format_percent,
    format_seconds,
    format_share_interval,
)


@dataclass(frozen=True)
class SummaryRow:
    """What one strategy achieved in one experiment. None stands for what cannot be had, never NaN.

    Attributes:
        strategy: its name.
        final_accuracy: mean test accuracy over seeds at the last evaluation, from 0 to 1.
        final_accuracy_std: its standard deviation (S − 1 in the denominator); None with one seed.
        area: mean over seeds of the area under the budget curve from the initial labels on: the average accuracy
            on the way through the budget, from 0 to 1; None where there is no other evaluation.
        area_std: its standard deviation; None with one seed.
        target: the accuracy that `random` ends with; None where `random` was not run.
        labels_to_target: labels needed to reach the target, infinity where the budget was not enough.
        labels_low: lower end of its 95% bootstrap interval; None with one seed.
        labels_high: upper end, infinity where the budget was not enough.
        label_ratio: how many times as many labels `random` needs: above 1 is better than random; 0 where the strategy
            never reaches the target.
        label_ratio_low: lower end of its 95% bootstrap interval; None with one seed.
        label_ratio_high: upper end.
        loss_score: how much of the rounds it is significantly beaten, averaged over strategies; lower is better; None
            where nothing can be tested.
        acquisition_seconds: median seconds to score the pool and pick, over all picks; None where there were none.
        budget: labels at the last evaluation.
    """

    strategy: str
    final_accuracy: float
    final_accuracy_std: float | None
    area: float | None
    area_std: float | None
    target: float | None
    labels_to_target: float | None
    labels_low: float | None
    labels_high: float | None
    label_ratio: float | None
    label_ratio_low: float | None
    label_ratio_high: float | None
    loss_score: float | None
    acquisition_seconds: float | None
    budget: int


@dataclass(frozen=True)
class SummaryColumn:
    """A column of the summary table.

    Attributes:
        heading: what stands above it.
        explanation: what it says, a sentence.
        numeric: whether it is set flush right.
    """

    heading: str
    explanation: str
    numeric: bool


@dataclass(frozen=True)
class TimingRow:
    """Seconds that one strategy took, over rounds and seeds: (median, lower quartile, upper quartile).

    None where unknown. Not the mean: a machine that sleeps or is busy for a while makes some rounds last for hours.
    """

    strategy: str
    acquisition: tuple[float, float, float] | None
    training: tuple[float, float, float] | None


def summary_rows(results: ExperimentResults) -> list[SummaryRow]:
    """Return a row for each strategy, the best first.

    Rows fall by the mean area under the budget curve; strategies with the same keep the catalog's order. Where there is
    only the initial evaluation, rows stay in catalog order. Loss scores leave out the initial evaluation,
    where all strategies share one labeled set and one model.

    Raises:
        InputError: arrays that do not fit together, or nothing in them.
    """
    return rows_of(analyze(results))


def rows_of(analysis: Analysis) -> list[SummaryRow]:
    """Return the rows of `summary_rows` from an analysis that was already made."""
    rows = [_row(analysis, place) for place in range(len(analysis.results.strategies))]
    return sorted(rows, key=lambda row: -row.area if row.area is not None else 0.0)


def summary_columns(rows: Sequence[SummaryRow]) -> tuple[SummaryColumn, ...]:
    """Return the columns that `summary_table` fills, with the target in the heading where there is one."""
    target = rows[0].target if rows else None
    labels = f"Labels to {format_percent(target)}" if target is not None else "Labels to target"
    return (
        SummaryColumn("Strategy", "The rule that chose what to label; the best mean accuracy comes first.", False),
        SummaryColumn(
            "Final accuracy (%)",
            "Test accuracy with all labels of the budget, mean ± standard deviation over seeds.",
            True,
        ),
        SummaryColumn(
            "Area under curve (%)",
            "Area under the budget curve: test accuracy averaged over the labels spent, from the initial ones on.",
            True,
        ),
        SummaryColumn(
            labels,
            f"Labels to reach the accuracy {BASELINE} ends with, and the 95% bootstrap interval over seeds; > stands "
            "before the whole budget where it was not enough, and ≥ where it was not in the interval’s upper end.",
            True,
        ),
        SummaryColumn(
            f"Share of {BASELINE}’s",
            f"These labels as a share of those {BASELINE} needs, and the 95% bootstrap interval, seed by seed: below "
            f"100% is better than {BASELINE}.",
            True,
        ),
        SummaryColumn(
            "Loss score",
            "How often it is beaten in corrected tests, from 0 (never) up; lower is better.",
            True,
        ),
        SummaryColumn("Time to pick", "Median time to score the pool and pick one batch.", True),
    )


def summary_table(rows: Sequence[SummaryRow], *, narrow: bool = False) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return headings and cells of the summary table as plain strings, in the order of `summary_columns`.

    Args:
        rows: from `summary_rows`.
        narrow: leave out the share and the time, and break headings into two lines, so that a terminal of 80 columns
            holds the rest.
    """
    headings = [column.heading for column in summary_columns(rows)]
    cells = [
        [
            row.strategy,
            format_mean(row.final_accuracy, row.final_accuracy_std),
            format_mean(row.area, row.area_std),
            format_labels_interval(row.labels_to_target, row.labels_low, row.labels_high, row.budget),
            format_share_interval(row.label_ratio, row.label_ratio_low, row.label_ratio_high),
            format_penalty(row.loss_score),
            format_seconds(row.acquisition_seconds),
        ]
        for row in rows
    ]
    if narrow:
        kept = (0, 1, 2, 3, 5)
        headings, *cells = [[line[place] for place in kept] for line in (headings, *cells)]
        headings = [_two_lines(heading) for heading in headings]
    return tuple(headings), [tuple(line) for line in cells]


def timing_rows(results: ExperimentResults) -> list[TimingRow]:
    """Return the seconds of acquisition and training for each strategy, in catalog order.

    Raises:
        InputError: arrays that do not fit together, or nothing in them.
    """
    check(results)
    return [
        TimingRow(
            strategy,
            _median_and_quartiles(results.acquisition_seconds[place]),
            _median_and_quartiles(results.training_seconds[place]),
        )
        for place, strategy in enumerate(results.strategies)
    ]


def format_timing(row: TimingRow) -> tuple[str, str, str]:
    """Return name, acquisition and training time as plain strings."""
    return row.strategy, _format_quartiles(row.acquisition), _format_quartiles(row.training)


def _format_quartiles(seconds: tuple[float, float, float] | None) -> str:
    """Return "2.00 s (1.80 s to 2.30 s)"."""
    if seconds is None:
        return format_seconds(None)
    median, low, high = (format_seconds(value) for value in seconds)
    return f"{median} ({low} to {high})"


def _row(analysis: Analysis, place: int) -> SummaryRow:
    """Return the row of the strategy at this place."""
    results = analysis.results
    final, final_std = _mean_and_std(results.accuracies[place, -1])
    area, area_std = _mean_and_std(analysis.areas[place]) if analysis.areas is not None else (None, None)
    saving = analysis.savings[place] if analysis.savings is not None else None
    interval = saving if analysis.seeds > 1 else None  # of one seed a bootstrap makes a point, which is no interval
    contest = analysis.contests.get("all")
    assert final is not None
    return SummaryRow(
        strategy=results.strategies[place],
        final_accuracy=final,
        final_accuracy_std=final_std,
        area=area,
        area_std=area_std,
        target=saving.target if saving else None,
        labels_to_target=saving.labels if saving else None,
        labels_low=interval.low if interval else None,
        labels_high=interval.high if interval else None,
        label_ratio=saving.ratio if saving else None,
        label_ratio_low=interval.ratio_low if interval else None,
        label_ratio_high=interval.ratio_high if interval else None,
        loss_score=float(contest.loss[place]) if contest else None,
        acquisition_seconds=(_median_and_quartiles(results.acquisition_seconds[place]) or (None,))[0],
        budget=int(results.labeled[-1]),
    )


def _two_lines(heading: str) -> str:
    """Return a heading broken where its longer line is shortest."""
    words = heading.split(" ")
    broken = [f"{' '.join(words[:cut])}\n{' '.join(words[cut:])}" for cut in range(1, len(words))]
    return min(broken, key=lambda text: max(map(len, text.split("\n"))), default=heading)


def _median_and_quartiles(values: NDArray[np.float64]) -> tuple[float, float, float] | None:
    """Return median and quartiles of the finite values; None where there are none."""
    known = values[np.isfinite(values)]
    if not known.size:
        return None
    low, median, high = np.quantile(known, (0.25, 0.5, 0.75)).tolist()
    return median, low, high


def _mean_and_std(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return mean and standard deviation of the finite values; None for what there are too few of."""
    known = values[np.isfinite(values)]
    mean = float(known.mean()) if known.size else None
    return mean, float(known.std(ddof=1)) if known.size > 1 else None
