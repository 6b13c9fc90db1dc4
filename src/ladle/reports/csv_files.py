"""The numbers of a report as CSV, so that others can draw and test anew without Ladle.

Floats are written in full: what is read back equals what was measured. An empty cell is a number that there is not;
``inf`` among the labels means that the budget was not enough.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from io import StringIO
from math import isnan

from ladle.experiments.results import ExperimentResults
from ladle.reports.analysis import Analysis
from ladle.reports.tables import SummaryRow, rows_of

LEARNING_CURVES = "learning_curves.csv"
PENALTY_MATRIX = "penalty_matrix.csv"
SUMMARY = "summary.csv"


def learning_curves_csv(experiments: Iterable[ExperimentResults]) -> str:
    """Return every evaluation of every run, a line each.

    Columns: experiment, identity, strategy, seed, round (0 is the initial evaluation), labeled, accuracy (0 to 1),
    training_seconds, acquisition_seconds (empty in the last round, which picks nothing).
    """
    header = (
        "experiment",
        "identity",
        "strategy",
        "seed",
        "round",
        "labeled",
        "accuracy",
        "training_seconds",
        "acquisition_seconds",
    )
    return _text(header, (line for results in experiments for line in _evaluations(results)))


def penalty_matrix_csv(analyses: Iterable[Analysis]) -> str:
    """Return the penalty matrices in long form, a line for each ordered pair of different strategies.

    Columns: experiment, identity, rounds ("all", "early" or "late"), winner, loser, penalty: the share of these rounds,
    the initial evaluation left out, in which the winner significantly beats the loser. Summed over experiments it is
    the matrix over all of them. An experiment in which nothing can be tested has no lines.
    """
    lines = (
        (analysis.results.name, analysis.results.identity, view, winner, loser, float(contest.penalty[row, column]))
        for analysis in analyses
        for view, contest in analysis.contests.items()
        for row, winner in enumerate(analysis.results.strategies)
        for column, loser in enumerate(analysis.results.strategies)
        if row != column
    )
    return _text(("experiment", "identity", "rounds", "winner", "loser", "penalty"), lines)


def summary_csv(analyses: Iterable[Analysis]) -> str:
    """Return the rows of `summary_rows`, each with its experiment and identity; the columns are named as there."""
    header = ("experiment", "identity", *(field.name for field in fields(SummaryRow)))
    lines = (
        (analysis.results.name, analysis.results.identity, *asdict(row).values())
        for analysis in analyses
        for row in rows_of(analysis)
    )
    return _text(header, lines)


def _evaluations(results: ExperimentResults) -> Iterator[tuple[object, ...]]:
    """Yield the lines of one experiment, run by run."""
    for place, strategy in enumerate(results.strategies):
        for run, seed in enumerate(results.seeds):
            for number, labeled in enumerate(results.labeled):
                yield (
                    results.name,
                    results.identity,
                    strategy,
                    seed,
                    number,
                    int(labeled),
                    float(results.accuracies[place, number, run]),
                    float(results.training_seconds[place, number, run]),
                    float(results.acquisition_seconds[place, number, run]),
                )


def _text(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return header and lines as CSV text; None and NaN become empty cells."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for line in lines:
        writer.writerow(["" if cell is None or (isinstance(cell, float) and isnan(cell)) else cell for cell in line])
    return text.getvalue()
