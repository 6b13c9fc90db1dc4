"""What the runs say in short: the recommended default, when `grad` is the right choice, and what earns its place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from ladle.experiments import ExperimentResults
from ladle.reports.analysis import ALPHA, BASELINE, PART
from ladle.reports.formats import counted, format_names
from ladle.reports.orderings import Part, accuracy_by, outcome
from ladle.reports.paper_figures import mean_areas
from ladle.statistics import Ranking, friedman

#: What `grad` is held against in the summary.
RIVALS = (BASELINE, "entropy", "margin", "badge")
#: What the paper names as future work.
FUTURE_WORK = ("grad-cosine", "grad-volume", "grad-d2")


def mean_ranks(experiments: Sequence[ExperimentResults]) -> dict[str, float]:
    """Return the mean rank by mean area of each strategy, 1 the best, over experiments of the same strategies."""
    ranks = rankdata(-mean_areas(experiments), axis=1).mean(axis=0)
    return dict(zip(experiments[0].strategies, ranks.tolist(), strict=True))


def default_strategy(experiments: Sequence[ExperimentResults]) -> str:
    """Return the strategy of the best mean rank by area over these experiments; the first in the catalog of equals."""
    ranks = mean_ranks(experiments)
    return min(ranks, key=lambda name: ranks[name])


def ranking_of(experiments: Sequence[ExperimentResults]) -> Ranking | None:
    """Return Friedman's test on mean areas of experiments of the same strategies; None where there are too few."""
    if len(experiments) < 2 or len(experiments[0].strategies) < 3:
        return None
    return friedman(mean_areas(experiments))


def in_short(experiments: Sequence[ExperimentResults]) -> str:
    """Return the summary, a list: ranks, the default with what speaks against it, `grad`, and the future work.

    Args:
        experiments: at least one, of the same strategies.
    """
    ranks = mean_ranks(experiments)
    order = sorted(ranks, key=lambda name: ranks[name])
    seeds = sorted({len(one.seeds) for one in experiments})
    lines = [
        f"Over {counted(len(experiments), 'experiment', 'experiments')} ({', '.join(one.name for one in experiments)}; "
        f"{'–'.join(str(seeds[k]) for k in sorted({0, len(seeds) - 1}))} seeds each), by the area under the curve, the "
        f"mean ranks of {len(order)} strategies are: " + ", ".join(f"{name} {ranks[name]:.1f}" for name in order) + ".",
        _default(experiments, order),
    ]
    if "grad" in ranks:
        lines += [
            f"`grad` against {rival}: {outcome(experiments, 'grad', rival)}." for rival in RIVALS if rival in ranks
        ]
        lines.append(_when_grad(experiments))
        lines += [_earned(experiments, name) for name in FUTURE_WORK if name in ranks]
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
    sentence = f"Recommended default: **`{best}`**, by mean rank. Of these experiments, {never_worse}."
    ranking = ranking_of(experiments)
    if ranking is None:
        return f"{sentence} There are too few experiments for a test of ranks."
    strategies = experiments[0].strategies
    place = strategies.index(best)
    apart = [name for k, name in enumerate(strategies) if ranking.p_values[place, k] < ALPHA and k != place]
    close = [name for name in order[1:] if name not in apart]
    return (
        f"{sentence} Its lead is {'no certain one' if close else 'clear'}: over "
        f"{counted(len(experiments), 'experiment', 'experiments')} Friedman's test gives p = {ranking.p_value:.3f}, "
        f"and by Nemenyi's its mean rank differs from that of {format_names(apart) if apart else 'no other strategy'}."
        + (f" {order[1]} comes next, and these runs do not rule it out." if order[1] in close else "")
    )


def _when_grad(experiments: Sequence[ExperimentResults]) -> str:
    """Return when `grad` is the right choice and when it is not."""
    strong = [name for name in ("margin", "badge") if name in experiments[0].strategies]
    if not strong:
        return "When `grad` is the right choice cannot be said: neither margin nor badge was run."
    wins = {name: outcome(experiments, "grad", name).better for name in strong}
    where = [f"{', '.join(names)} (against {name})" for name, names in wins.items() if names]
    gaps = []
    parts: tuple[tuple[Part, str], ...] = (("early", f"the first {PART} rounds"), ("late", f"the last {PART}"))
    for part, words in parts:
        gap = 100 * float(np.mean([_mean_gap(one, "grad", strong[0], part) for one in experiments]))
        gaps.append(f"{gap:+.1f} points in {words}")
    verdict = (
        f"is the right choice in {format_names(where)}, and nowhere else here"
        if where
        else f"is the right choice nowhere here: in no experiment is it better than {' or '.join(strong)}"
    )
    cost = " What it costs, it costs while labels are few." if gaps[0].startswith("-") else ""
    return (
        f"When to take it: `grad` {verdict}. Beside {strong[0]} its accuracy is {gaps[0]} and {gaps[1]}, on average "
        f"over experiments.{cost}"
    )


def _mean_gap(one: ExperimentResults, first: str, second: str, part: Part) -> float:
    found = accuracy_by(one, part)
    return float((found[first] - found[second]).mean())


def _earned(experiments: Sequence[ExperimentResults], name: str) -> str:
    """Return whether a strategy of the future work is better than `grad`, which it is meant to mend."""
    found = outcome(experiments, name, "grad")
    verdict = "earns its place" if found.better and not found.worse else "has not earned its place yet"
    return f"`{name}` {verdict} beside `grad`: {found}; against random: {outcome(experiments, name, BASELINE)}."
