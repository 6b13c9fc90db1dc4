"""The paper's appendix A held against our figure 6: whether the discrepancy falls over training, and levels off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ladle.reports.claims.claim import Claim
from ladle.reports.orderings import Verdict, agreed

#: Levelled off: over the last tenth of epochs the change is below this share of the whole fall. A straight line down
#: to the end, which does not level off at all, would change by twice as much.
LEVEL = 0.05
_MANY = 0.5


def contraction_claims(found: Mapping[str, Any] | None) -> list[Claim]:
    """Return what became of figure 6 on each of the paper's data sets.

    Args:
        found: the numbers of the figure, by data set; None where it was not made.
    """
    texts = {
        "20newsgroups": "20 Newsgroups: the discrepancy decreases over training and levels off (figure 6)",
        "gisette": "Gisette: the discrepancy decreases over training and levels off (figure 6)",
        "german-credit": "German Credit: decreasing, with occasional epochs that violate monotony (figure 6)",
    }
    return [Claim("A", text, *_judged(name, (found or {}).get(name))) for name, text in texts.items()]


def _judged(name: str, found: Mapping[str, Any] | None) -> tuple[Verdict, str]:
    """Judge all seeds of a data set: the one that is drawn, and any others that were trained beside it."""
    if found is None:
        return "not run", ""
    occasional = name == "german-credit"
    first, *others = [_of_one_seed(one, occasional=occasional) for one in (found, *found.get("others", ()))]
    number = first[1]
    if "losses" in found:
        before, after = found["losses"]
        number += f", while the loss goes from {before:.4f} to {after:.4f}"
    if others:
        number += "".join(f"; another seed: {text}" for _, text in others)
    return agreed([verdict for verdict, _ in (first, *others)]), number


def _of_one_seed(found: Mapping[str, Any], *, occasional: bool) -> tuple[Verdict, str]:
    """Judge one curve: it has to fall, and besides to level off, or to be broken now and then."""
    values, violations = found["discrepancies"], found["violations"]
    lowest = min(range(len(values)), key=lambda epoch: values[epoch])
    number = (
        f"from {values[0]:.3g} over {values[lowest]:.3g} (epoch {lowest + 1}) to {values[-1]:.3g} in {len(values)} "
        f"epochs, fitted ρ {found['rate']:.4f}, {len(violations)} epochs above the one before"
    )
    if values[-1] >= values[0]:
        return "not reproduced", number
    if occasional:
        return ("reproduced" if 0 < len(violations) < _MANY * len(values) else "mixed"), number
    change = last_change(values)
    number += f", the last tenth of them within {100 * change:.1f}% of the whole fall"
    return ("reproduced" if change < LEVEL else "mixed"), number


def last_change(values: Sequence[float]) -> float:
    """Return how far the values of the last tenth of a falling curve lie apart, as a share of its whole fall.

    Args:
        values: at least two, the last below the first.
    """
    last = values[-1 - max(1, len(values) // 10) :]
    return (max(last) - min(last)) / (values[0] - values[-1])
