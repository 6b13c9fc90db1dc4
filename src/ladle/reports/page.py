"""What stands on the page of a report, as plain data: the template only sets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ladle.experiments.results import ExperimentResults
from ladle.reports.analysis import BASELINE, Analysis, Contest, RoundsView, contests, is_testable
from ladle.reports.formats import counted, format_names, format_penalty
from ladle.reports.page_figures import PageFigure, contest_figures, curve_figures
from ladle.reports.penalty_figures import VIEW_TITLES
from ladle.reports.sentences import Verdict, compare_with_random, summary_sentences
from ladle.reports.style import StrategyStyle
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


@dataclass(frozen=True)
class AggregateSection:
    """All experiments that share their strategies, taken together."""

    anchor: str
    sentences: Sequence[str]
    tests: Sequence[PageFigure]
    losses: PageTable | None


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
    return ExperimentSection(
        anchor=stem,
        name=results.name,
        identity=identity,
        sentences=summary_sentences(analysis),
        curves=curve_figures(analysis, stem, styles),
        columns=summary_columns(rows),
        summary=PageTable(*summary_table(rows), caption="Summary, highest mean accuracy first"),
        tests=contest_figures(strategies, analysis.contests, stem, styles),
        losses=_loss_table(strategies, analysis.contests),
        untested=""
        if analysis.contests
        else "Nothing can be tested: that takes two strategies, two seeds and a round after the initial one.",
        timing=PageTable(
            ("Strategy", "Acquisition", "Training"),
            [format_timing(row) for row in timing_rows(results)],
            "Mean ± standard deviation over rounds and seeds",
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


def aggregate_sections(
    analyses: Sequence[Analysis], names: Sequence[str], styles: Mapping[str, StrategyStyle]
) -> list[AggregateSection]:
    """Return a section for each set of strategies that two or more experiments share.

    Args:
        analyses: of all experiments of the report.
        names: what each is called on the page.
        styles: a style for each strategy of the report.
    """
    groups: dict[frozenset[str], list[int]] = {}
    for place, analysis in enumerate(analyses):
        groups.setdefault(frozenset(analysis.results.strategies), []).append(place)
    shared = [places for places in groups.values() if len(places) > 1]
    sections = []
    for number, places in enumerate(shared, start=1):
        strategies = analyses[places[0]].results.strategies
        experiments = [_in_order(analyses[place].results, strategies) for place in places]
        left_out = [names[place] for place, one in zip(places, experiments, strict=True) if not is_testable(one)]
        tested = len(places) - len(left_out)
        found = contests(experiments)
        stem = "all-experiments" if len(shared) == 1 else f"all-experiments-{number}"
        sections.append(
            AggregateSection(
                anchor=stem,
                sentences=_aggregate_sentences(strategies, found, tested, left_out),
                tests=contest_figures(strategies, found, stem, styles, tested),
                losses=_loss_table(strategies, found),
            )
        )
    return sections


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


def _aggregate_sentences(
    strategies: Sequence[str], found: Mapping[RoundsView, Contest], tested: int, left_out: Sequence[str]
) -> list[str]:
    """Say what the tests over several experiments add up to."""
    if not found:
        return ["Nothing can be tested: that takes two strategies, two seeds and a round after the initial one."]
    sentences = [
        f"Taken together here: {counted(tested, 'experiment', 'experiments')} with {format_names(strategies)}."
    ]
    if left_out:
        sentences.append(f"Left out, since nothing can be tested there: {format_names(left_out)}.")
    loss = found["all"].loss
    if not loss.any():
        return [*sentences, "In no round of any of them does the corrected test find a difference."]
    least = [name for name, value in zip(strategies, loss, strict=True) if value == loss.min()]
    most = [name for name, value in zip(strategies, loss, strict=True) if value == loss.max()]
    if len(least) == len(strategies):
        return [*sentences, f"All were beaten equally often (loss score {format_penalty(float(loss.max()))})."]
    return [
        *sentences,
        f"{format_names(least)} {'was' if len(least) == 1 else 'were'} beaten least often (loss score "
        f"{format_penalty(float(loss.min()))}), {format_names(most)} most often ({format_penalty(float(loss.max()))}).",
        "A loss score counts significant losses only: it ranks these strategies on these experiments, and is no test "
        "of whether neighbors in the ranking differ.",
    ]


def _loss_table(strategies: Sequence[str], found: Mapping[RoundsView, Contest]) -> PageTable | None:
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


def _in_order(results: ExperimentResults, strategies: tuple[str, ...]) -> ExperimentResults:
    """Return the results with their strategies in this order."""
    places = [results.strategies.index(name) for name in strategies]
    return replace(
        results,
        strategies=strategies,
        accuracies=results.accuracies[places],
        acquisition_seconds=results.acquisition_seconds[places],
        training_seconds=results.training_seconds[places],
    )


def _plain(value: Any) -> str:
    """Return a setting as text, in the words of TOML where it has some."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
