"""Generated problems: a pool, a model that is mostly right about it, and a few labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ladle.errors import InputError


@dataclass(frozen=True)
class Problem:
    """One call of a strategy: the trained model's view of a pool, and the labels so far.

    Attributes:
        name: how messages call it.
        features: (n, d) input of the model's last linear layer.
        logits: (n, C) its output.
        labeled: (m,) whole-pool indices already labeled, in no particular order.
        labels: (m,) their class numbers.
        budget: how many to pick where a contract does not say otherwise.
    """

    name: str
    features: NDArray[Any]
    logits: NDArray[Any]
    labeled: NDArray[np.int64]
    labels: NDArray[np.int64]
    budget: int

    @property
    def unlabeled(self) -> NDArray[np.int64]:
        """The (n - m,) indices that may be picked, in ascending order."""
        return np.setdiff1d(np.arange(len(self.logits)), self.labeled)

    def arrays(self) -> dict[str, Any]:
        """Return fresh copies of the four arrays under the names in which strategies take them."""
        return {
            "features": self.features.copy(),
            "logits": self.logits.copy(),
            "labeled": self.labeled.copy(),
            "labels": self.labels.copy(),
        }

    def reordered(self, order: NDArray[np.int64]) -> Problem:
        """Return the same pool with row ``order[i]`` at position i, its labeled rows listed the other way round."""
        position = np.empty_like(order)
        position[order] = np.arange(len(order))
        return replace(
            self,
            name=f"{self.name}, reordered",
            features=self.features[order],
            logits=self.logits[order],
            labeled=position[self.labeled][::-1].copy(),
            labels=self.labels[::-1].copy(),
        )

    def converted(self, dtype: DTypeLike) -> Problem:
        """Return the same problem with features and logits of another floating type."""
        return replace(self, features=self.features.astype(dtype), logits=self.logits.astype(dtype))


def make_problem(
    generator: np.random.Generator,
    *,
    examples: int = 40,
    features: int = 6,
    classes: int = 4,
    labeled: int = 8,
    budget: int = 10,
    dtype: DTypeLike = np.float64,
    name: str = "generated",
) -> Problem:
    """Draw classes as clouds of points, and the linear layer that tells them apart by the nearest center.

    The model is what training might have left: right about most examples, unsure between clouds, wrong about some. No
    two examples tie.

    Args:
        generator: where everything is drawn from; advanced by it.
        examples: n, the rows of the pool.
        features: d, at least 1.
        classes: C, at least 2.
        labeled: m, at least 1; their labels are the true classes.
        budget: from 1 to n - m.
        dtype: floating type of features and logits.
        name: how messages call the problem.

    Raises:
        InputError: sizes that leave nothing to pick.
    """
    if not (features >= 1 and classes >= 2 and labeled >= 1 and 1 <= budget <= examples - labeled):
        raise InputError(
            "a problem needs features >= 1, classes >= 2, labeled >= 1 and a budget from 1 to examples - labeled (got "
            f"features={features}, classes={classes}, labeled={labeled}, budget={budget}, examples={examples}); "
            "draw more examples or ask for fewer"
        )
    centers = generator.normal(size=(classes, features))
    truth = generator.integers(0, classes, size=examples)
    points = centers[truth] + generator.normal(size=(examples, features))
    # The linear layer of the nearest-center rule: W = centers, b = -|centers|² / 2.
    logits = points @ centers.T - (centers**2).sum(axis=1) / 2
    known = generator.choice(examples, size=labeled, replace=False)
    return Problem(name, points.astype(dtype), logits.astype(dtype), known, truth[known], budget)


def usual_problem() -> Problem:
    """Return the problem that most contracts are checked on: always the same one."""
    return make_problem(np.random.default_rng(20260515), name="usual")
