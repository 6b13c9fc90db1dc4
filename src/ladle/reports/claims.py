"""The paper's claims, each held against what is stored: reproduced, not reproduced, or not run, with the number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ladle.experiments import ExperimentResults
from ladle.reports.analysis import Contest, RoundsView, contests
from ladle.reports.claimed_orderings import COMPARED, ORDERINGS, Ordering
from ladle.reports.formats import format_seconds
from ladle.reports.orderings import Verdict, judge, outcome
from ladle.reports.paper_figures import data_of, model_of, with_only

_PAPERS_FACTOR = 2.3
# A budget above this share of the pool leaves nothing to choose.
_NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper and what became of it.

    Attributes:
        section: of the paper.
        text: the claim, in our words.
        verdict: how it fell.
        number: what decides it, with where it is from.
    """

    section: str
    text: str
    verdict: Verdict
    number: str


def claims(
    experiments: Sequence[ExperimentResults], figures: Mapping[str, Mapping[str, Any]], timings: Mapping[str, Any]
) -> list[Claim]:
    """Return all claims of sections 1, 4.1 to 4.6 and appendix A that numbers can decide.

    Args:
        experiments: what is stored; those that lack one of the paper's five strategies are left out.
        figures: by figure name, the numbers that ``ladle figure`` wrote.
        timings: of ``benchmarks/table2.py``; may be empty.
    """
    compared = [with_only(results, COMPARED) for results in experiments if set(COMPARED) <= set(results.strategies)]
    return [
        _typically(compared),
        *_geometry(figures.get("1")),
        _shift(figures.get("2")),
        *(_orderings(compared, claimed) for claimed in ORDERINGS),
        _converging(compared),
        *_overall(compared),
        *_timing(timings),
        *_contraction(figures.get("6")),
    ]


def _geometry(found: Mapping[str, Any] | None) -> list[Claim]:
    texts = {
        "gradient space": "grad's picks are more dispersed than entropy's in gradient space (figure 1)",
        "input space": "grad's picks are more dispersed than entropy's in input space (figure 1)",
    }
    if found is None:
        return [Claim("4.1", text, "not run", "") for text in texts.values()]
    claims = []
    for space, text in texts.items():
        values = found["dispersion"][space]
        pairs = [(values[f"grad, {size}"], values[f"entropy, {size}"]) for size in (10, 20, 40)]
        ahead = sum(first > second for first, second in pairs)
        verdict: Verdict = "reproduced" if ahead == 3 else "not reproduced" if ahead == 0 else "mixed"
        numbers = "; ".join(
            f"B = {size}: {first:.2f} against {second:.2f}"
            for size, (first, second) in zip((10, 20, 40), pairs, strict=True)
        )
        claims.append(Claim("4.1", text, verdict, f"dispersion of one draw of {found['data']}: {numbers}"))
    return claims


def _shift(found: Mapping[str, Any] | None) -> Claim:
    text = "out of distribution the discrepancy is larger (figure 2: CIFAR-10 against SVHN)"
    if found is None:
        return Claim("4.1", text, "not run", "")
    number = (
        f"AUROC {found['auroc']:.3f} for {found['inside']} against {found['outside']} ({found['model']}, test accuracy "
        f"{100 * found['test_accuracy']:.1f}%); entropy {found['entropy_auroc']:.3f}"
    )
    outcome: Verdict = "reproduced" if found["auroc"] > 0.55 else "not reproduced"
    if found["outside"] != "svhn":
        number += "; another data set than the paper's"
        outcome = "mixed" if outcome == "reproduced" else outcome
    return Claim("4.1", text, outcome, number)


def _orderings(experiments: Sequence[ExperimentResults], claimed: Ordering) -> Claim:
    """Hold one sentence of section 4.4 against the experiments it speaks of."""
    mine = [one for one in experiments if data_of(one) in claimed.data and claimed.model in (None, model_of(one))]
    if not mine:
        return Claim(claimed.section, claimed.text, "not run", "")
    return Claim(claimed.section, claimed.text, *judge(mine, claimed.pairs, claimed.part))


def _converging(experiments: Sequence[ExperimentResults]) -> Claim:
    text = "ISOLET: differences are most visible in early to middle rounds, then the curves converge"
    found = next((one for name in ("isolet", "isolet-1560") for one in experiments if data_of(one) == name), None)
    if found is None:
        return Claim("4.4", text, "not run", "")
    means = found.accuracies.mean(axis=-1)
    gaps = means.max(axis=0) - means.min(axis=0)
    early, end = float(gaps[1:-1].max()), float(gaps[-1])
    verdict: Verdict = "reproduced" if end < 0.5 * early else "not reproduced"
    number = f"{found.name}: largest gap between two strategies {100 * early:.1f} points, at the end {100 * end:.1f}"
    last, pool = int(found.labeled[-1]), int(found.data["pool"])
    if last > _NEARLY_ALL * pool:
        # With nothing left to choose from, curves meet whatever the strategies are.
        number += (
            f"; but by then {last:,} of the {pool:,} examples of the pool are labeled, and all curves have to meet"
        )
        verdict = "mixed" if verdict == "reproduced" else verdict
    return Claim("4.4", text, verdict, number)


def _overall(experiments: Sequence[ExperimentResults]) -> list[Claim]:
    found = contests(experiments) if experiments else {}
    count = len(experiments)
    rules: tuple[tuple[str, Callable[[Mapping[RoundsView, Contest]], tuple[Verdict, str]], RoundsView], ...] = (
        ("grad and BADGE have the lowest loss scores of the five over all rounds", _best_two, "all"),
        ("entropy and random are beaten most often", _worst_two, "all"),
        ("BADGE is particularly strong in early rounds", _badge_early, "early"),
        ("grad and BADGE have the lowest loss scores in late rounds", _gradients_late, "late"),
        ("grad beats entropy more often than entropy beats grad", _grad_against_entropy, "all"),
    )
    claims = []
    for text, rule, view in rules:
        if view not in found:
            claims.append(Claim("4.5", text, "not run", ""))
            continue
        verdict, number = rule(found)
        claims.append(Claim("4.5", text, verdict, f"{number} ({count} experiments)"))
    return claims


def _typically(experiments: Sequence[ExperimentResults]) -> Claim:
    text = "grad typically outperforms entropy (by area, over all experiments)"
    if not experiments:
        return Claim("1", text, "not run", "")
    verdict, _ = judge(experiments, [("grad", "entropy")], "area")
    return Claim("1", text, verdict, f"grad against entropy: {outcome(experiments, 'grad', 'entropy')}")


def _losses(contest: Contest) -> dict[str, float]:
    return dict(zip(COMPARED, contest.loss.tolist(), strict=True))


def _listed(losses: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in sorted(losses.items(), key=lambda entry: entry[1]))


def _two(found: Mapping[RoundsView, Contest], view: RoundsView, two: Sequence[str], sign: int) -> tuple[Verdict, str]:
    """Tell whether these two have the lowest loss scores (sign 1), or the highest (sign -1); ties make it mixed."""
    losses = _losses(found[view])
    number = f"loss scores: {_listed(losses)}"
    others = [sign * losses[name] for name in COMPARED if name not in two]
    if not found[view].penalty.any():
        return "mixed", f"{number}: no significant difference at all"
    strict = sum(all(sign * losses[name] < other for other in others) for name in two)
    weak = sum(all(sign * losses[name] <= other for other in others) for name in two)
    return "reproduced" if strict == len(two) else "mixed" if weak else "not reproduced", number


def _best_two(found: Mapping[RoundsView, Contest]) -> tuple[Verdict, str]:
    return _two(found, "all", ("grad", "badge"), 1)


def _worst_two(found: Mapping[RoundsView, Contest]) -> tuple[Verdict, str]:
    return _two(found, "all", ("entropy", "random"), -1)


def _badge_early(found: Mapping[RoundsView, Contest]) -> tuple[Verdict, str]:
    return _two(found, "early", ("badge",), 1)


def _gradients_late(found: Mapping[RoundsView, Contest]) -> tuple[Verdict, str]:
    return _two(found, "late", ("grad", "badge"), 1)


def _grad_against_entropy(found: Mapping[RoundsView, Contest]) -> tuple[Verdict, str]:
    penalty = found["all"].penalty
    grad, entropy = COMPARED.index("grad"), COMPARED.index("entropy")
    wins, losses = float(penalty[grad, entropy]), float(penalty[entropy, grad])
    verdict: Verdict = "reproduced" if wins > losses else "not reproduced" if wins < losses else "mixed"
    return verdict, f"shares of rounds won significantly, summed: grad {wins:.2f}, entropy {losses:.2f}"


def _timing(timings: Mapping[str, Any]) -> list[Claim]:
    order = "selection is fastest for entropy, then grad, then BADGE, then k-center"
    factor = "grad takes 2.3 × the time of entropy"
    models = timings.get("models", {})
    if not models:
        return [Claim("4.6", text, "not run", "") for text in (order, factor)]
    claims = []
    for model, rows in models.items():
        alone = {name: row["selection"] for name, row in rows.items()}
        steps = list(pairwise(alone.values()))
        # A step back within the spread of the rounds is none that could be told.
        back = [before for before, after in steps if after[0] < before[0]]
        verdict: Verdict = "reproduced"
        if back:
            verdict = "mixed" if all(before[0] - after[0] < before[1] for before, after in steps) else "not reproduced"
        numbers = ", ".join(f"{name} {format_seconds(*seconds)}" for name, seconds in alone.items())
        claims.append(Claim("4.6", f"{order} ({model})", verdict, f"with the model's outputs at hand: {numbers}"))
        ratio = rows["grad"]["with_forward"][0] / rows["entropy"]["with_forward"][0]
        near = abs(ratio / _PAPERS_FACTOR - 1) < 0.25
        claims.append(
            Claim(
                "4.6",
                f"{factor} ({model})",
                "reproduced" if near else "not reproduced",
                f"{ratio:.3f} ×, the pass over the pool counted; see performance.md",
            )
        )
    return claims


def _contraction(found: Mapping[str, Any] | None) -> list[Claim]:
    texts = {
        "20newsgroups": "20 Newsgroups: the discrepancy decreases over training and levels off (figure 6)",
        "gisette": "Gisette: the discrepancy decreases over training and levels off (figure 6)",
        "german-credit": "German Credit: decreasing, with epochs that violate monotony (figure 6)",
    }
    claims = []
    for name, text in texts.items():
        one = (found or {}).get(name)
        if one is None:
            claims.append(Claim("A", text, "not run", ""))
            continue
        values, violations = one["discrepancies"], one["violations"]
        falls = values[-1] < values[0]
        right = falls and (bool(violations) or name != "german-credit")
        verdict: Verdict = "reproduced" if right else "not reproduced"
        lowest = min(range(len(values)), key=lambda epoch: values[epoch])
        claims.append(
            Claim(
                "A",
                text,
                verdict,
                f"from {values[0]:.3g} over {values[lowest]:.3g} (epoch {lowest + 1}) to {values[-1]:.3g} in "
                f"{len(values)} epochs, fitted ρ {one['rate']:.4f}, {len(violations)} epochs above the one before",
            )
        )
    return claims
