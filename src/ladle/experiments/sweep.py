"""The learning-rate sweep: once per data set and backbone, on the validation part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ladle.data import Pool
from ladle.experiments.config import ExperimentConfig, ScheduleConfig
from ladle.experiments.network import network_for
from ladle.models import evaluate, train

_SEED = 0


def validation_accuracy(
    config: ExperimentConfig, learning_rate: float, *, pool: Pool, device: str | torch.device = "cpu"
) -> float:
    """Return the validation accuracy reached with one learning rate.

    The model is trained on a uniform draw from the pool, as large as the final budget unless ``sweep_labels`` says
    otherwise: the paper does not say on what it trains in the sweep, and this is the size at which the rate has to work
    in the end. All rates see the same draw and the same initial weights.

    Returns:
        Accuracy from 0 to 1 on the validation part, which is never acquired.

    Reference: Khosravani and Zilles (2026), section 4.3.
    """
    drawn = np.random.default_rng(_SEED).choice(len(pool), size=config.swept_labels, replace=False)
    model = train(
        network_for(config.model, pool),
        pool.inputs[drawn],
        pool.labels[drawn],
        replace(config.training, learning_rate=learning_rate),
        seed=_SEED,
        device=device,
    )
    return evaluate(model, pool.validation_inputs, pool.validation_labels, device=device)


def sweep_key(protocol: Mapping[str, Any]) -> str:
    """Return all that decides what one learning rate reaches: experiments of one key share their sweep.

    Args:
        protocol: of an experiment, as it is stored.

    Raises:
        KeyError, TypeError, LadleError: it is not the protocol of an experiment.
    """
    decisive = {key: protocol[key] for key in ("data", "model", "training", "protocol_version")}
    final = ScheduleConfig(**protocol["schedule"]).labeled[-1]
    return json.dumps({**decisive, "labels": protocol.get("sweep_labels", final)}, sort_keys=True)


def best_rate(accuracies: Mapping[float, float]) -> float:
    """Return the learning rate of the highest accuracy; the smallest of equals, the more careful choice."""
    return min(accuracies, key=lambda rate: (-accuracies[rate], rate))
