"""A session trains with a loss and picks by its residuals: against torch's own losses, with labels of both kinds."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import ladle
from ladle.errors import InputError, SessionError, UnknownNameError
from ladle.gradients import ResidualLoss, cross_entropy, find_loss, smoothed_cross_entropy, weighted_cross_entropy
from ladle.models import TrainingConfig, pool_outputs, train
from ladle.session.seeds import Purpose, derived_seed

FEW = TrainingConfig(epochs=3)
MULTI = "binary-cross-entropy"
WEIGHTS = torch.linspace(0.1, 3.0, 10)
Data = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def net(outputs: int = 10) -> nn.Module:
    return nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, outputs))


@pytest.fixture(scope="module")
def digits() -> Data:
    inputs, labels = load_digits(return_X_y=True)
    return (inputs[:400] / 16).astype(np.float32), labels[:400]


def traits(labels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Three yes-or-no questions about a digit: even, above four, a prime."""
    return np.stack([labels % 2 == 0, labels > 4, np.isin(labels, (2, 3, 5, 7))], axis=1).astype(int)


def _weighted(logits: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits, labels, weight=WEIGHTS, reduction="none").mean()


def _squares(logits: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.mse_loss(logits, nn.functional.one_hot(labels, 10).to(logits))


def _binary(logits: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(logits, labels.to(logits))


CASES: dict[str, tuple[Any, Any]] = {
    "cross-entropy": ("cross-entropy", nn.functional.cross_entropy),
    "weighted": (weighted_cross_entropy(WEIGHTS), _weighted),
    "smoothed": (smoothed_cross_entropy(0.1), partial(nn.functional.cross_entropy, label_smoothing=0.1)),
    "squared error": ("squared-error", _squares),
    "multi-label": (MULTI, _binary),
}


@pytest.mark.parametrize("strategy", ["grad", "badge"])
@pytest.mark.parametrize("case", list(CASES))
def test_it_trains_with_the_loss_and_picks_by_its_residuals(case: str, strategy: str, digits: Data) -> None:
    inputs, labels = digits
    loss, torchs_own = CASES[case]
    answers = traits(labels) if case == "multi-label" else labels
    build = partial(net, answers.shape[1] if answers.ndim == 2 else 10)
    session = ladle.Session(inputs, build, strategy=strategy, loss=loss, training=FEW)
    first = session.ask(30)
    session.tell(first, answers[first])
    picks = session.ask(8)
    seed = derived_seed(0, Purpose.TRAINING, 30)
    model = train(
        build, torch.from_numpy(inputs[first]), torch.from_numpy(answers[first]), FEW, seed=seed, loss=torchs_own
    )
    for one, two in zip(model.parameters(), session.model.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)
    passed = pool_outputs(session.model, torch.from_numpy(inputs))
    expected = ladle.select(
        strategy,
        features=passed.features,
        logits=passed.logits,
        labeled=first,
        labels=answers[first],
        budget=8,
        seed=np.random.default_rng(derived_seed(0, Purpose.SELECTION, 1)),
        loss=loss,
    )
    assert picks.tolist() == expected.tolist()


def test_the_loss_changes_what_is_asked_for(digits: Data) -> None:
    inputs, labels = digits
    picked = []
    for loss, _ in list(CASES.values())[:4]:
        session = ladle.Session(inputs, net, loss=loss, training=FEW)
        session.tell(np.arange(40), labels[:40])
        picked.append(tuple(session.ask(8).tolist()))
    assert len(set(picked)) == 4


def test_multi_label_sessions_learn_resume_and_undo(digits: Data, tmp_path: Path) -> None:
    inputs, labels = digits
    answers, url = traits(labels), f"sqlite:///{tmp_path}/x.db"
    training = TrainingConfig(epochs=30, learning_rate=0.1)

    def opened() -> ladle.Session:
        return ladle.Session(inputs, partial(net, 3), loss=MULTI, strategy="badge", training=training, store=url)

    for number in range(4):
        with opened() as session:
            batch = session.ask(25)
            session.tell(batch, answers[batch].astype(bool) if number == 1 else answers[batch])
    with opened() as session:
        assert session.labels.tolist() == answers[session.labeled].tolist()
        accuracy = session.evaluate(inputs, answers)
        with torch.no_grad():
            right = (session.model(torch.from_numpy(inputs)).numpy() > 0) == answers
        assert accuracy == pytest.approx(right.all(axis=1).mean())
        assert accuracy > 0.5  # the commonest row of answers is a fifth of them
        kept = session.labeled[:-25]
        session.undo()
    with opened() as session:
        assert session.labeled.tolist() == kept.tolist()
        assert session.labels.shape == (75, 3)
        one = int(session.ask(25)[0])
        session.tell(one, [1, 0, 1])
        assert session.labels[-1].tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("indices", "labels", "got"),
    [
        ([1, 2], [[1, 0]], "(1, 2) for 2 examples and 2 classes"),
        ([1], [[1, 0, 0]], "(1, 3) for 1 examples and 2 classes"),
        ([1], [[1, 2]], "(1, 2)"),
        ([1], [[0.5, 1]], "(1, 2)"),
        ([1, 2], [1, 0], "(1, 2) for 2 examples"),
        ([1, 2], [[1], [1, 0]], "(0, 0)"),
        ([1], ["cat"], "(0, 0)"),
        ([], [], "(1, 0) for 0 examples"),
    ],
)
def test_wrong_multi_labels_are_refused_and_leave_no_trace(indices: Any, labels: Any, got: str, digits: Data) -> None:
    session = ladle.Session(digits[0], partial(net, 2), loss=MULTI)
    session.tell(0, [1, 0])
    with pytest.raises(InputError, match="row of zeros and ones") as caught:
        session.tell(indices, labels)
    assert f"got shape {got}" in str(caught.value)
    assert len(session.log.read()) == 1


def test_labels_wider_than_the_model_are_refused_before_a_step(digits: Data) -> None:
    session = ladle.Session(digits[0], net, loss=MULTI)
    session.tell([0, 1], [[1, 0], [0, 0]])
    with pytest.raises(InputError, match=r"got 2 columns, outputs=\(10,\)"):
        session.ask(5)


def test_another_loss_is_another_session(digits: Data, tmp_path: Path) -> None:
    inputs, url = digits[0], f"sqlite:///{tmp_path}/x.db"
    with ladle.Session(inputs, net, store=url, name="plain"):
        pass
    with pytest.raises(SessionError, match="got loss='squared-error'"):
        ladle.Session(inputs, net, store=url, name="plain", loss="squared-error")
    with ladle.Session(inputs, net, store=url, name="smooth", loss=smoothed_cross_entropy(0.1)):
        pass
    with pytest.raises(SessionError, match=r"got loss='smoothed-cross-entropy\(0.2\)'"):
        ladle.Session(inputs, net, store=url, name="smooth", loss=smoothed_cross_entropy(0.2))
    with ladle.Session(inputs, net, store=url, name="plain", loss=cross_entropy) as session:
        assert session.loss is find_loss("cross-entropy")


def test_losses_that_do_not_fit_are_refused_at_once(digits: Data) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'cross-entropy'"):
        ladle.Session(digits[0], net, loss="cross_entropy")
    for strategy in ("entropy", "margin", "least-confidence", "egl"):
        with pytest.raises(InputError, match="multi-label loss binary-cross-entropy"):
            ladle.Session(digits[0], net, loss=MULTI, strategy=strategy)
    with pytest.raises(InputError, match="multi-label"):
        ladle.Session(digits[0], net, loss=MULTI).ask(5, strategy="margin")
    alone = ResidualLoss("hinge", cross_entropy.residuals, cross_entropy.pseudo_labels)
    with pytest.raises(InputError, match=r"got hinge, of which the residuals alone are known"):
        ladle.Session(digits[0], net, loss=alone)
