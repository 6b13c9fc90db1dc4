"""What the runs say in short: the recommended default, when `grad` is the right choice, and what earns its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

from ladle.experiments import ExperimentResults
from ladle.reports.analysis import ALPHA, BASELINE, PART
from ladle.reports.experiment_sets import over_what, problem_areas, problem_means, problems_of, shared_problems
from ladle.reports.formats import counted, format_names
from ladle.reports.orderings import Part, accuracy_by, outcome
from ladle.statistics import Ranking, friedman

#: What `grad` is held against in the summary.
RIVALS = (BASELINE, "entropy", "margin", "badge")
#: What the paper names as future work.
FUTURE_WORK = ("grad-cosine", "grad-volume", "grad-d2")
# How many times a gap must be another one to exceed it clearly.
_CLEARLY = 2


def mean_ranks(experiments: Sequence[ExperimentResults]) -> dict[str, float]:
    """Return the mean rank by mean area of each strategy, 1 the best, over the problems of experiments.

    Args:
        experiments: at least one, of the same strategies.
    """
    ranks = rankdata(-problem_areas(experiments), axis=1).mean(axis=0)
    return dict(zip(experiments[0].strategies, ranks.tolist(), strict=True))


def by_rank(experiments: Sequence[ExperimentResults]) -> list[str]:
    """Return the strategies by their mean rank by area over the problems of experiments, of equals by mean area."""
    ranks = mean_ranks(experiments)
    means = dict(zip(experiments[0].strategies, problem_areas(experiments).mean(axis=0), strict=True))
    return sorted(ranks, key=lambda name: (round(ranks[name], 9), -means[name]))


def default_strategy(experiments: Sequence[ExperimentResults]) -> str:
    """Return the first of `by_rank`."""
    return by_rank(experiments)[0]


def ranking_of(experiments: Sequence[ExperimentResults]) -> Ranking | None:
    """Return Friedman's test on the areas of problems, of the same strategies; None where there are too few."""
    if len(problems_of(experiments)) < 2 or len(experiments[0].strategies) < 3:
        return None
    return friedman(problem_areas(experiments))


def in_short(experiments: Sequence[ExperimentResults]) -> str:
    """Return the summary, a list: ranks, the default with what speaks against it, `grad`, and the future work.

    Args:
        experiments: at least one, of the same strategies.
    """
    ranks = mean_ranks(experiments)
    order = by_rank(experiments)
    seeds = sorted({len(one.seeds) for one in experiments})
    counted_once = shared_problems(experiments)
    problems = f" over {counted(len(problems_of(experiments)), 'problem', 'problems')}" if counted_once else ""
    lines = [
        f"Over {counted(len(experiments), 'experiment', 'experiments')} ({', '.join(one.name for one in experiments)}; "
        f"{'–'.join(str(seeds[k]) for k in sorted({0, len(seeds) - 1}))} seeds each), by the area under the curve, the "
        f"mean ranks of {len(order)} strategies{problems} are: "
        + ", ".join(f"{name} {ranks[name]:.1f}" for name in order)
        + f". {counted_once}".rstrip(),
        _default(experiments, order),
        *_without_each(experiments),
    ]
    if "grad" in ranks:
        lines += [
            f"`grad` against {rival}: {outcome(experiments, 'grad', rival)}." for rival in RIVALS if rival in ranks
        ]
        lines.append(_when_grad(experiments))
        lines += [_earned(experiments, name) for name in FUTURE_WORK if name in ranks]
    lines += _future_work_to_take(experiments)
    lines.append(
        "Better and worse mean that the 95 % t interval of the difference in area, paired by seed, leaves out zero; "
        "the many intervals are not corrected for their number. "
        "All of it speaks of these data sets, networks and budgets; it is no law."
    )
    return "\n".join(f"- {line}" for line in lines)


def _default(experiments: Sequence[ExperimentResults], order: Sequence[str]) -> str:
    """Return the sentence on the default, with what its lead is worth."""
    best = order[0]
    told = {name: outcome(experiments, best, name) for name in order[1:]}
    better = [f"{name} in {', '.join(found.worse)}" for name, found in told.items() if found.worse]
    never_worse = "no strategy is better than it in any" if not better else f"better than it are {format_names(better)}"
    equal = [f"`{name}`" for name in leaders(mean_ranks(experiments)) if name != best]
    shared = f", which it shares with {format_names(equal)}; its mean area is larger" if equal else ""
    sentence = f"Recommended default: **`{best}`**, by mean rank{shared}. Of these experiments, {never_worse}."
    ranking = ranking_of(experiments)
    if ranking is None:
        return f"{sentence} There is too little for a test of ranks: it takes two data sets or networks."
    strategies = experiments[0].strategies
    place = strategies.index(best)
    apart = [name for k, name in enumerate(strategies) if ranking.p_values[place, k] < ALPHA and k != place]
    close = [name for name in order[1:] if name not in apart]
    return (
        f"{sentence} Its lead is {'no certain one' if close else 'clear'}: over {over_what(experiments)} Friedman's "
        f"test gives p = {ranking.p_value:.3f}, and by Nemenyi's its mean rank differs from that of "
        f"{format_names(apart) if apart else 'no other strategy'}."
        + (f" {order[1]} comes next, and these runs do not rule it out." if order[1] in close else "")
    )


def first_without(experiments: Sequence[ExperimentResults]) -> dict[str, dict[str, float]]:
    """Return the mean ranks over the other problems, for each that is left out, by the names of its experiments.

    Args:
        experiments: of at least two problems, of the same strategies.
    """
    return {
        format_names([experiments[place].name for place in places]): mean_ranks(
            [one for place, one in enumerate(experiments) if place not in places]
        )
        for places in problems_of(experiments)
    }


def leaders(ranks: Mapping[str, float]) -> list[str]:
    """Return the strategies of the best mean rank: one, or those that share it."""
    best = min(ranks.values())
    return [name for name, rank in ranks.items() if np.isclose(rank, best)]


def _without_each(experiments: Sequence[ExperimentResults]) -> list[str]:
    """Return the sentence on what would be first without each of the problems; none with one problem."""
    if len(problems_of(experiments)) < 2:
        return []
    best = default_strategy(experiments)
    parts, changed = [], 0
    for left_out, ranks in first_without(experiments).items():
        found = leaders(ranks)
        place = 1 + sum(rank < ranks[best] and not np.isclose(rank, ranks[best]) for rank in ranks.values())
        changed += place > 1
        parts.append(
            f"without {left_out} {format_names([f'`{name}`' for name in found])}"
            + (f" ({best} {_ordinal(place)})" if place > 1 else "")
        )
    opening = (
        "hangs on which experiments there are" if changed else "stays first, or shares the first place, without any"
    )
    return [f"The default {opening}. With one left out, first by mean rank is: {'; '.join(parts)}."]


def _ordinal(place: int) -> str:
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    return words[place - 1] if place <= len(words) else f"in place {place}"


def future_work_by_rank(experiments: Sequence[ExperimentResults]) -> list[str]:
    """Return those of the paper's future work that were run, by mean rank, of equals by mean area.

    Args:
        experiments: at least one, of the same strategies.
    """
    return [name for name in by_rank(experiments) if name in FUTURE_WORK]


def _future_work_to_take(experiments: Sequence[ExperimentResults]) -> list[str]:
    """Return which of the future work to take, with how it stands to the next one and to the usual choices."""
    order = future_work_by_rank(experiments)
    if not order:
        return []
    ranks, best = mean_ranks(experiments), order[0]
    rivals = [name for name in (*order[1:2], "badge", "margin") if name in ranks]
    listed = ", ".join(f"{name} {ranks[name]:.1f}" for name in order)
    return [
        f"Of the paper's future work take `{best}`, by mean rank ({listed}; of equals the larger mean area goes first)"
        + "".join(f"; against {rival}: {outcome(experiments, best, rival)}" for rival in rivals)
        + "."
    ]


def _when_grad(experiments: Sequence[ExperimentResults]) -> str:
    """Return when `grad` is the right choice and when it is not."""
    strong = [name for name in ("margin", "badge") if name in experiments[0].strategies]
    if not strong:
        return "When `grad` is the right choice cannot be said: neither margin nor badge was run."
    wins = {name: outcome(experiments, "grad", name).better for name in strong}
    where = [f"{', '.join(names)} (against {name})" for name, names in wins.items() if names]
    verdict = (
        f"is the right choice in {format_names(where)}, and nowhere else here"
        if where
        else f"is the right choice nowhere here: in no experiment is it better than {' or '.join(strong)}"
    )
    gaps = [
        (_mean_gap(one, "grad", strong[0], "early"), _mean_gap(one, "grad", strong[0], "late")) for one in experiments
    ]
    early, late = problem_means(experiments, gaps).mean(axis=0).tolist()
    listed = ", ".join(
        f"{100 * first:+.1f} / {100 * last:+.1f} in {one.name}"
        for one, (first, last) in zip(experiments, gaps, strict=True)
    )
    otherwise = [one.name for one, (first, last) in zip(experiments, gaps, strict=True) if first >= last]
    return (
        f"When to take it: `grad` {verdict}. Beside {strong[0]} its accuracy is, in the first {PART} rounds / in the "
        f"last {PART}, {100 * early:+.1f} / {100 * late:+.1f} points on average over {over_what(experiments)}: "
        f"{listed}." + _when_it_costs(early, late, otherwise)
    )


def _when_it_costs(early: float, late: float, otherwise: Sequence[str]) -> str:
    """Return that it costs most while labels are few, if on average it does clearly; and where it does not.

    Args:
        early: by how much the strategy is ahead in early rounds, on average; negative where it is behind.
        late: the same in late rounds.
        otherwise: the experiments in which it is no further behind in early rounds than in late ones.
    """
    # Behind at both ends, and at least twice as far in the beginning; a gap that turns around has no such share.
    if not early <= _CLEARLY * late <= 0 or not early < 0:
        return ""
    return " On average most of what it costs, it costs while labels are few" + (
        f"; in {format_names(otherwise)} it is the other way round." if otherwise else "."
    )


def _mean_gap(one: ExperimentResults, first: str, second: str, part: Part) -> float:
    found = accuracy_by(one, part)
    return float((found[first] - found[second]).mean())


def _earned(experiments: Sequence[ExperimentResults], name: str) -> str:
    """Return whether a strategy of the future work is better than `grad`, which it is meant to mend."""
    found = outcome(experiments, name, "grad")
    verdict = "earns its place" if found.better and not found.worse else "has not earned its place yet"
    return f"`{name}` {verdict} beside `grad`: {found}; against random: {outcome(experiments, name, BASELINE)}."
