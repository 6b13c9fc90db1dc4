"""Why an example was picked: its gradient's discrepancy in two parts, what the model thinks, and what lies near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladle import scores
from ladle.arrays import squared_lengths
from ladle.gradients import mean_gradient
from ladle.strategies import PoolOutputs
from ladle.typing import Indices, Scores

_NEAREST, _LIKELIEST = 3, 3


@dataclass(frozen=True)
class Receipt:
    """What spoke for one example when it was picked.

    Attributes:
        discrepancy: distance of its gradient from the mean labeled one (the paper's eq. 11), at least 0.
        rank: 1 for the largest discrepancy among the examples that could be picked.
        of: how many those were.
        size: share of the squared discrepancy, 0 to 1, that comes from the gradient being longer or shorter than the
            mean labeled one: the model would change a lot, or hardly.
        angle: the rest: it would change in another direction than the labels so far explain.
        degrees: angle between the gradient and the mean labeled one, 0 to 180.
        length: of the gradient.
        mean_length: of the mean labeled gradient; near 0 once the model has learned its labels, and then all is size.
        apart: the smallest angle to the gradient of any one labeled example, 0 to 180 degrees: small where the labels
            so far say already what this one would.
        likeliest: (class number, probability) of the most probable classes, the guess first.
        nearest: (index, class number) of the labeled examples with the nearest features.
        passed_over: the next best index that was not picked: by the strategy's own score, or by the discrepancy where
            it has none; None if all were picked.
    """

    discrepancy: float
    rank: int
    of: int
    size: float
    angle: float
    degrees: float
    length: float
    mean_length: float
    apart: float
    likeliest: tuple[tuple[int, float], ...]
    nearest: tuple[tuple[int, int], ...]
    passed_over: int | None

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as what JSON can hold."""
        return asdict(self)


def receipts(
    outputs: PoolOutputs, picks: Sequence[int], closed: Indices, score: Scores | None = None
) -> dict[int, Receipt]:
    """Return a receipt for each pick.

    With g the pick's gradient and ḡ the mean labeled one, |g - ḡ|² = (|g| - |ḡ|)² + 2 |g| |ḡ| (1 - cos): the first
    part is the size, the second the angle.

    Args:
        outputs: what the model said of the pool when it picked; something is labeled.
        picks: whole-pool indices.
        closed: indices that could not be picked beside the labeled ones: awaited already, or skipped.
        score: (n,) what the strategy ranked the pool by, if it did.

    Cost: the discrepancy of the whole pool, O(n C d), and O(b m d) for the nearest of m labeled examples.
    """
    rows = outputs.labeled_rows()
    residuals = outputs.loss.pseudo_residuals(outputs.logits)
    labeled_residuals = outputs.loss.residuals(outputs.logits[rows], outputs.labels)
    reference = mean_gradient(labeled_residuals, outputs.features[rows], bias=outputs.bias)
    values = scores.discrepancy(outputs.features, residuals, reference, len(rows))
    open_ones = np.setdiff1d(np.arange(len(outputs)), np.concatenate([outputs.labeled, closed]))
    by_discrepancy = _ranked(values, open_ones)
    ranks = {place: rank for rank, place in enumerate(by_discrepancy, start=1)}
    candidates = by_discrepancy if score is None else _ranked(score, open_ones)
    picked = set(picks)
    passed_over = next((place for place in candidates if place not in picked), None)
    return {
        pick: Receipt(
            discrepancy=float(values[pick]),
            rank=ranks[pick],
            of=len(open_ones),
            **_parts(outputs.features[pick], residuals[pick], reference, outputs.bias),
            apart=_apart(outputs, rows, labeled_residuals, residuals[pick], pick),
            likeliest=_likeliest(outputs.logits[pick]),
            nearest=_nearest(outputs, rows, pick),
            passed_over=passed_over,
        )
        for pick in picks
    }


def check_receipt(stored: Any, *, examples: int, classes: int) -> None:
    """Make sure that what a store has is a receipt, as ``Receipt.to_json`` gives it.

    Raises:
        ValueError, TypeError: it is none.
    """
    receipt = Receipt(**stored)
    passed_over = () if receipt.passed_over is None else (receipt.passed_over,)
    places = [*(place for place, _ in receipt.nearest), *passed_over]
    numbers = [*(number for number, _ in receipt.likeliest), *(number for _, number in receipt.nearest)]
    shares = [share for _, share in receipt.likeliest]
    measured = [value for name, value in vars(receipt).items() if name not in ("likeliest", "nearest", "passed_over")]
    known = all(type(one) is int and 0 <= one < examples for one in places)
    known = known and all(type(one) is int and 0 <= one < classes for one in numbers)
    if not known or not all(type(one) in (int, float) for one in (*shares, *measured)):
        raise ValueError(f"no receipt: {stored!r:.60}")


def _ranked(values: Tensor, places: Indices) -> list[int]:
    order = values[torch.from_numpy(places)].argsort(descending=True, stable=True).numpy()
    ranked: list[int] = places[order].tolist()
    return ranked


def _parts(features: Tensor, residuals: Tensor, reference: Tensor, bias: bool) -> dict[str, float]:
    row = torch.cat([features, features.new_ones(1)]) if bias else features
    length, mean = float(residuals.norm() * row.norm()), float(reference.norm())
    cosine = 1.0
    if length * mean > 0:
        cosine = float(np.clip(float(residuals @ (reference @ row)) / (length * mean), -1.0, 1.0))
    size, angle = (length - mean) ** 2, 2 * length * mean * (1 - cosine)
    share = size / (size + angle) if size + angle > 0 else 0.0
    return {
        "size": share,
        "angle": 1 - share,
        "degrees": float(np.degrees(np.arccos(cosine))),
        "length": length,
        "mean_length": mean,
    }


def _apart(outputs: PoolOutputs, rows: Tensor, labeled_residuals: Tensor, residuals: Tensor, pick: int) -> float:
    # The cosine of two outer products is the product of the cosines of their factors.
    bias = float(outputs.bias)
    near, own = outputs.features[rows], outputs.features[pick]
    of_features = (near @ own + bias) / ((squared_lengths(near) + bias) * (own.square().sum() + bias)).sqrt()
    cosines = torch.cosine_similarity(labeled_residuals, residuals.unsqueeze(0), dim=1) * of_features
    return float(np.degrees(np.arccos(np.clip(float(cosines.max()), -1.0, 1.0))))


def _likeliest(logits: Tensor) -> tuple[tuple[int, float], ...]:
    best = torch.softmax(logits, dim=0).topk(min(_LIKELIEST, len(logits)))
    return tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def _nearest(outputs: PoolOutputs, rows: Tensor, pick: int) -> tuple[tuple[int, int], ...]:
    distances = squared_lengths(outputs.features[rows] - outputs.features[pick])
    order = distances.argsort(stable=True)[:_NEAREST].tolist()
    return tuple((int(outputs.labeled[place]), int(outputs.labels[place])) for place in order)
