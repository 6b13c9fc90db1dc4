"""What the paper says of the shape of learning curves: gaps that grow or close, curves that stay close, meet or dip.

The paper gives no thresholds; those here are ours, and stand on the page of results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ladle.experiments import ExperimentResults
from ladle.reports.analysis import PART
from ladle.reports.claims.claim import Claim, about, capped
from ladle.reports.orderings import Verdict, accuracy_by, agreed, weighed
from ladle.statistics import PairedEffect, paired_effect

#: Strategies are close where their accuracies differ by no more.
CLOSE = 0.02
#: Curves converge where the gap at the end is below this share of the largest one on the way.
CONVERGED = 0.5
#: A curve is near saturation where its last quarter brings less than this share of its whole rise.
SATURATED = 0.1
#: A dip is a fall of at least this much below the highest mean so far.
DIP = 0.01
#: Fewer rounds after the initial evaluation have no early, middle and late ones.
LEAST_ROUNDS = 3
# A budget above this share of the pool leaves nothing to choose.
_NEARLY_ALL = 0.9
_INFORMED = ("entropy", "grad", "badge", "k-center")

Judged = tuple[Verdict, str]


@dataclass(frozen=True)
class Shape:
    """A sentence of the paper on the shape of curves.

    Attributes:
        text: the claim, in our words.
        data: names of the data sets it speaks of, whole or in part.
        model: the network it speaks of; None for any.
        rule: from an experiment of the paper's five, with `LEAST_ROUNDS` or more, to the verdict and its number.
    """

    text: str
    data: tuple[str, ...]
    model: str | None
    rule: Callable[[ExperimentResults], Judged]


def shape_claims(experiments: Sequence[ExperimentResults]) -> list[Claim]:
    """Return what became of each sentence of section 4.4 on the shape of curves.

    Args:
        experiments: of the paper's five.
    """
    return [Claim("4.4", shape.text, *_judged(experiments, shape)) for shape in SHAPES]


def _judged(experiments: Sequence[ExperimentResults], shape: Shape) -> Judged:
    found = about(experiments, shape.data, shape.model)
    if not found:
        return "not run", ""
    judged = [
        shape.rule(one) if len(one.labeled) > LEAST_ROUNDS else ("undecided", f"fewer than {LEAST_ROUNDS} rounds")
        for one in found
    ]
    number = "; ".join(f"{one.name}: {text}" for one, (_, text) in zip(found, judged, strict=True))
    return capped(agreed([verdict for verdict, _ in judged]), number, found)


def converges(one: ExperimentResults) -> Judged:
    """Judge whether the gap between the best and the worst strategy ends well below its largest on the way."""
    gaps = _gaps(one)
    widest, end = float(gaps[1:-1].max()), float(gaps[-1])
    verdict: Verdict = "reproduced" if end < CONVERGED * widest else "not reproduced"
    number = f"largest gap between two strategies {_points(widest)}, at the end {_points(end)}"
    last, pool = int(one.labeled[-1]), int(one.data["pool"])
    if last > _NEARLY_ALL * pool:
        # With nothing left to choose from, curves meet whatever the strategies are.
        number += (
            f"; but by then {last:,} of the {pool:,} examples of the pool are labeled, and all curves have to meet"
        )
        verdict = "mixed" if verdict == "reproduced" else verdict
    return verdict, number


def gap_grows(one: ExperimentResults) -> Judged:
    """Judge whether the gap between the best and the worst strategy is larger in late rounds than in early ones."""
    early, late = _spread(one.accuracies[:, 1 : 1 + PART]), _spread(one.accuracies[:, 1:][:, -PART:])
    effect = paired_effect(late, early)
    return weighed([effect]), (
        f"gap between best and worst {_points(float(early.mean()))} in the first {PART} rounds, "
        f"{_points(float(late.mean()))} in the last {PART}, difference {_interval(effect)}"
    )


def middle_matters_most(one: ExperimentResults) -> Judged:
    """Judge whether the gap is larger in the middle third of rounds than in the first and in the last."""
    first, middle, last = (_spread(part) for part in np.array_split(one.accuracies[:, 1:], 3, axis=1))
    effects = [paired_effect(middle, other) for other in (first, last)]
    return weighed(effects), (
        "gap between best and worst "
        + ", ".join(
            f"{_points(float(part.mean()))} in the {name} third"
            for name, part in (("first", first), ("middle", middle), ("last", last))
        )
        + f"; middle less first {_interval(effects[0])}, less last {_interval(effects[1])}"
    )


def informed_saturate(one: ExperimentResults) -> Judged:
    """Judge whether most informed strategies end close to one another, and near saturation."""
    late = accuracy_by(one, "late")
    means = np.sort([float(late[name].mean()) for name in _INFORMED])
    apart = float((means[2:] - means[:-2]).min())
    curve = one.accuracies[[one.strategies.index(name) for name in _INFORMED]].mean(axis=(0, 2))
    rise = float(curve[-1] - curve[0])
    quarter = max(1, (len(curve) - 1) // 4)
    share = float(curve[-1] - curve[-1 - quarter]) / rise if rise > 0 else np.inf
    held = [apart <= CLOSE, share < SATURATED]
    verdict: Verdict = "reproduced" if all(held) else "mixed" if any(held) else "not reproduced"
    saturation = f"{100 * share:.0f}% of their whole rise" if rise > 0 else "no rise to speak of, as they do not rise"
    return verdict, (
        f"the closest three of the four lie within {_points(apart)} in the last {PART} rounds; the last quarter of "
        f"rounds brings {saturation}"
    )


def close_throughout(one: ExperimentResults) -> Judged:
    """Judge whether all strategies are close in every round; mixed if they are in most."""
    verdict, number = _close_rounds(one)
    return ("reproduced" if verdict == 1 else "mixed" if verdict > 0.5 else "not reproduced"), number


def close_mostly(one: ExperimentResults) -> Judged:
    """Judge whether all strategies are close in more than half of the rounds."""
    share, number = _close_rounds(one)
    return ("reproduced" if share > 0.5 else "not reproduced"), number


def grad_catches_up(one: ExperimentResults) -> Judged:
    """Judge whether `grad` stands better to the mean of the others in late rounds than in early ones."""
    leads = []
    for part in (accuracy_by(one, "early"), accuracy_by(one, "late")):
        others = np.mean([values for name, values in part.items() if name != "grad"], axis=0)
        leads.append(part["grad"] - others)
    effect = paired_effect(leads[1], leads[0])
    early, late = (100 * float(lead.mean()) for lead in leads)
    return weighed([effect]), (
        f"grad less the mean of the others {early:+.1f} points in the first {PART} rounds, {late:+.1f} in the last "
        f"{PART}, difference {_interval(effect)}"
    )


def random_tracks_badge(one: ExperimentResults) -> Judged:
    """Judge whether random and BADGE are close in late rounds, their whole interval; mixed if only the mean is."""
    late = accuracy_by(one, "late")
    effect = paired_effect(late["random"], late["badge"])
    verdict: Verdict = "not reproduced"
    if abs(effect.difference) <= CLOSE:
        verdict = "reproduced" if max(-effect.low, effect.high) <= CLOSE else "mixed"
    return verdict, f"random less BADGE in the last {PART} rounds {_interval(effect)}"


def k_center_dips(one: ExperimentResults) -> Judged:
    """Judge whether k-center falls on the way and comes back; mixed if within its interval, or without coming back."""
    values = one.accuracies[one.strategies.index("k-center"), 1:]
    means = values.mean(axis=1)
    falls = np.maximum.accumulate(means) - means
    bottom = int(falls.argmax())
    top = int(means[: bottom + 1].argmax())
    fall = paired_effect(values[top], values[bottom])
    back = bool(means[bottom:].max() >= means[top])
    number = f"k-center falls by at most {_interval(fall)} below its highest mean so far"
    if fall.difference < DIP:
        return "not reproduced", number
    where = f"from {one.labeled[1 + top]:,} to {one.labeled[1 + bottom]:,} labels"
    number += f", {where}, and {'comes' if back else 'does not come'} back"
    return ("reproduced" if back and fall.low > 0 else "mixed"), number


def entropys_lag_narrows(one: ExperimentResults) -> Judged:
    """Judge whether entropy is less far behind the mean of the other informed strategies late than early."""
    lags = []
    for part in (accuracy_by(one, "early"), accuracy_by(one, "late")):
        ahead = np.mean([part[name] for name in ("grad", "badge", "k-center")], axis=0)
        lags.append(ahead - part["entropy"])
    effect = paired_effect(lags[0], lags[1])
    early, late = (100 * float(lag.mean()) for lag in lags)
    return weighed([effect]), (
        f"mean of grad, BADGE and k-center less entropy {early:+.1f} points in the first {PART} rounds, {late:+.1f} in "
        f"the last {PART}, difference {_interval(effect)}"
    )


def _gaps(one: ExperimentResults) -> NDArray[np.float64]:
    """Return, at every evaluation, how far the best mean is from the worst."""
    means = one.accuracies.mean(axis=-1)
    gaps: NDArray[np.float64] = means.max(axis=0) - means.min(axis=0)
    return gaps


def _spread(part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each seed, how far the strategy of the best mean is from that of the worst in these rounds."""
    by_seed = part.mean(axis=1)
    means = by_seed.mean(axis=-1)
    spread: NDArray[np.float64] = by_seed[means.argmax()] - by_seed[means.argmin()]
    return spread


def _close_rounds(one: ExperimentResults) -> tuple[float, str]:
    gaps = _gaps(one)[1:]
    close = int((gaps <= CLOSE).sum())
    share = close / len(gaps)
    return share, f"all within {_points(CLOSE)} in {close} of {len(gaps)} rounds, at most {_points(float(gaps.max()))}"


def _points(gap: float) -> str:
    return f"{100 * gap:.1f} points"


def _interval(effect: PairedEffect) -> str:
    return f"{100 * effect.difference:+.1f} [{100 * effect.low:+.1f}, {100 * effect.high:+.1f}]"


#: The sentences of section 4.4 on the shape of curves, in its order.
SHAPES = (
    Shape("20 Newsgroups: the gap becomes clearer as the budget increases", ("20newsgroups",), None, gap_grows),
    Shape(
        "ISOLET: differences are most visible in early to middle rounds, then the curves converge",
        ("isolet", "isolet-1560"),
        None,
        converges,
    ),
    Shape(
        "OpenML 155: the choice of strategy matters most in the middle of the budget",
        ("pokerhand", "poker-hand-uci"),
        None,
        middle_matters_most,
    ),
    Shape(
        "OpenML 155: at high budgets most informed strategies approach similar, nearly saturated accuracy",
        ("pokerhand", "poker-hand-uci"),
        None,
        informed_saturate,
    ),
    Shape("stl10, lenet: all methods remain close", ("stl10",), "lenet", close_throughout),
    Shape("stl10, lenet: grad becomes more competitive in later rounds", ("stl10",), "lenet", grad_catches_up),
    Shape("gtsrb, vgg16: random and BADGE track closely at later budgets", ("gtsrb",), "vgg16", random_tracks_badge),
    Shape("gtsrb, vgg16: k-center dips in the middle, then recovers", ("gtsrb",), "vgg16", k_center_dips),
    Shape("cifar10, vgg16: entropy's gap narrows as labels grow", ("cifar10",), "vgg16", entropys_lag_narrows),
    Shape("cifar10, resnet18: methods are tightly clustered in most rounds", ("cifar10",), "resnet18", close_mostly),
    Shape("cifar10, resnet18: differences become small at higher budgets", ("cifar10",), "resnet18", converges),
    Shape("cinic10, resnet18: performance converges as labels grow", ("cinic10",), "resnet18", converges),
)
