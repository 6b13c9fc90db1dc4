"""The paper's claims, each held against what is stored: reproduced, not reproduced, or not run, with the number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ladle.experiments import ExperimentResults
from ladle.reports.analysis import Contest, RoundsView, contests
from ladle.reports.paper_figures import FIGURE_4, data_of, model_of, with_only
from ladle.statistics import area_under_budget_curve

Verdict: TypeAlias = Literal["reproduced", "not reproduced", "mixed", "not run"]

#: The five that the paper compares.
COMPARED = ("random", "entropy", "grad", "badge", "k-center")


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
    """Return all claims of sections 4.1 to 4.6 and of appendix A.

    Args:
        experiments: what is stored; those that lack one of the paper's five strategies are left out.
        figures: by figure name, the numbers that ``ladle figure`` wrote.
        timings: of ``benchmarks/table2.py``; may be empty.
    """
    compared = [with_only(results, COMPARED) for results in experiments if set(COMPARED) <= set(results.strategies)]
    return [
        *_geometry(figures.get("1")),
        _shift(figures.get("2")),
        _efficient_on_text(compared),
        _converging(compared),
        _random_trails(compared, "pokerhand", "poker-hand-uci"),
        *(_among_strongest(compared, data, model) for data, model in _PANELS),
        *_overall(compared),
        *_timing(timings),
        *_contraction(figures.get("6")),
    ]


# LeNet on CIFAR-10 is in figures 7 to 9.
_PANELS = (*FIGURE_4, ("cifar10", "lenet"))


def areas(results: ExperimentResults) -> dict[str, NDArray[np.float64]]:
    """Return the (S,) normalised areas under the curve of each strategy."""
    return dict(zip(results.strategies, area_under_budget_curve(results.labeled, results.accuracies), strict=True))


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
        claims.append(Claim("4.1", text, verdict, f"dispersion, {found['data']}: {numbers}"))
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


def _efficient_on_text(experiments: Sequence[ExperimentResults]) -> Claim:
    text = "20 Newsgroups: grad is among the most label-efficient, random and entropy are less competitive"
    found = _first(experiments, ("20newsgroups",))
    if found is None:
        return Claim("4.4", text, "not run", "")
    means = {name: float(values.mean()) for name, values in areas(found).items()}
    order = sorted(means, key=lambda name: -means[name])
    ahead = [name for name in ("random", "entropy") if means["grad"] > means[name]]
    verdict: Verdict = (
        "reproduced" if order.index("grad") < 2 and len(ahead) == 2 else "mixed" if ahead else "not reproduced"
    )
    return Claim("4.4", text, verdict, _area_sentence(found, order, means))


def _converging(experiments: Sequence[ExperimentResults]) -> Claim:
    text = "ISOLET: differences are most visible in early to middle rounds, then the curves converge"
    found = _first(experiments, ("isolet", "isolet-1560"))
    if found is None:
        return Claim("4.4", text, "not run", "")
    means = found.accuracies.mean(axis=-1)
    gaps = means.max(axis=0) - means.min(axis=0)
    early, end = float(gaps[1:-1].max()), float(gaps[-1])
    verdict: Verdict = "reproduced" if end < 0.5 * early else "not reproduced"
    return Claim(
        "4.4",
        text,
        verdict,
        f"{found.name}: largest gap between two strategies {100 * early:.1f} points, at the end {100 * end:.1f}",
    )


def _random_trails(experiments: Sequence[ExperimentResults], *names: str) -> Claim:
    text = "OpenML 155: informed strategies approach similar accuracy at high budgets, random trails"
    found = _first(experiments, names)
    if found is None:
        return Claim("4.4", text, "not run", "")
    final = {name: float(found.accuracies[place, -1].mean()) for place, name in enumerate(found.strategies)}
    behind = [name for name in final if name != "random" and final[name] > final["random"]]
    verdict: Verdict = "reproduced" if len(behind) == 4 else "not reproduced" if len(behind) < 2 else "mixed"
    numbers = ", ".join(f"{name} {100 * value:.1f}" for name, value in sorted(final.items(), key=lambda x: -x[1]))
    return Claim("4.4", text, verdict, f"{found.name}, final accuracy in %: {numbers}")


def _among_strongest(experiments: Sequence[ExperimentResults], data: str, model: str) -> Claim:
    text = f"{data}, {model}: grad is among the strongest (first or second of the five by area)"
    mine = [results for results in experiments if data_of(results) == data and model_of(results) == model]
    if not mine:
        return Claim("4.4", text, "not run", "")
    places, sentences = [], []
    for found in mine:
        means = {name: float(values.mean()) for name, values in areas(found).items()}
        order = sorted(means, key=lambda name: -means[name])
        places.append(order.index("grad"))
        sentences.append(_area_sentence(found, order, means))
    good = sum(place < 2 for place in places)
    verdict: Verdict = "reproduced" if good == len(places) else "not reproduced" if not good else "mixed"
    return Claim("4.4", text, verdict, "; ".join(sentences))


def _overall(experiments: Sequence[ExperimentResults]) -> list[Claim]:
    found = contests(experiments) if experiments else {}
    count = len(experiments)
    rules: tuple[tuple[str, Callable[[Mapping[RoundsView, Contest]], tuple[Verdict, str]], RoundsView], ...] = (
        ("grad and BADGE have the lowest loss scores of the five over all rounds", _best_two, "all"),
        ("entropy and random are beaten most often", _worst_two, "all"),
        ("BADGE is particularly strong in early rounds", _badge_early, "early"),
        ("gradient-based selection gains in late rounds", _gradients_late, "late"),
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


def _losses(contest: Contest) -> dict[str, float]:
    return dict(zip(COMPARED, contest.loss.tolist(), strict=True))


def _listed(losses: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in sorted(losses.items(), key=lambda entry: entry[1]))


def _best_two(found: Mapping[RoundsView, Contest]) -> tuple[Verdict, str]:
    losses = _losses(found["all"])
    both = set(sorted(losses, key=lambda name: losses[name])[:2]) & {"grad", "badge"}
    return ("reproduced", "mixed", "not reproduced")[2 - len(both)], f"loss scores: {_listed(losses)}"


def _worst_two(found: Mapping[RoundsView, Contest]) -> tuple[Verdict, str]:
    losses = _losses(found["all"])
    both = set(sorted(losses, key=lambda name: -losses[name])[:2]) & {"entropy", "random"}
    return ("reproduced", "mixed", "not reproduced")[2 - len(both)], f"loss scores: {_listed(losses)}"


def _badge_early(found: Mapping[RoundsView, Contest]) -> tuple[Verdict, str]:
    losses = _losses(found["early"])
    return ("reproduced" if losses["badge"] == min(losses.values()) else "not reproduced"), (
        f"loss scores of the first rounds: {_listed(losses)}"
    )


def _gradients_late(found: Mapping[RoundsView, Contest]) -> tuple[Verdict, str]:
    early, late = _losses(found["early"]), _losses(found["late"])
    better = sum(late[name] <= early[name] for name in ("grad", "badge"))
    verdict: Verdict = ("not reproduced", "mixed", "reproduced")[better]
    numbers = ", ".join(f"{name} {early[name]:.2f} early, {late[name]:.2f} late" for name in ("grad", "badge"))
    return verdict, f"loss scores: {numbers}"


def _grad_against_entropy(found: Mapping[RoundsView, Contest]) -> tuple[Verdict, str]:
    penalty = found["all"].penalty
    grad, entropy = COMPARED.index("grad"), COMPARED.index("entropy")
    wins, losses = float(penalty[grad, entropy]), float(penalty[entropy, grad])
    verdict: Verdict = "reproduced" if wins > losses else "not reproduced"
    return verdict, f"significant wins: grad {wins:.2f}, entropy {losses:.2f}"


def _timing(timings: Mapping[str, Any]) -> list[Claim]:
    text = "selection is fastest for entropy, then grad, then BADGE, then k-center; grad costs 2.3 × entropy"
    models = timings.get("models", {})
    if not models:
        return [Claim("4.6", text, "not run", "")]
    claims = []
    for model, rows in models.items():
        base = rows["entropy"]["with_forward"][0]
        ratios = {name: rows[name]["with_forward"][0] / base for name in rows}
        ordered = list(ratios.values()) == sorted(ratios.values())
        numbers = ", ".join(f"{name} {value:.3f}" for name, value in ratios.items())
        verdict: Verdict = "mixed" if ordered else "not reproduced"
        claims.append(
            Claim(
                "4.6", f"{text} ({model})", verdict, f"× entropy, forward pass counted: {numbers}; see performance.md"
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
        claims.append(
            Claim(
                "A",
                text,
                verdict,
                f"from {values[0]:.3g} to {values[-1]:.3g} in {len(values)} epochs, fitted ρ {one['rate']:.4f}, "
                f"{len(violations)} epochs above the one before",
            )
        )
    return claims


def _first(experiments: Sequence[ExperimentResults], names: Sequence[str]) -> ExperimentResults | None:
    return next((results for name in names for results in experiments if data_of(results) == name), None)


def _area_sentence(found: ExperimentResults, order: Sequence[str], means: Mapping[str, float]) -> str:
    numbers = ", ".join(f"{name} {100 * means[name]:.2f}" for name in order)
    return f"{found.name}, area under the curve in %: {numbers} (seeds: {len(found.seeds)})"
