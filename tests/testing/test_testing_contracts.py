"""Every contract catches strategies broken on purpose, and says what was wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import broken_strategies as broken
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import ladle.testing
from ladle.errors import InputError
from ladle.testing import (
    CONTRACTS,
    ContractError,
    check_same_in_another_process,
    check_strategy,
    examine_strategy,
    make_problem,
)

Select = Callable[..., NDArray[Any]]

CAUGHT: list[tuple[str, Select, str]] = [
    ("whole numbers", broken.floats, r"one row of whole numbers \(got float64 of shape \(1,\): \["),
    ("whole numbers", broken.a_mask, r"got bool of shape \(40,\)"),
    ("whole numbers", broken.a_column, r"got int64 of shape \(1, 1\)"),
    ("exact budget", broken.one_too_few, r"exactly as many as the budget \(got 0: \[\]\).* budget=1, seed=0\)"),
    ("exact budget", broken.one_too_many, r"got 2: "),
    ("exact budget", broken.never_more_than_ten, r"got 10: .* budget=32"),
    ("distinct", broken.twice_the_same, r"picks are distinct \(got \[\d+\] more than once in \["),
    ("unlabeled only", broken.labeled_too, r"picks are unlabeled \(got labeled \["),
    ("unlabeled only", broken.local_positions, r"picks are unlabeled \(got labeled \["),
    ("unlabeled only", broken.beyond_the_pool, r"positions in the pool \(got \["),
    ("unlabeled only", broken.counted_from_the_end, r"positions in the pool \(got \[-"),
    ("everything left", broken.never_more_than_ten, r"picks all that is left \(got \[.*without \["),
    ("everything left", broken.local_positions, r"picks all that is left"),
    ("more than is left", broken.cuts_silently, r"cut to what is left with a warning \(got 32 picks and 0 warnings: "),
    ("more than is left", broken.warns_and_picks_labeled, r"got 33 picks and 1 warnings: \[0, 1, .*budget=33, seed=0"),
    ("twin rows", broken.merges_twins, r"exactly as many.*'twin rows'"),
    ("equal rows", broken.divides_by_the_spread, r"distinct.*'equal rows'"),
    ("equal rows", broken.merges_twins, r"exactly as many.*'equal rows'"),
    ("zero features", broken.divides_by_the_spread, r"distinct.*'zero features'"),
    ("one class labeled", broken.needs_two_labels, r"'one class labeled'"),
    ("two classes", broken.needs_three_classes, r"exactly as many.*'two classes' \(n=40, d=1, C=2, labeled=1, float64"),
    ("small pools", broken.needs_a_neighbor, r"got 0: \[\]\).*'1 left'"),
    ("single precision", broken.needs_double_precision, r"'single precision'.* float32"),
    ("half precision", broken.needs_single_precision, r"'half precision'.* float16"),
    ("half precision", broken.divides_by_a_squared_norm, r"'equal rows, far away, in half precision'.* float16"),
    ("same seed", broken.forgets_the_seed, r"same seed gives the same picks \(got \[.*\] and \[.*seed=0"),
    ("same seed", broken.counts_its_calls, r"same seed gives the same picks"),
    ("order of the pool", broken.depends_on_position, r"order of the pool \(got \[.*when reordered"),
    ("order of the pool", broken.depends_on_who_was_labeled_last, r"order of the pool \(got \[.*when reordered"),
    ("order of the picks", broken.lists_by_position, r"that of the pool \(got \[.*and the same in another order, \["),
    ("order of the picks", broken.depends_on_position, r"that of the pool \(got \[.*\], and \[.*when reordered"),
    ("inputs left as found", broken.writes_into_logits, r"left as they were found \(got other logits at \[\d+, \d+\]"),
    ("inputs left as found", broken.sorts_labeled, r"got other labeled at \[\d+\] first"),
    ("read-only inputs", broken.needs_to_write, r"read-only arrays are accepted \(got assignment destination is"),
    ("read-only inputs", broken.other_picks_when_read_only, r"read-only arrays give the same picks"),
    ("global randomness", broken.moves_numpy, r"left alone \(got numpy\.random moved\)"),
    ("global randomness", broken.moves_python, r"left alone \(got random moved\)"),
    ("global randomness", broken.moves_torch, r"left alone \(got torch moved\)"),
    ("global randomness", broken.sets_the_global_seed, r"left alone \(got numpy\.random moved\)"),
    ("global randomness", broken.reads_without_moving, r"do not depend on global random state"),
    ("another process", broken.differs_by_process, r"in another process \(got \[.*\] and \["),
]


@pytest.mark.parametrize(("contract", "select", "message"), CAUGHT, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_strategy_is_caught(contract: str, select: Select, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        CONTRACTS[contract](select)


def test_every_contract_catches_something() -> None:
    assert {contract for contract, _, _ in CAUGHT} == set(CONTRACTS)


@pytest.mark.parametrize(
    "select", [broken.sound, broken.sound_by_seed, broken.cuts_and_warns], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("contract", [name for name in CONTRACTS if name != "another process"])
def test_a_sound_strategy_of_ones_own_passes(contract: str, select: Select) -> None:
    CONTRACTS[contract](select)


def test_another_process_serves_several_strategies_and_finds_the_one_that_differs() -> None:
    check_same_in_another_process(broken.sound, broken.sound_by_seed)
    with pytest.raises(ContractError, match="in another process"):
        check_same_in_another_process(broken.sound, broken.differs_by_process)


def test_a_strategy_that_cannot_be_sent_away_is_told_what_to_do() -> None:
    with pytest.raises(ContractError, match=r"can be sent to another process \(got .*\); define it at the top level"):
        check_same_in_another_process(lambda **given: broken.sound(**given))


def test_a_strategy_that_cannot_be_loaded_there_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broken, "made_up_on_the_fly", broken.loaded_here_only, raising=False)
    with pytest.raises(ContractError, match=r"can be loaded in another process \(got AttributeError: .*made_up_on"):
        check_same_in_another_process(broken.loaded_here_only)


def test_all_broken_contracts_are_named_at_once() -> None:
    with pytest.raises(ContractError) as caught:
        check_strategy(broken.never_more_than_ten)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{len(lines) - 1} of {len(CONTRACTS)} contracts are broken"
    assert {"exact budget", "everything left"} <= {line.split(":")[0] for line in lines[1:]}
    assert isinstance(caught.value, AssertionError)


def test_each_contract_is_said_to_be_kept_broken_or_not_applicable() -> None:
    outcomes = {outcome.contract: outcome for outcome in examine_strategy(broken.forgets_the_seed)}
    assert list(outcomes) == list(CONTRACTS)
    verdicts = {name: outcome.verdict for name, outcome in outcomes.items() if outcome.verdict != "kept"}
    assert verdicts == {
        "same seed": "broken",
        "order of the pool": "not applicable",
        "order of the picks": "not applicable",
        "global randomness": "not applicable",
        "another process": "broken",
    }
    assert outcomes["exact budget"].why == ""
    assert outcomes["exact budget"].error is None
    assert outcomes["same seed"].why.startswith("the same seed gives the same picks (got [")
    assert isinstance(outcomes["same seed"].error, ContractError)
    assert outcomes["global randomness"].why == "it does not pick the same twice, whatever the global state"
    assert outcomes["order of the pool"].why.startswith("its picks differ by seed")


def test_an_exception_of_the_strategys_own_breaks_the_contract_it_came_under() -> None:
    with pytest.raises(ContractError) as caught:
        check_strategy(broken.needs_features)
    assert str(caught.value).splitlines() == [
        f"1 of {len(CONTRACTS)} contracts are broken",
        "zero features: raised ZeroDivisionError: no spread while selecting on problem 'zero features' "
        "(n=40, d=6, C=4, labeled=8, float64, budget=1, seed=0)",
    ]
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_exception_of_the_strategys_own_says_where_it_happened() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        CONTRACTS["zero features"](broken.needs_features)
    assert caught.value.__notes__ == [
        "while selecting on problem 'zero features' (n=40, d=6, C=4, labeled=8, float64, budget=1, seed=0)"
    ]


@pytest.mark.parametrize("select", [broken.sound, broken.moves_numpy, broken.moves_torch, broken.moves_python])
def test_global_random_states_are_put_back_either_way(select: Select) -> None:
    def states() -> list[Any]:
        numbers: Any = np.random.get_state(legacy=True)  # noqa: NPY002 - the generator under guard
        return [random.getstate(), numbers[1].tolist(), torch.get_rng_state().tolist()]

    before = states()
    try:
        CONTRACTS["global randomness"](select)
    except ContractError:
        assert select is not broken.sound
    assert states() == before


def test_names_of_contracts_and_checks_go_together() -> None:
    checks = {check.__name__ for check in CONTRACTS.values()}
    public = {name for name in ladle.testing.__all__ if name.startswith("check_")}
    assert checks == public - {"check_strategy", "check_score"}


def test_a_problem_is_what_training_might_have_left() -> None:
    problem = make_problem(np.random.default_rng(3), examples=200, features=5, classes=3, labeled=20, budget=7)
    assert (problem.features.shape, problem.logits.shape) == ((200, 5), (200, 3))
    assert problem.labeled.dtype == problem.labels.dtype == np.int64
    assert len(np.unique(problem.labeled)) == 20
    assert sorted([*problem.labeled, *problem.unlabeled]) == list(range(200))
    right = (problem.logits[problem.labeled].argmax(axis=1) == problem.labels).mean()
    assert 0.7 < right <= 1.0
    # Logits come from the features through one linear layer.
    inputs = np.column_stack([problem.features, np.ones(200)])
    layer, *_ = np.linalg.lstsq(inputs, problem.logits, rcond=None)
    np.testing.assert_allclose(inputs @ layer, problem.logits, atol=1e-10)


def test_a_problem_follows_from_its_generator() -> None:
    one, same = make_problem(np.random.default_rng(3)), make_problem(np.random.default_rng(3))
    other = make_problem(np.random.default_rng(4))
    assert np.array_equal(one.logits, same.logits)
    assert not np.array_equal(one.logits, other.logits)
    assert make_problem(np.random.default_rng(3), dtype=np.float32).features.dtype == np.float32


def test_a_reordered_problem_is_the_same_problem() -> None:
    problem, order = make_problem(np.random.default_rng(3)), np.random.default_rng(0).permutation(40)
    elsewhere = problem.reordered(order)
    assert np.array_equal(elsewhere.features, problem.features[order])
    before = dict(zip(problem.labeled.tolist(), problem.labels.tolist(), strict=True))
    after = dict(zip(order[elsewhere.labeled].tolist(), elsewhere.labels.tolist(), strict=True))
    assert before == after


@pytest.mark.parametrize("wrong", [{"budget": 33}, {"budget": 0}, {"classes": 1}, {"labeled": 0}, {"features": 0}])
def test_a_problem_with_nothing_to_pick_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"a problem needs features >= 1"):
        make_problem(np.random.default_rng(0), **wrong)  # type: ignore[arg-type]
