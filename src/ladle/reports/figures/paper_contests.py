"""The paper's figures 5, 10 and 11: who beats whom over all experiments, by network and by data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ladle.errors import InputError
from ladle.experiments import ExperimentResults
from ladle.reports.analysis import Contest, RoundsView, contests
from ladle.reports.experiment_sets import data_of, model_of, of_seeds_enough, with_chosen, with_shared_strategies
from ladle.reports.figures.paper_figures import Drawn
from ladle.reports.figures.penalty_figures import loss_score_figure, penalty_figure

#: By the identities of a set of experiments, why it needs no picture: it has one already.
Shown = Mapping[frozenset[str], str]
_NOTHING: Shown = MappingProxyType({})
#: The names of these figures.
CONTESTS = ("5", "10", "11")
#: Said of a group that has no picture, since all of it would be zero.
SILENT = "no pair differs significantly in any round"


@dataclass(frozen=True)
class ContestGroup:
    """Experiments taken together, and who beats whom in them.

    Attributes:
        name: of the network or data set they share; "" for all experiments.
        experiments: reduced to the strategies that all of them have.
        contests: by view of the rounds; not empty.
        unseen: why there is no picture of it; "" where there is one.
    """

    name: str
    experiments: tuple[ExperimentResults, ...]
    contests: Mapping[RoundsView, Contest]
    unseen: str = ""

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies that are compared."""
        return self.experiments[0].strategies

    @property
    def identities(self) -> frozenset[str]:
        """Of its experiments: the same in two groups, and both show the same."""
        return frozenset(one.identity for one in self.experiments)


def contest_groups(
    experiments: Iterable[ExperimentResults], key: Callable[[ExperimentResults], str], shown: Shown = _NOTHING
) -> list[ContestGroup]:
    """Return the experiments of each network or data set, in alphabetical order, as far as anything can be tested.

    Args:
        experiments: any.
        key: what the experiments of a group share.
        shown: what needs no second picture, and why.
    """
    groups = []
    for name, members in groupby(sorted(experiments, key=key), key):
        shared = with_shared_strategies(list(members))
        found = contests(shared)
        if found:
            group = ContestGroup(name, tuple(shared), found)
            groups.append(replace(group, unseen=_unseen(group, shown)))
    return groups


def overall(results: Sequence[ExperimentResults]) -> Drawn:
    """Draw figure 5."""
    return _drawn(_all_together(results))


def by_model(results: Sequence[ExperimentResults]) -> Drawn:
    """Draw figure 10."""
    return _drawn(contest_groups(of_seeds_enough(results), model_of))


def by_data(results: Sequence[ExperimentResults]) -> Drawn:
    """Draw figure 11."""
    return _drawn(contest_groups(of_seeds_enough(results), data_of))


def contests_among(results: Sequence[ExperimentResults], strategies: Sequence[str]) -> dict[str, Drawn]:
    """Draw figures 5, 10 and 11 for some strategies, no experiments twice, and figure 5 for all strategies beside it.

    Args:
        results: at least one experiment.
        strategies: those that are compared; ones that no experiment has are passed over, and with fewer than two left
            all are compared.

    Returns:
        By figure name; a figure may have numbers and no picture.

    Raises:
        InputError: nothing can be tested in any experiment.
    """
    enough = of_seeds_enough(results)
    had = [name for name in strategies if any(name in one.strategies for one in enough)]
    some = with_chosen(enough, had) if len(had) > 1 else enough
    together = _all_together(some)
    whole = [replace(group, name=f"all-{len(group.strategies)}") for group in _all_together(enough)]
    more = [group for group in whole if set(group.strategies) != set(together[0].strategies)] if together else []
    networks = contest_groups(some, model_of, _places("5", together))
    data = contest_groups(some, data_of, {**_places("5", together), **_places("10", networks)})
    return {"5": _drawn([*together, *more]), "10": _drawn(networks), "11": _drawn(data)}


def _all_together(results: Sequence[ExperimentResults]) -> list[ContestGroup]:
    """Return the one group of all experiments; it is drawn even where nothing is significant, for that is a result."""
    return [replace(group, unseen="") for group in contest_groups(of_seeds_enough(results), lambda _: "")]


def _unseen(group: ContestGroup, shown: Shown) -> str:
    if not any(contest.penalty.any() for contest in group.contests.values()):
        return SILENT
    return shown.get(group.identities, "")


def _places(figure: str, groups: Sequence[ContestGroup]) -> dict[frozenset[str], str]:
    return {
        group.identities: f"the same experiments as {f'{group.name} in ' if group.name else ''}figure {figure}"
        for group in groups
        if not group.unseen
    }


def _drawn(groups: Sequence[ContestGroup]) -> Drawn:
    if not groups:
        raise InputError(
            "this figure needs two strategies, two seeds and a round after the initial set (got less in every "
            "experiment); let more runs finish"
        )
    figures: dict[str, Figure] = {}
    for group in groups:
        if not group.unseen:
            stem = f"{group.name}-" if group.name else ""
            figures[f"{stem}penalty"] = penalty_figure(group.strategies, group.contests)
            figures[f"{stem}loss"] = loss_score_figure(group.strategies, group.contests)
    return figures, {group.name or "all": _numbers(group) for group in groups}


def _numbers(group: ContestGroup) -> dict[str, Any]:
    count = len(group.strategies)
    return {
        "experiments": [results.name for results in group.experiments],
        "strategies": list(group.strategies),
        "pairs": count * (count - 1) // 2,
        **({"unseen": group.unseen} if group.unseen else {}),
        **{
            view: {"penalty": np.round(contest.penalty, 6).tolist(), "loss": np.round(contest.loss, 6).tolist()}
            for view, contest in group.contests.items()
        },
    }
