"""The two public functions for people who bring arrays: ``score`` the pool, ``select`` a batch."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from ladle.arrays import like
from ladle.errors import InputError
from ladle.gradients import ResidualLoss
from ladle.strategies.catalog import CATALOG, find_strategy
from ladle.strategies.outputs import PoolOutputs, pool_outputs_from
from ladle.strategies.strategy import Strategy
from ladle.typing import ArrayT, Indices


def score(
    strategy: str | Strategy,
    *,
    features: ArrayT,
    logits: ArrayT,
    labeled: Any,
    labels: Any,
    loss: str | ResidualLoss = "cross-entropy",
    bias: bool = True,
) -> ArrayT:
    """Score every example of the pool, labeled ones included; higher means "ask first".

    Args:
        strategy: the name of a score strategy (entropy, margin, least-confidence, egl, grad), or a ``Strategy``.
        features: (n, d) input of the model's last linear layer, NumPy or torch.
        logits: (n, C) its output, NumPy or torch.
        labeled: (m,) whole-pool indices already labeled.
        labels: (m,) their class numbers; (m, C) zeros and ones for a multi-label loss.
        loss: the loss the model was trained with, by name or as a ``ladle.gradients.ResidualLoss``.
        bias: whether the last layer has a bias.

    Returns:
        (n,) scores, of the kind and floating type that was given (the wider one where the two differ).

    Raises:
        InputError: arrays that break a rule, a strategy that has no scores, or one that has no meaning for this loss.
        UnknownNameError: an unknown strategy or loss.

    Cost: O(n C d) time for grad, O(n (C + d)) for the others; O(n C) memory.
    """
    chosen = find_strategy(strategy)
    if not chosen.is_score:
        names = ", ".join(name for name, entry in CATALOG.items() if entry.is_score)
        raise InputError(f"{chosen.name!r} picks without scores (got score); use select, or one of {names}")
    outputs = pool_outputs_from(features, logits, labeled, labels, loss=loss, bias=bias)
    _check_meaning(chosen, outputs)
    return like(chosen.view(outputs), logits)


def select(
    strategy: str | Strategy,
    *,
    features: ArrayT,
    logits: ArrayT,
    labeled: Any,
    labels: Any,
    budget: int,
    seed: int | np.random.Generator = 0,
    loss: str | ResidualLoss = "cross-entropy",
    bias: bool = True,
) -> Indices:
    """Select the batch to label next.

    Args:
        strategy: a name from ``list_strategies()``, or a ``Strategy``.
        features: (n, d) input of the model's last linear layer, NumPy or torch.
        logits: (n, C) its output, NumPy or torch.
        labeled: (m,) whole-pool indices already labeled; may be empty for strategies that need no labels.
        labels: (m,) their class numbers; (m, C) zeros and ones for a multi-label loss.
        budget: how many to pick, from 1 to n - m.
        seed: of the draw, where the strategy draws; the same seed gives the same picks.
        loss: the loss the model was trained with, by name or as a ``ladle.gradients.ResidualLoss``.
        bias: whether the last layer has a bias.

    Returns:
        (budget,) NumPy int64 array of distinct unlabeled whole-pool indices in pick order.

    Raises:
        InputError: arrays that break a rule, or a strategy that has no meaning for this loss.
        BudgetError: a budget below 1 or above what is unlabeled.
        UnknownNameError: an unknown strategy or loss.

    Cost: one pass over the pool for scores; a few, in matrix products, for badge and k-center. Pools larger than memory
        are for ``ladle.engines.select_from_shards``.
    """
    chosen = find_strategy(strategy)
    outputs = pool_outputs_from(features, logits, labeled, labels, loss=loss, bias=bias)
    _check_meaning(chosen, outputs)
    return chosen.select(outputs, budget, generator=_generator(seed))


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    if isinstance(seed, np.random.Generator):
        return seed
    try:
        return np.random.default_rng(index(seed))
    except (TypeError, ValueError):
        raise InputError(
            f"the seed must be a whole number from 0 or a NumPy Generator (got {seed!r}); pass one of them"
        ) from None


def _check_meaning(strategy: Strategy, outputs: PoolOutputs) -> None:
    strategy.check_loss(outputs.loss)
    if strategy.needs_labels and len(outputs.labeled) == 0:
        raise InputError(
            f"{strategy.name!r} compares with the labeled set (got labeled=0); "
            "label a few first, for instance those that 'k-center' or 'random' picks"
        )
