"""small-text's query strategies in the form that ladle.testing checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import small_text
from given import Answers, committee_of, unlabeled_of
from sklearn.linear_model import LogisticRegression
from small_text import query_strategies
from small_text.integrations.pytorch import query_strategies as pytorch_query_strategies
from small_text.integrations.pytorch.query_strategies.strategies import BADGE

PACKAGE = "small-text"
HOW = (
    "`query(clf, dataset, indices_unlabeled, indices_labeled, y, n=budget)` of a new strategy with its default options "
    "(`GreedyCoreset` a second time with `normalize=False`). The dataset is a `SklearnDataset` of the features; "
    "`clf.predict_proba` and `clf.embed` answer the given probabilities and the features. Asked for dropout samples, as "
    "by `BALD`, it answers those of the given last layer with noise in its weights, the same every time. "
    "`DiscriminativeActiveLearning` got logistic regressions, and one iteration; what takes a strategy got "
    "`BreakingTies`, to which `SubsamplingQueryStrategy` hands on any pool of fewer than 4096 examples left, which all of "
    "ours are, `SEALS` of fewer than 100 and `AnchorSubsampling` of fewer than 500, which all but the largest are. A query "
    "takes no seed: `RandomSampling`, `LightweightCoreset`, `EmbeddingKMeans` and `DiscriminativeActiveLearning` draw from "
    "NumPy's global generator, which was seeded before each call. `BADGE` and `AnchorSubsampling` make generators of their "
    "own that cannot be."
)
PUBLIC = [*query_strategies.__all__, *pytorch_query_strategies.__all__]
LEFT_OUT = {
    "they take gradients of a PyTorch model of text, of which the given answers have none": [
        *("ExpectedGradientLength", "ExpectedGradientLengthLayer", "ExpectedGradientLengthMaxWord"),
    ],
    "for several labels an example": ["CategoryVectorInconsistencyAndRanking"],
    "abstract classes": ["QueryStrategy", "ConfidenceBasedQueryStrategy", "EmbeddingBasedQueryStrategy"],
    "functions that strategies are made of": ["greedy_coreset", "lightweight_coreset"],
    "a decorator, an enumeration and exceptions": [
        *("constraints", "ClassificationType", "EmptyPoolException", "QueryException", "PoolExhaustedException"),
    ],
}
NOT_ASKED: dict[str, dict[str, str]] = {}
NOT_PROMISED = {"half precision", "same seed", "order of the picks", "global randomness", "another process"}
GRADIENTS = {"BADGE": "it writes out an embedding of its own"}
REMARKS = [
    "*order of the picks*: the examples are those with the best scores; they come as `numpy.argpartition` leaves them.",
    "`BADGE`: small-text's errata say that it was incorrect before 2.0.0.dev4. In 1.4.1 class numbers select rows, which "
    "raises where there are fewer rows.",
    "`ContrastiveActiveLearning`, *small pools*: it looks at `k` = 10 neighbors by default, labeled rows included, and the "
    "pool has five rows.",
    "`AnchorSubsampling`: it counts the labeled examples of each class, and gives the counts to the classes in the order "
    "of a Python set, so that a class is thought to have more than it has.",
    "`LightweightCoreset`: it divides by the sum of distances from the mean, which is zero.",
    "*same seed*, *global randomness*, *another process*: a query takes neither seed nor generator.",
]


class Given(small_text.Classifier):
    """A fitted classifier: it answers what it was given, and its embedding of a row is the row."""

    def __init__(self, features: Any, logits: Any) -> None:
        self.features, self.logits = features, logits
        self.num_classes = logits.shape[1]

    def fit(self, train_set: Any, weights: Any = None) -> Any:  # noqa: ARG002
        return self

    def predict(self, data_set: Any, return_proba: bool = False) -> Any:
        probabilities = self.predict_proba(data_set)
        return (probabilities.argmax(axis=1), probabilities) if return_proba else probabilities.argmax(axis=1)

    def predict_proba(self, data_set: Any, dropout_sampling: int = 1) -> Any:
        if dropout_sampling > 1:
            members = committee_of(self.features, self.logits, dropout_sampling)
            return np.stack([answers.to(data_set.x) for answers in members], axis=1)
        return Answers.of(self.features, self.logits).to(data_set.x)

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
    return strategy.query(Given(features, logits), dataset, unlabeled_of(logits, labeled), labeled, labels, n=budget)


def discriminative() -> Any:
    factory = small_text.SklearnClassifierFactory(LogisticRegression(), 2)
    return small_text.DiscriminativeActiveLearning(factory, num_iterations=1)


def wrapping(make: Callable[..., Any]) -> Any:
    return make(small_text.BreakingTies())


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
    "BALD": partial(asked, small_text.BALD),
    "DiscriminativeActiveLearning": partial(asked, discriminative, draws=True),
    "BADGE": partial(asked, BADGE),
    "SubsamplingQueryStrategy": partial(asked, partial(wrapping, small_text.SubsamplingQueryStrategy)),
    "SEALS": partial(asked, partial(wrapping, small_text.SEALS)),
    "AnchorSubsampling": partial(asked, partial(wrapping, small_text.AnchorSubsampling)),
}
