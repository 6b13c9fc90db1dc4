"""scikit-activeml's query strategies in the form that ladle.testing checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from given import Answers, LastLayer, committee_of
from skactiveml import pool
from skactiveml.base import SkactivemlClassifier
from skactiveml.classifier import MixtureModelClassifier, SklearnClassifier
from skactiveml.utils import MISSING_LABEL
from sklearn.linear_model import LogisticRegression

PACKAGE = "scikit-activeml"
HOW = (
    "`query(X=features, y, batch_size=budget)` of a new strategy with `random_state=seed`; `y` holds the labels, and "
    "`MISSING_LABEL` for the rest. Strategies that take a classifier got one that answers the given probabilities, with "
    "`fit_clf=False`; everything else is left at its default. Those that take an ensemble got ten such classifiers: the "
    "given last layer with noise in its weights, the same whatever the seed. `DropQuery` asks about rows with features "
    "set to zero, which the last layer answers. `DiscriminativeAL` got a logistic regression to tell labeled from "
    "unlabeled rows, and `FourDs` the `MixtureModelClassifier` that it insists on; both are fitted to features and "
    "labels, with `random_state=seed`. `ProbabilisticAL` got `metric='rbf'`, since the classifier has no frequencies. "
    "`SubSamplingWrapper` wraps `UncertaintySampling`; `CostEmbeddingAL` was told the classes."
)
PUBLIC = list(pool.__all__)
NOT_ASKED: dict[str, dict[str, str]] = {}
NOT_PROMISED = {"half precision"}
GRADIENTS = {"Badge": "it writes them out itself"}
LEFT_OUT = {
    "for regression, with a regressor": [
        *("ExpectedModelChangeMaximization", "ExpectedModelOutputChange", "ExpectedModelVarianceReduction"),
        *("KLDivergenceMaximization", "GreedySamplingTarget", "RegressionTreeBasedAL"),
    ],
    "they train the classifier again for every unlabeled example and class, and one whose answers are given cannot be": [
        *("MonteCarloEER", "ValueOfInformationEER"),
    ],
    "for two classes only": ["EpistemicUncertaintySampling"],
    "too slow: half a minute a query of the largest problem, which is asked ten times": ["Quire"],
    "one pick a query, no batch": ["ParallelUtilityEstimationWrapper"],
    "an abstract class": ["ExpectedErrorReduction"],
    "functions that strategies are made of": [
        *("uncertainty_scores", "expected_average_precision", "cost_reduction", "average_kl_divergence"),
        *("vote_entropy", "variation_ratios", "batch_bald", "k_greedy_center"),
    ],
    "a module of strategies that choose among annotators too": ["multiannotator"],
    "a module of helpers": ["utils"],
}
REMARKS = [
    "`Badge`, *twin rows*: where no gradient is left that differs from a picked one, the distances to earlier picks are "
    "dropped, so that these are drawn again. Known there as issue 586, and fixed since 1.0.1 by pull request 590.",
    "`Badge`, *single precision*, *half precision*: the weight of a row that was picked is its rounded distance to itself, which may be "
    "above zero. It is drawn again where the rows that are left weigh as little. The same pull request sets it to zero.",
    "`ContrastiveAL`, *half precision*: a probability divided by the least that it allows, 1e-7, is infinite in float16.",
    "`TypiClust`: where no cluster is left without a labeled or picked row, all rows are equally typical, picked ones "
    "included; where there is none from the start, a variable is read before it is set.",
    "`Clue`, `DropQuery`: their k-means does not get `random_state`, as that of `TypiClust` and `ProbCover` does. In the "
    "columns beside them it gets it, through `cluster_algo_dict={'random_state': seed}`.",
    "`BatchBALD`: ties are broken in one way while the batch is built and in another when it is read off the scores, so "
    "that a row is read off twice.",
    "`FourDs`: where all rows are equally dense, their diversity is zero divided by zero, and where no score is a number "
    "the first unlabeled row is picked. To equal rows far away in single precision the mixture of scikit-learn is not fitted.",
    "`CostEmbeddingAL`: its support vector regression gets no `random_state` and draws a number from NumPy's global "
    "generator, which changes no pick.",
    "`SubSamplingWrapper`: by default a tenth of what is left are candidates; it warns, and picks all of these where the "
    "batch is larger.",
    "*more than is left*: its queries warn, and pick what is left.",
]


class Given(SkactivemlClassifier):
    """A fitted classifier: it answers what it was given."""

    def __init__(self, answers: Any = None, classes: Any = None, missing_label: Any = MISSING_LABEL) -> None:
        super().__init__(classes=classes, missing_label=missing_label)
        self.answers = answers
        self.classes_ = classes

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # noqa: ARG002, N803
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        return self.classes[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return self.answers.to(X)


def nothing(features: Any, logits: Any, seed: int) -> dict[str, Any]:  # noqa: ARG001
    return {}


def one_model(name: str, make: Callable[..., Any], features: Any, logits: Any, seed: int) -> dict[str, Any]:  # noqa: ARG001
    """Return a classifier that answers what ``make`` makes of the problem, as the argument of this name."""
    return {name: Given(make(features, logits), np.arange(logits.shape[1])), f"fit_{name}": False}


def ensemble(features: Any, logits: Any, seed: int) -> dict[str, Any]:  # noqa: ARG001
    members = [Given(answers, np.arange(logits.shape[1])) for answers in committee_of(features, logits, members=10)]
    return {"ensemble": members, "fit_ensemble": False}


def discriminator(features: Any, logits: Any, seed: int) -> dict[str, Any]:  # noqa: ARG001
    return {"discriminator": SklearnClassifier(LogisticRegression(), random_state=seed)}


def mixture(features: Any, logits: Any, seed: int) -> dict[str, Any]:  # noqa: ARG001
    return {"clf": MixtureModelClassifier(classes=np.arange(logits.shape[1]), random_state=seed)}


def asked(
    make: Callable[..., Any],
    hears: Callable[..., dict[str, Any]] = nothing,
    *,
    features: Any,
    logits: Any,
    labeled: Any,
    labels: Any,
    budget: int,
    seed: int,
    told_classes: bool = False,
) -> Any:
    """Return what ``query`` returns.

    Args:
        make: the strategy.
        hears: further arguments of its query, from features, logits and the seed.
        features: of the problem, as the others below.
        logits: of the model.
        labeled: whole-pool indices.
        labels: theirs.
        budget: how many to pick.
        seed: of the strategy.
        told_classes: whether the strategy is told the classes when it is made.
    """
    y = np.full(len(features), MISSING_LABEL)
    y[labeled] = labels
    told = {"classes": np.arange(logits.shape[1])} if told_classes else {}
    return make(random_state=seed, **told).query(features, y, batch_size=budget, **hears(features, logits, seed))


def seeded_clue(*, random_state: int) -> Any:
    """Return a ``Clue`` whose k-means is seeded too, which takes an option of its own."""
    return pool.Clue(random_state=random_state, cluster_algo_dict={"random_state": random_state})


def seeded_drop_query(*, random_state: int) -> Any:
    """Return a ``DropQuery`` whose k-means is seeded too, which takes an option of its own."""
    return pool.DropQuery(random_state=random_state, cluster_algo_dict={"random_state": random_state})


def sub_sampling(*, random_state: int) -> Any:
    inner = pool.UncertaintySampling(random_state=random_state)
    return pool.SubSamplingWrapper(inner, random_state=random_state)


CLF, ESTIMATOR, LAYER = (
    partial(one_model, name, make)
    for name, make in (("clf", Answers.of), ("estimator", Answers.of), ("clf", LastLayer.of))
)
STRATEGIES: dict[str, Any] = {
    "RandomSampling": partial(asked, pool.RandomSampling),
    **{
        f"UncertaintySampling, {method}": partial(asked, partial(pool.UncertaintySampling, method=method), CLF)
        for method in ("entropy", "margin_sampling", "least_confident")
    },
    "ProbabilisticAL, rbf": partial(asked, partial(pool.ProbabilisticAL, metric="rbf"), CLF),
    "QueryByCommittee": partial(asked, pool.QueryByCommittee, ensemble),
    "GreedyBALD": partial(asked, pool.GreedyBALD, ensemble),
    "BatchBALD": partial(asked, pool.BatchBALD, ensemble),
    "CoreSet": partial(asked, pool.CoreSet),
    "GreedySamplingX": partial(asked, pool.GreedySamplingX),
    "Badge": partial(asked, pool.Badge, CLF),
    "TypiClust": partial(asked, pool.TypiClust),
    "ProbCover": partial(asked, pool.ProbCover),
    "ContrastiveAL": partial(asked, pool.ContrastiveAL, CLF),
    "Clue": partial(asked, pool.Clue, ESTIMATOR),
    "Clue, k-means seeded": partial(asked, seeded_clue, ESTIMATOR),
    "DropQuery": partial(asked, pool.DropQuery, LAYER),
    "DropQuery, k-means seeded": partial(asked, seeded_drop_query, LAYER),
    "Falcun": partial(asked, pool.Falcun, CLF),
    "MaxHerding": partial(asked, pool.MaxHerding),
    "DiscriminativeAL": partial(asked, pool.DiscriminativeAL, discriminator),
    "FourDs": partial(asked, pool.FourDs, mixture),
    "CostEmbeddingAL": partial(asked, pool.CostEmbeddingAL, told_classes=True),
    "SubSamplingWrapper": partial(asked, sub_sampling, CLF),
}
