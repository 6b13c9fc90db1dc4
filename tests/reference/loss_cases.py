"""Every kind of loss Ladle takes, beside torch's own word for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ladle.gradients import (
    ResidualLoss,
    binary_cross_entropy,
    cross_entropy,
    loss_by_autograd,
    smoothed_cross_entropy,
    squared_error,
    weighted_cross_entropy,
)
from reference.autograd import PerExampleLoss

_WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 0.0, 3.0, 0.1, 1.5], dtype=torch.float64)


@dataclass(frozen=True)
class LossCase:
    """A loss as Ladle takes it, and as torch computes it for each example."""

    name: str
    multi_label: bool = False

    def __str__(self) -> str:
        return self.name

    def residual_loss(self, classes: int) -> ResidualLoss:
        return {
            "cross-entropy": cross_entropy,
            "weighted": weighted_cross_entropy(_WEIGHTS[:classes]),
            "smoothed": smoothed_cross_entropy(0.1),
            "squared-error": squared_error,
            "own": loss_by_autograd("focal", focal_loss),
            "binary-cross-entropy": binary_cross_entropy,
            "own-multi-label": loss_by_autograd("soft-margin", _soft_margin, multi_label=True),
        }[self.name]

    def per_example(self, classes: int) -> PerExampleLoss:
        losses: dict[str, PerExampleLoss] = {
            "cross-entropy": nn.CrossEntropyLoss(reduction="none"),
            "weighted": nn.CrossEntropyLoss(weight=_WEIGHTS[:classes], reduction="none"),
            "smoothed": nn.CrossEntropyLoss(label_smoothing=0.1, reduction="none"),
            "squared-error": _squares,
            "own": focal_loss,
            "binary-cross-entropy": _binary,
            "own-multi-label": _soft_margin,
        }
        return losses[self.name]

    def draw_labels(self, generator: np.random.Generator, examples: int, classes: int) -> Tensor:
        """Draw labels freely, whatever the model thinks."""
        if self.multi_label:
            return torch.from_numpy(generator.integers(0, 2, size=(examples, classes)))
        return torch.from_numpy(generator.integers(0, classes, size=examples))

    def pseudo_labels(self, logits: Tensor) -> Tensor:
        return (torch.sigmoid(logits) > 0.5).to(logits) if self.multi_label else logits.argmax(dim=1)


def focal_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """A user's own loss: cross-entropy that leans on the examples it gets wrong."""
    log_probabilities = torch.log_softmax(logits, dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return -((1.0 - log_probabilities.exp()) ** 2) * log_probabilities


def _squares(logits: Tensor, labels: Tensor) -> Tensor:
    targets = nn.functional.one_hot(labels, logits.shape[1]).to(logits)
    return torch.stack([nn.functional.mse_loss(row, target) for row, target in zip(logits, targets, strict=True)])


def _binary(logits: Tensor, labels: Tensor) -> Tensor:
    rows = zip(logits, labels.to(logits), strict=True)
    return torch.stack([nn.functional.binary_cross_entropy_with_logits(row, target) for row, target in rows])


def _soft_margin(logits: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.softplus(-logits * (2.0 * labels - 1.0)).sum(dim=1)


SINGLE_LABEL = [LossCase(name) for name in ("cross-entropy", "weighted", "smoothed", "squared-error", "own")]
MULTI_LABEL = [LossCase(name, multi_label=True) for name in ("binary-cross-entropy", "own-multi-label")]
LOSS_CASES = SINGLE_LABEL + MULTI_LABEL
