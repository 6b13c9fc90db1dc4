"""Every strategy of the catalog keeps every contract."""

from __future__ import annotations

from functools import partial

import pytest

from ladle.strategies import CATALOG, list_strategies, score, select
from ladle.testing import CONTRACTS, check_same_in_another_process, check_score, check_strategy
from ladle.testing.problems import usual_problem

HERE = [name for name in CONTRACTS if name != "another process"]


@pytest.mark.parametrize("contract", HERE)
@pytest.mark.parametrize("strategy", list_strategies())
def test_every_strategy_keeps_every_contract(strategy: str, contract: str) -> None:
    CONTRACTS[contract](partial(select, strategy))


def test_all_strategies_pick_the_same_in_another_process() -> None:
    check_same_in_another_process(*(partial(select, name) for name in list_strategies()))


@pytest.mark.parametrize("strategy", [name for name, entry in CATALOG.items() if entry.is_score])
def test_every_score_keeps_its_contract_and_is_what_select_asks_by(strategy: str) -> None:
    check_score(partial(score, strategy), partial(select, strategy))


def test_the_usual_problem_tells_all_strategies_apart() -> None:
    problem = usual_problem()
    picks = {name: tuple(select(name, **problem.arrays(), budget=problem.budget)) for name in list_strategies()}
    assert len(set(picks.values())) == len(picks)


def test_the_whole_suite_passes_in_one_call() -> None:
    check_strategy(partial(select, "badge"))
