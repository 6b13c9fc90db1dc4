"""The catalog: every method by its name, one function and one line each."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ladle import scores
from ladle.arrays import LONGEST_ROW
from ladle.errors import InputError, UnknownNameError
from ladle.gradients import FactoredGradients, gradient_lengths, mean_gradient
from ladle.selectors import (
    AnchoredEmbedding,
    apart_in_angle,
    farthest_first,
    greedy_volume,
    k_means_plus_plus,
    uniform,
)
from ladle.strategies.outputs import PoolOutputs
from ladle.strategies.strategy import Strategy, embedding_strategy, score_strategy
from ladle.typing import Embedding, Features, Indices, Residuals, Scores

_SHORT_RESIDUAL = math.sqrt(2.0)


def _entropy(outputs: PoolOutputs) -> Scores:
    return scores.entropy(outputs.logits)


def _margin(outputs: PoolOutputs) -> Scores:
    return scores.margin(outputs.logits)


def _least_confidence(outputs: PoolOutputs) -> Scores:
    return scores.least_confidence(outputs.logits)


def _expected_gradient_length(outputs: PoolOutputs) -> Scores:
    lengths = gradient_lengths(outputs.features, outputs.logits, loss=outputs.loss, bias=outputs.bias)
    expected = scores.expected_gradient_length(outputs.logits, lengths)
    _check_below(expected, outputs, torch.finfo(expected.dtype).max)
    return expected


def _discrepancy(outputs: PoolOutputs) -> Scores:
    rows = outputs.labeled_rows()
    residuals = outputs.loss.residuals(outputs.logits[rows], outputs.labels)
    reference = mean_gradient(residuals, outputs.features[rows], bias=outputs.bias)
    candidates = _pseudo_residuals(outputs)
    return scores.discrepancy(outputs.features, candidates, reference, len(rows))


def _gradients_from_mean(outputs: PoolOutputs) -> Embedding:
    m = len(outputs.labeled)
    # The discrepancy is m / (m + 1) of the distance from the gradient to the mean labeled one.
    distances = _discrepancy(outputs) * ((m + 1) / m)
    return AnchoredEmbedding(_pseudo_labeled_gradients(outputs), distances.square())


def _pseudo_labeled_gradients(outputs: PoolOutputs) -> Embedding:
    residuals = _pseudo_residuals(outputs)
    return FactoredGradients(residuals, outputs.features, outputs.bias)


def _pseudo_residuals(outputs: PoolOutputs) -> Residuals:
    """Return the residuals under the pseudo-labels, after making sure that the gradients' squares do not overflow."""
    residuals = outputs.loss.pseudo_residuals(outputs.logits)
    # Those of cross-entropy are never longer; features are short enough for them already.
    if not torch.linalg.vector_norm(residuals) <= _SHORT_RESIDUAL * math.sqrt(len(residuals)):
        lengths = torch.linalg.vector_norm(residuals, dim=1) * torch.linalg.vector_norm(outputs.features, dim=1)
        _check_below(lengths, outputs, LONGEST_ROW[residuals.dtype])
    return residuals


def _check_below(lengths: Tensor, outputs: PoolOutputs, longest: float) -> None:
    wrong = torch.nonzero(~(lengths < longest))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            f"gradients of the loss {outputs.loss} must be shorter than {longest:g} (got length "
            f"{float(lengths[row]):g} in a row); rescale features and logits, or correct the loss"
        )


def _features(outputs: PoolOutputs) -> Features:
    return outputs.features


def _uniform(view: int, labeled: Indices, budget: int, *, generator: np.random.Generator) -> Indices:
    return uniform(view, labeled, budget, generator=generator)


def _farthest_first(view: Features, labeled: Indices, budget: int, *, generator: np.random.Generator) -> Indices:  # noqa: ARG001
    return farthest_first(view, labeled, budget)


def _apart_in_angle(view: Embedding, labeled: Indices, budget: int, *, generator: np.random.Generator) -> Indices:  # noqa: ARG001
    return apart_in_angle(view, labeled, budget)


def _greedy_volume(view: Embedding, labeled: Indices, budget: int, *, generator: np.random.Generator) -> Indices:  # noqa: ARG001
    return greedy_volume(view, labeled, budget)


def _from_mean(view: Embedding, labeled: Indices, budget: int, *, generator: np.random.Generator) -> Indices:
    return k_means_plus_plus(view, labeled, budget, generator=generator, first="anchor")


_STRATEGIES = (
    Strategy(
        "random",
        len,
        _uniform,
        "every unlabeled example is as likely as any other",
        needs_model=False,
        row_wise=True,
    ),
    score_strategy(
        "entropy",
        _entropy,
        "the most uncertain predictions by entropy",
        "Settles (2009)",
        row_wise=True,
        single_label=True,
    ),
    score_strategy(
        "margin",
        _margin,
        "the smallest gap between the two likeliest classes",
        "Scheffer et al. (2001)",
        row_wise=True,
        single_label=True,
    ),
    score_strategy(
        "least-confidence",
        _least_confidence,
        "the least probable best class",
        "Culotta and McCallum (2005)",
        row_wise=True,
        single_label=True,
    ),
    score_strategy(
        "egl",
        _expected_gradient_length,
        "the longest gradient expected over labels",
        "Settles et al. (2007)",
        row_wise=True,
        single_label=True,
        needs_gradients=True,
    ),
    score_strategy(
        "grad",
        _discrepancy,
        "the gradient farthest from the mean labeled gradient",
        "Khosravani and Zilles (2026)",
        needs_labels=True,
        row_wise=True,
        needs_gradients=True,
    ),
    embedding_strategy(
        "badge",
        _pseudo_labeled_gradients,
        k_means_plus_plus,
        "k-means++ over pseudo-labeled gradients",
        "Ash et al. (2020)",
        row_wise=True,
        needs_gradients=True,
    ),
    embedding_strategy(
        "k-center",
        _features,
        _farthest_first,
        "the features farthest from all labeled ones, one by one",
        "Sener and Savarese (2018)",
        row_wise=True,
    ),
    embedding_strategy(
        "grad-cosine",
        _gradients_from_mean,
        _apart_in_angle,
        "as grad, passing over gradients nearly parallel to one already picked",
        "Khosravani and Zilles (2026), section 5",
        needs_labels=True,
        row_wise=True,
        needs_gradients=True,
    ),
    embedding_strategy(
        "grad-volume",
        _gradients_from_mean,
        _greedy_volume,
        "the largest volume of gradients seen from the mean labeled one, greedily",
        "Chen et al. (2018) on the discrepancy of Khosravani and Zilles (2026)",
        needs_labels=True,
        row_wise=True,
        needs_gradients=True,
    ),
    embedding_strategy(
        "grad-d2",
        _gradients_from_mean,
        _from_mean,
        "k-means++ over gradients, the mean labeled one the first center",
        "Arthur and Vassilvitskii (2007) on the discrepancy of Khosravani and Zilles (2026)",
        needs_labels=True,
        row_wise=True,
        needs_gradients=True,
    ),
)
#: Every strategy by its name, in the order in which tables and figures show them.
CATALOG: dict[str, Strategy] = {strategy.name: strategy for strategy in _STRATEGIES}


def list_strategies() -> list[str]:
    """Return the names of all strategies in the catalog."""
    return list(CATALOG)


def find_strategy(strategy: str | Strategy) -> Strategy:
    """Return the strategy of this name, or the strategy itself.

    Raises:
        InputError: neither a name nor a ``Strategy``.
        UnknownNameError: no strategy has this name.
    """
    if isinstance(strategy, Strategy):
        return strategy
    if not isinstance(strategy, str):
        raise InputError(
            f"a strategy is a name or a Strategy (got {type(strategy).__name__}); "
            "make one with ladle.strategies.score_strategy or embedding_strategy"
        )
    if strategy not in CATALOG:
        raise UnknownNameError.among("strategy", strategy, CATALOG)
    return CATALOG[strategy]
