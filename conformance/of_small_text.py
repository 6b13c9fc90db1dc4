"""small-text's query strategies in the form that ladle.testing checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import small_text
from given import Answers, unlabeled_of
from small_text.integrations.pytorch.query_strategies.strategies import BADGE

PACKAGE = "small-text"
HOW = (
    "`query(clf, dataset, indices_unlabeled, indices_labeled, y, n=budget)` of a new strategy with its default options "
    "(`GreedyCoreset` a second time with `normalize=False`). The dataset is a `SklearnDataset` of the features; "
    "`clf.predict_proba` and `clf.embed` answer the given probabilities and the features. A query takes no seed: "
    "`RandomSampling`, `LightweightCoreset` and `EmbeddingKMeans` draw from NumPy's global generator, which was seeded "
    "before each call. `BADGE` makes a generator of its own that cannot be."
)
NOT_ASKED: dict[str, str] = {}
NOT_PROMISED = {"same seed", "order of the picks", "global randomness", "another process"}
GRADIENTS = {"BADGE": "it writes out an embedding of its own"}
REMARKS = [
    "*order of the picks*: the examples are those with the best scores; they come as `numpy.argpartition` leaves them.",
    "`BADGE`: small-text's errata say that it was incorrect before 2.0.0.dev4. In 1.4.1 class numbers select rows, which "
    "raises where there are fewer rows.",
    "`ContrastiveActiveLearning`, *small pools*: it looks at `k` = 10 neighbors by default, labeled rows included, and the "
    "pool has five rows.",
    "`LightweightCoreset`: it divides by the sum of distances from the mean, which is zero.",
    "*same seed*, *global randomness*, *another process*: a query takes neither seed nor generator.",
]


class Given(small_text.Classifier):
    """A fitted classifier: it answers what it was given, and its embedding of a row is the row."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers

    def fit(self, train_set: Any, weights: Any = None) -> Any:  # noqa: ARG002
        return self

    def predict(self, data_set: Any, return_proba: bool = False) -> Any:
        probabilities = self.predict_proba(data_set)
        return (probabilities.argmax(axis=1), probabilities) if return_proba else probabilities.argmax(axis=1)

    def predict_proba(self, data_set: Any) -> Any:
        return self.answers.to(data_set.x)

    def embed(self, data_set: Any, return_proba: bool = False, pbar: Any = None) -> Any:  # noqa: ARG002
        return (data_set.x, self.predict_proba(data_set)) if return_proba else data_set.x


def asked(
    make: Callable[..., Any],
    *,
    features: Any,
    logits: Any,
    labeled: Any,
    labels: Any,
    budget: int,
    seed: int,
    draws: bool = False,
) -> Any:
    """Return what ``query`` returns; the global generator is seeded for a strategy that draws from it."""
    classes = logits.shape[1]
    y = np.full(len(features), small_text.base.LABEL_UNLABELED)
    y[labeled] = labels
    dataset = small_text.SklearnDataset(features, y, target_labels=np.arange(classes))
    strategy = make(classes) if make is BADGE else make()
    if draws:
        np.random.seed(seed)  # noqa: NPY002 - the generator that it draws from
    given = Given(Answers.of(features, logits))
    return strategy.query(given, dataset, unlabeled_of(logits, labeled), labeled, labels, n=budget)


STRATEGIES: dict[str, Any] = {
    "RandomSampling": partial(asked, small_text.RandomSampling, draws=True),
    "PredictionEntropy": partial(asked, small_text.PredictionEntropy),
    "BreakingTies": partial(asked, small_text.BreakingTies),
    "LeastConfidence": partial(asked, small_text.LeastConfidence),
    "GreedyCoreset": partial(asked, small_text.GreedyCoreset),
    "GreedyCoreset, not normalized": partial(asked, partial(small_text.GreedyCoreset, normalize=False)),
    "LightweightCoreset": partial(asked, small_text.LightweightCoreset, draws=True),
    "EmbeddingKMeans": partial(asked, small_text.EmbeddingKMeans, draws=True),
    "ContrastiveActiveLearning": partial(asked, partial(small_text.ContrastiveActiveLearning, pbar=None)),
    "BADGE": partial(asked, BADGE),
}
