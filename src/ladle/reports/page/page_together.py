"""What the page says of several experiments taken together: who beats whom, over all and in parts, and the ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ladle.experiments.results import ExperimentResults
from ladle.reports.analysis import Analysis, Contest, RoundsView, contests, is_testable
from ladle.reports.experiment_sets import data_of, model_of, with_only
from ladle.reports.figures.files import file_stems
from ladle.reports.figures.paper_contests import Shown, contest_groups
from ladle.reports.figures.style import StrategyStyle
from ladle.reports.formats import counted, format_names, format_penalty
from ladle.reports.page.page import PageTable, loss_table
from ladle.reports.page.page_figures import PageFigure, contest_figures
from ladle.reports.page.page_ranks import rank_figures


@dataclass(frozen=True)
class PartSection:
    """The tests of the experiments that share a network, or a data set."""

    heading: str
    sentences: Sequence[str]
    tests: Sequence[PageFigure]


@dataclass(frozen=True)
class AggregateSection:
    """All experiments that share their strategies, taken together; what is None or empty is left out on the page."""

    anchor: str
    sentences: Sequence[str]
    tests: Sequence[PageFigure]
    losses: PageTable | None
    ranks: Sequence[PageFigure]
    unranked: str
    parts: Sequence[PartSection]

    @property
    def figures(self) -> list[PageFigure]:
        """All figures of the section."""
        return [*self.tests, *self.ranks, *(figure for part in self.parts for figure in part.tests)]


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
        experiments = [with_only(analyses[place].results, strategies) for place in places]
        left_out = [names[place] for place, one in zip(places, experiments, strict=True) if not is_testable(one)]
        tested = len(places) - len(left_out)
        found = contests(experiments)
        stem = "all-experiments" if len(shared) == 1 else f"all-experiments-{number}"
        ranks, unranked = rank_figures(experiments, stem, styles)
        tests = contest_figures(strategies, found, stem, styles, tested)
        sections.append(
            AggregateSection(
                anchor=stem,
                sentences=_aggregate_sentences(strategies, found, tested, left_out),
                tests=tests,
                losses=loss_table(strategies, found) if tests else None,
                ranks=ranks,
                unranked=unranked,
                parts=_parts(experiments, stem, styles),
            )
        )
    return sections


def _parts(
    experiments: Sequence[ExperimentResults], stem: str, styles: Mapping[str, StrategyStyle]
) -> list[PartSection]:
    """Return the parts by network and by data set that show something new."""
    everything = frozenset(one.identity for one in experiments)
    shown = {frozenset([one.identity]): "its one experiment stands above" for one in experiments}
    shown[everything] = "all experiments, which stand above"
    sections = []
    for kind, key in (("network", model_of), ("data set", data_of)):
        section, more = _part(experiments, kind, key, stem, styles, shown)
        shown |= more
        if section.tests:
            sections.append(section)
    return sections


def _part(
    experiments: Sequence[ExperimentResults],
    kind: str,
    key: Callable[[ExperimentResults], str],
    stem: str,
    styles: Mapping[str, StrategyStyle],
    shown: Shown,
) -> tuple[PartSection, dict[frozenset[str], str]]:
    """Return the part of one kind, and what its figures show from now on."""
    groups = contest_groups(experiments, key, shown)
    drawn = [group for group in groups if not group.unseen]
    stems = file_stems([f"{stem} {kind} {group.name}" for group in drawn])
    sentences = [
        f"{group.name}: {counted(len(group.experiments), 'experiment', 'experiments')}, "
        f"{format_names([one.name for one in group.experiments])}."
        for group in drawn
    ]
    unseen = [f"{group.name} ({group.unseen})" for group in groups if group.unseen]
    if unseen:
        sentences.append(f"Without a figure here: {format_names(unseen)}.")
    tests = [
        figure
        for group, name in zip(drawn, stems, strict=True)
        for figure in contest_figures(
            group.strategies, group.contests, name, styles, len(group.experiments), of=group.name
        )
    ]
    now = {group.identities: f"the same experiments as {group.name}, above" for group in drawn}
    return PartSection(f"By {kind}", sentences, tests), now


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
