"""What an experiment shows, in plain sentences that claim no more than the numbers do.

Two things carry a claim about a strategy and random. Its labels: the 95% interval of its share of random's labels lies
below, or above, 100%, and there are five seeds or more, since from fewer the bootstrap makes an interval that is much
too narrow. Its accuracies: the corrected test finds it ahead, or behind, in at least half of the rounds, and never the
other way round. A win in a round or two is not enough: between two strategies that are equal, tests at 5% in each of
14 rounds find one by chance in about a quarter of all experiments. Everything else "did not beat random".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from ladle.reports.analysis import BASELINE, Analysis
from ladle.reports.formats import (
    counted,
    format_labels,
    format_names,
    format_percent,
    format_share,
    format_share_bounds,
)
from ladle.statistics import LabelsToTarget

#: Of fewer seeds a bootstrap interval carries no claim: all of S seeds agree by chance once in 2^(S − 1) cases.
FEWEST_SEEDS = 5

Verdict: TypeAlias = Literal["fewer labels", "ahead", "open", "contradictory", "behind", "more labels"]

_OPENINGS: dict[Verdict, str] = {
    "fewer labels": f"Fewer labels than {BASELINE} for the same accuracy",
    "ahead": f"Ahead of {BASELINE} in at least half of the rounds, though not clearly in labels",
    "open": "",  # made of the names
    "contradictory": f"Better than {BASELINE} in one way and worse in the other",
    "behind": f"Behind {BASELINE} in at least half of the rounds",
    "more labels": f"More labels than {BASELINE} for the same accuracy",
}


@dataclass(frozen=True)
class Comparison:
    """One strategy against random.

    Attributes:
        strategy: its name.
        verdict: what the numbers carry; "open" where they carry nothing, "contradictory" where labels and tests point
            to different sides.
        ahead: rounds in which the corrected test finds it better than random.
        behind: rounds in which the corrected test finds it worse.
        saving: the labels it needs for the accuracy random ends with.
    """

    strategy: str
    verdict: Verdict
    ahead: int
    behind: int
    saving: LabelsToTarget


def summary_sentences(analysis: Analysis) -> list[str]:
    """Return the paragraph of an experiment as its sentences: what was run, what came out, what is missing."""
    results = analysis.results
    strategies = counted(len(results.strategies), "strategy was", "strategies were").capitalize()
    seeds = counted(analysis.seeds, "seed", "seeds")
    if analysis.rounds == 0:
        start = format_percent(float(results.accuracies.mean()))
        return [
            f"{strategies} evaluated with the initial {results.labeled[0]:,} labels over {seeds}: "
            f"{start} test accuracy.",
            *analysis.notes,
        ]
    sentences = [
        f"{strategies} run over {seeds}, from {results.labeled[0]:,} to {results.labeled[-1]:,} labels in "
        f"{counted(analysis.rounds, 'round', 'rounds')}."
    ]
    if analysis.savings is not None:
        sentences.append(_target(analysis))
    if analysis.seeds > 1:
        sentences += _against_random(compare_with_random(analysis), analysis)
        if analysis.seeds < FEWEST_SEEDS and analysis.savings is not None and len(results.strategies) > 1:
            sentences.append("Intervals from fewer than five seeds are too narrow to rest a claim on.")
    elif len(results.strategies) > 1:
        sentences.append(_highest_curve(analysis))
    return [*sentences, *_least_beaten(analysis), *analysis.notes]


def compare_with_random(analysis: Analysis) -> list[Comparison]:
    """Return every other strategy against random, in catalog order; empty without random or with one seed."""
    if analysis.savings is None or analysis.seeds < 2:
        return []
    names = analysis.results.strategies
    baseline = names.index(BASELINE)
    penalty = analysis.contests["all"].penalty if analysis.contests else np.zeros((len(names), len(names)))
    found = []
    for place, name in enumerate(names):
        if place != baseline:
            saving = analysis.savings[place]
            ahead = round(float(penalty[place, baseline]) * analysis.rounds)
            behind = round(float(penalty[baseline, place]) * analysis.rounds)
            found.append(Comparison(name, _verdict(saving, ahead, behind, analysis), ahead, behind, saving))
    return found


def _verdict(saving: LabelsToTarget, ahead: int, behind: int, analysis: Analysis) -> Verdict:
    """Return what labels and tests carry together."""
    enough = analysis.seeds >= FEWEST_SEEDS
    fewer, more = enough and saving.ratio_low > 1, enough and saving.ratio_high < 1
    mostly_ahead = 2 * ahead >= analysis.rounds and behind == 0
    mostly_behind = 2 * behind >= analysis.rounds and ahead == 0
    if (fewer and mostly_behind) or (more and mostly_ahead):
        return "contradictory"
    if fewer or more:
        return "fewer labels" if fewer else "more labels"
    return "ahead" if mostly_ahead else "behind" if mostly_behind else "open"


def _target(analysis: Analysis) -> str:
    """Say where random ends, and with how many labels it first got there."""
    budget = int(analysis.results.labeled[-1])
    sentence = f"Random sampling ends at {format_percent(_baseline(analysis).target)} test accuracy"
    if len(analysis.results.strategies) == 1:
        return f"{sentence}."
    return (
        f"{sentence}, the target for the others, which it first reaches with "
        f"{format_labels(_baseline(analysis).labels, budget)} labels."
    )


def _against_random(comparisons: Sequence[Comparison], analysis: Analysis) -> list[str]:
    """Return a sentence for each verdict that was given."""
    these = f"these {counted(analysis.seeds, 'seed', 'seeds')}"
    sentences = []
    for verdict, opening in _OPENINGS.items():
        group = [comparison for comparison in comparisons if comparison.verdict == verdict]
        if group:
            names = format_names([comparison.strategy for comparison in group])
            if len(group) > 2:
                names = counted(len(group), "strategy", "strategies")
            evidence = "; ".join(_evidence(comparison, analysis) for comparison in group)
            sentences.append(f"{opening or f'On {these}, {names} did not beat {BASELINE}'}: {evidence}.")
    return sentences


def _evidence(comparison: Comparison, analysis: Analysis) -> str:
    """Return a strategy's numbers: labels, share of random's labels with its interval, rounds won and lost."""
    budget = int(analysis.results.labeled[-1])
    saving = comparison.saving
    need = f"{comparison.strategy} does not reach the target"
    if np.isfinite(saving.labels):
        base = format_labels(_baseline(analysis).labels, budget)
        need = f"{comparison.strategy} needs {format_labels(saving.labels, budget)} labels to {BASELINE}’s {base}"
        if saving.ratio >= 1:
            need = f"{comparison.strategy} needs {format_labels(saving.labels, budget)} of the {base} labels"
    # Seed by seed, as a share: the labels' own interval overlaps with random's even where every seed agrees.
    share = format_share(saving.ratio) if np.isfinite(saving.labels) else ""
    interval = f"95% interval {format_share_bounds(saving.ratio_low, saving.ratio_high)}"
    tests = [
        f"{word} in {number} of {analysis.rounds:,} {'round' if analysis.rounds == 1 else 'rounds'}"
        for word, number in (("ahead", comparison.ahead), ("behind", comparison.behind))
        if number
    ]
    return f"{need} ({', '.join(part for part in (share, interval, *tests) if part)})"


def _baseline(analysis: Analysis) -> LabelsToTarget:
    """Return what was found for random itself."""
    assert analysis.savings is not None
    return analysis.savings[analysis.results.strategies.index(BASELINE)]


def _highest_curve(analysis: Analysis) -> str:
    """Say which curve lies highest where one seed forbids to say more."""
    assert analysis.areas is not None
    means = analysis.areas.mean(axis=-1)
    best = means.max()
    names = [name for name, mean in zip(analysis.results.strategies, means, strict=True) if mean == best]
    return (
        f"The highest curve is that of {format_names(names)} ({format_percent(float(best))} on average over the "
        "budget), but one seed cannot tell a difference from chance."
    )


def _least_beaten(analysis: Analysis) -> list[str]:
    """Say which strategies lost least often in the corrected tests."""
    contest = analysis.contests.get("all")
    if contest is None:
        return []
    if not contest.penalty.any():
        return ["In no round does the corrected test find a difference between any two strategies."]
    least = contest.loss.min()
    names = [name for name, loss in zip(analysis.results.strategies, contest.loss, strict=True) if loss == least]
    if least > 0:
        return [f"In the corrected tests, {format_names(names)} lost least often (loss score {least:.2f})."]
    verb = "was" if len(names) == 1 else "were"
    return [f"In the corrected tests, {format_names(names)} {verb} beaten by no other strategy in any round."]
