"""modAL's uncertainty sampling in the form that ladle.testing checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from given import Answers, unlabeled_of
from modAL import uncertainty
from modAL.models import ActiveLearner
from sklearn.base import BaseEstimator

PACKAGE = "modAL-python"
HOW = (
    "`ActiveLearner(estimator, query_strategy).query(X_pool, n_instances=budget)`; the estimator answers the given "
    "probabilities. `X_pool` is the unlabeled rows alone, as modAL's examples hand it over, and what comes back is "
    "counted in it. Ties are not broken at random by default, and no seed is taken."
)
NOT_PROMISED = {"order of the picks"}
GRADIENTS: dict[str, str] = {}
REMARKS = [
    "*order of the picks*: the examples are those with the best scores; they come as `numpy.argpartition` leaves them.",
]
NOT_ASKED = {"unlabeled only": "the caller hands over the unlabeled rows alone"}


class Given(BaseEstimator):
    """A fitted estimator: it answers what it was given."""

    def __init__(self, answers: Any = None) -> None:
        self.answers = answers

    def fit(self, X: Any, y: Any) -> Any:  # noqa: ARG002, N803
        return self

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return self.answers.to(X)


def asked(
    strategy: Callable[..., Any],
    *,
    features: Any,
    logits: Any,
    labeled: Any,
    labels: Any,  # noqa: ARG001 - the estimator is fitted
    budget: int,
    seed: int,  # noqa: ARG001 - it takes none
) -> Any:
    """Return the whole-pool indices of what ``query`` returns."""
    unlabeled = unlabeled_of(logits, labeled)
    learner = ActiveLearner(estimator=Given(Answers.of(features, logits)), query_strategy=strategy)
    picks, _ = learner.query(features[unlabeled], n_instances=budget)
    return unlabeled[picks]


STRATEGIES: dict[str, Any] = {
    name: partial(asked, getattr(uncertainty, name))
    for name in ("entropy_sampling", "margin_sampling", "uncertainty_sampling")
}
