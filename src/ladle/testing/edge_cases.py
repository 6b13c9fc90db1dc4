"""Pools at the edge: twins, no differences at all, one class, single and half precision, hardly any rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import DTypeLike

from ladle.testing.failures import SelectFunction
from ladle.testing.picks import obey_all_rules
from ladle.testing.problems import Problem, make_problem, usual_problem


def check_twin_rows(select: SelectFunction) -> None:
    """Check the rules of a batch where every example has an exact twin."""
    _check(select, _twins)


def check_equal_rows(select: SelectFunction) -> None:
    """Check the rules of a batch where all examples are equal, and all scores and distances tie."""
    _check(select, _all_equal)


def check_zero_features(select: SelectFunction) -> None:
    """Check the rules of a batch where all features are zero, and all logits too."""
    _check(select, _all_zero)


def check_one_class_labeled(select: SelectFunction) -> None:
    """Check the rules of a batch where all labels so far are of one class, of which the model is certain."""
    _check(select, _one_class)


def check_two_classes(select: SelectFunction) -> None:
    """Check the rules of a batch for a binary model with one feature and one label."""
    _check(select, _binary)


def check_small_pools(select: SelectFunction) -> None:
    """Check the rules of a batch where one example is left, and where two are."""
    generator = np.random.default_rng(5)
    for left in (1, 2):
        name = f"{left} left"
        obey_all_rules(select, make_problem(generator, examples=3 + left, labeled=3, budget=1, name=name))


def check_single_precision(select: SelectFunction) -> None:
    """Check the rules of a batch in float32, on the usual problem and on equal rows far from the origin."""
    _check_precision(select, "single precision", np.float32)


def check_half_precision(select: SelectFunction) -> None:
    """Check the rules of a batch in float16, on the usual problem and on equal rows far from the origin.

    Stored features often have this type; squares of the far rows' overflow in it.
    """
    _check_precision(select, "half precision", np.float16)


def _check_precision(select: SelectFunction, name: str, dtype: DTypeLike) -> None:
    obey_all_rules(select, replace(usual_problem().converted(dtype), name=name))
    shifted = _all_equal()
    shifted = replace(shifted, name=f"equal rows, far away, in {name}", features=shifted.features + 1000)
    obey_all_rules(select, shifted.converted(dtype))


def _check(select: SelectFunction, problem: Callable[[], Problem]) -> None:
    obey_all_rules(select, problem())


def _twins() -> Problem:
    half = make_problem(np.random.default_rng(1), examples=20, labeled=4)
    return replace(
        half,
        name="twin rows",
        features=np.concatenate([half.features, half.features]),
        logits=np.concatenate([half.logits, half.logits]),
        budget=25,
    )


def _all_equal() -> Problem:
    usual = usual_problem()
    features, logits = np.empty_like(usual.features), np.empty_like(usual.logits)
    features[:], logits[:] = usual.features[0], usual.logits[0]
    return replace(usual, name="equal rows", features=features, logits=logits)


def _all_zero() -> Problem:
    usual = usual_problem()
    zero_features, zero_logits = np.zeros_like(usual.features), np.zeros_like(usual.logits)
    return replace(usual, name="zero features", features=zero_features, logits=zero_logits)


def _one_class() -> Problem:
    usual = usual_problem()
    logits = usual.logits.copy()
    logits[usual.labeled, 2] += 200.0
    return replace(usual, name="one class labeled", logits=logits, labels=np.full_like(usual.labels, 2))


def _binary() -> Problem:
    return make_problem(np.random.default_rng(2), features=1, classes=2, labeled=1, name="two classes")
