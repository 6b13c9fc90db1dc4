"""Whether the last layer stands for the whole model: discrepancies over all parameters and over the last layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from ladle.data import Pool
from ladle.errors import ConfigError, InputError
from ladle.experiments.network import network_for
from ladle.gradients import cross_entropy, discrepancy_over
from ladle.models import ModelConfig, TrainingConfig, train

_SHARE = 0.1


@dataclass(frozen=True)
class FullAgainstLast:
    """Two discrepancies of the same candidates under the same model.

    Attributes:
        data: name of the pool.
        labeled: examples the model was trained on.
        full: (n,) over all parameters.
        last: (n,) over the last layer.
        spearman: rank correlation of the two, -1 to 1.
        overlap: share of the highest tenth by one that the highest tenth by the other holds.
    """

    data: str
    labeled: int
    full: NDArray[np.float64]
    last: NDArray[np.float64]
    spearman: float
    overlap: float


def full_against_last(
    pool: Pool,
    *,
    model: ModelConfig,
    training: TrainingConfig,
    labeled: int = 500,
    candidates: int = 2000,
    seed: int = 0,
) -> FullAgainstLast:
    """Train on a uniform draw and score other examples twice.

    Args:
        pool: dense inputs.
        model: the network.
        training: how it is trained.
        labeled: examples it is trained on.
        candidates: n, drawn uniformly among the others.
        seed: of draws and training.

    Raises:
        ConfigError: more examples asked for than there are.
        InputError: sparse inputs.

    Cost: a training, and a forward and backward pass over all examples; per-example gradients are never held at once.
    Reference: Khosravani and Zilles (2026), section 3.1, on which parameters the gradient is taken.
    """
    if labeled + candidates > len(pool):
        raise ConfigError(
            f"labeled and candidates come from the pool (got {labeled} + {candidates} of {len(pool)}); lower one"
        )
    if not isinstance(pool.inputs, Tensor):
        raise InputError(f"this figure needs dense inputs (got sparse rows of {pool.name}); take images or a table")
    inputs = pool.inputs
    drawn = torch.from_numpy(np.random.default_rng(seed).permutation(len(pool))[: labeled + candidates])
    first, others = drawn[:labeled], drawn[labeled:]
    network = train(network_for(model, pool), inputs[first], pool.labels[first], training, seed=seed)
    full, last = (
        discrepancy_over(
            network,
            inputs[others],
            inputs[first],
            pool.labels[first],
            loss=cross_entropy,
            parameters=parameters,
        )
        .double()
        .numpy()
        for parameters in ("all", "last")
    )
    count = max(1, int(_SHARE * candidates))
    highest = [set(np.argsort(-values, kind="stable")[:count].tolist()) for values in (full, last)]
    return FullAgainstLast(
        pool.name, labeled, full, last, float(spearmanr(full, last).statistic), len(highest[0] & highest[1]) / count
    )
