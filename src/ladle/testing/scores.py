"""What a score must be: one finite number an example, of the type given, whatever the order of the pool."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ladle.testing.failures import ContractError, ScoreFunction, SelectFunction, describe, picks_of, shorten
from ladle.testing.problems import Problem, usual_problem

# Sums over rows may be taken in another order where a row lies elsewhere.
_TOLERANCES = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-10}


def check_score(score: ScoreFunction, select: SelectFunction | None = None) -> None:
    """Check one score function, and that the strategy beside it asks for the highest scores first.

    The rules: (n,) finite numbers for the whole pool, in the floating type of the inputs; the same numbers for the same
    examples however the pool is ordered; inputs left as found; and, where ``select`` is given, its picks are the
    unlabeled examples from the highest score down.

    Args:
        score: ``functools.partial(ladle.strategies.score, name)``, or any function of that form.
        select: the strategy that picks by this score.

    Raises:
        ContractError: a rule is broken.
    """
    for dtype in (np.float64, np.float32):
        problem = usual_problem().converted(dtype)
        scores = _scores_of(score, problem)
        _check_order(score, problem, scores)
        if select is not None:
            _check_top(select, problem, scores)


def _scores_of(score: ScoreFunction, problem: Problem) -> NDArray[Any]:
    given = problem.arrays()
    scores = np.asarray(score(**given))
    where = describe(problem, problem.budget)
    expected = (len(problem.logits),)
    if scores.shape != expected:
        raise ContractError(f"scores are one number an example (got shape {scores.shape}, not {expected}) on {where}")
    if scores.dtype != problem.logits.dtype:
        raise ContractError(f"scores keep the floating type (got {scores.dtype} for {problem.logits.dtype}) on {where}")
    wrong = np.flatnonzero(~np.isfinite(scores))
    if len(wrong):
        raise ContractError(f"scores are finite (got {shorten(scores[wrong])} at {shorten(wrong)}) on {where}")
    for name, before in problem.arrays().items():
        if not np.array_equal(given[name], before):
            raise ContractError(f"inputs are left as they were found (got other {name}) on {where}")
    return scores


def _check_order(score: ScoreFunction, problem: Problem, scores: NDArray[Any]) -> None:
    order = np.random.default_rng(0).permutation(len(problem.logits))
    elsewhere = _scores_of(score, problem.reordered(order))
    tolerance = _TOLERANCES[scores.dtype] * max(1.0, float(np.abs(scores).max()))
    gaps = np.abs(elsewhere - scores[order])
    if (gaps > tolerance).any():
        worst = int(gaps.argmax())
        raise ContractError(
            f"scores do not depend on the order of the pool (got {scores[order[worst]]}, and {elsewhere[worst]} when "
            f"reordered, for example {order[worst]}) on {describe(problem, problem.budget)}"
        )


def _check_top(select: SelectFunction, problem: Problem, scores: NDArray[Any]) -> None:
    unlabeled = problem.unlabeled
    expected = unlabeled[np.argsort(-scores[unlabeled], kind="stable")][: problem.budget]
    picks = picks_of(select, problem)
    if not np.array_equal(picks, expected):
        raise ContractError(
            f"the highest scores are asked for first (got {shorten(picks)}, not {shorten(expected)}) "
            f"on {describe(problem, problem.budget, seed=0)}"
        )
