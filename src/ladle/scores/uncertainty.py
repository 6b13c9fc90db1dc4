"""Uncertainty of the predictive distribution softmax(logits)."""

from __future__ import annotations

import torch
from torch import Tensor

from ladle.arrays import as_tensor, like
from ladle.typing import ArrayT


def entropy(logits: ArrayT) -> ArrayT:
    """Return the entropy of each predictive distribution.

    Args:
        logits: (n, C) output of the last layer.

    Returns:
        (n,) from 0 (certain) to log C (uniform), in nats; the kind of array that was given.

    Cost: O(n C).
    Reference: Settles (2009), Active learning literature survey, section 3.1.
    """
    odds = _odds_of_others(as_tensor(logits))
    total = odds.sum(dim=1)
    # -Σ p log p with p = odds / (1 + total), gathered so that no two terms cancel.
    return like(torch.special.entr(odds).sum(dim=1).div_(1.0 + total).add_(total.log1p()), logits)


def margin(logits: ArrayT) -> ArrayT:
    """Return the negative gap between the two most probable classes.

    Args:
        logits: (n, C) output of the last layer, C at least 2.

    Returns:
        (n,) from -1 (certain) to 0 (a tie); the kind of array that was given.

    Cost: O(n C).
    Reference: Scheffer, Decomain and Wrobel (2001), Active hidden Markov models for information extraction.
    """
    top = torch.softmax(as_tensor(logits), dim=1).topk(2, dim=1).values
    return like(top[:, 1] - top[:, 0], logits)


def least_confidence(logits: ArrayT) -> ArrayT:
    """Return one minus the probability of the most probable class.

    Args:
        logits: (n, C) output of the last layer.

    Returns:
        (n,) from 0 (certain) to 1 - 1/C (uniform); the kind of array that was given.

    Cost: O(n C).
    Reference: Culotta and McCallum (2005), Reducing labeling effort for structured prediction tasks.
    """
    total = _odds_of_others(as_tensor(logits)).sum(dim=1)
    return like(total / (1.0 + total), logits)


def _odds_of_others(logits: Tensor) -> Tensor:
    """Return p_k / p_best for every class k, zero for the most probable class itself.

    A confident model's doubt lies in the other classes: it is gone from 1 - p_best as soon as that rounds to zero.
    """
    best = logits.max(dim=1, keepdim=True)
    # Zeros as a tensor: scattering a plain number takes four times as long.
    return (logits - best.values).exp_().scatter_(1, best.indices, torch.zeros_like(best.values))
