"""The discrepancy between a set and a subset of it while a model trains (figure 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ladle.data import Pool
from ladle.errors import ConfigError
from ladle.models import MLP, TrainingConfig, train

#: The paper's figure 6: examples in S, epochs, and learning rate.
EXAMPLES, EPOCHS, LEARNING_RATE = 1000, 150, 1e-4
# The paper says two layers, and a random subset; not how wide or how large.
_HIDDEN = (256,)
_SUBSET_SHARE = 0.5


@dataclass(frozen=True)
class DiscrepancyOverTraining:
    """What was seen epoch by epoch.

    Attributes:
        data: name of the pool.
        discrepancies: (epochs,) norms |DF(S, S_J, t)| over all parameters, after each epoch.
        losses: (epochs,) mean loss on S.
        examples: size of S.
        subset: size of S_J.
    """

    data: str
    discrepancies: NDArray[np.float64]
    losses: NDArray[np.float64]
    examples: int
    subset: int


def contraction_on(
    pool: Pool,
    *,
    examples: int = EXAMPLES,
    subset: int | None = None,
    epochs: int = EPOCHS,
    learning_rate: float = LEARNING_RATE,
    batch_size: int = 8,
    seed: int = 0,
) -> DiscrepancyOverTraining:
    """Train a network of two layers on S and follow the discrepancy between S and S_J.

    Sparse rows are written out over the columns that occur in S, to which nothing else can matter.

    Args:
        pool: S is drawn from it uniformly, all of it if it has fewer examples.
        examples: size of S.
        subset: size of S_J, a uniformly random subset; half of S by default.
        epochs: at least 1.
        learning_rate: of SGD with momentum 0.9.
        batch_size: examples in a step.
        seed: of the draws and of the training.

    Raises:
        ConfigError: a subset larger than S.

    Cost: a training, and two passes over S and S_J an epoch.
    Reference: Khosravani and Zilles (2026), appendix A and figure 6.
    """
    generator = np.random.default_rng(seed)
    count = min(examples, len(pool))
    size = int(_SUBSET_SHARE * count) if subset is None else subset
    if not 1 <= size <= count:
        raise ConfigError(f"the subset is a part of S (got subset={size}, S={count}); lower it")
    drawn = np.sort(generator.choice(len(pool), size=count, replace=False))
    part = torch.from_numpy(generator.choice(count, size=size, replace=False))
    inputs, labels = _written_out(pool, drawn), pool.labels[torch.from_numpy(drawn)]
    found: list[float] = []
    losses: list[float] = []

    def build() -> nn.Module:
        return MLP(inputs.shape[1], len(pool.classes), hidden=_HIDDEN)

    def follow(_epoch: int, model: nn.Module) -> None:
        parameters = list(model.parameters())

        def mean_gradient(rows: Tensor | slice) -> tuple[list[Tensor], float]:
            loss = cross_entropy(model(inputs[rows]), labels[rows])
            return list(torch.autograd.grad(loss, parameters)), float(loss.detach())

        whole, loss = mean_gradient(slice(None))
        few, _ = mean_gradient(part)
        found.append(float(sum((a - b).square().sum() for a, b in zip(whole, few, strict=True))) ** 0.5)
        losses.append(loss)

    config = TrainingConfig(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    train(build, inputs, labels, config, seed=seed, on_epoch=follow)
    return DiscrepancyOverTraining(pool.name, np.array(found), np.array(losses), count, size)


def _written_out(pool: Pool, rows: NDArray[np.int64]) -> Tensor:
    if isinstance(pool.inputs, Tensor):
        return pool.inputs[torch.from_numpy(rows)].flatten(1)
    chosen = pool.inputs[rows].tocsc()
    return torch.from_numpy(chosen[:, np.flatnonzero(np.diff(chosen.indptr))].toarray()).float()
