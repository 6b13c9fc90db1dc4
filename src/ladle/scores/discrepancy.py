"""The gradient discrepancy of the paper: how far a candidate's gradient lies from the mean labeled gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from ladle.arrays import as_tensor, blocks, like
from ladle.errors import InputError
from ladle.typing import ArrayT

# |g|² - 2 g·ḡ + |ḡ|² cancels where g is close to ḡ. Below this share of |g|² + |ḡ|² a row is computed from the
# difference itself, so that at most two of the digits are lost anywhere.
_CANCELLATION = 1e-2
_SCRATCH_ELEMENTS = 1 << 22


def discrepancy(features: ArrayT, residuals: ArrayT, reference: ArrayT, labeled_count: int) -> ArrayT:
    """Return the discrepancy between each candidate and the labeled set extended by it (eq. 11).

    With S_x = labeled ∪ {x} the mean gradient is (m ḡ + g_x) / (m + 1), hence
    s(x) = |∇f(S_x) - g_x| = m / (m + 1) · |ḡ - g_x|.

    Args:
        features: (n, d) features of the candidates.
        residuals: (n, C) their residuals under their pseudo-labels.
        reference: (C, d + 1) mean labeled gradient with bias as its last column, or (C, d) without bias.
        labeled_count: m, the number of labeled examples behind the reference, at least 1.

    Returns:
        (n,) at least 0; the kind of array that was given.

    Raises:
        InputError: shapes that do not fit, or nothing labeled.

    Cost: O(n C d) time in one matrix product, O(n C) memory.
    Reference: Khosravani and Zilles (2026), eq. 11 and section 3.1.
    """
    h, r, mean = as_tensor(features), as_tensor(residuals), as_tensor(reference)
    if labeled_count < 1:
        raise InputError(f"the discrepancy needs a labeled set (got {labeled_count} examples); label a few first")
    if len(h) != len(r):
        raise InputError(
            f"features and residuals must have a row for each candidate (got features={len(h)}, residuals={len(r)} "
            "rows); take both for the same candidates"
        )
    width = h.shape[1]
    if mean.shape not in ((r.shape[1], width), (r.shape[1], width + 1)):
        raise InputError(
            f"the reference must be (C, d) or (C, d + 1) (got {tuple(mean.shape)}, C={r.shape[1]}, d={width}); "
            "make it with ladle.gradients.mean_gradient from the same features"
        )
    bias = mean.shape[1] == width + 1
    projected = h @ mean[:, :width].T
    if bias:
        projected += mean[:, width]
    cross = projected.mul_(r).sum(dim=1)
    lengths = torch.linalg.vector_norm(r, dim=1).square_()
    lengths *= torch.linalg.vector_norm(h, dim=1).square_().add_(float(bias))
    total = lengths + mean.square().sum()
    squared = total - 2.0 * cross
    close = torch.nonzero(squared < _CANCELLATION * total).squeeze(1)
    rows_at_once = max(1, _SCRATCH_ELEMENTS // max(1, mean.numel()))
    for rows in blocks(close, rows_at_once):
        squared[rows] = _squared_differences(h[rows], r[rows], mean, bias)
    return like(squared.sqrt_().mul_(labeled_count / (labeled_count + 1)), features)


def _squared_differences(features: Tensor, residuals: Tensor, reference: Tensor, bias: bool) -> Tensor:
    if bias:
        features = torch.cat([features, features.new_ones(len(features), 1)], dim=1)
    difference = residuals.unsqueeze(2) * features.unsqueeze(1) - reference
    return difference.square_().sum(dim=(1, 2))
