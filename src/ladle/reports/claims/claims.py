"""The paper's claims, each held against what is stored: reproduced, not reproduced, or not run, with the number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ladle.experiments import ExperimentResults
from ladle.reports.claims.claim import Claim, about, capped
from ladle.reports.claims.claimed_contests import contest_claims
from ladle.reports.claims.claimed_contraction import contraction_claims
from ladle.reports.claims.claimed_costs import cost_claims
from ladle.reports.claims.claimed_curves import shape_claims
from ladle.reports.claims.claimed_geometry import geometry_claims, shift_claim
from ladle.reports.claims.claimed_orderings import COMPARED, ORDERINGS, SUBJECTS, Ordering
from ladle.reports.experiment_sets import with_only
from ladle.reports.orderings import judge, outcome


def claims(
    experiments: Sequence[ExperimentResults], figures: Mapping[str, Mapping[str, Any]], timings: Mapping[str, Any]
) -> list[Claim]:
    """Return all claims of sections 1, 4.1 to 4.6 and appendix A that numbers can decide.

    Args:
        experiments: what is stored; those that lack one of the paper's five strategies are left out.
        figures: by figure name, the numbers that ``ladle figure`` wrote.
        timings: of ``benchmarks/table2.py``; may be empty.
    """
    compared = compared_experiments(experiments)
    return [
        _typically(compared),
        *geometry_claims(figures.get("1")),
        shift_claim(figures.get("2")),
        *sorted([*(_ordering(compared, one) for one in ORDERINGS), *shape_claims(compared)], key=_subject),
        *contest_claims(compared),
        *cost_claims(timings, compared),
        *contraction_claims(figures.get("6")),
    ]


def compared_experiments(experiments: Sequence[ExperimentResults]) -> list[ExperimentResults]:
    """Return the experiments that have the paper's five strategies, reduced to these."""
    return [with_only(results, COMPARED) for results in experiments if set(COMPARED) <= set(results.strategies)]


def _subject(claim: Claim) -> int:
    return SUBJECTS.index(claim.text.partition(":")[0])


def _typically(experiments: Sequence[ExperimentResults]) -> Claim:
    text = "grad typically outperforms entropy (by area, over all experiments)"
    if not experiments:
        return Claim("1", text, "not run", "")
    verdict, _ = judge(experiments, [("grad", "entropy")], "area")
    number = f"grad against entropy: {outcome(experiments, 'grad', 'entropy')}"
    return Claim("1", text, *capped(verdict, number, experiments))


def _ordering(experiments: Sequence[ExperimentResults], claimed: Ordering) -> Claim:
    """Hold one sentence of section 4.4 that ranks strategies against the experiments it speaks of."""
    mine = about(experiments, claimed.data, claimed.model)
    if not mine:
        return Claim(claimed.section, claimed.text, "not run", "")
    return Claim(claimed.section, claimed.text, *capped(*judge(mine, claimed.pairs, claimed.part), mine))
