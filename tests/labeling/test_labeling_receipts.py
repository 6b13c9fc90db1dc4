"""Receipts against materialised gradients: the two parts, the rank, and what lies near."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ladle.gradients import FactoredGradients, cross_entropy
from ladle.labeling import receipts
from ladle.strategies import PoolOutputs


@pytest.fixture
def outputs() -> PoolOutputs:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(40, 6, generator=generator, dtype=torch.float64)
    logits = torch.randn(40, 4, generator=generator, dtype=torch.float64)
    labeled = np.array([3, 11, 27, 5], dtype=np.int64)
    return PoolOutputs(features, logits, labeled, torch.tensor([0, 1, 2, 3]), cross_entropy, bias=True)


@pytest.mark.parametrize("bias", [True, False])
def test_parts_rank_and_angle_are_those_of_materialised_gradients(outputs: PoolOutputs, bias: bool) -> None:
    outputs = PoolOutputs(outputs.features, outputs.logits, outputs.labeled, outputs.labels, outputs.loss, bias=bias)
    pseudo = cross_entropy.pseudo_residuals(outputs.logits)
    gradients = FactoredGradients(pseudo, outputs.features, bias).materialize().flatten(1)
    rows = outputs.labeled_rows()
    own = cross_entropy.residuals(outputs.logits[rows], outputs.labels)
    mean = FactoredGradients(own, outputs.features[rows], bias).materialize().flatten(1).mean(dim=0)
    distances = (gradients - mean).norm(dim=1)
    closed = np.array([0, 1], dtype=np.int64)
    could = [place for place in range(40) if place not in {0, 1, 3, 5, 11, 27}]
    by_hand = sorted(could, key=lambda place: -float(distances[place]))
    picks = [by_hand[0], by_hand[4], 20]
    found = receipts(outputs, picks, closed)
    for pick in picks:
        receipt = found[pick]
        assert receipt.discrepancy == pytest.approx(4 / 5 * float(distances[pick]))
        assert (receipt.rank, receipt.of) == (by_hand.index(pick) + 1, 34)
        length, mean_length = float(gradients[pick].norm()), float(mean.norm())
        cosine = float(gradients[pick] @ mean) / (length * mean_length)
        assert receipt.degrees == pytest.approx(np.degrees(np.arccos(cosine)))
        assert receipt.size == pytest.approx((length - mean_length) ** 2 / float(distances[pick]) ** 2)
        assert receipt.size + receipt.angle == pytest.approx(1)
        assert (receipt.length, receipt.mean_length) == pytest.approx((length, mean_length))
        labeled = FactoredGradients(own, outputs.features[rows], bias).materialize().flatten(1)
        cosines = torch.cosine_similarity(labeled, gradients[pick].unsqueeze(0))
        assert receipt.apart == pytest.approx(np.degrees(np.arccos(float(cosines.max()))))
        assert receipt.passed_over == by_hand[1]
        assert receipt.likeliest[0][0] == int(outputs.logits[pick].argmax())
        apart = (outputs.features[rows] - outputs.features[pick]).norm(dim=1).argsort()[:3].tolist()
        assert receipt.nearest == tuple((int(outputs.labeled[one]), int(outputs.labels[one])) for one in apart)


def test_a_score_says_what_was_passed_over(outputs: PoolOutputs) -> None:
    score = torch.zeros(40, dtype=torch.float64)
    score[[3, 7, 9]] = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)  # 3 has a label already
    found = receipts(outputs, [7], np.empty(0, dtype=np.int64), score)
    assert found[7].passed_over == 9


def test_nothing_is_passed_over_when_all_are_picked(outputs: PoolOutputs) -> None:
    rest = [place for place in range(40) if place not in outputs.labeled.tolist()]
    found = receipts(outputs, rest, np.empty(0, dtype=np.int64))
    assert sorted(receipt.rank for receipt in found.values()) == list(range(1, 37))
    assert {receipt.passed_over for receipt in found.values()} == {None}
