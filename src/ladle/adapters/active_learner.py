"""The loop in scikit-learn's manners: an estimator that asks for the examples it wants labeled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ladle.adapters.scikit_learn import estimator_outputs
from ladle.errors import InputError
from ladle.gradients import cross_entropy
from ladle.strategies import PoolOutputs, Strategy, distance_rows, find_cold_start, find_strategy, is_cold, select
from ladle.typing import Indices


def _can(method: str) -> Any:
    def there(learner: ActiveLearner) -> bool:
        getattr(learner.estimator_ if hasattr(learner, "estimator_") else learner._unfitted(), method)
        return True

    return available_if(there)


class ActiveLearner(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that also says which examples of a pool to label next.

    Args:
        estimator: any scikit-learn classifier, or a pipeline that ends in one, or skorch's; it is cloned, never
            changed.
        strategy: a name from ``ladle.list_strategies()``, or a ``Strategy``. Those that take gradients need an
            estimator whose loss is known (see ``ladle.adapters.estimator_outputs``).
        cold_start: what picks in place of a strategy that needs a model while nothing, or one class only, is labeled:
            "k-center" or "k-means++" on the inputs themselves (a pipeline's on what its steps before the last make of
            them, sparse ones reduced), or "random".
        random_state: seed of the draws, where a strategy draws; with it the same calls give the same picks. A
            ``RandomState`` is drawn from at every query; None gives other picks each time.

    Attributes:
        estimator_: the fitted clone.
        classes_: (C,) class labels.
        labeled_inputs_: the examples taught so far.
        labeled_targets_: (m,) their labels.
        queries_: how many batches have been asked for.
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        strategy: str | Strategy = "margin",
        cold_start: str = "k-center",
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.estimator = estimator
        self.strategy = strategy
        self.cold_start = cold_start
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = self._unfitted().__sklearn_tags__()
        tags.input_tags = inner.input_tags
        tags.classifier_tags = inner.classifier_tags
        return tags

    def fit(self, X: Any, y: Any, **parameters: Any) -> ActiveLearner:  # noqa: N803
        """Forget what was taught and fit the estimator on these labeled examples.

        Args:
            X: (m, ...) examples.
            y: (m,) their labels.
            parameters: passed on to the estimator's own ``fit``.
        """
        # Fitted first: an estimator says better than anyone what is wrong with its inputs.
        self.estimator_ = clone(self._unfitted()).fit(X, y, **parameters)
        self.classes_ = self.estimator_.classes_
        if hasattr(self.estimator_, "n_features_in_"):
            self.n_features_in_ = self.estimator_.n_features_in_
        if hasattr(self.estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.estimator_.feature_names_in_
        self.labeled_inputs_ = X
        self.labeled_targets_ = np.asarray(y).ravel()
        self.queries_ = 0
        return self

    def teach(self, X: Any, y: Any) -> ActiveLearner:  # noqa: N803
        """Add labeled examples to those taught so far, and fit the estimator on all of them.

        While all labels are of one class the estimator is not fitted; ``query`` then goes by ``cold_start``.

        Args:
            X: (k, ...) examples, of the kind taught before.
            y: (k,) their labels.

        Raises:
            InputError: not one label an example.
        """
        targets = np.asarray(y).ravel()
        if _length(X) != len(targets) or not len(targets):
            raise InputError(
                f"every example needs one label (got {_length(X)} and {len(targets)}); pass them one to one"
            )
        queries = getattr(self, "queries_", 0)
        if hasattr(self, "labeled_targets_"):
            X = _together(self.labeled_inputs_, X)  # noqa: N806
            targets = np.concatenate([self.labeled_targets_, targets])
        if not is_cold(targets):
            self.fit(X, targets)
        self.labeled_inputs_, self.labeled_targets_, self.queries_ = X, targets, queries
        return self

    def query(self, X: Any, budget: int = 1) -> Indices:  # noqa: N803
        """Return which examples of a pool to label next.

        Args:
            X: (n, ...) unlabeled examples.
            budget: how many, from 1 to n.

        Returns:
            (budget,) distinct positions in X, in pick order.

        Raises:
            BudgetError: a budget below 1 or above n.
            InputError: a strategy that takes gradients, and an estimator whose loss is not known.
            UnknownNameError: an unknown strategy or cold start.

        Cost: one pass of the estimator over the pool and the labeled examples, and one selection.
        """
        strategy, cold_start = find_strategy(self.strategy), find_cold_start(self.cold_start)
        number = getattr(self, "queries_", 0)
        generator = self._generator(number)
        if strategy.needs_model and hasattr(self, "estimator_"):
            picks = self._warm(strategy, X, budget, generator)
        else:
            picks = self._cold(cold_start if strategy.needs_model else strategy, X, budget, generator)
        self.queries_ = number + 1
        return picks

    def predict(self, X: Any) -> Any:  # noqa: N803
        """Return the fitted estimator's (n,) class labels."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(X)

    @_can("predict_proba")  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        """Return the fitted estimator's (n, C) probabilities."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(X)

    @_can("decision_function")  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Any:  # noqa: N803
        """Return the fitted estimator's decision values."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.decision_function(X)

    def _generator(self, number: int) -> np.random.Generator:
        if isinstance(self.random_state, int | np.integer):
            return np.random.default_rng([self.random_state, number])
        return np.random.default_rng(check_random_state(self.random_state).randint(2**31))

    def _unfitted(self) -> Any:
        if self.estimator is not None:
            return self.estimator
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=1000)

    def _warm(self, strategy: Strategy, X: Any, budget: int, generator: np.random.Generator) -> Indices:  # noqa: N803
        known = len(self.labeled_targets_)
        # The labeled examples stand in front: strategies look at them too.
        outputs = estimator_outputs(self.estimator_, _together(self.labeled_inputs_, X))
        if strategy.needs_gradients and outputs.loss is None:
            raise InputError(
                f"{strategy.name!r} takes gradients, and those of {type(self.estimator_).__name__} are not known here "
                "(got probabilities only); take entropy, margin, least-confidence or k-center, or a linear model"
            )
        picks = select(
            strategy,
            features=outputs.features,
            logits=outputs.logits,
            labeled=np.arange(known),
            labels=np.searchsorted(outputs.classes, self.labeled_targets_),
            budget=budget,
            seed=generator,
            loss=outputs.loss or "cross-entropy",
            bias=outputs.bias,
        )
        return picks - known

    def _cold(self, strategy: Strategy, X: Any, budget: int, generator: np.random.Generator) -> Indices:  # noqa: N803
        known = len(self.labeled_targets_) if hasattr(self, "labeled_targets_") else 0
        whole = _together(self.labeled_inputs_, X) if known else X
        nothing = torch.empty(_length(whole), 0)
        features = _with_distances(self._unfitted(), whole) if strategy.needs_model else nothing
        outputs = PoolOutputs(features, nothing, np.arange(known), torch.empty(0), cross_entropy, bias=False)
        return strategy.select(outputs, budget, generator=generator) - known


def _with_distances(estimator: Any, inputs: Any) -> Tensor:
    """Return the examples as rows between which distances mean something, without any label."""
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
        inputs = clone(estimator[:-1]).fit_transform(inputs)
    if not scipy.sparse.issparse(inputs):
        try:
            inputs = np.asarray(inputs, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError(
                "a cold start by distance needs numbers (got texts or categories); put a pipeline that makes numbers "
                "of them around the estimator, or take cold_start='random'"
            ) from None
    return distance_rows(inputs)


def _together(first: Any, second: Any) -> Any:
    """Return two sets of examples as one, of the kind they are."""
    if isinstance(first, Mapping):
        return {name: _together(part, second[name]) for name, part in first.items()}
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return torch.cat([first, second])
    if scipy.sparse.issparse(first) or scipy.sparse.issparse(second):
        return scipy.sparse.vstack([first, second], format="csr")
    if hasattr(first, "iloc") and hasattr(second, "iloc"):
        import pandas as pd

        return pd.concat([first, second], ignore_index=True)
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *second]
    return np.concatenate([np.asarray(first), np.asarray(second)])


def _length(values: Any) -> int:
    if isinstance(values, Mapping):
        return _length(next(iter(values.values())))
    return int(values.shape[0]) if hasattr(values, "shape") else len(values)
