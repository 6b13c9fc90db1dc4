"""Which experiments, and which of their strategies, are looked at together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ladle.errors import UnknownNameError
from ladle.experiments import ExperimentResults
from ladle.reports.analysis import areas_under_curves

#: An experiment with fewer finished seeds decides no claim and no rank: its mean is an anecdote.
LEAST_SEEDS = 3


def with_only(results: ExperimentResults, strategies: Sequence[str]) -> ExperimentResults:
    """Return an experiment reduced to these strategies, in this order.

    Raises:
        ValueError: a strategy it does not have.
    """
    places = [results.strategies.index(name) for name in strategies]
    return replace(
        results,
        strategies=tuple(strategies),
        accuracies=results.accuracies[places],
        acquisition_seconds=results.acquisition_seconds[places],
        training_seconds=results.training_seconds[places],
    )


def with_shared_strategies(experiments: Sequence[ExperimentResults]) -> list[ExperimentResults]:
    """Return the experiments reduced to the strategies that all of them have, in the order of the first."""
    shared = [name for name in experiments[0].strategies if all(name in results.strategies for results in experiments)]
    return [with_only(results, shared) for results in experiments]


def with_chosen(experiments: Sequence[ExperimentResults], strategies: Sequence[str]) -> list[ExperimentResults]:
    """Return the experiments reduced to what they have of these strategies, in this order; those with none go.

    Raises:
        UnknownNameError: a strategy that no experiment has.
    """
    known = dict.fromkeys(name for one in experiments for name in one.strategies)
    chosen = list(dict.fromkeys(strategies))
    for name in chosen:
        if name not in known:
            raise UnknownNameError(
                f"a strategy must be one that some experiment has (got {name!r}); there are {', '.join(known)}"
            )
    reduced = [with_only(one, [name for name in chosen if name in one.strategies]) for one in experiments]
    return [one for one in reduced if one.strategies]


def data_of(results: ExperimentResults) -> str:
    """Return the name of the data set an experiment was made on."""
    return str(results.config["data"]["name"])


def model_of(results: ExperimentResults) -> str:
    """Return the name of its network."""
    return str(results.config["model"]["name"])


def of_seeds_enough(experiments: Sequence[ExperimentResults]) -> list[ExperimentResults]:
    """Return the experiments that may decide something; all of them while there is none."""
    return [one for one in experiments if len(one.seeds) >= LEAST_SEEDS] or list(experiments)


def mean_areas(experiments: Sequence[ExperimentResults]) -> NDArray[np.float64]:
    """Return the (experiments, strategies) mean areas under the curve, of experiments of the same strategies."""
    return np.array([areas_under_curves(one).mean(axis=-1) for one in experiments], dtype=np.float64)
