"""The paper's section 4.1 held against our figures: how dispersed one batch is, and what lies out of distribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ladle.reports.claims.claim import Claim
from ladle.reports.orderings import Verdict
from ladle.statistics import paired_effect

#: The chance that an example from outside scores higher, above which the shift counts; 0.5 is none.
LEAST_AUROC = 0.55
_SIZES = (10, 20, 40)


def geometry_claims(found: Mapping[str, Any] | None) -> list[Claim]:
    """Return what became of figure 1: whether `grad`'s picks are more dispersed than entropy's.

    Args:
        found: the numbers of the figure; None where it was not made. ``dispersions`` has a value for each of several
            draws; without it there is the one draw of ``dispersion``, which can reproduce nothing.
    """
    texts = {
        "gradient space": "grad's picks are more dispersed than entropy's in gradient space (figure 1)",
        "input space": "grad's picks are more dispersed than entropy's in input space (figure 1)",
    }
    if found is None:
        return [Claim("4.1", text, "not run", "") for text in texts.values()]
    if "dispersions" in found:
        return [Claim("4.1", text, *_over_draws(found, space)) for space, text in texts.items()]
    return [Claim("4.1", text, *_of_one_draw(found, space)) for space, text in texts.items()]


def _over_draws(found: Mapping[str, Any], space: str) -> tuple[Verdict, str]:
    """Judge by the differences of all draws, each from a seed of its own."""
    values = found["dispersions"][space]
    ahead = behind = means = 0
    parts = []
    for size in _SIZES:
        first, second = values[f"grad, {size}"], values[f"entropy, {size}"]
        effect = paired_effect(first, second)
        ahead += effect.low > 0
        behind += effect.high < 0
        means += effect.difference > 0
        won = sum(one > other for one, other in zip(first, second, strict=True))
        parts.append(
            f"B = {size}: {effect.difference:+.2f} [{effect.low:+.2f}, {effect.high:+.2f}], larger in {won} of "
            f"{len(first)}"
        )
    verdict: Verdict = "mixed"
    if ahead == len(_SIZES):
        verdict = "reproduced"
    elif not means or (not ahead and behind):
        verdict = "not reproduced"
    draws = len(values[f"grad, {_SIZES[0]}"])
    return verdict, f"dispersion, grad less entropy, over {draws} draws of {found['data']}: {'; '.join(parts)}"


def _of_one_draw(found: Mapping[str, Any], space: str) -> tuple[Verdict, str]:
    values = found["dispersion"][space]
    pairs = [(values[f"grad, {size}"], values[f"entropy, {size}"]) for size in _SIZES]
    verdict: Verdict = "mixed" if any(first > second for first, second in pairs) else "not reproduced"
    numbers = "; ".join(
        f"B = {size}: {first:.2f} against {second:.2f}" for size, (first, second) in zip(_SIZES, pairs, strict=True)
    )
    return verdict, f"dispersion of one draw of {found['data']}, which decides little: {numbers}"


def shift_claim(found: Mapping[str, Any] | None) -> Claim:
    """Return what became of figure 2: whether the discrepancy is larger out of distribution.

    Args:
        found: the numbers of the figure; None where it was not made.
    """
    text = "out of distribution the discrepancy is larger (figure 2: CIFAR-10 against SVHN)"
    if found is None:
        return Claim("4.1", text, "not run", "")
    number = (
        f"AUROC {found['auroc']:.3f} for {found['inside']} against {found['outside']} ({found['model']}, test accuracy "
        f"{100 * found['test_accuracy']:.1f}%); entropy {found['entropy_auroc']:.3f}"
    )
    verdict: Verdict = "reproduced" if found["auroc"] > LEAST_AUROC else "not reproduced"
    if found["outside"] != "svhn":
        number += "; another data set than the paper's"
        verdict = "mixed" if verdict == "reproduced" else verdict
    return Claim("4.1", text, verdict, number)
