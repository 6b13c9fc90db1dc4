"""The section of the page of results that holds every claim of the paper, with the rules by which verdicts fall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ladle.experiments import ExperimentResults
from ladle.reports.analysis import PART
from ladle.reports.claims.claim import is_the_papers
from ladle.reports.claims.claimed_contests import LEAST_EXPERIMENTS, LEAST_TESTS
from ladle.reports.claims.claimed_contraction import LEVEL
from ladle.reports.claims.claimed_costs import FACTOR_TOLERANCE
from ladle.reports.claims.claimed_curves import CLOSE, CONVERGED, DIP, SATURATED
from ladle.reports.claims.claimed_geometry import LEAST_AUROC
from ladle.reports.claims.claimed_orderings import COMPARED
from ladle.reports.claims.claims import claims, compared_experiments
from ladle.reports.experiment_sets import data_of
from ladle.reports.formats import counted, format_names
from ladle.reports.results.results_tables import grid

#: What the parts of data sets that stand in for the paper's are.
_PARTS = {
    "isolet-1560": "1,560 of the 7,797 letters of ISOLET",
    "poker-hand-uci": "UCI's training file of 25,008 poker hands, where OpenML 155 has 829,201",
}


def claims_section(
    experiments: Sequence[ExperimentResults], figures: Mapping[str, Mapping[str, Any]], timings: Mapping[str, Any]
) -> str:
    """Return the claims as a table, with a sentence that counts them and the rules.

    Args:
        experiments: those that may decide something.
        figures: by figure name, its numbers.
        timings: of ``benchmarks/table2.py``; may be empty.
    """
    found = claims(experiments, figures, timings)
    verdicts = [claim.verdict for claim in found]
    tally = ", ".join(f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts))
    rows = [
        [
            claim.section,
            claim.text,
            claim.verdict if claim.verdict == "not run" else f"**{claim.verdict}**",
            claim.number,
        ]
        for claim in found
    ]
    return "\n\n".join(
        [
            f"Of {len(found)} claims: {tally}. Comparisons are among the paper's five ({', '.join(COMPARED)}).",
            grid(["section", "claim", "verdict", "number"], rows),
            "How verdicts fall. The paper gives no thresholds; these are ours:",
            "\n".join(f"- {rule}" for rule in rules(compared_experiments(experiments))),
        ]
    )


def rules(experiments: Sequence[ExperimentResults]) -> list[str]:
    """Return the rules, a list item each, with what they mean for these experiments.

    Args:
        experiments: of the paper's five; may be empty.
    """
    return [
        "That some strategies are ahead of others, that a gap grows or shrinks, or that k-center's cost grows, is "
        "reproduced if every difference is as claimed in the mean over seeds, and at least one beyond the 95 % t "
        "interval of the difference paired by seed; not reproduced if none is, or if one is against it beyond the "
        "interval and none for it; mixed in between.",
        _on_data(experiments),
        _early_and_late(experiments),
        f"Curves are close within {_points(CLOSE)}, in the whole interval where two are compared in late rounds (mixed "
        "if only the mean is), and in every round where all remain close (mixed if in more than half). They converge "
        f"if the gap between best and worst ends below {_percent(CONVERGED)} of its largest on the way, and are nearly "
        f"saturated if the last quarter of rounds brings less than {_percent(SATURATED)} of the whole rise. A dip is a "
        f"fall of {_points(DIP)} or more below the highest mean so far; it is reproduced if it is beyond the interval "
        "and the curve comes back to where it was.",
        f"A verdict of section 4.5 that hangs on fewer than {counted(LEAST_TESTS, 'test', 'significant tests')}, or on "
        f"tests of fewer than {counted(LEAST_EXPERIMENTS, 'experiment', 'experiments')}, is undecided: too little is "
        "significant to say anything. It hangs on the tests that would have to fall away before two scores whose order "
        "it needs are level; a mixed one, on all tests together. A test is that of one pair in one round, corrected "
        "within the round.",
        "Figure 1 is judged over several draws, B by B: reproduced if grad is ahead beyond the 95 % interval at all "
        "three, not reproduced if at none while it is behind at one, or if it is ahead in the mean at none. One draw "
        "alone can at best be mixed.",
        f"Out of distribution counts as larger if the AUROC is above {LEAST_AUROC}; 0.5 is chance.",
        f"A time is the paper's multiple if it is within {_percent(FACTOR_TOLERANCE)} of it. A step back in the order "
        "of selection times is mixed if it is within one standard deviation. Where networks disagree, the verdict is "
        "mixed, and so it is where seeds of figure 6 or several experiments do.",
        "A discrepancy decreases if it ends below where it began, and levels off if over the last tenth of epochs it "
        f"changes by less than {_percent(LEVEL)} of the whole fall (a straight line changes by 10 %); mixed if it only "
        "decreases. Epochs that violate monotony are occasional if there are some, and fewer than half.",
        "Left out is what no stored number decides: that BADGE covers several regions in gradient space (4.1), and "
        "words such as consistently strong or competitive, where the paper names nobody to be ahead of.",
    ]


def _on_data(experiments: Sequence[ExperimentResults]) -> str:
    rule = (
        "What is judged by runs on other data than the paper's, or on a part of it, is at best mixed; and so is what "
        "had to hold anyway, such as curves that meet where the pool is used up."
    )
    parts = [
        f"{one.name} ({_PARTS.get(data_of(one), 'a data set the paper does not have')})"
        for one in experiments
        if not is_the_papers(one)
    ]
    return f"{rule} Here that holds for {format_names(parts)}." if parts else rule


def _early_and_late(experiments: Sequence[ExperimentResults]) -> str:
    """Return what early and late rounds are, and in which experiments they share some."""
    rule = f"Early and late are the first and the last {PART} rounds after the initial one"
    shared = []
    for one in experiments:
        rounds = len(one.labeled) - 1
        both = [str(number) for number in range(1, rounds + 1) if rounds - PART < number <= PART]
        if both:
            shared.append(f"{one.name} has {rounds} in all, so that {_rounds(both)} as both")
    if not shared:
        return f"{rule}; in none of the experiments do they overlap."
    return f"{rule}. They overlap where there are fewer than {2 * PART}: {'; '.join(shared)}."


def _rounds(numbers: Sequence[str]) -> str:
    return f"round {numbers[0]} counts" if len(numbers) == 1 else f"rounds {format_names(numbers)} count"


def _points(gap: float) -> str:
    return counted(round(100 * gap), "point", "points")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
