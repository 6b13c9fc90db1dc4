"""What stands on the page of a report, as plain data: the template only sets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ladle.reports.analysis import BASELINE, Analysis, Contest, RoundsView
from ladle.reports.figures.penalty_figures import VIEW_TITLES, silent_sentence
from ladle.reports.figures.style import StrategyStyle
from ladle.reports.formats import format_penalty
from ladle.reports.page.page_figures import PageFigure, contest_figures, curve_figures
from ladle.reports.page.sentences import Verdict, compare_with_random, summary_sentences
from ladle.reports.tables import SummaryColumn, format_timing, rows_of, summary_columns, summary_table, timing_rows


@dataclass(frozen=True)
class PageTable:
    """A table of plain strings: headings, rows, and which columns are flush right."""

    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    caption: str = ""


@dataclass(frozen=True)
class ExperimentSection:
    """One experiment on the page; fields that are None or empty are left out there."""

    anchor: str
    name: str
    identity: str
    sentences: Sequence[str]
    curves: Sequence[PageFigure]
    columns: Sequence[SummaryColumn]
    summary: PageTable
    tests: Sequence[PageFigure]
    losses: PageTable | None
    untested: str
    timing: PageTable
    learning_rate: str
    full_identity: str
    seeds: str
    facts: Sequence[PageTable]


def experiment_section(
    analysis: Analysis, *, stem: str, identity: str, styles: Mapping[str, StrategyStyle]
) -> ExperimentSection:
    """Return everything the page says about one experiment.

    Args:
        analysis: its statistics.
        stem: a name for anchors and files, like no other experiment's of the report.
        identity: its short identity.
        styles: a style for each strategy of the report.
    """
    results = analysis.results
    rows = rows_of(analysis)
    strategies = results.strategies
    tests = contest_figures(strategies, analysis.contests, stem, styles)
    return ExperimentSection(
        anchor=stem,
        name=results.name,
        identity=identity,
        sentences=summary_sentences(analysis),
        curves=curve_figures(analysis, stem, styles),
        columns=summary_columns(rows),
        summary=PageTable(*summary_table(rows), caption="Summary, highest mean accuracy first"),
        tests=tests,
        losses=loss_table(strategies, analysis.contests) if tests else None,
        untested=""
        if tests
        else silent_sentence(analysis.contests)
        or "Nothing can be tested: that takes two strategies, two seeds and a round after the initial one.",
        timing=PageTable(
            ("Strategy", "Acquisition", "Training"),
            [format_timing(row) for row in timing_rows(results)],
            "Median (and quartiles) over rounds and seeds",
        ),
        learning_rate=str(results.learning_rate),
        full_identity=results.identity,
        seeds=", ".join(str(seed) for seed in results.seeds),
        facts=[
            PageTable(("Setting", "Value"), rows, caption)
            for caption, rows in (
                ("Configuration", flatten(results.config)),
                ("Data set", flatten(results.data)),
                ("Versions and machine", flatten(results.environment)),
            )
            if rows
        ],
    )


def overview_table(analyses: Sequence[Analysis], names: Sequence[str]) -> PageTable:
    """Return a line for each experiment: its labels and seeds, and who was better or worse than random."""
    better: tuple[Verdict, ...] = ("fewer labels", "ahead")
    worse: tuple[Verdict, ...] = ("more labels", "behind")
    rows = []
    for analysis, name in zip(analyses, names, strict=True):
        labeled = analysis.results.labeled
        compared = compare_with_random(analysis) if analysis.contests else []

        def called(verdicts: tuple[Verdict, ...], compared: Sequence[Any] = compared) -> str:
            chosen = [comparison.strategy for comparison in compared if comparison.verdict in verdicts]
            return ", ".join(chosen) or "–"

        span = f"{labeled[0]:,} to {labeled[-1]:,}"
        rows.append((name, span, str(analysis.seeds), called(better), called(("open", "contradictory")), called(worse)))
    headings = ("Experiment", "Labels", "Seeds", f"Better than {BASELINE}", "Not decided", f"Worse than {BASELINE}")
    return PageTable(headings, rows, "All experiments")


def loss_table(strategies: Sequence[str], found: Mapping[RoundsView, Contest]) -> PageTable | None:
    """Return the loss scores of all views as a table, the least beaten first."""
    if not found:
        return None
    order = np.argsort(found["all"].loss, kind="stable")
    return PageTable(
        ("Strategy", *(VIEW_TITLES[view] for view in found)),
        [
            (strategies[place], *(format_penalty(float(contest.loss[place])) for contest in found.values()))
            for place in order
        ],
        "Loss scores, lower is better",
    )


def flatten(mapping: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return a nested mapping as (dotted key, text) pairs, in its order; lists become "a, b"."""
    pairs: list[tuple[str, str]] = []
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)) and not any(isinstance(item, (Mapping, list, tuple)) for item in value):
            pairs.append((f"{prefix}{key}", ", ".join(_plain(item) for item in value) or "none"))
        else:
            pairs.append((f"{prefix}{key}", _plain(value)))
    return pairs


def _plain(value: Any) -> str:
    """Return a setting as text, in the words of TOML where it has some."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
