"""What a fitted skorch classifier says of examples: the features and logits of its torch module."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ladle.adapters.outputs import EstimatorOutputs
from ladle.errors import InputError
from ladle.gradients import ResidualLoss, cross_entropy, loss_by_autograd
from ladle.models import pool_outputs


def skorch_outputs(estimator: Any, inputs: Any) -> EstimatorOutputs | None:
    """Return the outputs of a fitted ``skorch.NeuralNetClassifier``; None for anything else.

    Known criteria are ``CrossEntropyLoss``, and skorch's own default ``NLLLoss`` over a module that ends in a softmax.
    None is returned, too, for other criteria and for modules without a last linear layer: such a net gives
    probabilities alone. skorch encodes no labels, so that they are the columns themselves.

    Args:
        estimator: any fitted estimator.
        inputs: (n, ...) examples: an array, a tensor, or a dict of them.
    """
    # Whoever has such a net has imported skorch; nobody else needs it.
    skorch = sys.modules.get("skorch")
    if skorch is None or not isinstance(estimator, skorch.NeuralNetClassifier):
        return None
    loss = _loss_of(estimator.criterion_)
    if loss is None:
        return None
    softmax = partial(torch.softmax, dim=1) if isinstance(estimator.criterion_, nn.NLLLoss) else None
    try:
        passed = pool_outputs(estimator.module_, inputs, activation=softmax)
    except InputError:
        return None
    features, logits = (values.double().cpu().numpy() for values in (passed.features, passed.logits))
    return EstimatorOutputs(features, logits, np.arange(logits.shape[1]), loss, passed.bias)


def _loss_of(criterion: nn.Module) -> ResidualLoss | None:
    """Return the criterion as a loss of each example, before averaging."""
    if not isinstance(criterion, nn.CrossEntropyLoss | nn.NLLLoss):
        return None
    weight, smoothing = criterion.weight, getattr(criterion, "label_smoothing", 0.0)
    if weight is None and smoothing == 0.0:
        return cross_entropy

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        weights = None if weight is None else weight.to(logits)
        return functional.cross_entropy(logits, labels, weights, label_smoothing=smoothing, reduction="none")

    return loss_by_autograd("criterion", loss)
