"""A classifier whose answers are given: every library asks it in its own way, and all hear the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax


@dataclass(frozen=True)
class Answers:
    """The probabilities of known rows, found by what is in the row, so that no order or selection can mix them up.

    Attributes:
        by_row: the (C,) probabilities of each distinct row of features, by its bytes in double precision.
    """

    by_row: dict[bytes, NDArray[Any]]

    @classmethod
    def of(cls, features: NDArray[Any], logits: NDArray[Any]) -> Answers:
        """Return what a model with these logits answers; equal features have equal logits in all problems."""
        pairs = zip(_in_double_precision(features), softmax(logits, axis=1), strict=True)
        return cls({row.tobytes(): probabilities for row, probabilities in pairs})

    def to(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return the (m, C) probabilities of m of the rows; a row that is none of them is a KeyError."""
        return np.array([self.by_row[row.tobytes()] for row in _in_double_precision(rows)])


@dataclass(frozen=True)
class LastLayer:
    """The linear layer that makes the logits from the features, for rows that are none of them.

    Attributes:
        weights: (d + 1, C), the bias last.
    """

    weights: NDArray[np.float64]

    @classmethod
    def of(cls, features: NDArray[Any], logits: NDArray[Any]) -> LastLayer:
        """Return the layer of least squares, which is the layer itself where there is one."""
        return cls(np.linalg.lstsq(_with_ones(features), logits.astype(np.float64), rcond=None)[0])

    def to(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return the (m, C) probabilities of m rows."""
        return np.asarray(softmax(_with_ones(rows) @ self.weights, axis=1))


def committee_of(features: NDArray[Any], logits: NDArray[Any], members: int) -> list[Answers]:
    """Return what models answer whose last layers are the given one with noise in its weights, the same every time."""
    noise = np.random.default_rng(0).normal(scale=0.3, size=(members, features.shape[1], logits.shape[1]))
    return [Answers.of(features, logits + (features @ each).astype(logits.dtype)) for each in noise]


def unlabeled_of(logits: NDArray[Any], labeled: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices that are not labeled, in ascending order."""
    return np.setdiff1d(np.arange(len(logits)), labeled)


def _in_double_precision(rows: NDArray[Any]) -> NDArray[np.float64]:
    # A library may widen the rows before it asks.
    return np.ascontiguousarray(rows, dtype=np.float64)


def _with_ones(rows: NDArray[Any]) -> NDArray[np.float64]:
    return np.column_stack([rows.astype(np.float64), np.ones(len(rows))])
