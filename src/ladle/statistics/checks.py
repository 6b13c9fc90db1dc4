"""The rules that the public functions of this room hold their arrays to, each checked once at the door."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ladle.errors import InputError

Accuracies = NDArray[np.floating]


def finite_numbers(name: str, values: ArrayLike) -> Accuracies:
    """Return the values as a floating array (float32 kept), or say where a value is not a finite number.

    Args:
        name: what the caller calls the values; the message starts with it.
        values: real numbers of any shape.

    Raises:
        InputError: values that are not real numbers, NaN or infinity.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name} must be real numbers (got dtype={array.dtype}); pass floats or integers")
    numbers: Accuracies = array if array.dtype == np.float32 else array.astype(np.float64)
    finite = np.isfinite(numbers)
    if not finite.all():
        position = tuple(int(index) for index in np.argwhere(~finite)[0])
        where = f" at index {position}" if position else ""
        raise InputError(f"{name} must be finite (got {numbers[position]}{where}); leave unfinished runs out")
    return numbers


def fraction(name: str, value: float) -> None:
    """Check that a level lies strictly between 0 and 1.

    Raises:
        InputError: a value that does not.
    """
    if not 0 < value < 1:
        raise InputError(f"{name} must lie strictly between 0 and 1 (got {name}={value}); 5 % is written 0.05")


def increasing_labels(labeled: ArrayLike) -> NDArray[np.float64]:
    """Return the (R,) numbers of labels as float64, checked to rise from evaluation to evaluation.

    Raises:
        InputError: not one-dimensional, empty, not finite, or not strictly increasing.
    """
    counts = finite_numbers("labeled", labeled).astype(np.float64)
    if counts.ndim != 1 or counts.size == 0:
        raise InputError(f"labeled must be (R,) with at least one evaluation (got shape={counts.shape}); flatten it")
    falls = np.flatnonzero(np.diff(counts) <= 0)
    if falls.size:
        before, after = counts[falls[0]], counts[falls[0] + 1]
        raise InputError(
            f"labeled must be strictly increasing (got {before:g} then {after:g} at index {falls[0] + 1}); "
            "sort the evaluations and keep one for each number of labels"
        )
    return counts


def comparable_experiments(accuracies: Mapping[str, ArrayLike]) -> dict[str, Accuracies]:
    """Return the experiments as (K, R, S) arrays that paired tests can compare: one K, two seeds or more.

    Raises:
        InputError: no experiments, an array that is not 3-d, K that differs, K < 2, R < 1, S < 2, NaN or infinity.
    """
    if not accuracies:
        raise InputError("accuracies must hold at least one experiment (got an empty mapping); run one first")
    experiments: dict[str, Accuracies] = {}
    first_name, methods = "", 0
    for name, values in accuracies.items():
        array = finite_numbers(f"accuracies[{name!r}]", values)
        if array.ndim != 3:
            raise InputError(
                f"accuracies[{name!r}] must be (methods, rounds, seeds) (got shape={array.shape}); "
                "keep an axis of length 1 where there is one round"
            )
        if array.shape[0] < 2:
            raise InputError(f"accuracies[{name!r}] needs two methods or more to compare (got shape={array.shape})")
        if array.shape[1] < 1:
            raise InputError(f"accuracies[{name!r}] needs one round or more (got shape={array.shape}); leave it out")
        if array.shape[2] < 2:
            raise InputError(
                f"accuracies[{name!r}] needs two seeds or more for a paired t-test (got shape={array.shape}); "
                "run more seeds"
            )
        if not experiments:
            first_name, methods = name, array.shape[0]
        if array.shape[0] != methods:
            raise InputError(
                f"every experiment must hold the same methods (got {methods} in {first_name!r}, "
                f"{array.shape[0]} in {name!r}); keep the methods that all of them ran"
            )
        experiments[name] = array
    return experiments
