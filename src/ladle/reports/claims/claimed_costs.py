"""The paper's section 4.6 held against our clocks: who selects fastest, and whether k-center slows down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ladle.experiments import ExperimentResults
from ladle.reports.analysis import PART
from ladle.reports.claims.claim import Claim
from ladle.reports.formats import format_seconds
from ladle.reports.orderings import Verdict, agreed, weighed
from ladle.statistics import paired_effect

PAPERS_FACTOR = 2.3
#: How far from the paper's factor still counts as the same.
FACTOR_TOLERANCE = 0.25


def cost_claims(timings: Mapping[str, Any], experiments: Sequence[ExperimentResults]) -> list[Claim]:
    """Return what became of the order of the four, of `grad`'s factor, and of the growing cost of k-center.

    Args:
        timings: of ``benchmarks/table2.py``; may be empty.
        experiments: with k-center, for the seconds of its picks.
    """
    order = "selection is fastest for entropy, then grad, then BADGE, then k-center"
    factor = f"grad takes {PAPERS_FACTOR} × the time of entropy"
    models = timings.get("models", {})
    return [
        Claim("4.6", order, *_over_networks({model: _order(rows) for model, rows in models.items()})),
        Claim("4.6", factor, *_over_networks({model: _factor(rows) for model, rows in models.items()})),
        Claim("4.6", "k-center can cost more as the labeled set grows", *_growing(experiments)),
    ]


def _over_networks(found: Mapping[str, tuple[Verdict, str]]) -> tuple[Verdict, str]:
    if not found:
        return "not run", ""
    number = "; ".join(f"{model}: {text}" for model, (_, text) in found.items())
    return agreed([verdict for verdict, _ in found.values()]), f"{number}; see performance.md"


def _order(rows: Mapping[str, Any]) -> tuple[Verdict, str]:
    alone = {name: row["selection"] for name, row in rows.items()}
    steps = list(pairwise(alone.values()))
    verdict: Verdict = "reproduced"
    if any(after[0] < before[0] for before, after in steps):
        # A step back within the spread of the rounds is none that could be told.
        verdict = "mixed" if all(before[0] - after[0] < before[1] for before, after in steps) else "not reproduced"
    numbers = ", ".join(f"{name} {format_seconds(*seconds)}" for name, seconds in alone.items())
    return verdict, f"with the model's outputs at hand {numbers}"


def _factor(rows: Mapping[str, Any]) -> tuple[Verdict, str]:
    ratio = rows["grad"]["with_forward"][0] / rows["entropy"]["with_forward"][0]
    near = abs(ratio / PAPERS_FACTOR - 1) < FACTOR_TOLERANCE
    return ("reproduced" if near else "not reproduced"), f"{ratio:.3f} ×, the pass over the pool counted"


def _growing(experiments: Sequence[ExperimentResults]) -> tuple[Verdict, str]:
    """Compare the first and the last picks of k-center: of each part the median, so that one long pause is no trend."""
    effects, parts = [], []
    for one in experiments:
        # The last evaluation picks nothing.
        seconds = one.selection_seconds[one.strategies.index("k-center")][:-1]
        if len(seconds) < 2:
            continue
        early, late = np.median(seconds[:PART], axis=0), np.median(seconds[-PART:], axis=0)
        effects.append(paired_effect(late, early))
        parts.append(
            f"{one.name} {format_seconds(float(np.median(early)))} with {one.labeled[0]:,} to "
            f"{one.labeled[:-1][:PART][-1]:,} labels, {format_seconds(float(np.median(late)))} with "
            f"{one.labeled[:-1][-PART:][0]:,} to {one.labeled[-2]:,}"
        )
    if not effects:
        return "not run", ""
    what = "median time of a batch with the model's outputs at hand, as run, beside other work"
    return weighed(effects), f"{what}: {'; '.join(parts)}"
