"""The gradient discrepancy of the paper: how far a candidate's gradient lies from the mean labeled gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ladle.arrays import as_tensor, blocks, like
from ladle.errors import InputError
from ladle.typing import ArrayT

# |g|² - 2 g·ḡ + |ḡ|² cancels where g is close to ḡ. Below this share of |g|² + |ḡ|² a row is computed from the
# difference itself, so that at most two of the digits are lost anywhere.
_CANCELLATION = 1e-2
_SCRATCH_ELEMENTS = 1 << 22
# Scratch stays bounded for any pool, and small enough that the allocator keeps it: new pages cost more than the sums
# made on them. Fewer rows at once spend more time on starting than on computing.
_MOST_ROWS, _FEWEST_ROWS = 1 << 15, 1 << 8


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
    found = h.new_empty(len(h))
    for rows in _slices(len(h), r.shape[1]):
        projected = h[rows] @ mean[:, :width].T
        if bias:
            projected += mean[:, width]
        found[rows] = _distances(h[rows], r[rows], projected, mean, bias)
    return like(found.mul_(labeled_count / (labeled_count + 1)), features)


def discrepancy_with_head(
    features: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    reference: Tensor,
    labeled_count: int,
    pseudo_residuals: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """Return the logits and the discrepancy together, from one matrix product of the features with [W; ḡ].

    For those who run the model's last layer themselves: the discrepancy then costs little more than the logits.

    Args:
        features: (n, d) features of the candidates.
        weight: (C, d) of the model's last layer.
        bias: (C,) of it, or None; then the reference has no bias either.
        reference: (C, d + 1) mean labeled gradient with bias as its last column, or (C, d) without bias.
        labeled_count: m, the number of labeled examples behind the reference, at least 1.
        pseudo_residuals: (n, C) logits -> (n, C) residuals under pseudo-labels, such as a ``ResidualLoss`` has.

    Returns:
        (n, C) logits, a class after the other in memory, and (n,) what ``discrepancy`` returns for them; neither takes
        part in automatic differentiation.

    Raises:
        InputError: shapes that do not fit, or nothing labeled.

    Cost: O(n C d) time in one matrix product, O(n C) memory.
    Reference: Khosravani and Zilles (2026), eq. 11 and section 3.1.
    """
    classes, width = weight.shape
    if labeled_count < 1:
        raise InputError(f"the discrepancy needs a labeled set (got {labeled_count} examples); label a few first")
    if features.shape[1:] != (width,) or reference.shape != (classes, width + (bias is not None)):
        raise InputError(
            f"features, weight and reference must be (n, d), (C, d) and (C, d + 1), (C, d) without bias (got "
            f"{tuple(features.shape)}, {tuple(weight.shape)}, {tuple(reference.shape)}); take all from one last layer"
        )
    features, reference = features.detach(), reference.detach()
    both = torch.cat([weight.detach(), reference[:, :width]])
    offsets = features.new_zeros(2 * classes) if bias is None else torch.cat([bias.detach(), reference[:, width]])
    # A class after the other: sums over few classes then run along all rows, in half the time.
    logits, found = features.new_empty(classes, len(features)).T, features.new_empty(len(features))
    for rows in _slices(len(features), classes):
        products = torch.mm(both, features[rows].T).add_(offsets.unsqueeze(1)).T
        logits[rows] = products[:, :classes]
        residuals = pseudo_residuals(products[:, :classes])
        found[rows] = _distances(features[rows], residuals, products[:, classes:], reference, bias is not None)
    return logits, found.mul_(labeled_count / (labeled_count + 1))


def _slices(rows: int, classes: int) -> Iterator[slice]:
    size = min(_MOST_ROWS, max(_FEWEST_ROWS, _SCRATCH_ELEMENTS // max(1, classes)))
    for start in range(0, rows, size):
        yield slice(start, start + size)


def _distances(features: Tensor, residuals: Tensor, projected: Tensor, reference: Tensor, bias: bool) -> Tensor:
    """Return (n,) distances |g - ḡ| given ḡ h̃ of every row, an (n, C) tensor that is used up."""
    cross = projected.mul_(residuals).sum(dim=1)
    squares = torch.mul(residuals, residuals, out=projected)  # in pages it has already: new ones cost more than the sum
    lengths = torch.linalg.vector_norm(features, dim=1).square_().add_(float(bias))
    total = squares.sum(dim=1).mul_(lengths).add_(reference.square().sum())
    squared = torch.sub(total, cross, alpha=2.0)
    close = torch.nonzero(squared < _CANCELLATION * total).squeeze(1)
    for rows in blocks(close, max(1, _SCRATCH_ELEMENTS // max(1, reference.numel()))):
        squared[rows] = _squared_differences(features[rows], residuals[rows], reference, bias)
    return squared.sqrt_()


def _squared_differences(features: Tensor, residuals: Tensor, reference: Tensor, bias: bool) -> Tensor:
    if bias:
        features = torch.cat([features, features.new_ones(len(features), 1)], dim=1)
    difference = residuals.unsqueeze(2) * features.unsqueeze(1) - reference
    return difference.square_().sum(dim=(1, 2))
