"""Which experiments, and which of their strategies, are looked at together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ladle.errors import UnknownNameError
from ladle.experiments import ExperimentResults
from ladle.reports.analysis import areas_under_curves
from ladle.reports.formats import counted, format_names

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
        selection_seconds=results.selection_seconds[places],
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


def problems_of(experiments: Sequence[ExperimentResults]) -> list[list[int]]:
    """Return the places of experiments by their problem: data set with network, whatever the schedule and training.

    Ranks and profiles count a problem once. Experiments of one problem share their data and much of what is picked:
    taken as independent they would make a test of ranks too sure of itself (Demšar 2006).
    """
    found: dict[str, list[int]] = {}
    for place, one in enumerate(experiments):
        data = {key: one.config["data"].get(key) for key in ("name", "path", "target")}
        found.setdefault(json.dumps([data, one.config["model"]], sort_keys=True), []).append(place)
    return list(found.values())


def problem_means(experiments: Sequence[ExperimentResults], values: ArrayLike) -> NDArray[np.float64]:
    """Return (problems, ...) means over the experiments of each problem.

    Args:
        experiments: E of them.
        values: (E, ...) numbers.
    """
    rows = np.asarray(values, dtype=np.float64)
    return np.array([rows[places].mean(axis=0) for places in problems_of(experiments)])


def mean_areas(experiments: Sequence[ExperimentResults]) -> NDArray[np.float64]:
    """Return the (experiments, strategies) mean areas under the curve, of experiments of the same strategies."""
    return np.array([areas_under_curves(one).mean(axis=-1) for one in experiments], dtype=np.float64)


def problem_areas(experiments: Sequence[ExperimentResults]) -> NDArray[np.float64]:
    """Return the (problems, strategies) mean areas under the curve, of experiments of the same strategies."""
    return problem_means(experiments, mean_areas(experiments))


def over_what(experiments: Sequence[ExperimentResults]) -> str:
    """Return "four experiments", or "four problems (six experiments)" where some share their problem."""
    problems, whole = len(problems_of(experiments)), counted(len(experiments), "experiment", "experiments")
    return whole if problems == len(experiments) else f"{counted(problems, 'problem', 'problems')} ({whole})"


def shared_problems(experiments: Sequence[ExperimentResults]) -> str:
    """Return the sentence on what a problem is, where experiments share one; nothing where none do."""
    shared = [
        format_names([experiments[place].name for place in places])
        for places in problems_of(experiments)
        if len(places) > 1
    ]
    if not shared:
        return ""
    return (
        f"A problem is a data set with a network and counts once, by the mean of its experiments: {'; '.join(shared)}."
    )
