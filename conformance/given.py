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
        by_row: the (C,) probabilities of each distinct row of features, by its bytes.
    """

    by_row: dict[bytes, NDArray[Any]]

    @classmethod
    def of(cls, features: NDArray[Any], logits: NDArray[Any]) -> Answers:
        """Return what a model with these logits answers; equal features have equal logits in all problems."""
        pairs = zip(features, softmax(logits, axis=1), strict=True)
        return cls({row.tobytes(): probabilities for row, probabilities in pairs})

    def to(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return the (m, C) probabilities of m of the rows; a row that is none of them is a KeyError."""
        return np.array([self.by_row[row.tobytes()] for row in np.ascontiguousarray(rows)])


def unlabeled_of(logits: NDArray[Any], labeled: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices that are not labeled, in ascending order."""
    return np.setdiff1d(np.arange(len(logits)), labeled)
