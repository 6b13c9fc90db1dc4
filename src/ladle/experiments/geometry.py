"""One acquisition looked at: where each strategy's batch lies in input space and in gradient space (figure 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ladle.data import Pool
from ladle.errors import ConfigError, InputError
from ladle.gradients import FactoredGradients, cross_entropy
from ladle.models import MLP, TrainingConfig, pool_outputs, train
from ladle.strategies import PoolOutputs, find_strategy
from ladle.typing import Indices

#: The paper's figure 1.
STRATEGIES = ("grad", "entropy", "badge")
EXAMPLES, INITIAL, BATCHES = 3000, 10, (10, 20, 40)
# The paper says one hidden layer and no more.
_HIDDEN = (128,)
_TRAINING = TrainingConfig(epochs=60, batch_size=8, learning_rate=0.01)


@dataclass(frozen=True)
class Space:
    """One view of the pool.

    Attributes:
        name: "input space" or "gradient space".
        coordinates: (n, 2) first two principal components.
        explained: (2,) shares of the variance that they hold.
        dispersion: by strategy and batch size: the mean distance between two picks over that between two examples of
            the pool, both in the whole space rather than in the plane; 1 is as wide as the pool.
    """

    name: str
    coordinates: NDArray[np.float64]
    explained: NDArray[np.float64]
    dispersion: Mapping[tuple[str, int], float]


@dataclass(frozen=True)
class AcquisitionGeometry:
    """One acquisition of several strategies from the same model and initial set.

    Attributes:
        data: name of the pool.
        labeled: (m,) the initial set, as positions among the n examples.
        picks: by strategy and batch size, (B,) positions among the n examples, in pick order.
        spaces: input space and gradient space.
        accuracy: of the model on the test split, 0 to 1: what it knew when it chose.
        available: examples that the n were drawn from; draws of other seeds share many of them where it is little more.
    """

    data: str
    labeled: Indices
    picks: Mapping[tuple[str, int], Indices]
    spaces: tuple[Space, Space]
    accuracy: float
    available: int


def acquisition_geometry(
    pool: Pool,
    *,
    strategies: Sequence[str] = STRATEGIES,
    batches: Sequence[int] = BATCHES,
    examples: int = EXAMPLES,
    initial: int = INITIAL,
    training: TrainingConfig = _TRAINING,
    seed: int = 0,
) -> AcquisitionGeometry:
    """Draw a pool and an initial set, train once, and let every strategy pick one batch of each size.

    Args:
        pool: with the true labels; its examples are flattened.
        strategies: names from the catalog.
        batches: sizes of the batch; each is a separate acquisition from the same model.
        examples: n, drawn uniformly from the pool.
        initial: labels drawn uniformly among them.
        training: of the network with one hidden layer.
        seed: of the draws and of the training.

    Raises:
        ConfigError: more examples asked for than there are.
        InputError: sparse inputs, whose principal components would fill the memory.
        UnknownNameError: an unknown strategy.

    Cost: seconds; O(n C d) memory for the gradients written out.
    Reference: Khosravani and Zilles (2026), section 4.1 and figure 1.
    """
    chosen = [find_strategy(name) for name in strategies]
    if not isinstance(pool.inputs, Tensor):
        raise InputError(f"this figure needs dense inputs (got sparse rows of {pool.name}); take images or a table")
    if examples > len(pool) or initial + max(batches) > examples:
        raise ConfigError(
            f"the figure's examples come from the pool, and its labels from these (got examples={examples} of "
            f"{len(pool)}, initial={initial}, largest batch {max(batches)}); lower them"
        )
    generator = np.random.default_rng(seed)
    drawn = np.sort(generator.choice(len(pool), size=examples, replace=False))
    labeled = generator.choice(examples, size=initial, replace=False)
    inputs = pool.inputs[torch.from_numpy(drawn)].flatten(1)
    labels = pool.labels[torch.from_numpy(drawn)][torch.from_numpy(labeled)]

    def build() -> nn.Module:
        return MLP(inputs.shape[1], len(pool.classes), hidden=_HIDDEN)

    model = train(build, inputs[torch.from_numpy(labeled)], labels, training, seed=seed)
    passed = pool_outputs(model, inputs)
    outputs = PoolOutputs(passed.features, passed.logits, labeled, labels, cross_entropy, passed.bias)
    picks = {
        (strategy.name, size): strategy.select(outputs, size, generator=np.random.default_rng(seed))
        for strategy in chosen
        for size in batches
    }
    gradients = FactoredGradients(cross_entropy.pseudo_residuals(passed.logits), passed.features, passed.bias)
    assert isinstance(pool.test_inputs, Tensor)
    tested = pool_outputs(model, pool.test_inputs.flatten(1)).logits.argmax(dim=1)
    return AcquisitionGeometry(
        data=pool.name,
        labeled=labeled,
        picks=picks,
        spaces=(
            _space("input space", inputs, picks),
            _space("gradient space", gradients.materialize().flatten(1), picks),
        ),
        accuracy=float((tested == pool.test_labels).double().mean()),
        available=len(pool),
    )


def _space(name: str, rows: Tensor, picks: Mapping[tuple[str, int], Indices]) -> Space:
    from sklearn.decomposition import PCA

    values = rows.double().numpy()
    components = PCA(n_components=2, svd_solver="randomized", random_state=0)
    coordinates = components.fit_transform(values)
    whole = _mean_distance(values)
    return Space(
        name=name,
        coordinates=coordinates,
        explained=components.explained_variance_ratio_,
        dispersion={key: _mean_distance(values[chosen]) / whole for key, chosen in picks.items()},
    )


def _mean_distance(rows: NDArray[np.float64]) -> float:
    """Return the mean distance between two different rows; of many rows, of an even spread of them."""
    from scipy.spatial.distance import pdist

    few = rows[np.linspace(0, len(rows) - 1, min(len(rows), 1000)).astype(np.int64)]
    return float(pdist(few).mean())
