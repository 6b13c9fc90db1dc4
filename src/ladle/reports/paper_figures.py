"""The paper's figures that a store can draw: which experiments belong to which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ladle.errors import InputError
from ladle.experiments import ExperimentResults
from ladle.reports.analysis import Contest, RoundsView, contests
from ladle.reports.curve_grid_figure import curve_grid_figure
from ladle.reports.penalty_figures import loss_score_figure, penalty_figure
from ladle.reports.rank_figures import critical_difference_figure, performance_profile_figure
from ladle.statistics import area_under_budget_curve, friedman, labels_to_reach, performance_profiles

#: Figures by part ("" for the only one), and the numbers in them.
Drawn = tuple[dict[str, Figure], dict[str, Any]]

#: What the paper's figure 4 shows: data set and network; figures 7 to 9 have the rest.
FIGURE_4 = (
    ("stl10", "lenet"),
    ("gtsrb", "vgg16"),
    ("svhn", "lenet"),
    ("cifar10", "vgg16"),
    ("cifar10", "resnet18"),
    ("cinic10", "resnet18"),
)


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


def data_of(results: ExperimentResults) -> str:
    """Return the name of the data set an experiment was made on."""
    return str(results.config["data"]["name"])


def model_of(results: ExperimentResults) -> str:
    """Return the name of its network."""
    return str(results.config["model"]["name"])


def _is_image(results: ExperimentResults) -> bool:
    return results.data.get("modality") == "image"


def _curves(experiments: Sequence[ExperimentResults], what: str, suite: str) -> Drawn:
    if not experiments:
        raise InputError(
            f"this figure needs finished experiments on {what} (got none in the store); run one of 'ladle run {suite}'"
        )
    numbers = {
        results.name: {
            "labels": [int(count) for count in results.labeled],
            "seeds": len(results.seeds),
            "mean_accuracy": {
                name: [float(value) for value in results.accuracies[place].mean(axis=-1)]
                for place, name in enumerate(results.strategies)
            },
        }
        for results in experiments
    }
    return {"": curve_grid_figure(experiments)}, numbers


def _text_and_tables(results: Sequence[ExperimentResults]) -> Drawn:
    return _curves([one for one in results if not _is_image(one)], "text or tables", "paper/text-tabular")


def _images(results: Sequence[ExperimentResults]) -> Drawn:
    chosen = [one for one in results if _is_image(one) and (data_of(one), model_of(one)) in FIGURE_4]
    pairs = ", ".join(f"{data} with {model}" for data, model in FIGURE_4)
    return _curves(chosen, pairs, "paper/images")


def _other_images(results: Sequence[ExperimentResults]) -> Drawn:
    chosen = [one for one in results if _is_image(one) and (data_of(one), model_of(one)) not in FIGURE_4]
    return _curves(chosen, "images other than those of figure 4", "paper/images")


def _contest_figures(experiments: Sequence[ExperimentResults], part: str) -> Drawn:
    shared = with_shared_strategies(experiments)
    found = contests(shared)
    if not found:
        return {}, {}
    strategies = shared[0].strategies
    stem = f"{part}-" if part else ""
    figures = {
        f"{stem}penalty": penalty_figure(strategies, found),
        f"{stem}loss": loss_score_figure(strategies, found),
    }
    return figures, {part or "all": _contest_numbers(strategies, found, experiments)}


def _contest_numbers(
    strategies: Sequence[str], found: Mapping[RoundsView, Contest], experiments: Sequence[ExperimentResults]
) -> dict[str, Any]:
    return {
        "experiments": [results.name for results in experiments],
        "strategies": list(strategies),
        **{
            view: {"penalty": np.round(contest.penalty, 6).tolist(), "loss": np.round(contest.loss, 6).tolist()}
            for view, contest in found.items()
        },
    }


def _overall(results: Sequence[ExperimentResults]) -> Drawn:
    return _some(_contest_figures(results, ""))


def _grouped(results: Sequence[ExperimentResults], key: Callable[[ExperimentResults], str]) -> Drawn:
    figures: dict[str, Figure] = {}
    numbers: dict[str, Any] = {}
    for part, group in groupby(sorted(results, key=key), key):
        more, found = _contest_figures(list(group), part)
        figures |= more
        numbers |= found
    return _some((figures, numbers))


def _by_model(results: Sequence[ExperimentResults]) -> Drawn:
    return _grouped(results, model_of)


def _by_data(results: Sequence[ExperimentResults]) -> Drawn:
    return _grouped(results, data_of)


#: Accuracies to be reached, as shares of the way from the initial accuracy to the best final one.
_TARGETS = (0.5, 0.75, 0.9, 0.95)
_FACTORS = np.linspace(1.0, 4.0, 121)


#: An experiment with fewer finished seeds decides no claim and no rank: its mean is an anecdote.
LEAST_SEEDS = 3


def of_seeds_enough(experiments: Sequence[ExperimentResults]) -> list[ExperimentResults]:
    """Return the experiments that may decide something; all of them while there is none."""
    return [one for one in experiments if len(one.seeds) >= LEAST_SEEDS] or list(experiments)


def mean_areas(experiments: Sequence[ExperimentResults]) -> NDArray[np.float64]:
    """Return the (experiments, strategies) mean areas under the curve, of experiments of the same strategies."""
    return np.array(
        [area_under_budget_curve(one.labeled, one.accuracies).mean(axis=-1) for one in experiments], dtype=np.float64
    )


def _ranks(results: Sequence[ExperimentResults]) -> Drawn:
    shared = with_shared_strategies(of_seeds_enough(results))
    strategies, ranking = shared[0].strategies, friedman(mean_areas(shared))
    numbers = {
        "experiments": [one.name for one in shared],
        "mean_ranks": dict(zip(strategies, ranking.mean_ranks.tolist(), strict=True)),
        "p_value": ranking.p_value,
        "critical_difference": ranking.critical_difference,
    }
    return {"": critical_difference_figure(strategies, ranking, len(shared))}, numbers


def _profiles(results: Sequence[ExperimentResults]) -> Drawn:
    shared = with_shared_strategies(of_seeds_enough(results))
    strategies = shared[0].strategies
    costs = []
    for one in shared:
        curves = one.accuracies.mean(axis=-1)
        low, high = float(curves[:, 0].mean()), float(curves[:, -1].max())
        for share in _TARGETS:
            target = low + share * (high - low)
            costs.append([labels_to_reach(one.labeled, curve, target) for curve in curves])
    profiles = performance_profiles(costs, _FACTORS)
    numbers = {
        "experiments": [one.name for one in shared],
        "targets": list(_TARGETS),
        "best_share": dict(zip(strategies, profiles[:, 0].tolist(), strict=True)),
        "within_1.5": dict(zip(strategies, profiles[:, int(np.searchsorted(_FACTORS, 1.5))].tolist(), strict=True)),
    }
    return {"": performance_profile_figure(strategies, _FACTORS, profiles, len(costs))}, numbers


def _some(drawn: Drawn) -> Drawn:
    if not drawn[0]:
        raise InputError(
            "this figure needs two strategies, two seeds and a round after the initial set (got less in every "
            "experiment); let more runs finish"
        )
    return drawn


#: By the name that ``ladle figure`` takes.
STORED_FIGURES: dict[str, Callable[[Sequence[ExperimentResults]], Drawn]] = {
    "3": _text_and_tables,
    "4": _images,
    "5": _overall,
    "7-9": _other_images,
    "10": _by_model,
    "11": _by_data,
    "ranks": _ranks,
    "profiles": _profiles,
}
