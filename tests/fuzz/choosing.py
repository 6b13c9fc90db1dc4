"""``score`` and ``select`` on arrays that break rules: refused where a rule is broken, else answered right."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fuzz.material import Material, refused
from ladle.strategies import CATALOG, list_strategies, score, select
from reference.farthest_first import farthest_first
from reference.top import top

_FLOATS = (np.float32, np.float64, np.float16)
#: Squares of what is larger may overflow; see ``ladle.strategies.outputs``.
_LONGEST = {np.dtype(np.float32): 1e17, np.dtype(np.float64): 1e152}


def check(data: bytes) -> None:
    """Hold both doors against the rules of their docstrings and plain float64 formulas."""
    material = Material(data)
    name = material.one_of(list_strategies())
    n, d, classes = material.whole(0, 24), material.whole(0, 4), material.whole(1, 4)
    features, logits = _matrix(material, n, d), _matrix(material, n, classes)
    labeled = _indices(material, n)
    labels = [material.whole(-1, classes) if material.rarely() else material.whole(0, classes - 1) for _ in labeled]
    if material.rarely() and labels:
        labels.pop()
    budget = material.whole(-1, n + 1)
    given: dict[str, Any] = {
        "features": features,
        "logits": logits,
        "labeled": labeled,
        "labels": labels,
        "bias": bool(material.whole(0, 1)),
    }
    loss = "squared-error" if material.rarely() else "cross-entropy"
    given["loss"] = loss
    if material.rarely():
        given |= {"features": torch.from_numpy(features), "logits": torch.from_numpy(logits)}
    allowed = _rules_hold(name, features, logits, labeled, labels)
    scored = None
    if CATALOG[name].is_score:
        scored = refused(lambda: score(name, **given))
        _agree(scored is not None, allowed, given, name)
        if scored is not None:
            scored = np.asarray(scored)
            assert np.isfinite(scored).all()
            if loss == "cross-entropy":
                _compare(name, scored, given)
    picks = refused(lambda: select(name, **given, budget=budget, seed=3))
    allowed = allowed and 1 <= budget <= n - len(labeled)
    _agree(picks is not None, allowed, given, f"{name}, budget {budget}")
    if picks is None:
        return
    assert picks.shape == (budget,)
    assert len(set(picks.tolist())) == budget
    assert set(picks.tolist()) <= set(range(n)) - set(labeled)
    assert np.array_equal(picks, select(name, **given, budget=budget, seed=3))
    if scored is not None:
        assert picks.tolist() == top(scored.tolist(), labeled, budget)
    exact = features.astype(np.float64)
    if (
        name == "k-center"
        and labeled
        and np.array_equal(exact * 8, (exact * 8).round())
        and abs(exact).max(initial=0) < 17
    ):
        assert picks.tolist() == farthest_first(exact, labeled, budget)


def _agree(answered: bool, allowed: bool, given: dict[str, Any], what: str) -> None:
    """Residuals of squared errors are as long as logits: they may be refused although no rule on arrays is broken."""
    if answered or given["loss"] == "cross-entropy":
        assert answered == allowed, f"{what} is {'answered' if answered else 'refused'}: {given}"


def _matrix(material: Material, rows: int, columns: int) -> NDArray[Any]:
    """Return rows of which many are equal, in one of the floating types."""
    kind = material.one_of(_FLOATS)
    few = [[material.number() for _ in range(columns)] for _ in range(material.whole(1, 8))]
    chosen = [material.one_of(few) for _ in range(rows)]
    with np.errstate(over="ignore"):
        return np.array(chosen, dtype=np.float64).reshape(rows, columns).astype(kind)


def _indices(material: Material, size: int) -> list[int]:
    """Return distinct indices of the pool; now and then one that is repeated or outside of it."""
    found = sorted({material.whole(0, size - 1) for _ in range(material.whole(0, 8))}) if size else []
    if material.rarely():
        found.append(material.whole(-2, size + 1))
    return found


def _rules_hold(name: str, features: NDArray[Any], logits: NDArray[Any], labeled: list[int], labels: list[int]) -> bool:
    n, classes = logits.shape
    wider = np.promote_types(np.promote_types(features.dtype, logits.dtype), np.float32)
    rows = features.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        short = bool((np.sqrt((rows**2).sum(axis=1)) < _LONGEST[wider]).all())
    return (
        classes >= 2
        and bool(np.isfinite(rows).all() and np.isfinite(logits).all())
        and short
        and all(0 <= row < n for row in labeled)
        and len(set(labeled)) == len(labeled) == len(labels)
        and all(0 <= label < classes for label in labels)
        and (bool(labeled) or not CATALOG[name].needs_labels)
    )


def _compare(name: str, scored: NDArray[Any], given: dict[str, Any]) -> None:
    """Hold scores against the formula written out in float64, a row at a time."""
    features = np.asarray(given["features"], dtype=np.float64)
    logits = np.asarray(given["logits"], dtype=np.float64)
    wanted, scale = _plain(name, features, logits, given["labeled"], given["labels"], given["bias"])
    assert scored.shape == wanted.shape
    digits = 1e-3 if scored.dtype == np.float32 else 1e-6
    np.testing.assert_array_less(np.abs(scored - wanted), digits * scale + 1e-30, err_msg=name)


def _plain(
    name: str, features: NDArray[Any], logits: NDArray[Any], labeled: list[int], labels: list[int], bias: bool
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the scores, and how large the numbers are that they are differences of."""
    with np.errstate(over="ignore"):
        odds = np.exp(logits - logits.max(axis=1, keepdims=True)) if len(logits) else logits
    p = odds / odds.sum(axis=1, keepdims=True)
    ones = np.ones(len(logits))
    if name == "entropy":
        return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1), ones
    if name == "margin":
        ordered = np.sort(p, axis=1)
        return ordered[:, -2] - ordered[:, -1], ones
    if name == "least-confidence":
        return 1 - p.max(axis=1, initial=0), ones
    rows = np.hstack([features, np.ones((len(features), 1))]) if bias else features
    lengths = np.sqrt((rows**2).sum(axis=1))
    classes = np.eye(logits.shape[1])
    if name == "egl":
        steps = np.sqrt(((p[:, None, :] - classes) ** 2).sum(axis=2))
        return (p * steps).sum(axis=1) * lengths, lengths
    assert name == "grad"
    gradients = (p - classes[logits.argmax(axis=1)])[:, :, None] * rows[:, None, :]
    known = (p[labeled] - classes[labels])[:, :, None] * rows[labeled][:, None, :]
    m, mean = len(labeled), known.mean(axis=0)
    scale = lengths + np.sqrt((known**2).sum(axis=(1, 2))).max()
    return m / (m + 1) * np.sqrt(((gradients - mean) ** 2).sum(axis=(1, 2))), scale
