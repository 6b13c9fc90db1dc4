"""What a fitted scikit-learn classifier says of examples, with exact factored gradients where it has any.

A linear model, or the last layer of a multilayer perceptron, computes logits z = W h + b from features h, and its loss
reaches W through a residual: gradients are factored as for a torch model. Other classifiers say probabilities only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from ladle.adapters.outputs import EstimatorOutputs
from ladle.adapters.skorch_nets import skorch_outputs
from ladle.errors import InputError
from ladle.gradients import ResidualLoss, cross_entropy

# A sparse matrix is written out up to so many numbers, 1 GiB of float32.
_LARGEST_WRITTEN_OUT = 1 << 28
# Probabilities of zero would be minus infinity as logits.
_SMALLEST = 1e-12


def estimator_outputs(estimator: Any, inputs: Any) -> EstimatorOutputs:
    """Return a fitted classifier's features and logits, with its loss where that is known.

    Known losses: LogisticRegression and its cross-validated kin, SGDClassifier, Perceptron and LinearSVC with log,
    hinge, squared hinge, modified Huber or perceptron loss, MLPClassifier, and skorch's NeuralNetClassifier. A pipeline
    is its last step, on what the steps before make of the inputs. Penalties on the weights are left out: they are the
    same for every example.

    A binary model has one output z; here it has two, -z / 2 and z / 2, whose softmax is the sigmoid of z. Its gradients
    are longer by a constant factor, which no pick depends on.

    Args:
        estimator: a fitted classifier, or a pipeline that ends in one.
        inputs: (n, ...) examples as the estimator takes them.

    Raises:
        InputError: no classifier, or one that gives neither decision values nor probabilities; features that would not
            fit into memory written out.
    """
    from sklearn.base import is_classifier
    from sklearn.pipeline import Pipeline

    if not is_classifier(estimator):
        raise InputError(f"active learning needs a classifier (got {type(estimator).__name__}); pass one")
    if isinstance(estimator, Pipeline):
        for _, step in estimator.steps[:-1]:
            if step is not None and step != "passthrough":
                inputs = step.transform(inputs)
        estimator = estimator.steps[-1][1]
    found = skorch_outputs(estimator, inputs) or _perceptron(estimator, inputs) or _linear(estimator, inputs)
    return _probabilities(estimator, inputs) if found is None else found


def _linear(estimator: Any, inputs: Any) -> EstimatorOutputs | None:
    loss = _loss_of(estimator)
    if loss is None or not hasattr(estimator, "coef_"):
        return None
    features = _written_out(inputs)
    logits = np.asarray(estimator.decision_function(inputs), dtype=np.float64)
    bias = bool(getattr(estimator, "fit_intercept", True))
    if logits.ndim == 1:
        logits = np.stack([-logits / 2, logits / 2], axis=1)
        loss = _BINARY[loss.name]
    return EstimatorOutputs(features, logits, estimator.classes_, loss, bias)


def _loss_of(estimator: Any) -> ResidualLoss | None:
    """Return the loss of a linear classifier, over the columns of its decision function."""
    from sklearn import linear_model, svm

    if isinstance(estimator, linear_model.LogisticRegression):
        return cross_entropy
    if isinstance(estimator, linear_model.Perceptron):
        return _ONE_AGAINST_REST["perceptron"]
    if isinstance(estimator, linear_model.SGDClassifier):
        return _ONE_AGAINST_REST.get(estimator.loss)
    if isinstance(estimator, svm.LinearSVC) and estimator.multi_class == "ovr":
        return _ONE_AGAINST_REST[estimator.loss]
    return None


def _perceptron(estimator: Any, inputs: Any) -> EstimatorOutputs | None:
    from sklearn.neural_network import MLPClassifier

    if not isinstance(estimator, MLPClassifier) or estimator.out_activation_ not in ("softmax", "logistic"):
        return None
    if estimator.out_activation_ == "logistic" and estimator.n_outputs_ > 1:
        return None  # multi-label
    activation = _ACTIVATIONS[estimator.activation]
    values: Any = inputs if scipy.sparse.issparse(inputs) else np.asarray(inputs, dtype=np.float64)
    for weights, offsets in zip(estimator.coefs_[:-1], estimator.intercepts_[:-1], strict=True):
        values = activation(np.asarray(values @ weights) + offsets)
    values = _written_out(values)
    logits = values @ estimator.coefs_[-1] + estimator.intercepts_[-1]
    if logits.shape[1] == 1:
        logits = np.concatenate([-logits / 2, logits / 2], axis=1)
    return EstimatorOutputs(values, np.asarray(logits, dtype=np.float64), estimator.classes_, cross_entropy, bias=True)


_ACTIVATIONS: dict[str, Any] = {
    "identity": lambda values: values,
    "logistic": lambda values: 1.0 / (1.0 + np.exp(-values)),
    "tanh": np.tanh,
    "relu": lambda values: np.maximum(values, 0.0),
}


def _probabilities(estimator: Any, inputs: Any) -> EstimatorOutputs:
    if not hasattr(estimator, "predict_proba"):
        raise InputError(
            f"a classifier must say probabilities, or have a loss that is known here (got {type(estimator).__name__}); "
            "wrap it in sklearn.calibration.CalibratedClassifierCV"
        )
    logits = np.log(np.maximum(np.asarray(estimator.predict_proba(inputs), dtype=np.float64), _SMALLEST))
    try:
        features = _written_out(inputs).reshape(len(logits), -1)
    except (TypeError, ValueError):
        # Texts or tables: nothing here has a distance between them.
        features = np.zeros((len(logits), 0))
    return EstimatorOutputs(features, logits, np.asarray(estimator.classes_), None, bias=False)


def _written_out(values: Any) -> NDArray[np.float64]:
    sparse: bool = scipy.sparse.issparse(values)
    if sparse:
        rows, columns = values.shape
        if rows * columns > _LARGEST_WRITTEN_OUT:
            raise InputError(
                f"sparse features are written out, which {rows:,} × {columns:,} would not survive; reduce them first, "
                "for instance with sklearn.decomposition.TruncatedSVD in a pipeline"
            )
        values = values.toarray()
    return np.asarray(values, dtype=np.float64)


def _signs(logits: Tensor, labels: Tensor) -> Tensor:
    """Return (n, C) of 1 in the column of the label and -1 elsewhere."""
    return 2.0 * torch.nn.functional.one_hot(labels.long(), logits.shape[1]).to(logits) - 1.0


def _margin_residual(name: str, signs: Tensor, values: Tensor) -> Tensor:
    """Return the derivative by the values of a loss of the margin signs · values."""
    margins = signs * values
    match name:
        case "log_loss":
            slope = -torch.sigmoid(-margins)
        case "hinge":
            slope = -(margins < 1.0).to(values)
        case "perceptron":
            slope = -(margins <= 0.0).to(values)
        case "squared_hinge":
            slope = -2.0 * (1.0 - margins).clamp(min=0.0)
        case _:  # modified_huber
            slope = torch.where(margins < -1.0, torch.full_like(margins, -4.0), -2.0 * (1.0 - margins).clamp(min=0.0))
    return signs * slope


def _against_rest(name: str) -> ResidualLoss:
    """Return the sum of C binary losses, each class against the rest."""

    def residuals(logits: Tensor, labels: Tensor) -> Tensor:
        return _margin_residual(name, _signs(logits, labels), logits)

    return ResidualLoss(name, residuals, _most_probable)


def _of_one_output(name: str) -> ResidualLoss:
    """Return a binary loss of z, seen through the two columns -z / 2 and z / 2."""

    def residuals(logits: Tensor, labels: Tensor) -> Tensor:
        value = logits[:, 1:] - logits[:, :1]
        signs = 2.0 * labels.to(logits).unsqueeze(1) - 1.0
        slope = _margin_residual(name, signs, value)
        return torch.cat([-slope, slope], dim=1)

    return ResidualLoss(name, residuals, _most_probable)


def _most_probable(logits: Tensor) -> Tensor:
    return logits.argmax(dim=1)


_MARGIN_LOSSES = ("log_loss", "hinge", "squared_hinge", "modified_huber", "perceptron")
_ONE_AGAINST_REST = {name: _against_rest(name) for name in _MARGIN_LOSSES}
_BINARY = {name: _of_one_output(name) for name in _MARGIN_LOSSES} | {cross_entropy.name: cross_entropy}
