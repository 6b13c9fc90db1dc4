"""The discrepancy between a set and a subset of it while a model trains (figure 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ladle.data import Pool
from ladle.errors import ConfigError
from ladle.models import MLP, TrainingConfig, as_rows, train
from ladle.typing import Inputs

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
        seed: of the draws and of the training.
    """

    data: str
    discrepancies: NDArray[np.float64]
    losses: NDArray[np.float64]
    examples: int
    subset: int
    seed: int


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

    Nothing is tested here, so S comes from the whole data set: pool, validation and test together. Sparse rows stay
    sparse, and the network has its full width: one over the columns that occur in S alone would start with larger
    weights, which hang on the number of columns.

    Args:
        pool: S is drawn uniformly from all of its parts, all they have if that is less.
        examples: size of S.
        subset: size of S_J, a uniformly random subset; half of S by default.
        epochs: at least 1.
        learning_rate: of SGD with momentum 0.9.
        batch_size: examples in a step.
        seed: of the draws and of the training.

    Raises:
        ConfigError: a subset larger than S.

    Cost: a training, and a pass over S and one over S_J an epoch, each with a gradient of the network's size.
    Reference: Khosravani and Zilles (2026), appendix A and figure 6.
    """
    generator = np.random.default_rng(seed)
    everything, all_labels = _whole(pool)
    count = min(examples, len(all_labels))
    size = int(_SUBSET_SHARE * count) if subset is None else subset
    if not 1 <= size <= count:
        raise ConfigError(f"the subset is a part of S (got subset={size}, S={count}); lower it")
    drawn = np.sort(generator.choice(len(all_labels), size=count, replace=False))
    part = torch.from_numpy(generator.choice(count, size=size, replace=False))
    inputs, labels = everything[drawn], all_labels[torch.from_numpy(drawn)]
    sets = [
        (next(as_rows(inputs).take(rows).batches([len(rows)])), labels[rows]) for rows in (torch.arange(count), part)
    ]
    found: list[float] = []
    losses: list[float] = []

    def build() -> nn.Module:
        return MLP(inputs.shape[1], len(pool.classes), hidden=_HIDDEN, sparse=not isinstance(inputs, Tensor))

    def follow(_epoch: int, model: nn.Module) -> None:
        parameters = list(model.parameters())
        mean_losses = [cross_entropy(model(rows), targets) for rows, targets in sets]
        whole, few = (torch.autograd.grad(loss, parameters) for loss in mean_losses)
        found.append(float(sum((a - b).square().sum() for a, b in zip(whole, few, strict=True))) ** 0.5)
        losses.append(float(mean_losses[0].detach()))

    config = TrainingConfig(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    train(build, inputs, labels, config, seed=seed, on_epoch=follow)
    return DiscrepancyOverTraining(pool.name, np.array(found), np.array(losses), count, size, seed)


def _whole(pool: Pool) -> tuple[Inputs, Tensor]:
    """Return inputs and labels of all parts, one after the other; images are flattened."""
    parts = pool.parts().values()
    labels = torch.cat([labels for _, labels in parts])
    dense = [inputs.flatten(1) for inputs, _ in parts if isinstance(inputs, Tensor)]
    if dense:
        return torch.cat(dense), labels
    sparse: list[Any] = [inputs for inputs, _ in parts]
    return scipy.sparse.csr_matrix(scipy.sparse.vstack(sparse)), labels
