"""How long an example's gradient would be under each label it might get."""

from __future__ import annotations

import torch
from torch import Tensor

from ladle.arrays import as_tensor, like
from ladle.errors import InputError
from ladle.gradients.losses import ResidualLoss, cross_entropy, find_loss
from ladle.typing import ArrayT, Logits


def gradient_lengths(
    features: ArrayT, logits: ArrayT, *, loss: str | ResidualLoss = "cross-entropy", bias: bool = True
) -> ArrayT:
    """Return the length of each example's last-layer gradient under every class it might be labeled with.

    Args:
        features: (n, d) input of the last layer.
        logits: (n, C) output of the last layer.
        loss: a loss whose labels are class numbers.
        bias: whether the last layer has a bias.

    Returns:
        (n, C) lengths |r_y| sqrt(|h|² + 1), at least 0; the kind of array that was given.

    Raises:
        InputError: a multi-label loss, which has no single class to go through.

    Cost: O(n (C + d)) for cross-entropy, O(n (C² + d)) for any other loss; O(n C) memory.
    """
    h, z, chosen = as_tensor(features), as_tensor(logits), find_loss(loss)
    if chosen.multi_label:
        raise InputError(f"gradient lengths by class need a loss on class numbers (got {chosen}); use 'cross-entropy'")
    squared = _squared_cross_entropy_residuals(z) if chosen is cross_entropy else _squared_residuals(z, chosen)
    scale = torch.linalg.vector_norm(h, dim=1).square_().add_(float(bias))
    return like((squared * scale.unsqueeze(1)).sqrt_(), logits)


def _squared_cross_entropy_residuals(logits: Logits) -> Tensor:
    # |softmax - onehot_y|² = sum over k != y of p_k², plus (1 - p_y)². For the most probable class both terms are
    # summed over the other classes: as differences from 1 they would drown in rounding where the model is confident.
    p = torch.softmax(logits, dim=1)
    best = p.argmax(dim=1, keepdim=True)
    others = p.scatter(1, best, 0.0)
    rest = (1.0 - p).scatter_(1, best, others.sum(dim=1, keepdim=True))
    squares = p.square()
    rest_of_squares = squares.sum(dim=1, keepdim=True) - squares
    rest_of_squares.scatter_(1, best, others.square_().sum(dim=1, keepdim=True))
    return rest.square_().add_(rest_of_squares)


def _squared_residuals(logits: Logits, loss: ResidualLoss) -> Tensor:
    columns = []
    for label in range(logits.shape[1]):
        labels = torch.full((len(logits),), label, dtype=torch.int64, device=logits.device)
        columns.append(loss.residuals(logits, labels).square().sum(dim=1))
    return torch.stack(columns, dim=1)
