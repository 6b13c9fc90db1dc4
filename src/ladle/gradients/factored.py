"""Per-example last-layer gradients as two factors, never as one (n, C, d + 1) block."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ladle.arrays import squared_lengths
from ladle.typing import Features, Residuals


@dataclass(frozen=True)
class FactoredGradients:
    """n gradients of the last layer's (weights, bias), each the outer product residual ⊗ [features, 1].

    It is an ``Embedding``: selectors use it through norms and inner products, which follow from the factors.

    Attributes:
        residuals: (n, C) derivative of each example's loss by its logits.
        features: (n, d) input of the last layer.
        bias: whether the last layer has a bias, whose gradient is the residual itself.
    """

    residuals: Residuals
    features: Features
    bias: bool = True

    def __len__(self) -> int:
        return len(self.residuals)

    def take(self, rows: Tensor | slice) -> FactoredGradients:
        """Return the gradients at these positions; a slice copies nothing."""
        return FactoredGradients(self.residuals[rows], self.features[rows], self.bias)

    def squared_norms(self) -> Tensor:
        """Return the (n,) squared lengths |r|² (|h|² + 1).

        Cost: O(n (C + d)) time, O(n) memory.
        """
        return squared_lengths(self.residuals) * (squared_lengths(self.features) + float(self.bias))

    def inner(self, other: FactoredGradients) -> Tensor:
        """Return the (n, k) inner products (r_i · r_j)(h_i · h_j + 1) with k other gradients.

        Cost: O(n k (C + d)) time in two matrix products, O(n k) memory.
        """
        products = self.features @ other.features.T
        if self.bias:
            products += 1.0
        return products.mul_(self.residuals @ other.residuals.T)

    def materialize(self) -> Tensor:
        """Return the (n, C, d + 1) gradients themselves, (n, C, d) without bias: for few rows, checks and plots.

        Cost: O(n C d) memory.
        """
        features = self.features
        if self.bias:
            features = torch.cat([features, features.new_ones(len(features), 1)], dim=1)
        return self.residuals.unsqueeze(2) * features.unsqueeze(1)
