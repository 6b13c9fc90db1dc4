"""Whether the discrepancy feels a change of the data: scores in and out of distribution (figure 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ladle import scores
from ladle.data import Pool
from ladle.errors import ConfigError, InputError
from ladle.experiments.network import network_for
from ladle.gradients import cross_entropy, mean_gradient
from ladle.models import ModelConfig, TrainingConfig, pool_outputs, train

#: The paper's figure 2 takes as many of each.
EXAMPLES = 10_000


@dataclass(frozen=True)
class ShiftScores:
    """Discrepancies of examples like those the model was trained on, and of others.

    Attributes:
        inside: name of the data set the model was trained on.
        outside: name of the other.
        inside_scores: (n,) of its test split.
        outside_scores: (n,) of the other's test split.
        auroc: probability that an outside example scores above an inside one, ties counting half.
        entropy_auroc: the same for predictive entropy, to compare with.
        accuracy: of the model on the test split it knows, 0 to 1.
    """

    inside: str
    outside: str
    inside_scores: NDArray[np.float64]
    outside_scores: NDArray[np.float64]
    auroc: float
    entropy_auroc: float
    accuracy: float


def shift_scores(
    inside: Pool,
    outside: Pool,
    *,
    model: ModelConfig,
    training: TrainingConfig,
    examples: int = EXAMPLES,
    seed: int = 0,
) -> ShiftScores:
    """Train on a whole pool and score the test splits of this and of another data set.

    Gray images of the other data set become colored ones of three equal channels, where the model needs that.

    Args:
        inside: images the model is trained on.
        outside: other images of the same size.
        model: the network.
        training: how it is trained.
        examples: of each test split, drawn uniformly; fewer if a split has fewer, then of both.
        seed: of draws and training.

    Raises:
        ConfigError: images of different sizes.
        InputError: data that is no images.

    Cost: one training on the whole pool.
    Reference: Khosravani and Zilles (2026), section 4.1 and figure 2.
    """
    first, second = _images(inside), _images(outside)
    if second.shape[1] == 1 and first.shape[1] == 3:
        second = second.expand(-1, 3, -1, -1)
    if first.shape[1:] != second.shape[1:]:
        raise ConfigError(
            f"both data sets must have images of one size (got {tuple(first.shape[1:])} of {inside.name} and "
            f"{tuple(second.shape[1:])} of {outside.name}); set image_size alike"
        )
    network = train(network_for(model, inside), inside.inputs, inside.labels, training, seed=seed)
    trained = pool_outputs(network, inside.inputs)
    reference = mean_gradient(
        cross_entropy.residuals(trained.logits, inside.labels), trained.features, bias=trained.bias
    )
    generator = np.random.default_rng(seed)
    count = min(examples, len(first), len(second))
    found: list[NDArray[np.float64]] = []
    entropies: list[NDArray[np.float64]] = []
    accuracy = 0.0
    for images, labels in ((first, inside.test_labels), (second, None)):
        rows = torch.from_numpy(np.sort(generator.choice(len(images), size=count, replace=False)))
        passed = pool_outputs(network, images[rows])
        residuals = cross_entropy.pseudo_residuals(passed.logits)
        found.append(scores.discrepancy(passed.features, residuals, reference, len(inside)).double().numpy())
        entropies.append(scores.entropy(passed.logits).double().numpy())
        if labels is not None:
            accuracy = float((passed.logits.argmax(dim=1) == labels[rows]).double().mean())
    return ShiftScores(inside.name, outside.name, found[0], found[1], _auroc(*found), _auroc(*entropies), accuracy)


def _images(pool: Pool) -> Tensor:
    if not isinstance(pool.test_inputs, Tensor) or pool.test_inputs.ndim != 4:
        raise InputError(f"this figure compares images (got {pool.name}, {pool.modality}); name an image data set")
    return pool.test_inputs


def _auroc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    from sklearn.metrics import roc_auc_score

    truth = np.concatenate([np.zeros(len(inside)), np.ones(len(outside))])
    return float(roc_auc_score(truth, np.concatenate([inside, outside])))
