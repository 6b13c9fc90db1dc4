"""scikit-activeml's query strategies in the form that ladle.testing checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from given import Answers
from skactiveml import pool
from skactiveml.base import SkactivemlClassifier
from skactiveml.utils import MISSING_LABEL

PACKAGE = "scikit-activeml"
HOW = (
    "`query(X=features, y, batch_size=budget)` of a new strategy with `random_state=seed`; `y` holds the labels, and "
    "`MISSING_LABEL` for the rest. Strategies that take a classifier got one that answers the given probabilities, with "
    "`fit_clf=False`; everything else is left at its default."
)
NOT_ASKED: dict[str, str] = {}
NOT_PROMISED: set[str] = set()
GRADIENTS = {"Badge": "it writes them out itself"}
REMARKS = [
    "`Badge`, *twin rows*: where no gradient is left that differs from a picked one, the distances to earlier picks are "
    "dropped, so that these are drawn again. Known there as issue 586, and fixed since 1.0.1 by pull request 590.",
    "`Badge`, *single precision*: the weight of a row that was picked is its rounded distance to itself, which may be "
    "above zero. It is drawn again where the rows that are left weigh as little. The same pull request sets it to zero.",
    "`TypiClust`: where no cluster is left without a labeled or picked row, all rows are equally typical, picked ones "
    "included; where there is none from the start, a variable is read before it is set.",
    "`Clue`: its k-means does not get `random_state`, as that of `TypiClust` and `ProbCover` does. In the column beside "
    "it gets it, through `cluster_algo_dict={'random_state': seed}`.",
    "*more than is left*: its queries warn, and pick what is left.",
]


class Given(SkactivemlClassifier):
    """A fitted classifier: it answers what it was given."""

    def __init__(self, answers: Any = None, classes: Any = None, missing_label: Any = MISSING_LABEL) -> None:
        super().__init__(classes=classes, missing_label=missing_label)
        self.answers = answers

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # noqa: ARG002, N803
        return self

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return self.answers.to(X)


def asked(
    make: Callable[..., Any],
    *,
    features: Any,
    logits: Any,
    labeled: Any,
    labels: Any,
    budget: int,
    seed: int,
    classifier: str | None = None,
    **options: Any,
) -> Any:
    """Return what ``query`` returns; ``classifier`` is the name under which a strategy takes one."""
    y = np.full(len(features), MISSING_LABEL)
    y[labeled] = labels
    model: dict[str, Any] = {}
    if classifier:
        given = Given(Answers.of(features, logits), classes=np.arange(logits.shape[1]))
        model = {classifier: given, f"fit_{classifier}": False}
    return make(random_state=seed).query(features, y, batch_size=budget, **model, **options)


def seeded_clue(*, random_state: int) -> Any:
    """Return a ``Clue`` whose k-means is seeded too, which takes an option of its own."""
    return pool.Clue(random_state=random_state, cluster_algo_dict={"random_state": random_state})


STRATEGIES: dict[str, Any] = {
    "RandomSampling": partial(asked, pool.RandomSampling),
    **{
        f"UncertaintySampling, {method}": partial(
            asked, partial(pool.UncertaintySampling, method=method), classifier="clf"
        )
        for method in ("entropy", "margin_sampling", "least_confident")
    },
    "CoreSet": partial(asked, pool.CoreSet),
    "Badge": partial(asked, pool.Badge, classifier="clf"),
    "TypiClust": partial(asked, pool.TypiClust),
    "ProbCover": partial(asked, pool.ProbCover),
    "ContrastiveAL": partial(asked, pool.ContrastiveAL, classifier="clf"),
    "Clue": partial(asked, pool.Clue, classifier="estimator"),
    "Clue, k-means seeded": partial(asked, seeded_clue, classifier="estimator"),
    "Falcun": partial(asked, pool.Falcun, classifier="clf"),
    "MaxHerding": partial(asked, pool.MaxHerding),
}
