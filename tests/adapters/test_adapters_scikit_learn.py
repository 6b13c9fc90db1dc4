"""Estimators seen as linear parts with a loss: gradients against numerical ones of the loss they were fitted with."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Perceptron, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from ladle.adapters import estimator_outputs
from ladle.errors import InputError
from ladle.gradients import FactoredGradients

Losses = Callable[[NDArray[Any], int], float]


def data(classes: int) -> tuple[NDArray[Any], NDArray[Any]]:
    inputs, labels = make_classification(
        120, 6, n_informative=5, n_redundant=0, n_classes=classes, n_clusters_per_class=1, random_state=0
    )
    return inputs, labels


def cross_validated() -> LogisticRegressionCV:
    settings: dict[str, Any] = {"Cs": 2, "cv": 2, "scoring": "accuracy"}
    if "use_legacy_attributes" in LogisticRegressionCV().get_params():  # as long as scikit-learn warns of the old ones
        settings |= {"use_legacy_attributes": False, "l1_ratios": (0,)}
    return LogisticRegressionCV(**settings)


def softmax_loss(values: NDArray[Any], label: int) -> float:
    return -float(log_softmax(values)[label])


def of_margins(loss: Callable[[float], float]) -> Losses:
    """The sum over the columns of a binary loss of the margin; of one column, that loss."""

    def total(values: NDArray[Any], label: int) -> float:
        if len(values) == 1:
            return loss((1 if label else -1) * float(values[0]))
        return sum(loss((1 if column == label else -1) * float(value)) for column, value in enumerate(values))

    return total


MARGIN_LOSSES: dict[str, Losses] = {
    "log_loss": of_margins(lambda m: float(np.log1p(np.exp(-m)))),
    "hinge": of_margins(lambda m: max(0.0, 1.0 - m)),
    "squared_hinge": of_margins(lambda m: max(0.0, 1.0 - m) ** 2),
    "modified_huber": of_margins(lambda m: -4.0 * m if m < -1.0 else max(0.0, 1.0 - m) ** 2),
    "perceptron": of_margins(lambda m: max(0.0, -m)),
}
LINEAR: dict[str, tuple[Any, Losses]] = {
    "logistic regression": (LogisticRegression(), softmax_loss),
    "without intercept": (LogisticRegression(fit_intercept=False), softmax_loss),
    "cross-validated": (cross_validated(), softmax_loss),
    "linear svc": (LinearSVC(), MARGIN_LOSSES["squared_hinge"]),
    "linear svc, hinge": (LinearSVC(loss="hinge", max_iter=20_000), MARGIN_LOSSES["hinge"]),
    "perceptron": (Perceptron(random_state=0), MARGIN_LOSSES["perceptron"]),
} | {f"sgd, {name}": (SGDClassifier(loss=name, random_state=0), loss) for name, loss in MARGIN_LOSSES.items()}


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", list(LINEAR))
def test_gradients_are_those_of_the_loss_it_was_fitted_with(name: str, classes: int) -> None:
    estimator, loss = LINEAR[name]
    inputs, labels = data(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of these do not converge, and need not
        estimator.fit(inputs, labels)
    rng = np.random.default_rng(1)
    estimator.coef_ = rng.normal(size=estimator.coef_.shape)
    if getattr(estimator, "fit_intercept", True):
        estimator.intercept_ = rng.normal(size=estimator.coef_.shape[:1])
    outputs = estimator_outputs(estimator, inputs)
    assert outputs.loss is not None
    residuals = outputs.loss.residuals(torch.from_numpy(outputs.logits), torch.from_numpy(labels))
    factored = FactoredGradients(residuals, torch.from_numpy(outputs.features), outputs.bias)
    binary = classes == 2
    if binary and loss is softmax_loss:
        loss = MARGIN_LOSSES["log_loss"]

    def value(parameters: NDArray[Any], row: int) -> float:
        weights = parameters.reshape(estimator.coef_.shape[0], -1)
        extended = np.append(inputs[row], 1.0) if outputs.bias else inputs[row]
        return loss(weights @ extended, int(labels[row]))

    start = estimator.coef_
    if outputs.bias:
        start = np.concatenate([start, estimator.intercept_[:, None]], axis=1)
    step = 1e-6
    for row in range(0, 120, 17):
        numerical = np.array(
            [
                (value(start.ravel() + step * unit, row) - value(start.ravel() - step * unit, row)) / (2 * step)
                for unit in np.eye(start.size)
            ]
        ).reshape(start.shape)
        exact = factored.take(slice(row, row + 1)).materialize()[0].numpy()
        # Two columns stand for the one output of a binary model: minus the gradient, and the gradient.
        expected = np.concatenate([-numerical, numerical]) if binary else numerical
        np.testing.assert_allclose(exact, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_the_last_layer_of_a_perceptron_gives_its_probabilities(activation: str, classes: int) -> None:
    inputs, labels = data(classes)
    estimator = MLPClassifier((7, 5), activation=activation, max_iter=30, tol=1.0, random_state=0).fit(inputs, labels)
    for rows in (inputs, scipy.sparse.csr_matrix(inputs)):
        outputs = estimator_outputs(estimator, rows)
        assert outputs.features.shape == (120, 5)
        odds = np.exp(log_softmax(outputs.logits, axis=1))
        np.testing.assert_allclose(odds, estimator.predict_proba(inputs), rtol=1e-6)
        last, offsets = estimator.coefs_[-1], estimator.intercepts_[-1]
        expected = outputs.features @ last + offsets
        found = outputs.logits[:, 1:] - outputs.logits[:, :1] if classes == 2 else outputs.logits
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        assert outputs.loss is not None
        assert outputs.loss.name == "cross-entropy"


@pytest.mark.parametrize("estimator", [RandomForestClassifier(5, random_state=0), GaussianNB()])
def test_others_give_probabilities_alone(estimator: Any) -> None:
    inputs, labels = data(3)
    outputs = estimator_outputs(estimator.fit(inputs, labels), inputs)
    assert outputs.loss is None
    np.testing.assert_allclose(np.exp(outputs.logits), estimator.predict_proba(inputs), atol=1e-11)
    np.testing.assert_array_equal(outputs.features, inputs)


def test_a_pipeline_is_its_last_step() -> None:
    inputs, labels = data(3)
    pipeline = make_pipeline(StandardScaler(), "passthrough", LogisticRegression()).fit(inputs, labels)
    outputs = estimator_outputs(pipeline, inputs)
    np.testing.assert_allclose(outputs.features, pipeline[0].transform(inputs))
    np.testing.assert_allclose(outputs.logits, pipeline.decision_function(inputs))


def test_what_has_no_view_is_refused_in_one_line() -> None:
    inputs, labels = data(2)
    with pytest.raises(InputError, match="needs a classifier"):
        estimator_outputs(Ridge().fit(inputs, labels), inputs)
    with pytest.raises(InputError, match="CalibratedClassifierCV"):
        estimator_outputs(SVC().fit(inputs, labels), inputs)
    wide = scipy.sparse.csr_matrix((np.ones(3000), (np.arange(3000), np.arange(3000))), shape=(3000, 100_000))
    few = scipy.sparse.csr_matrix((np.ones(20), (np.arange(20), np.arange(20))), shape=(20, 100_000))
    model = LogisticRegression(max_iter=5, tol=10.0).fit(few, np.arange(20) % 2)
    with pytest.raises(InputError, match="TruncatedSVD"):
        estimator_outputs(model, wide)
    calibrated = CalibratedClassifierCV(LinearSVC(), cv=2).fit(inputs, labels)
    assert estimator_outputs(calibrated, inputs).loss is None
