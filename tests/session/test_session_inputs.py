"""Pools in parts through the whole loop: the same picks as from one array, resumed by content, told from each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import ladle
from ladle.errors import InputError, SessionError
from ladle.models import TrainingConfig, pool_outputs

FEW = TrainingConfig(epochs=3)


class Halves(nn.Module):
    """A network over the upper and the lower half of an image, with a head that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.net = net()
        self.auxiliary = nn.Linear(16, 2)

    def forward(self, upper: Tensor, lower: Tensor) -> dict[str, Tensor]:
        return {"logits": self.net(torch.cat([upper.flatten(1), lower.flatten(1)], dim=1))}


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    inputs, labels = load_digits(return_X_y=True)
    return inputs[:300] / 16, labels[:300]


def halves(inputs: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    return {"upper": inputs[:, :32].reshape(-1, 1, 4, 8), "lower": inputs[:, 32:]}


def run(session: ladle.Session, labels: np.ndarray[Any, Any], until: int) -> list[list[int]]:
    batches = []
    while len(session.labeled) < until:
        batch = session.ask(10)
        batches.append(batch.tolist())
        session.tell(batch, labels[batch])
    return batches


@pytest.mark.parametrize("strategy", ["grad", "badge", "k-center"])
def test_a_pool_in_parts_gives_the_picks_of_one_array(strategy: str, digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    parts = halves(inputs)
    whole = ladle.Session(inputs, net, strategy=strategy, training=FEW)
    by_name = ladle.Session(parts, Halves, strategy=strategy, training=FEW, last_layer="net.2")
    in_order = ladle.Session(tuple(parts.values()), Halves, strategy=strategy, training=FEW, last_layer="net.2")
    expected = run(whole, labels, 40)
    assert run(by_name, labels, 40) == expected
    assert run(in_order, labels, 40) == expected
    assert len(by_name) == 300
    accuracy = whole.evaluate(inputs, labels)
    assert by_name.evaluate(parts, labels) == in_order.evaluate(tuple(parts.values()), labels) == accuracy


def test_embeddings_take_a_linear_layer_alone(digits: tuple[Any, Any]) -> None:
    embeddings, labels = digits
    session = ladle.Session(embeddings, lambda: nn.Linear(64, 10), strategy="badge", training=TrainingConfig(epochs=20))
    run(session, labels, 80)
    passed = pool_outputs(session.model, torch.from_numpy(embeddings))
    assert torch.equal(passed.features, torch.from_numpy(embeddings).float())
    assert session.evaluate(embeddings, labels) > 0.7


def test_a_last_layer_that_is_not_the_last_is_told_what_to_do(digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    session = ladle.Session(halves(inputs), Halves, training=FEW)
    run(session, labels, 10)
    with pytest.raises(InputError, match=r"does not call it.*as last_layer"):
        session.ask(10)
    with pytest.raises(InputError, match=r"got 'head'\); choose one of 'net.0', 'net.2', 'auxiliary'"):
        ladle.Session(halves(inputs), Halves(), last_layer="head")


def test_a_stored_pool_in_parts_is_known_by_its_content(digits: tuple[Any, Any], tmp_path: Path) -> None:
    inputs, _ = digits
    url, parts = f"sqlite:///{tmp_path}/x.db", halves(inputs)
    with ladle.Session(parts, Halves, store=url) as session:
        first = session.ask(5).tolist()
    with ladle.Session(dict(reversed(parts.items())), Halves, store=url) as session:
        assert session.ask(5).tolist() == first
    with pytest.raises(SessionError, match="goes on with the examples it began with"):
        ladle.Session(parts | {"lower": inputs[:, :32]}, Halves, store=url)


def test_wrong_parts_are_refused_before_anything_is_stored(digits: tuple[Any, Any]) -> None:
    inputs, _ = digits
    parts = halves(inputs)
    with pytest.raises(InputError, match="got 300, 299 along"):
        ladle.Session(parts | {"lower": inputs[:299, 32:]}, Halves)
    with pytest.raises(InputError, match=r"takes one array \(got 2 parts\)"):
        ladle.Session(parts, "mlp", classes=10)
    with pytest.raises(InputError, match="dense arrays in a tuple or dict"):
        ladle.Session({"input_ids": [[1, 2], [3]]}, Halves)  # type: ignore[dict-item]


def test_seeds_are_whole_numbers(digits: tuple[Any, Any]) -> None:
    for seed in ("7", 1.5, None, -1):
        with pytest.raises(InputError, match="a seed must be an integer of at least 0"):
            ladle.Session(digits[0], "mlp", classes=10, seed=seed)  # type: ignore[arg-type]
