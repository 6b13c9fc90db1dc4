"""How good random labels and chosen ones are, measured on the examples that were drawn at random.

These, first batch and control arm, are a small random labeling of their own. Models trained on parts of them and asked
about the rest show how accuracy grows when labels are random; models trained on all labels but those they are asked
about show how good the chosen labels are. Both answer for the same examples, so that easy or hard ones tilt neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ladle.models import TrainingConfig, pool_outputs, train
from ladle.typing import Indices, Inputs

#: Called with the trainings done and the trainings in all.
Progress: TypeAlias = Callable[[int, int], None]
Floats: TypeAlias = NDArray[np.float64]

_FOLDS, _REPEATS = 5, 2
# Parts of the random labels that random labeling is measured at, and of all labels for the chosen ones.
_RANDOM_PARTS, _CHOSEN_PARTS = (0.25, 0.4, 0.63, 1.0), (0.5, 1.0)


@dataclass(frozen=True)
class Snapshot:
    """All that a forecast needs of a project; it can be pickled, and computed with in another process.

    Attributes:
        inputs: n examples that have labels, in the order those came in.
        labels: (n,) class numbers.
        drawn: (n,) whether the example was drawn at random: first batch and control arm.
        start: labels in hand when the first control arm was drawn; 0 where there was none.
        classes: how many.
        strategy: what picks.
        build: makes a new network.
        training: how it is trained.
        seed: of all that the forecast draws.
        device: where the networks train.
    """

    inputs: Inputs
    labels: Indices
    drawn: NDArray[np.bool_]
    start: int
    classes: int
    strategy: str
    build: Callable[[], nn.Module]
    training: TrainingConfig
    seed: int
    device: torch.device | str = "cpu"


@dataclass(frozen=True)
class Measured:
    """Accuracies at k numbers of labels, all of them on the same examples.

    Attributes:
        sizes: (k,) labels that the models were trained on, the mean over folds.
        chosen: (k,) whether these were all labels, the chosen ones too, or random ones alone.
        accuracies: (k,) shares of right answers; the last is that of all labels.
        covariance: (k, k) of the accuracies, over which examples were drawn.
    """

    sizes: Floats
    chosen: NDArray[np.bool_]
    accuracies: Floats
    covariance: Floats


def cross_validate(snapshot: Snapshot, *, progress: Progress | None = None) -> Measured:
    """Train on parts of the labels and ask about the randomly drawn rest; no model has seen what it is asked about.

    Args:
        snapshot: where the project stands; at least five examples drawn at random.
        progress: called after each training.

    Cost: 50 trainings: ten on all labels or half of them, forty on random ones alone.
    Reference: Stone (1974) for cross-validation.
    """
    generator = np.random.default_rng(snapshot.seed)
    drawn = np.flatnonzero(snapshot.drawn)
    trials = _trials(drawn, len(snapshot.labels), generator)
    columns = len(_RANDOM_PARTS) + len(_CHOSEN_PARTS)
    right, asked = np.zeros((len(snapshot.labels), columns)), np.zeros((len(snapshot.labels), columns))
    sizes: list[list[int]] = [[] for _ in range(columns)]
    for done, trial in enumerate(trials, start=1):
        seed = int(generator.integers(2**63))
        right[trial.test, trial.column] += _answers(snapshot, trial, seed) == snapshot.labels[trial.test]
        asked[trial.test, trial.column] += 1
        sizes[trial.column].append(len(trial.train))
        if progress is not None:
            progress(done, len(trials))
    shares = right[drawn] / asked[drawn]
    return Measured(
        sizes=np.array([np.mean(column) for column in sizes]),
        chosen=np.arange(columns) >= len(_RANDOM_PARTS),
        accuracies=shares.mean(axis=0),
        covariance=_covariance(shares),
    )


@dataclass(frozen=True)
class _Trial:
    """A training and its test: positions among the labeled examples, and which of the k numbers of labels it is."""

    column: int
    train: Indices
    test: Indices


def _trials(drawn: Indices, labeled: int, generator: np.random.Generator) -> list[_Trial]:
    trials = []
    for repeat in range(_REPEATS):
        for fold in np.array_split(generator.permutation(drawn), _FOLDS):
            others = generator.permutation(np.setdiff1d(drawn, fold))
            trials += [
                _Trial(column, others[: max(1, round(part * len(others)))], fold)
                for column, part in enumerate(_RANDOM_PARTS)
            ]
            # On all labels the order does not matter: a second time would bring little and cost most.
            if not repeat:
                trials += [
                    _Trial(column, np.setdiff1d(np.arange(round(part * labeled)), fold), fold)
                    for column, part in enumerate(_CHOSEN_PARTS, start=len(_RANDOM_PARTS))
                ]
    return trials


def _answers(snapshot: Snapshot, trial: _Trial, seed: int) -> Indices:
    model = train(
        snapshot.build,
        snapshot.inputs[trial.train],
        torch.from_numpy(snapshot.labels[trial.train]),
        snapshot.training,
        seed=seed,
        device=snapshot.device,
    )
    logits = pool_outputs(model, snapshot.inputs[trial.test], device=snapshot.device).logits
    return np.asarray(logits.argmax(dim=1).cpu().numpy(), dtype=np.int64)


def _covariance(shares: Floats) -> Floats:
    # One example more that all get right, and one that none does: an accuracy of 1 is not sure either.
    answers = np.vstack([shares, np.ones_like(shares[:1]), np.zeros_like(shares[:1])])
    return np.asarray(np.cov(answers, rowvar=False) / len(shares))
