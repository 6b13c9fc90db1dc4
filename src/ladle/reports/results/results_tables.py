"""The tables of the page of results: accuracy, differences, labels needed, significance and power."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ladle.experiments import ExperimentResults
from ladle.reports.analysis import ALPHA, BASELINE
from ladle.reports.experiment_sets import LEAST_SEEDS, data_of, over_what, problems_of, shared_problems
from ladle.reports.orderings import areas
from ladle.reports.results.recommendation import ranking_of
from ladle.statistics import (
    adjusted_p_values,
    bootstrap_interval,
    label_savings,
    paired_effect,
    paired_p_values,
    power_of_paired_test,
    seeds_needed,
)

_POINT = 0.01


def area_table(experiments: Sequence[ExperimentResults]) -> str:
    """Return the areas under the curve of every strategy in every experiment."""
    return "Area under the curve:\n\n" + _by_strategy(experiments, areas)


def final_table(experiments: Sequence[ExperimentResults]) -> str:
    """Return the accuracies with all labels of the budget."""

    def final(one: ExperimentResults) -> dict[str, NDArray[np.float64]]:
        return {name: one.accuracies[place, -1] for place, name in enumerate(one.strategies)}

    return "With all labels of the budget:\n\n" + _by_strategy(experiments, final)


def interval_table(experiments: Sequence[ExperimentResults]) -> str:
    """Return bootstrap intervals of the mean area, where there are seeds enough."""
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
        + grid(["experiment", *names], rows)
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
    return grid(["experiment", *names], rows)


def effect_tables(experiments: Sequence[ExperimentResults]) -> str:
    """Return the differences in area from random, margin and entropy, with their t intervals."""
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
                f"Against {rival} (bold: the interval leaves out zero):\n\n{grid(['experiment', *names], rows)}"
            )
    return "\n\n".join(tables)


def saving_tables(experiments: Sequence[ExperimentResults]) -> str:
    """Return the labels that random and margin need for their own final accuracy, over each strategy's."""
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
                f"The labels {rival} needs for the accuracy it ends with, over those that the strategy needs for the "
                "same: above 1 the strategy saves labels, – means that it never gets there. In brackets a bootstrap "
                "interval over seeds.\n\n" + grid(["experiment", *names], rows)
            )
    return "\n\n".join(tables)


def _saving(saving: Any) -> str:
    ratio, low, high = (
        f"{value:.2f}" if value > 0 else "–" for value in (saving.ratio, saving.ratio_low, saving.ratio_high)
    )
    return ratio if ratio == low == high else f"{ratio} [{low}, {high}]"


def significance_table(experiments: Sequence[ExperimentResults]) -> str:
    """Return how many paired tests stay significant when corrected."""
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
        + grid(["experiment", "tests", "uncorrected", "Benjamini–Hochberg", "Holm"], rows)
    )


def rank_sentence(experiments: Sequence[ExperimentResults]) -> str:
    """Return what Friedman and Nemenyi say of the mean ranks."""
    ranking = ranking_of(experiments)
    if ranking is None:
        return "Too little for a Friedman test: it needs two data sets or networks, and three strategies in common."
    counted_once = shared_problems(experiments)
    worse = [
        f"{first} and {second} ({ranking.p_values[i, j]:.3f})"
        for i, first in enumerate(experiments[0].strategies)
        for j, second in enumerate(experiments[0].strategies)
        if i < j and ranking.p_values[i, j] < ALPHA
    ]
    return (
        f"Over {over_what(experiments)}, ranks by mean area: Friedman χ² = {ranking.statistic:.1f}, "
        f"p = {ranking.p_value:.3f}; the critical difference of mean ranks (Nemenyi, 0.05) is "
        f"{ranking.critical_difference:.1f}. Pairs that differ: {', '.join(worse) or 'none'}."
        + (f" {counted_once}" if counted_once else "")
        + (
            " Problems of one data set are not independent, so the test errs towards finding differences."
            if len({data_of(one) for one in experiments}) < len(problems_of(experiments))
            else ""
        )
    )


def power_table(experiments: Sequence[ExperimentResults]) -> str:
    """Return the power to find a point with the seeds run, and the seeds it takes."""
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
                *_powers(deviation, len(one.seeds)),
                f"{100 * over_area:.2f}",
                *_powers(over_area, len(one.seeds)),
            ]
        )
    if not rows:
        return "No experiment has the three seeds that this needs."
    return (
        "The power of a paired t-test (two-sided, 0.05) of one pair, uncorrected, to find a difference of one "
        "percentage point between `grad` and random with the seeds run, and the seeds that a power of 0.8 needs; from "
        "the standard deviation of the differences seen here, in one round (the median over rounds) and of the area "
        "under the curve. Corrected over many pairs and rounds, it takes more.\n\n"
        + grid(
            [
                "experiment",
                "seeds run",
                "std in a round",
                "power",
                "seeds needed",
                "std of the area",
                "power",
                "seeds needed",
            ],
            rows,
        )
    )


def _powers(deviation: float, seeds: int) -> tuple[str, str]:
    """Return the power to find a point with these seeds, and the seeds needed; of no deviation at all, certainty."""
    if not deviation > 0:
        return "1.00", "2"
    return f"{power_of_paired_test(_POINT, deviation, seeds):.2f}", str(seeds_needed(_POINT, deviation))


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [list(heads), ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
