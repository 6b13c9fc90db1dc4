"""The paper's figures that a store can draw: which experiments belong to which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ladle.errors import InputError
from ladle.experiments import ExperimentResults, suites
from ladle.reports.experiment_sets import (
    data_of,
    model_of,
    of_seeds_enough,
    over_what,
    problem_areas,
    problems_of,
    shared_problems,
    with_shared_strategies,
)
from ladle.reports.figures.curve_grid_figure import curve_grid_figure
from ladle.reports.figures.curve_panels import banded, best_by_area
from ladle.reports.figures.rank_figures import critical_difference_figure, performance_profile_figure
from ladle.reports.figures.style import StrategyStyle, Width
from ladle.statistics import friedman, labels_to_reach, performance_profiles

#: Figures by part ("" for the only one), and the numbers in them.
Drawn = tuple[dict[str, Figure], dict[str, Any]]

#: What the paper's figure 3 shows: each data set by the names it has here, whole or in part.
FIGURE_3 = (("20newsgroups",), ("isolet", "isolet-1560"), ("pokerhand", "poker-hand-uci"))
#: What the paper's figure 4 shows: data set and network; figures 7 to 9 have the rest.
FIGURE_4 = (
    ("stl10", "lenet"),
    ("gtsrb", "vgg16"),
    ("svhn", "lenet"),
    ("cifar10", "vgg16"),
    ("cifar10", "resnet18"),
    ("cinic10", "resnet18"),
)
#: Accuracies to be reached, as shares of the way from the initial accuracy to the best final one.
_TARGETS = (0.5, 0.75, 0.9, 0.95)
_FACTORS = np.linspace(1.0, 4.0, 121)


def _is_image(results: ExperimentResults) -> bool:
    return results.data.get("modality") == "image"


def _curves(experiments: Sequence[ExperimentResults], what: str, suite: str, absent: Sequence[str]) -> Drawn:
    if not experiments:
        raise InputError(
            f"this figure needs finished experiments on {what} (got none in the store); run one of 'ladle run {suite}'"
        )
    numbers = {
        "experiments": {results.name: _curve_numbers(results) for results in experiments},
        "absent": list(absent),
    }
    return {"": curve_grid_figure(experiments)}, numbers


def _curve_numbers(results: ExperimentResults) -> dict[str, Any]:
    return {
        "labels": [int(count) for count in results.labeled],
        "seeds": len(results.seeds),
        "banded": [name for name in results.strategies if len(results.seeds) > 1 and name in banded(results)],
        "best": best_by_area(results),
        "mean_accuracy": {
            name: [float(value) for value in results.accuracies[place].mean(axis=-1)]
            for place, name in enumerate(results.strategies)
        },
    }


def text_and_tables(results: Sequence[ExperimentResults]) -> Drawn:
    """Draw figure 3."""
    chosen = [one for one in results if not _is_image(one)]
    had = {data_of(one) for one in chosen}
    absent = [names[0] for names in FIGURE_3 if had.isdisjoint(names)]
    return _curves(chosen, "text or tables", "paper/text-tabular", absent)


def images(results: Sequence[ExperimentResults]) -> Drawn:
    """Draw figure 4."""
    chosen = [one for one in results if _is_image(one) and _pair(one) in FIGURE_4]
    pairs = ", ".join(_with_network(pair) for pair in FIGURE_4)
    return _curves(chosen, pairs, "paper/images", _absent(FIGURE_4, chosen))


def other_images(results: Sequence[ExperimentResults]) -> Drawn:
    """Draw figures 7 to 9, and whatever images the paper does not have."""
    chosen = [one for one in results if _is_image(one) and _pair(one) not in FIGURE_4]
    others = [pair for pair in product(suites.IMAGE_POOLS, suites.IMAGE_MODELS) if pair not in FIGURE_4]
    return _curves(chosen, "images other than those of figure 4", "paper/images", _absent(others, chosen))


def _pair(results: ExperimentResults) -> tuple[str, str]:
    return data_of(results), model_of(results)


def _with_network(pair: tuple[str, str]) -> str:
    return f"{pair[0]} with {pair[1]}"


def _absent(members: Sequence[tuple[str, str]], chosen: Sequence[ExperimentResults]) -> list[str]:
    """Return which members of a figure no experiment is of."""
    had = {_pair(one) for one in chosen}
    return [_with_network(pair) for pair in members if pair not in had]


def ranks(
    results: Sequence[ExperimentResults], *, width: Width = "full", styles: Mapping[str, StrategyStyle] | None = None
) -> Drawn:
    """Draw the mean ranks by area, as a critical-difference diagram.

    Raises:
        InputError: fewer than two problems, or fewer than three strategies that all experiments have.
        MissingExtraError: scikit-posthocs is not installed.
    """
    shared = with_shared_strategies(of_seeds_enough(results))
    strategies, ranking = shared[0].strategies, friedman(problem_areas(shared))
    numbers = {
        "experiments": [one.name for one in shared],
        "mean_ranks": dict(zip(strategies, ranking.mean_ranks.tolist(), strict=True)),
        "p_value": ranking.p_value,
        "critical_difference": ranking.critical_difference,
        "over": over_what(shared),
        "counted_once": shared_problems(shared),
    }
    figure = critical_difference_figure(strategies, ranking, over_what(shared), width=width, styles=styles)
    return {"": figure}, numbers


def profiles(
    results: Sequence[ExperimentResults], *, width: Width = "full", styles: Mapping[str, StrategyStyle] | None = None
) -> Drawn:
    """Draw performance profiles of the labels needed."""
    shared = with_shared_strategies(of_seeds_enough(results))
    strategies = shared[0].strategies
    costs, weights = [], []
    members = {place: len(places) for places in problems_of(shared) for place in places}
    for number, one in enumerate(shared):
        curves = one.accuracies.mean(axis=-1)
        low, high = float(curves[:, 0].mean()), float(curves[:, -1].max())
        for share in _TARGETS:
            target = low + share * (high - low)
            costs.append([labels_to_reach(one.labeled, curve, target) for curve in curves])
            weights.append(1 / members[number])
    shares = performance_profiles(costs, _FACTORS, weights=weights)
    numbers = {
        "experiments": [one.name for one in shared],
        "targets": list(_TARGETS),
        "counted_once": shared_problems(shared),
        "best_share": dict(zip(strategies, shares[:, 0].tolist(), strict=True)),
        "within_1.5": dict(zip(strategies, shares[:, int(np.searchsorted(_FACTORS, 1.5))].tolist(), strict=True)),
    }
    figure = performance_profile_figure(strategies, _FACTORS, shares, len(costs), width=width, styles=styles)
    return {"": figure}, numbers
