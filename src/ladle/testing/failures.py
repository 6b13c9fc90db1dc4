"""What a contract is checked on, and what is raised when one is broken."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ladle.testing.problems import Problem


class ContractError(AssertionError):
    """A contract that was broken: the rule, the problem, and what came."""


class SelectFunction(Protocol):
    """A strategy from outside: arrays in, picks out. ``functools.partial(ladle.strategies.select, name)`` is one."""

    def __call__(
        self,
        *,
        features: NDArray[Any],
        logits: NDArray[Any],
        labeled: NDArray[np.int64],
        labels: NDArray[np.int64],
        budget: int,
        seed: int,
    ) -> Any:
        """Return (budget,) distinct unlabeled whole-pool indices in pick order."""
        ...


class ScoreFunction(Protocol):
    """A score from outside: arrays in, one number an example out, higher meaning "ask first"."""

    def __call__(
        self,
        *,
        features: NDArray[Any],
        logits: NDArray[Any],
        labeled: NDArray[np.int64],
        labels: NDArray[np.int64],
    ) -> Any:
        """Return (n,) scores of the whole pool."""
        ...


def picks_of(select: SelectFunction, problem: Problem, budget: int | None = None, seed: int = 0) -> NDArray[Any]:
    """Return what the strategy picks on fresh copies of a problem's arrays, as an array of whatever type it has.

    An exception of the strategy's own goes through, with a note that says which problem it was.
    """
    asked = problem.budget if budget is None else budget
    try:
        return np.asarray(select(**problem.arrays(), budget=asked, seed=seed))
    except Exception as error:
        error.add_note(f"while selecting on {describe(problem, asked, seed)}")
        raise


def describe(problem: Problem, budget: int, seed: int | None = None) -> str:
    """Return a problem in a few words, for messages."""
    rows, classes = problem.logits.shape
    words = (
        f"problem {problem.name!r} (n={rows}, d={problem.features.shape[1]}, C={classes}, "
        f"labeled={len(problem.labeled)}, {problem.logits.dtype}, budget={budget}"
    )
    return f"{words})" if seed is None else f"{words}, seed={seed})"


def shorten(values: NDArray[Any], limit: int = 12) -> str:
    """Return the values in one line, a long row cut short."""
    flat = values.reshape(-1)
    words = ", ".join(str(value) for value in flat[:limit].tolist())
    return f"[{words}]" if len(flat) <= limit else f"[{words}, … {len(flat)} in all]"
