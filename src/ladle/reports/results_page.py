"""The page of results, in Markdown: every number in it comes from stored runs, figures' numbers and timings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ladle.experiments import ExperimentResults
from ladle.reports.analysis import ALPHA, BASELINE
from ladle.reports.claims import COMPARED, areas, claims
from ladle.reports.paper_figures import mean_areas, model_of, with_shared_strategies
from ladle.statistics import (
    Ranking,
    adjusted_p_values,
    bootstrap_interval,
    friedman,
    label_savings,
    paired_effect,
    paired_p_values,
    seeds_needed,
)

#: What the paper names as future work, and what it is held against.
FUTURE_WORK = ("grad-cosine", "grad-volume", "grad-d2")
_POINT = 0.01
#: An experiment with fewer finished seeds decides no claim and no rank.
LEAST_SEEDS = 3


def results_page(
    experiments: Sequence[ExperimentResults],
    figures: Mapping[str, Mapping[str, Any]],
    timings: Mapping[str, Any],
    pictures: Mapping[str, Sequence[str]],
) -> str:
    """Return the page.

    Args:
        experiments: what is stored.
        figures: by figure name, the numbers that ``ladle figure`` wrote.
        timings: of ``benchmarks/table2.py``; may be empty.
        pictures: by figure name, the paths of its PNG files, relative to the page.
    """
    # With fewer seeds than this a mean is an anecdote: such experiments stand in the tables, and decide nothing.
    enough = [one for one in experiments if len(one.seeds) >= LEAST_SEEDS] or list(experiments)
    shared = with_shared_strategies(enough)
    parts = [
        "# Results",
        "What the paper claims, held against runs of our own on real data, whichever way it falls. The page is written "
        "by `make results` from the files in `results/`; nothing in it is typed by hand. "
        "`ladle results load results --store sqlite:///ladle.db` puts the runs into a store, and "
        "`ladle run evidence --store sqlite:///ladle.db` goes on with what is not finished.",
        "## In short",
        _summary(shared),
        "## What was run",
        _runs(experiments),
        "## The paper's claims",
        _claims(enough, figures, timings),
        "## Accuracy",
        "Mean test accuracy ± standard deviation over seeds, in %; the area under the learning curve is the mean "
        "accuracy on the way through the budget. The highest mean of each row is bold.",
        _area_table(experiments),
        _final_table(experiments),
        _interval_table(experiments),
        "## Against random, margin and entropy",
        "Differences of areas in percentage points, paired by seed, with a 95 % t interval. With so few seeds the "
        "intervals are wide, and they are right only as far as differences are normal.",
        _effects(experiments),
        "## Labels needed",
        _savings(experiments),
        "## Is any of it significant?",
        _significance(experiments),
        _rank_section(shared),
        "## How many seeds it takes",
        _power(experiments),
        "## The paper's future work",
        _future_work(shared),
        "## Figures",
        _figures(pictures),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def default_strategy(experiments: Sequence[ExperimentResults]) -> str:
    """Return the strategy of the best mean rank by area over these experiments; the first in the catalog of equals."""
    ranks = mean_ranks(experiments)
    return min(ranks, key=lambda name: ranks[name])


def mean_ranks(experiments: Sequence[ExperimentResults]) -> dict[str, float]:
    """Return the mean rank by mean area of each strategy, 1 the best, over experiments of the same strategies."""
    ranks = rankdata(-mean_areas(experiments), axis=1).mean(axis=0)
    return dict(zip(experiments[0].strategies, ranks.tolist(), strict=True))


def _summary(experiments: Sequence[ExperimentResults]) -> str:
    ranks = mean_ranks(experiments)
    order = sorted(ranks, key=lambda name: ranks[name])
    lines = [
        f"- Over {len(experiments)} experiments, by the area under the curve, the mean ranks of "
        f"{len(order)} strategies are: " + ", ".join(f"{name} {ranks[name]:.1f}" for name in order) + ".",
    ]
    for rival in (BASELINE, "entropy", "margin"):
        if "grad" not in ranks or rival not in ranks:
            continue
        better, worse = [], []
        for one in experiments:
            found = areas(one)
            effect = paired_effect(found["grad"], found[rival])
            if effect.low > 0:
                better.append(one.name)
            elif effect.high < 0:
                worse.append(one.name)
        unclear = len(experiments) - len(better) - len(worse)
        lines.append(
            f"- `grad` against {rival}, by the interval of the difference in area: better in {_names(better)}; worse "
            f"in {_names(worse)}; not told apart in {unclear} of {len(experiments)}."
        )
    lines.append(
        f"- Recommended default, by mean rank on these experiments: **`{order[0]}`**. It is a statement about these "
        "data sets, networks and budgets, not a law."
    )
    return "\n".join(lines)


def _names(names: Sequence[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "none"


def _runs(experiments: Sequence[ExperimentResults]) -> str:
    rows = [
        [
            one.name,
            f"{one.data['pool']:,}",
            model_of(one),
            f"{one.labeled[0]:,} + {len(one.labeled) - 1} × {_batch(one):,}",
            str(one.config["training"]["epochs"]),
            f"{one.learning_rate:g}",
            str(len(one.strategies)),
            str(len(one.seeds)),
            str(one.unfinished) if one.unfinished else "",
        ]
        for one in experiments
    ]
    heads = ["experiment", "pool", "network", "labels", "epochs", "rate", "strategies", "seeds", "runs in part"]
    environment = experiments[0].environment
    versions = ", ".join(f"{name} {version}" for name, version in environment.items() if isinstance(version, str))
    return (
        f"{_grid(heads, rows)}\n\nAll of one machine: {versions}. An experiment with fewer than "
        f"{LEAST_SEEDS} finished seeds stands in the tables and decides no claim and no rank."
    )


def _batch(one: ExperimentResults) -> int:
    return int(one.config["schedule"]["batch"])


def _claims(
    experiments: Sequence[ExperimentResults], figures: Mapping[str, Mapping[str, Any]], timings: Mapping[str, Any]
) -> str:
    found = claims(experiments, figures, timings)
    verdicts = [claim.verdict for claim in found]
    counted = ", ".join(f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts))
    rows = [
        [
            claim.section,
            claim.text,
            claim.verdict if claim.verdict == "not run" else f"**{claim.verdict}**",
            claim.number,
        ]
        for claim in found
    ]
    return (
        f"Of {len(found)} claims: {counted}. Comparisons are among the paper's five ({', '.join(COMPARED)}).\n\n"
        + _grid(["section", "claim", "verdict", "number"], rows)
    )


def _area_table(experiments: Sequence[ExperimentResults]) -> str:
    return "Area under the curve:\n\n" + _by_strategy(experiments, areas)


def _final_table(experiments: Sequence[ExperimentResults]) -> str:
    def final(one: ExperimentResults) -> dict[str, NDArray[np.float64]]:
        return {name: one.accuracies[place, -1] for place, name in enumerate(one.strategies)}

    return "With all labels of the budget:\n\n" + _by_strategy(experiments, final)


def _interval_table(experiments: Sequence[ExperimentResults]) -> str:
    having = [one for one in experiments if len(one.seeds) >= LEAST_SEEDS]
    if not having:
        return ""
    names = list(dict.fromkeys(name for one in having for name in one.strategies))
    rows = []
    for one in having:
        found = {name: bootstrap_interval(values) for name, values in areas(one).items()}
        cells = [f"{100 * found[name][0]:.2f} to {100 * found[name][1]:.2f}" if name in found else "" for name in names]
        rows.append([one.name, *cells])
    return (
        "95 % bootstrap interval of the mean area, over seeds; with five seeds it is narrower than it should be:\n\n"
        + _grid(["experiment", *names], rows)
    )


def _by_strategy(experiments: Sequence[ExperimentResults], values: Any) -> str:
    names = list(dict.fromkeys(name for one in experiments for name in one.strategies))
    rows = []
    for one in experiments:
        found = values(one)
        best = max(float(row.mean()) for row in found.values())
        cells = []
        for name in names:
            if name not in found:
                cells.append("")
                continue
            mean = float(found[name].mean())
            text = f"{100 * mean:.2f}"
            if len(found[name]) > 1:
                text += f" ± {100 * float(found[name].std(ddof=1)):.2f}"
            cells.append(f"**{text}**" if mean == best else text)
        rows.append([one.name, *cells])
    return _grid(["experiment", *names], rows)


def _effects(experiments: Sequence[ExperimentResults]) -> str:
    tables = []
    for rival in (BASELINE, "margin", "entropy"):
        having = [one for one in experiments if rival in one.strategies and len(one.seeds) > 1]
        names = [name for name in dict.fromkeys(n for one in having for n in one.strategies) if name != rival]
        rows = []
        for one in having:
            found = areas(one)
            cells = []
            for name in names:
                if name not in found:
                    cells.append("")
                    continue
                effect = paired_effect(found[name], found[rival])
                text = f"{100 * effect.difference:+.2f} [{100 * effect.low:+.2f}, {100 * effect.high:+.2f}]"
                cells.append(f"**{text}**" if effect.low > 0 or effect.high < 0 else text)
            rows.append([one.name, *cells])
        if rows:
            tables.append(
                f"Against {rival} (bold: the interval leaves out zero):\n\n{_grid(['experiment', *names], rows)}"
            )
    return "\n\n".join(tables)


def _savings(experiments: Sequence[ExperimentResults]) -> str:
    tables = []
    for rival in (BASELINE, "margin"):
        rows = []
        names = list(dict.fromkeys(n for one in experiments for n in one.strategies))
        for one in experiments:
            if rival not in one.strategies:
                continue
            found = label_savings(
                one.labeled, one.accuracies, baseline=one.strategies.index(rival), confidence=1 - ALPHA, seed=0
            )
            cells = dict(zip(one.strategies, (_saving(saving) for saving in found), strict=True))
            rows.append([one.name, *(cells.get(name, "") for name in names)])
        if rows:
            tables.append(
                f"How many times as many labels {rival} needs to get to its own final accuracy, with a bootstrap "
                "interval over seeds: above 1 the strategy saves labels, – means that it never gets there.\n\n"
                + _grid(["experiment", *names], rows)
            )
    return "\n\n".join(tables)


def _saving(saving: Any) -> str:
    ratio, low, high = (
        f"{value:.2f}" if value > 0 else "–" for value in (saving.ratio, saving.ratio_low, saving.ratio_high)
    )
    return ratio if ratio == low == high else f"{ratio} [{low}, {high}]"


def _significance(experiments: Sequence[ExperimentResults]) -> str:
    rows = []
    for one in experiments:
        if len(one.seeds) < 2 or len(one.labeled) < 2:
            continue
        p_values = paired_p_values(one.accuracies[:, 1:])
        upper = np.triu_indices(len(one.strategies), k=1)
        tested = p_values[upper]
        raw = int((tested < ALPHA).sum())
        counts = [
            int((adjusted_p_values(tested, method=method) < ALPHA).sum()) for method in ("benjamini-hochberg", "holm")
        ]
        rows.append([one.name, f"{np.isfinite(tested).sum():,}", f"{raw:,}", *(f"{count:,}" for count in counts)])
    return (
        "Paired t-tests of every pair of strategies in every round, and how many stay below 0.05 when corrected over "
        "all pairs and rounds of an experiment at once. The paper corrects within a round only, by Benjamini and "
        "Hochberg; the penalty matrix below does as the paper does.\n\n"
        + _grid(["experiment", "tests", "uncorrected", "Benjamini–Hochberg", "Holm"], rows)
    )


def _rank_section(experiments: Sequence[ExperimentResults]) -> str:
    ranking = ranking_of(experiments)
    if ranking is None:
        return "Too few experiments for a Friedman test: it needs two with three strategies in common."
    worse = [
        f"{first} and {second} ({ranking.p_values[i, j]:.3f})"
        for i, first in enumerate(experiments[0].strategies)
        for j, second in enumerate(experiments[0].strategies)
        if i < j and ranking.p_values[i, j] < ALPHA
    ]
    return (
        f"Over {len(experiments)} experiments, ranks by mean area: Friedman χ² = {ranking.statistic:.1f}, "
        f"p = {ranking.p_value:.3f}; the critical difference of mean ranks (Nemenyi, 0.05) is "
        f"{ranking.critical_difference:.1f}. Pairs that differ: {', '.join(worse) or 'none'}. Schedules of one data "
        "set are no independent data sets, so the test errs towards finding differences."
    )


def ranking_of(experiments: Sequence[ExperimentResults]) -> Ranking | None:
    """Return Friedman's test on mean areas of experiments of the same strategies; None where there are too few."""
    if len(experiments) < 2 or len(experiments[0].strategies) < 3:
        return None
    return friedman(mean_areas(experiments))


def _power(experiments: Sequence[ExperimentResults]) -> str:
    rows = []
    for one in experiments:
        if len(one.seeds) < 3 or not {"grad", BASELINE} <= set(one.strategies):
            continue
        grad, rival = (one.accuracies[one.strategies.index(name), 1:] for name in ("grad", BASELINE))
        deviation = float(np.median((grad - rival).std(axis=-1, ddof=1)))
        found = areas(one)
        over_area = float((found["grad"] - found[BASELINE]).std(ddof=1))
        rows.append(
            [
                one.name,
                str(len(one.seeds)),
                f"{100 * deviation:.2f}",
                str(seeds_needed(_POINT, deviation)) if deviation > 0 else "2",
                f"{100 * over_area:.2f}",
                str(seeds_needed(_POINT, over_area)) if over_area > 0 else "2",
            ]
        )
    if not rows:
        return "No experiment has the three seeds that this needs."
    return (
        "Seeds that a paired t-test (two-sided, 0.05, power 0.8) needs to find a difference of one percentage point "
        "between `grad` and random, from the standard deviation of the differences seen here: in one round (the median "
        "over rounds), and of the area under the curve.\n\n"
        + _grid(["experiment", "seeds run", "std in a round", "seeds needed", "std of the area", "seeds needed"], rows)
    )


def _future_work(experiments: Sequence[ExperimentResults]) -> str:
    names = [name for name in FUTURE_WORK if name in experiments[0].strategies]
    if not names or "grad" not in experiments[0].strategies:
        return "Not run yet."
    ranks = mean_ranks(experiments)
    rows = []
    for name in names:
        for rival in ("grad", "badge"):
            effects = [paired_effect(areas(one)[name], areas(one)[rival]) for one in experiments]
            rows.append(
                [
                    name,
                    rival,
                    str(sum(effect.low > 0 for effect in effects)),
                    str(sum(effect.high < 0 for effect in effects)),
                    str(sum(effect.low <= 0 <= effect.high for effect in effects)),
                    f"{100 * float(np.mean([effect.difference for effect in effects])):+.2f}",
                    f"{ranks[name]:.1f} / {ranks[rival]:.1f}",
                ]
            )
    return (
        "The paper names a check of the angle between gradients as future work, since `grad` scores examples one by "
        "one and its batches may repeat themselves. Three ways, each exact: `grad-cosine` passes over gradients nearly "
        "parallel to a pick, `grad-volume` takes the largest volume of gradients seen from the labeled mean, "
        "`grad-d2` draws by squared distance with the labeled mean as the first center. In how many experiments the "
        "interval of the difference in area leaves out zero:\n\n"
        + _grid(["strategy", "against", "better", "worse", "not told apart", "mean difference", "mean ranks"], rows)
    )


def _figures(pictures: Mapping[str, Sequence[str]]) -> str:
    parts = []
    for name, paths in pictures.items():
        parts.append(f"### Figure {name}\n\n`ladle figure {name}`")
        parts += [f"![Figure {name}]({path})" for path in paths]
    return "\n\n".join(parts)


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(heads), ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
