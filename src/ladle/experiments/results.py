"""What an experiment measured, as arrays: all that statistics and reports ever see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ExperimentResults:
    """The finished rounds of one experiment, for all its strategies and seeds.

    Attributes:
        name: the experiment's name; two experiments may share it.
        identity: hash of the protocol (data, model, schedule, training): tells experiments of one name apart.
        strategies: (K,) names, in catalog order.
        seeds: (S,) the seeds that every strategy has finished.
        labeled: (R,) labels in hand at each evaluation; the first is the initial set, before any acquisition.
        accuracies: (K, R, S) test accuracy from 0 to 1.
        acquisition_seconds: (K, R, S) seconds to score the pool and pick; NaN in the last round, which picks nothing.
        selection_seconds: (K, R, S) of those, the seconds to pick once the model's outputs are at hand.
        training_seconds: (K, R, S) seconds to train from scratch.
        config: the resolved configuration, as it was stored.
        environment: package versions and machine, as they were stored.
        environments: those that the runs began with, each once; a run that went on elsewhere is not told apart.
        days: (first, last) day in UTC on which a round was finished, as ISO dates; None where nothing says so.
        learning_rate: the one used, swept or given.
        unfinished: runs that are stored in part and left out here.
    """

    name: str
    identity: str
    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    labeled: NDArray[np.int64]
    accuracies: NDArray[np.float64]
    acquisition_seconds: NDArray[np.float64]
    selection_seconds: NDArray[np.float64]
    training_seconds: NDArray[np.float64]
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    learning_rate: float
    unfinished: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    environments: tuple[Mapping[str, Any], ...] = ()
    days: tuple[str, str] | None = None
