"""skorch's classifiers: their module's features and logits, and the gradients of their criterion by autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import Tensor, nn

import ladle
from ladle.adapters import estimator_outputs
from ladle.errors import InputError
from ladle.models import find_last_layer
from ladle.sklearn import ActiveLearner
from reference.autograd import discrepancies_through_a_model

WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 1.0, 3.0, 0.1, 1.5, 1.0, 0.2, 1.0])


class Net(nn.Module):
    def __init__(self, after: nn.Module | None = None) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Dropout(0.1), nn.Linear(12, 10))
        self.after = after or nn.Identity()

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.after(self.layers(pixels))
        return found


class Halves(Net):
    def forward(self, upper: Tensor, lower: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(torch.cat([upper, lower], dim=1))


CRITERIA: dict[str, dict[str, Any]] = {
    "cross-entropy": {"criterion": nn.CrossEntropyLoss},
    "weighted": {"criterion": nn.CrossEntropyLoss, "criterion__weight": WEIGHTS},
    "smoothed": {"criterion": nn.CrossEntropyLoss, "criterion__label_smoothing": 0.1},
    "skorch's own": {"module__after": nn.Softmax(dim=1)},
    "skorch's own, weighted": {"module__after": nn.Softmax(dim=1), "criterion__weight": WEIGHTS},
}


def net(module: type[nn.Module] = Net, **options: Any) -> NeuralNetClassifier:
    return NeuralNetClassifier(module, max_epochs=4, lr=0.2, batch_size=16, train_split=None, verbose=0, **options)


@pytest.fixture(scope="module")
def digits() -> tuple[NDArray[Any], NDArray[Any]]:
    inputs, labels = load_digits(return_X_y=True)
    return (inputs[:300] / 16).astype(np.float32), labels[:300]


@pytest.mark.parametrize("name", list(CRITERIA))
def test_the_discrepancy_is_the_one_of_the_criterion_by_autograd(
    name: str, digits: tuple[NDArray[Any], NDArray[Any]]
) -> None:
    inputs, labels = digits
    fitted = net(**CRITERIA[name]).fit(inputs[:60], labels[:60])
    outputs = estimator_outputs(fitted, inputs[:12])
    assert outputs.loss is not None
    labeled, known = [0, 4, 7], labels[[0, 4, 7]]
    arrays: dict[str, Any] = {"features": outputs.features, "logits": outputs.logits, "bias": outputs.bias}
    found = ladle.score("grad", **arrays, labeled=labeled, labels=known, loss=outputs.loss)
    module, criterion = fitted.module_.double().eval(), fitted.criterion_
    weight = None if criterion.weight is None else criterion.weight.double()
    own = type(criterion)(weight=weight, reduction="none")
    if isinstance(criterion, nn.CrossEntropyLoss):
        own.label_smoothing = criterion.label_smoothing

    def criterion_of(given: Tensor, targets: Tensor) -> Tensor:
        loss: Tensor = own(given.log() if isinstance(own, nn.NLLLoss) else given, targets)
        return loss

    def module_on(rows: list[int]) -> Tensor:
        found: Tensor = module(torch.from_numpy(inputs[rows]).double())
        return found

    expected = discrepancies_through_a_model(
        find_last_layer(module), module_on, 12, labeled, torch.from_numpy(known), criterion_of
    )
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-4)


@pytest.mark.parametrize("strategy", ladle.list_strategies())
def test_a_learner_asks_for_what_select_picks(strategy: str, digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits
    # Zeros are unknown so far: the module has a column for them all the same.
    taught = np.flatnonzero(labels)[:80]
    rest = np.setdiff1d(np.arange(300), taught)
    learner = ActiveLearner(net(criterion=nn.CrossEntropyLoss), strategy=strategy, random_state=2)
    learner.teach(inputs[taught], labels[taught])
    picks = learner.query(inputs[rest], 6)
    module = learner.estimator_.module_.eval()
    with torch.no_grad():
        features = module.layers[:-1](torch.from_numpy(inputs[[*taught, *rest]]))
        logits = module.layers[-1](features)
    expected = ladle.select(
        strategy,
        features=features.double(),
        logits=logits.double(),
        labeled=np.arange(80),
        labels=labels[taught],
        budget=6,
        seed=np.random.default_rng([2, 0]),
    )
    assert (picks + 80).tolist() == expected.tolist()


def test_the_loop_learns_from_dicts_of_arrays(digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits
    torch.manual_seed(0)
    learner = ActiveLearner(
        net(Halves, criterion=nn.CrossEntropyLoss).set_params(max_epochs=40), strategy="grad", cold_start="random"
    )

    def pool(rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return {"upper": inputs[rows, :32], "lower": inputs[rows, 32:]}

    left = np.arange(250)
    while len(left) > 150:
        picks = left[learner.query(pool(left), 20)]
        learner.teach(pool(picks), labels[picks])
        left = np.setdiff1d(left, picks)
    assert (learner.predict(pool(np.arange(250, 300))) == labels[250:]).mean() > 0.7
    tensors = {name: torch.from_numpy(part) for name, part in pool(np.arange(30)).items()}
    other = clone(learner).teach(tensors, labels[:30])
    assert len(other.teach(tensors, labels[:30]).labeled_inputs_["upper"]) == 60
    assert len(other.query(tensors, 3)) == 3
    with pytest.raises(InputError, match="cold_start='random'"):
        clone(learner).set_params(cold_start="k-center").query(tensors, 2)


def test_a_net_ends_a_pipeline(digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits
    pipeline = make_pipeline(StandardScaler(), net(criterion=nn.CrossEntropyLoss)).fit(inputs[:100], labels[:100])
    outputs = estimator_outputs(pipeline, inputs)
    np.testing.assert_allclose(
        torch.softmax(torch.from_numpy(outputs.logits), dim=1), pipeline.predict_proba(inputs), rtol=1e-4, atol=1e-6
    )
    assert len(ActiveLearner(pipeline, strategy="badge").query(inputs, 4)) == 4


@pytest.mark.parametrize(
    "options",
    [
        {"criterion": nn.CrossEntropyLoss, "module__after": nn.BatchNorm1d(10)},
        {"criterion": nn.MultiMarginLoss, "predict_nonlinearity": lambda z: torch.softmax(z, dim=1)},
    ],
)
def test_others_give_probabilities_alone(options: dict[str, Any], digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits
    learner = ActiveLearner(net(**options), strategy="grad").teach(inputs[:60], labels[:60])
    assert estimator_outputs(learner.estimator_, inputs).loss is None
    with pytest.raises(InputError, match=r"those of NeuralNetClassifier are not known"):
        learner.query(inputs[60:], 5)
    assert len(learner.set_params(strategy="margin").query(inputs[60:], 5)) == 5
