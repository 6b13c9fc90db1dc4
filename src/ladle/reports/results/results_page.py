"""The page of results, in Markdown: every number in it comes from stored runs, figures' numbers and timings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ladle.experiments import ExperimentResults
from ladle.reports.claims.claims_section import claims_section
from ladle.reports.experiment_sets import (
    LEAST_SEEDS,
    model_of,
    of_seeds_enough,
    problem_means,
    with_shared_strategies,
)
from ladle.reports.orderings import areas, outcome
from ladle.reports.results.captions import figures_section
from ladle.reports.results.recommendation import FUTURE_WORK, in_short, mean_ranks
from ladle.reports.results.results_tables import (
    area_table,
    effect_tables,
    final_table,
    grid,
    interval_table,
    power_table,
    rank_sentence,
    saving_tables,
    significance_table,
)


def results_page(
    experiments: Sequence[ExperimentResults],
    figures: Mapping[str, Mapping[str, Any]],
    timings: Mapping[str, Any],
    pictures: Mapping[str, Sequence[tuple[str, str]]],
    missing: Mapping[str, str],
    standing: Mapping[str, tuple[int, int]],
) -> str:
    """Return the page.

    Args:
        experiments: what is stored.
        figures: by figure name, the numbers that were written or drawn with it.
        timings: of ``benchmarks/table2.py``; may be empty.
        pictures: by figure name, the parts and paths of its PNG files, relative to the page.
        missing: by figure name, why it could not be drawn.
        standing: of each experiment that is planned, the rounds finished and the rounds in all.
    """
    # The others stand in the tables, and decide nothing.
    enough = of_seeds_enough(experiments)
    shared = with_shared_strategies(enough)
    parts = [
        "# Results",
        "What the paper claims, held against runs of our own on real data, whichever way it falls. The page is written "
        "by `make results` from the files in `results/`; nothing in it is typed by hand. "
        "`ladle results load results --store sqlite:///ladle.db` puts the runs into a store, and "
        "`ladle run evidence --store sqlite:///ladle.db` goes on with what is not finished.",
        "## In short",
        in_short(shared),
        "## What was run",
        _runs(experiments),
        _unfinished(standing),
        "## The paper's claims",
        claims_section(enough, figures, timings),
        "## Accuracy",
        "Mean test accuracy ± standard deviation over seeds, in %; the area under the learning curve is the mean "
        "accuracy on the way through the budget. The highest mean of each row is bold.",
        area_table(experiments),
        final_table(experiments),
        interval_table(experiments),
        "## Against random, margin and entropy",
        "Differences of areas in percentage points, paired by seed, with a 95 % t interval. With so few seeds the "
        "intervals are wide, and they are right only as far as differences are normal.",
        effect_tables(experiments),
        "## Labels needed",
        saving_tables(experiments),
        "## Is any of it significant?",
        significance_table(experiments),
        rank_sentence(shared),
        "## How many seeds it takes",
        power_table(experiments),
        "## The paper's future work",
        _future_work(shared),
        "## Figures",
        figures_section(pictures, figures, missing),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


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
            " to ".join(dict.fromkeys(one.days or ())),
        ]
        for one in experiments
    ]
    heads = [
        "experiment",
        "pool",
        "network",
        "labels",
        "epochs",
        "rate",
        "strategies",
        "seeds",
        "runs in part",
        "rounds of",
    ]
    return (
        f"{grid(heads, rows)}\n\n{_machines(experiments)} An experiment with fewer than {LEAST_SEEDS} finished seeds "
        "stands in the tables and decides no claim and no rank."
    )


def _machines(experiments: Sequence[ExperimentResults]) -> str:
    """Tell what runs began with, and which of them may be of several machines."""
    found: dict[str, list[str]] = {}
    for one in experiments:
        for environment in one.environments or (one.environment,):
            # What is not on record is said so: the same code on another processor need not give the same accuracies.
            known = {"processor": "not on record"} | dict(environment)
            words = ", ".join(f"{name} {value}" for name, value in known.items() if isinstance(value, str))
            found.setdefault(words, []).append(one.name)
    told = "; ".join(f"{words} ({', '.join(dict.fromkeys(names))})" for words, names in found.items())
    several = [one.name for one in experiments if one.days and len(set(one.days)) > 1]
    mixed = (
        f" Rounds of several days ({', '.join(several)}) may be of several processors, also within a run: then not "
        "every difference within a seed is one of strategies alone ([Determinism](determinism.md))."
        if several
        else ""
    )
    return f"Runs began with {told}.{mixed}"


def _unfinished(standing: Mapping[str, tuple[int, int]]) -> str:
    """Return what of the plan is not finished, and how to go on."""
    rows = [
        [name, f"{done:,} of {whole:,}", f"`ladle run evidence/{name}`"]
        for name, (done, whole) in standing.items()
        if done < whole
    ]
    if not rows:
        return ""
    return (
        "Not finished yet; each goes on where it stopped by its command, with the store that the runs were loaded "
        "into, and all of them by `ladle run evidence`:\n\n"
        + grid(["experiment", "rounds finished", "goes on with"], rows)
    )


def _batch(one: ExperimentResults) -> int:
    return int(one.config["schedule"]["batch"])


def _future_work(experiments: Sequence[ExperimentResults]) -> str:
    names = [name for name in FUTURE_WORK if name in experiments[0].strategies]
    if not names or "grad" not in experiments[0].strategies:
        return "Not run yet."
    ranks = mean_ranks(experiments)
    rows = []
    for name in names:
        for rival in ("grad", "badge", "margin"):
            if rival not in ranks:
                continue
            found = outcome(experiments, name, rival)
            gaps = [areas(one)[name].mean() - areas(one)[rival].mean() for one in experiments]
            rows.append(
                [
                    name,
                    rival,
                    *(str(len(group)) for group in (found.better, found.worse, found.unclear)),
                    f"{100 * float(problem_means(experiments, gaps).mean()):+.2f}",
                    f"{ranks[name]:.1f} / {ranks[rival]:.1f}",
                ]
            )
    return (
        "The paper names a check of the angle between gradients as future work, since `grad` scores examples one by "
        "one and its batches may repeat themselves. Three ways, each exact: `grad-cosine` passes over gradients nearly "
        "parallel to a pick, `grad-volume` takes the largest volume of gradients seen from the labeled mean, "
        "`grad-d2` draws by squared distance with the labeled mean as the first center. One earns its place if it is "
        "better than `grad` somewhere and worse nowhere. In how many experiments the interval of the difference in "
        "area leaves out zero:\n\n"
        + grid(["strategy", "against", "better", "worse", "not told apart", "mean difference", "mean ranks"], rows)
    )
