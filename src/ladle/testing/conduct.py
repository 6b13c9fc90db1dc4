"""How a strategy behaves: the same for the same seed, here and in another process, and leaving no traces."""

from __future__ import annotations

import multiprocessing
import pickle
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ladle.testing.failures import ContractError, SelectFunction, describe, picks_of, shorten
from ladle.testing.problems import Problem, usual_problem

_SEEDS = (0, 1, 20)


def check_same_seed_same_picks(select: SelectFunction) -> None:
    """Check that the same seed gives the same picks again, whatever was asked in between."""
    problem = usual_problem()
    first = {seed: picks_of(select, problem, seed=seed) for seed in _SEEDS}
    for seed, expected in first.items():
        again = picks_of(select, problem, seed=seed)
        _same_or_raise(expected, again, "the same seed gives the same picks", problem, seed)


def check_same_in_another_process(select: SelectFunction, *others: SelectFunction) -> None:
    """Check that a process started afresh picks the same.

    One process serves all strategies given, since starting one and importing torch takes seconds. The strategies must
    be picklable: functions at the top level of a module, ``functools.partial`` of such.
    """
    problem = usual_problem()
    selects = (select, *others)
    try:
        payload = pickle.dumps((selects, problem))
    except Exception as error:
        raise ContractError(
            f"a strategy can be sent to another process (got {error}); define it at the top level of a module"
        ) from error
    # Spawned, not forked: a fork would inherit the very state that must not matter.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        try:
            there = executor.submit(_picks_over_there, payload).result()
        except BrokenProcessPool as error:
            raise ContractError(
                f"a strategy runs in another process (got {error}); guard a script by if __name__ == '__main__'"
            ) from error
    if isinstance(there, str):
        raise ContractError(
            f"a strategy can be loaded in another process (got {there}); define it in a module that can be imported"
        )
    for each, expected in zip(selects, there, strict=True):
        for seed in _SEEDS:
            rule = "the same seed gives the same picks in another process"
            _same_or_raise(expected[seed], picks_of(each, problem, seed=seed), rule, problem, seed)


def check_inputs_are_left_as_found(select: SelectFunction) -> None:
    """Check that the arrays hold after the call what they held before."""
    problem = usual_problem()
    given = problem.arrays()
    select(**given, budget=problem.budget, seed=0)
    for name, before in problem.arrays().items():
        after = given[name]
        if after.shape != before.shape or not np.array_equal(after, before):
            places = "" if after.shape != before.shape else f" at {np.argwhere(after != before)[0].tolist()} first"
            raise ContractError(
                f"inputs are left as they were found (got other {name}{places}) on {describe(problem, problem.budget)}"
            )


def check_read_only_inputs_are_accepted(select: SelectFunction) -> None:
    """Check that arrays nobody may write to, as memory maps are, give the same picks.

    A strategy that does not pick the same twice is asked only to accept them.
    """
    problem = usual_problem()
    given = problem.arrays()
    for array in given.values():
        array.setflags(write=False)
    try:
        picks = np.asarray(select(**given, budget=problem.budget, seed=0))
    except ValueError as error:
        raise ContractError(
            f"read-only arrays are accepted (got {error}) on {describe(problem, problem.budget, seed=0)}"
        ) from error
    expected = picks_of(select, problem)
    if np.array_equal(expected, picks_of(select, problem)):
        _same_or_raise(expected, picks, "read-only arrays give the same picks", problem, 0)


def check_global_randomness_is_left_alone(select: SelectFunction) -> str | None:
    """Check that the global generators of random, NumPy and torch (on the CPU) are neither read nor moved.

    Their states are as before when this returns.

    Returns:
        Why the contract says nothing of this strategy; None where it is kept.
    """
    problem = usual_problem()
    seen = []
    with _global_states_restored():
        for number in (1, 1, 2):
            random.seed(number)
            np.random.seed(number)  # noqa: NPY002 - the generator under guard
            torch.default_generator.manual_seed(number)
            before = _global_states()
            seen.append(picks_of(select, problem))
            moved = [name for name, state in _global_states().items() if state != before[name]]
            if moved:
                raise ContractError(
                    f"global random state is left alone (got {' and '.join(moved)} moved) "
                    f"on {describe(problem, problem.budget, seed=0)}; draw from a generator made from the seed"
                )
    if not np.array_equal(seen[0], seen[1]):
        return "it does not pick the same twice, whatever the global state"
    _same_or_raise(seen[0], seen[2], "picks do not depend on global random state", problem, 0)
    return None


def _picks_over_there(payload: bytes) -> list[dict[int, NDArray[Any]]] | str:
    try:
        selects, problem = pickle.loads(payload)  # noqa: S301 - written by the parent process a moment ago
    except (AttributeError, ImportError) as error:
        return f"{type(error).__name__}: {error}"
    return [{seed: picks_of(select, problem, seed=seed) for seed in _SEEDS} for select in selects]


def _same_or_raise(expected: NDArray[Any], picks: NDArray[Any], rule: str, problem: Problem, seed: int) -> None:
    if not np.array_equal(expected, picks):
        raise ContractError(
            f"{rule} (got {shorten(expected)} and {shorten(picks)}) on {describe(problem, problem.budget, seed)}"
        )


def _global_states() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - the generator under guard
    return {
        "random": random.getstate(),
        "numpy.random": (kind, np.asarray(keys).tobytes(), *rest),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }


@contextmanager
def _global_states_restored() -> Iterator[None]:
    of_random, of_torch = random.getstate(), torch.get_rng_state()
    of_numpy = np.random.get_state()  # noqa: NPY002 - the generator under guard
    try:
        yield
    finally:
        random.setstate(of_random)
        np.random.set_state(of_numpy)  # noqa: NPY002 - the generator under guard
        torch.set_rng_state(of_torch)
