"""modAL's query strategies in the form that ladle.testing checks."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import modAL
import numpy as np
from given import Answers, committee_of, unlabeled_of
from modAL import batch, disagreement, uncertainty
from modAL.models import ActiveLearner, Committee
from sklearn.base import BaseEstimator

PACKAGE = "modAL-python"
HOW = (
    "`ActiveLearner(estimator, query_strategy, X_training, y_training).query(X_pool, n_instances=budget)`; the estimator "
    "answers the given probabilities. Strategies of disagreement got a `Committee` of ten learners: the given last layer "
    "with noise in its weights, the same every time. `X_pool` is the unlabeled rows alone, as modAL's examples hand it "
    "over, and what comes back is counted in it. Ties are not broken at random by default, and no seed is taken."
)


def _defined() -> Iterator[str]:
    # There is no list, and some of the modules cannot be imported.
    for path in sorted(Path(str(modAL.__file__)).parent.glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield node.name


PUBLIC = list(_defined())
LEFT_OUT = {
    "it trains the estimator again for every unlabeled example and class, and one whose answers are given cannot be; nor "
    "can its module be imported where NumPy has no `numpy.float`": ["expected_error_reduction"],
    "they draw from a PyTorch model with dropout layers, of which the given answers have none": [
        *("mc_dropout_bald", "mc_dropout_mean_st", "mc_dropout_max_entropy", "mc_dropout_max_variationRatios"),
    ],
    "for several labels an example": [
        *("SVM_binary_minimum", "max_loss", "mean_max_loss", "min_confidence", "avg_confidence"),
        *("max_score", "avg_score"),
    ],
    "for regression and Bayesian optimization": ["max_std_sampling", "max_PI", "max_EI", "max_UCB"],
    "not implemented": ["HierarchicalClustering"],
    "functions that strategies are made of": [
        *("classifier_uncertainty", "classifier_margin", "classifier_entropy"),
        *("vote_entropy", "consensus_entropy", "KL_max_disagreement"),
        *(
            "select_cold_start_instance",
            "select_instance",
            "ranked_batch",
            "similarize_distance",
            "information_density",
        ),
        *("PI", "EI", "UCB", "optimizer_PI", "optimizer_EI", "optimizer_UCB"),
        *("default_logits_adaptor", "get_predictions", "entropy_sum", "set_dropout_mode"),
    ],
}
NOT_PROMISED = {"half precision", "order of the picks"}
GRADIENTS: dict[str, str] = {}
REMARKS = [
    "*order of the picks*: the examples are those with the best scores; they come as `numpy.argpartition` leaves them.",
    "`uncertainty_batch_sampling`, *more than is left*: it picks what is left without a word.",
]


class Given(BaseEstimator):
    """A fitted estimator: it answers what it was given."""

    def __init__(self, answers: Any = None, classes: Any = None) -> None:
        self.answers = answers
        self.classes = classes
        self.classes_ = classes

    def fit(self, X: Any, y: Any) -> Any:  # noqa: ARG002, N803
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        return self.classes[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return self.answers.to(X)


def asked(
    strategy: Callable[..., Any],
    *,
    features: Any,
    logits: Any,
    labeled: Any,
    labels: Any,
    budget: int,
    seed: int,  # noqa: ARG001 - it takes none
    committee: bool = False,
) -> Any:
    """Return the whole-pool indices of what ``query`` returns."""
    unlabeled, classes = unlabeled_of(logits, labeled), np.arange(logits.shape[1])
    members = committee_of(features, logits, members=10) if committee else [Answers.of(features, logits)]
    learners = [ActiveLearner(Given(each, classes), strategy, features[labeled], labels) for each in members]
    learner = Committee(learners, strategy) if committee else learners[0]
    picks, _ = learner.query(features[unlabeled], n_instances=budget)
    return unlabeled[picks]


STRATEGIES: dict[str, Any] = {
    **{
        name: partial(asked, getattr(uncertainty, name))
        for name in ("entropy_sampling", "margin_sampling", "uncertainty_sampling")
    },
    "uncertainty_batch_sampling": partial(asked, batch.uncertainty_batch_sampling),
    **{
        name: partial(asked, getattr(disagreement, name), committee=True)
        for name in ("vote_entropy_sampling", "consensus_entropy_sampling", "max_disagreement_sampling")
    },
}
TIES = "its scores are counts of votes, which tie, and ties are broken by position"
NOT_ASKED = {name: {"unlabeled only": "the caller hands over the unlabeled rows alone"} for name in STRATEGIES}
NOT_ASKED["vote_entropy_sampling"] |= {"order of the pool": TIES, "order of the picks": TIES}
