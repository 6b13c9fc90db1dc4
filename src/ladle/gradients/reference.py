"""The reference: the mean gradient of the labeled set."""

from __future__ import annotations

import torch

from ladle.arrays import as_tensor, like
from ladle.errors import InputError
from ladle.typing import ArrayT


def mean_gradient(residuals: ArrayT, features: ArrayT, *, bias: bool = True) -> ArrayT:
    """Return the mean last-layer gradient Ḡ = Rᵀ[H, 1] / m of m labeled examples.

    Args:
        residuals: (m, C) residuals of the labeled examples under their true labels.
        features: (m, d) their features.
        bias: whether the last layer has a bias; its gradient is the last column.

    Returns:
        (C, d + 1) mean gradient, (C, d) without bias; the kind of array that was given.

    Raises:
        InputError: no labeled example: a mean of nothing is undefined.

    Cost: O(m C d) time in one matrix product, O(C d) memory.
    Reference: Khosravani and Zilles (2026), section 3.1.
    """
    left, right = as_tensor(residuals), as_tensor(features)
    if len(left) == 0:
        raise InputError("the mean labeled gradient needs at least one labeled example (got 0); label a few first")
    total = left.T @ right
    if bias:
        total = torch.cat([total, left.sum(dim=0).unsqueeze(1)], dim=1)
    return like(total / len(left), residuals)
