"""Figures of the page that rank strategies over experiments: the critical-difference diagram, performance profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ladle.errors import InputError, MissingExtraError
from ladle.experiments.results import ExperimentResults
from ladle.reports.analysis import is_testable
from ladle.reports.experiment_sets import LEAST_SEEDS, problems_of
from ladle.reports.figures.files import freeze_layout
from ladle.reports.figures.paper_figures import profiles, ranks
from ladle.reports.figures.style import WIDTHS, StrategyStyle
from ladle.reports.formats import counted, format_names
from ladle.reports.page.page_figures import PageFigure

#: Of problems and strategies: with fewer, a rank says no more than the experiments alone.
_LEAST_PROBLEMS, _LEAST_STRATEGIES = 2, 3


def rank_figures(
    experiments: Sequence[ExperimentResults], stem: str, styles: Mapping[str, StrategyStyle]
) -> tuple[list[PageFigure], str]:
    """Return the two figures; or none, and a sentence that says why.

    Args:
        experiments: with the same strategies in one order.
        stem: a name for the files.
        styles: a style for each strategy of the report.
    """
    enough = [one for one in experiments if is_testable(one) and len(one.seeds) >= LEAST_SEEDS]
    if len(problems_of(enough)) < _LEAST_PROBLEMS or len(enough[0].strategies) < _LEAST_STRATEGIES:
        return [], (
            f"There are no ranks: they take {counted(_LEAST_STRATEGIES, 'strategy', 'strategies')} in "
            f"{counted(_LEAST_PROBLEMS, 'problem', 'problems')} (a data set with a network) of "
            f"{counted(LEAST_SEEDS, 'seed', 'seeds')} or more."
        )
    try:
        return [_ranks(enough, stem, styles), _profiles(enough, stem, styles)], ""
    except (InputError, MissingExtraError) as error:
        return [], f"There are no ranks: {error}."


def _ranks(experiments: Sequence[ExperimentResults], stem: str, styles: Mapping[str, StrategyStyle]) -> PageFigure:
    (full, numbers), (column, _) = (ranks(experiments, width=width, styles=styles) for width in WIDTHS)
    mean = sorted(numbers["mean_ranks"].items(), key=lambda entry: entry[1])
    return PageFigure(
        f"{stem}-ranks",
        f"Critical-difference diagram. Mean ranks: {', '.join(f'{name} {rank:.2f}' for name, rank in mean)}.",
        "How to read it: 1 would be the largest area under the curve in each of "
        f"{format_names(numbers['experiments'])}. {numbers['counted_once']}".rstrip()
        + " A bar joins strategies whose mean ranks are no further apart than "
        f"Nemenyi’s critical difference, {numbers['critical_difference']:.1f}: these experiments do not tell them "
        "apart.",
        freeze_layout(full[""]),
        freeze_layout(column[""]),
    )


def _profiles(experiments: Sequence[ExperimentResults], stem: str, styles: Mapping[str, StrategyStyle]) -> PageFigure:
    (full, numbers), (column, _) = (profiles(experiments, width=width, styles=styles) for width in WIDTHS)
    near = sorted(numbers["within_1.5"].items(), key=lambda entry: -entry[1])
    targets = format_names([f"{100 * share:.0f}%" for share in numbers["targets"]])
    return PageFigure(
        f"{stem}-profiles",
        "Performance profiles of the labels needed. On what share of targets a strategy needs at most 1.5 times the "
        f"labels of the best: {', '.join(f'{name} {100 * share:.0f}%' for name, share in near)}.",
        f"How to read it: higher and further left is better. Targets are {targets} of the way from the initial "
        "accuracy to the best final one in each experiment; a curve that stays below 1 misses some of them (Dolan and "
        f"Moré). {numbers['counted_once']}".rstrip(),
        freeze_layout(full[""]),
        freeze_layout(column[""]),
    )
