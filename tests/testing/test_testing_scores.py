"""The contract of scores catches scores broken on purpose."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import broken_strategies as broken
import numpy as np
import pytest
from numpy.typing import NDArray

from ladle.strategies import score, select
from ladle.testing import ContractError, check_score

Score = Callable[..., NDArray[Any]]


def sound(*, logits: Any, **given: Any) -> NDArray[Any]:
    scores: NDArray[Any] = logits[:, 0].copy()
    return scores


def unlabeled_only(*, labeled: Any, **given: Any) -> NDArray[Any]:
    scores: NDArray[Any] = np.delete(sound(**given), labeled)
    return scores


def a_column(**given: Any) -> NDArray[Any]:
    return sound(**given)[:, np.newaxis]


def always_double(**given: Any) -> NDArray[Any]:
    return sound(**given).astype(np.float64)


def not_finite(*, labeled: Any, **given: Any) -> NDArray[Any]:
    scores = sound(**given)
    scores[labeled] = -np.inf
    return scores


def by_position(**given: Any) -> NDArray[Any]:
    scores: NDArray[Any] = sound(**given) + np.arange(len(given["logits"]), dtype=given["logits"].dtype)
    return scores


def shifted_by_the_first(**given: Any) -> NDArray[Any]:
    scores: NDArray[Any] = sound(**given) - given["logits"][0, 0]
    return scores


def writes(**given: Any) -> NDArray[Any]:
    given["features"] *= 2
    return sound(**given)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (unlabeled_only, r"one number an example \(got shape \(32,\), not \(40,\)\)"),
        (a_column, r"got shape \(40, 1\), not \(40,\)"),
        (always_double, r"keep the floating type \(got float64 for float32\)"),
        (not_finite, r"finite \(got \[-inf.* at \["),
        (by_position, r"order of the pool \(got .* when reordered, for example \d+\)"),
        (shifted_by_the_first, r"order of the pool"),
        (writes, r"left as they were found \(got other features\)"),
    ],
)
def test_a_broken_score_is_caught(function: Score, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        check_score(function)


def test_a_sound_score_of_ones_own_passes() -> None:
    check_score(sound)
    check_score(sound, broken.sound)


@pytest.mark.parametrize(
    ("function", "picks"),
    [
        (sound, partial(select, "entropy")),
        (partial(score, "entropy"), partial(select, "margin")),
        (sound, broken.sound_by_seed),
    ],
)
def test_a_strategy_that_asks_by_another_score_is_caught(function: Score, picks: Score) -> None:
    with pytest.raises(ContractError, match=r"highest scores are asked for first \(got \[.*\], not \["):
        check_score(function, picks)
