"""Inputs in several parts, as tuples or by name, through training and through one pass; modules that return objects."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import ladle
from ladle.errors import InputError
from ladle.models import TrainingConfig, as_rows, evaluate, example_shape, pool_outputs, train
from ladle.models.batches import training_batches
from reference.autograd import discrepancies_through_a_model

EPOCHS_3 = TrainingConfig(epochs=3, batch_size=4)


class Joined(nn.Module):
    """A network over two arguments, put side by side; what it returns is up to the test."""

    def __init__(self, wrap: Callable[[Tensor], Any] = lambda logits: logits) -> None:
        super().__init__()
        self.net = network()
        self.wrap = wrap

    def forward(self, left: Tensor, right: Tensor, scale: float = 1.0) -> Any:
        return self.wrap(self.net(torch.cat([left, scale * right.to(left)], dim=1)))


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(7, 6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 3))


def parts(n: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(n)
    return {
        "left": torch.randn(n, 4, generator=generator),
        "right": torch.randint(0, 5, (n, 3), generator=generator),
    }


def side_by_side(pool: dict[str, Tensor]) -> Tensor:
    return torch.cat([pool["left"], pool["right"].float()], dim=1)


def given_as(kind: str, pool: dict[str, Tensor]) -> Any:
    return {
        "dict": pool,
        "reversed": dict(reversed(pool.items())),
        "tuple": tuple(pool.values()),
        "numpy": {name: part.numpy() for name, part in pool.items()},
    }[kind]


@settings(deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=14), st.integers(1, 5))
def test_a_batch_is_the_same_rows_of_every_part(positions: list[int], batch_size: int) -> None:
    pool = parts(9)
    sizes = training_batches(len(positions), batch_size)
    by_name = as_rows(pool).take(torch.tensor(positions))
    in_order = as_rows(tuple(pool.values())).take(torch.tensor(positions))
    assert len(by_name) == len(in_order) == len(positions)
    ends = np.cumsum(sizes).tolist()
    batches: Any = zip(ends, sizes, by_name.batches(sizes), in_order.batches(sizes), strict=True)
    for end, size, named, ordered in batches:
        rows = positions[end - size : end]
        assert list(named) == ["left", "right"]
        for part, other, expected in zip(named.values(), ordered, pool.values(), strict=True):
            assert torch.equal(part, expected[rows])
            assert torch.equal(other, expected[rows])


def test_batches_copy_nothing() -> None:
    rows = as_rows(parts(9))
    kept = [part.untyped_storage().data_ptr() for part in rows.numbers()]
    for batch in rows.batches([4, 5]):
        assert isinstance(batch, dict)
        assert [part.untyped_storage().data_ptr() for part in batch.values()] == kept


@pytest.mark.parametrize("kind", ["dict", "reversed", "tuple", "numpy"])
def test_training_and_passing_are_those_of_one_array(kind: str) -> None:
    pool, labels = parts(21), torch.arange(21) % 3
    whole = train(network, side_by_side(pool), labels, EPOCHS_3, seed=4)
    split = train(Joined, given_as(kind, pool), labels, EPOCHS_3, seed=4)
    for one, two in zip(whole.parameters(), split.parameters(), strict=True):
        assert torch.equal(one, two)
    expected = pool_outputs(whole, side_by_side(pool), batch_size=8)
    found = pool_outputs(split, given_as(kind, pool), batch_size=8)
    assert torch.equal(found.features, expected.features)
    assert torch.equal(found.logits, expected.logits)
    accuracy = evaluate(whole, side_by_side(pool), labels)
    assert evaluate(split, given_as(kind, pool), labels, batch_size=5) == accuracy


@pytest.mark.parametrize("wrap", [lambda z: SimpleNamespace(logits=z), lambda z: {"loss": None, "logits": z}])
def test_logits_may_come_in_an_object(wrap: Callable[[Tensor], Any]) -> None:
    pool, labels = parts(10), torch.arange(10) % 3
    plain = train(Joined, pool, labels, EPOCHS_3, seed=1)
    wrapped = train(partial(Joined, wrap), pool, labels, EPOCHS_3, seed=1)
    assert torch.equal(pool_outputs(plain, pool).logits, pool_outputs(wrapped, pool).logits)
    assert evaluate(plain, pool, labels) == evaluate(wrapped, pool, labels)


def test_the_discrepancy_is_the_one_of_autograd_through_the_model() -> None:
    pool = {"left": parts(8)["left"].double(), "right": parts(8)["right"]}
    model = Joined().double().eval()
    labeled, labels = [0, 3, 5], torch.tensor([2, 0, 1])
    passed = pool_outputs(model, pool)
    found = ladle.score("grad", features=passed.features, logits=passed.logits, labeled=labeled, labels=labels)

    def logits_of(rows: list[int]) -> Tensor:
        logits: Tensor = model(**{name: part[rows] for name, part in pool.items()})
        return logits

    last = model.net[3]
    assert isinstance(last, nn.Linear)
    loss = partial(nn.functional.cross_entropy, reduction="none")
    expected = discrepancies_through_a_model(last, logits_of, 8, labeled, labels, loss)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"left": torch.zeros(4, 4), "right": torch.zeros(3, 3)}, r"same examples \(got 4, 3 along"),
        ((torch.zeros(4, 4), torch.zeros(5, 3)), r"got 4, 5 along"),
        ({}, "got no parts"),
        ((), "got no parts"),
        ({"left": torch.tensor(1.0), "right": torch.zeros(1, 3)}, "at least one axis"),
        ({"left": [[1.0], [1.0, 2.0]], "right": torch.zeros(2, 3)}, r"got list\); pad texts"),
        ((scipy.sparse.csr_matrix((4, 4)), torch.zeros(4, 3)), r"got a sparse matrix\); call .toarray"),
    ],
)
def test_parts_that_do_not_match_are_refused(inputs: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        as_rows(inputs)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"left": torch.zeros(4, 4)}, r"got 1 tensors: missing a required argument: 'right'"),
        (parts(4) | {"middle": torch.zeros(4, 1)}, "got 3 tensors: got an unexpected keyword argument 'middle'"),
        (torch.zeros(4, 4), "missing a required argument"),
        ((torch.zeros(4, 4), torch.zeros(4, 3), torch.zeros(4), torch.zeros(4)), "too many positional"),
    ],
)
def test_parts_the_module_does_not_take_are_refused(inputs: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        pool_outputs(Joined(), inputs)
    with pytest.raises(InputError, match=says):
        train(Joined, inputs, torch.zeros(4, dtype=torch.long), EPOCHS_3, seed=0)


@pytest.mark.parametrize(
    ("wrap", "came"), [(lambda z: (z, z), "tuple"), (lambda _: SimpleNamespace(), "SimpleNamespace")]
)
def test_a_module_without_logits_is_refused(wrap: Callable[[Tensor], Any], came: str) -> None:
    with pytest.raises(InputError, match=rf"as .logits \(got {came}\); return the logits"):
        pool_outputs(Joined(wrap), parts(4))
    with pytest.raises(InputError, match=f"got {came}"):
        train(partial(Joined, wrap), parts(4), torch.zeros(4, dtype=torch.long), EPOCHS_3, seed=0)


def test_nan_in_any_part_is_refused() -> None:
    pool = parts(4)
    pool["left"][2, 1] = float("nan")
    with pytest.raises(InputError, match="finite"):
        train(Joined, pool, torch.zeros(4, dtype=torch.long), EPOCHS_3, seed=0)


def test_an_example_in_parts_has_no_shape() -> None:
    inputs: Any = parts(4)
    with pytest.raises(InputError, match=r"takes one array \(got 2 parts\)"):
        example_shape(inputs)


def test_a_last_layer_applied_twice_is_refused() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, examples: Tensor) -> Tensor:
            logits: Tensor = self.layer(self.layer(examples).relu())
            return logits

    with pytest.raises(InputError, match=r"applied once to an example \(got 2 calls"):
        pool_outputs(Twice(), torch.zeros(4, 3))


def test_what_the_module_does_to_its_logits_may_be_said() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim=1))
    inputs = parts(6)["left"][:, :3]
    found = pool_outputs(net, inputs, activation=partial(torch.softmax, dim=1))
    torch.testing.assert_close(found.logits, net[0](inputs).detach())
    with pytest.raises(InputError, match="unchanged"):
        pool_outputs(net, inputs, activation=torch.sigmoid)
