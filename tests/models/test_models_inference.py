"""One pass over a pool, for any module."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ladle.errors import InputError
from ladle.models import MLP, MODELS, accuracy, build_model, evaluate, find_last_layer, pool_outputs


class Odd(nn.Module):
    """Layers applied in another order than they are registered, and by keyword."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(6, 3, bias=False)
        self.first = nn.Linear(4, 6)

    def forward(self, examples: Tensor) -> Tensor:
        logits: Tensor = self.out(input=torch.tanh(self.first(examples)))
        return logits


def pool(n: int, *shape: int) -> Tensor:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(0))


def check(model: nn.Module, inputs: Tensor, batch_size: int, last_layer: str | None = None) -> None:
    """Compare with the definition: the model's own output, and its last layer's own product."""
    layer = find_last_layer(model, last_layer)
    outputs = pool_outputs(model, inputs, batch_size=batch_size, last_layer=last_layer)
    assert outputs.features.shape == (len(inputs), layer.in_features)
    assert outputs.bias == (layer.bias is not None)
    model.eval()
    with torch.no_grad():
        torch.testing.assert_close(outputs.logits, model(inputs))
        torch.testing.assert_close(layer(outputs.features), outputs.logits)
        product = outputs.features @ layer.weight.T
        torch.testing.assert_close(product + layer.bias if outputs.bias else product, outputs.logits)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 20), batch_size=st.integers(1, 25), hidden=st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_features_and_logits_of_any_pool_and_batch_size(n: int, batch_size: int, hidden: list[int]) -> None:
    check(MLP(4, 3, hidden=hidden), pool(n, 4), batch_size)


@pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name].images])
def test_features_and_logits_of_the_image_networks(name: str) -> None:
    check(build_model(name, example_shape=(1, 32, 32), classes=4)(), pool(3, 1, 32, 32), 2)


def test_features_and_logits_of_a_users_module() -> None:
    check(Odd(), pool(7, 4), 3, last_layer="out")
    check(
        nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.9), nn.BatchNorm1d(5), nn.Linear(5, 2, bias=False)), pool(7, 4), 3
    )
    check(nn.Linear(4, 2), pool(7, 4), 3)
    check(nn.Sequential(nn.Linear(4, 2), nn.Identity()).double(), pool(7, 4).double(), 3)


def test_sparse_pools_give_what_dense_ones_give() -> None:
    inputs = pool(9, 6).clamp(min=0)
    inputs[4] = 0
    sparse, dense = MLP(6, 3, hidden=(5, 4), sparse=True), MLP(6, 3, hidden=(5, 4))
    for theirs, mine in zip(dense.parameters(), sparse.parameters(), strict=True):
        theirs.data.copy_(mine.T if mine.shape != theirs.shape else mine)
    left = pool_outputs(sparse, scipy.sparse.csr_matrix(inputs.double().numpy()), batch_size=4)
    right = pool_outputs(dense, inputs)
    torch.testing.assert_close(left.features, right.features)
    torch.testing.assert_close(left.logits, right.logits)


def test_an_empty_pool_has_the_right_shapes() -> None:
    outputs = pool_outputs(MLP(4, 3, hidden=(6, 5)).double(), torch.zeros(0, 4))
    assert outputs.features.shape == (0, 5)
    assert outputs.logits.shape == (0, 3)
    assert outputs.logits.dtype == torch.float64


def test_outputs_can_be_given_to_autograd_and_carry_no_graph() -> None:
    outputs = pool_outputs(MLP(4, 3), pool(3, 4))
    assert not outputs.features.requires_grad
    logits = outputs.logits.requires_grad_()
    logits.square().sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None


def broken(_: Tensor) -> Tensor:
    raise RuntimeError("broken")


class Wrapped(nn.Module):
    """A linear layer with something done to its output."""

    def __init__(self, after: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.layer, self.drop, self.norm = nn.Linear(4, 3), nn.Dropout(), nn.BatchNorm1d(4)
        self.after = after
        self.drop.eval()

    def forward(self, examples: Tensor) -> object:
        return self.after(self.layer(self.drop(self.norm(examples))))


@pytest.mark.parametrize("after", [lambda logits: logits, broken])
def test_the_module_is_left_as_found(after: Callable[[Tensor], Tensor]) -> None:
    model = Wrapped(after)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    try:
        pool_outputs(model, pool(5, 4), batch_size=2)
        evaluate(model, pool(5, 4), torch.zeros(5, dtype=torch.long))
    except RuntimeError:
        assert after is broken
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert not model.layer._forward_pre_hooks
    assert not model.layer._forward_hooks
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (lambda logits: logits.softmax(dim=1), "without softmax at the end"),
        (lambda logits: 2 * logits, "other numbers of the same shape"),
        (lambda logits: logits.sub_(logits.mean()), "other numbers of the same shape"),
        (lambda logits: logits[:, :1], r"\(5, 1\) from the model, \(5, 3\) from the layer"),
        (lambda logits: logits.sum(dim=1), "return the logits"),
        (lambda logits: (logits, logits), "got tuple"),
    ],
)
def test_a_model_that_changes_its_last_layers_output_is_refused(after: Callable[[Tensor], object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        pool_outputs(Wrapped(after), pool(5, 4))


def test_a_last_layer_applied_to_many_rows_an_example_is_refused() -> None:
    with pytest.raises(InputError, match=r"n=5"):
        pool_outputs(nn.Linear(4, 3), pool(5, 2, 4))
    with pytest.raises(InputError, match="n=5"):
        pool_outputs(nn.Sequential(nn.Flatten(0, 1), nn.Linear(4, 3)), pool(5, 2, 4))


def test_a_last_layer_out_of_order_or_unused_is_told() -> None:
    with pytest.raises(InputError, match="name the layer as last_layer"):
        pool_outputs(Odd(), pool(5, 4))
    unused = Odd()
    unused.extra = nn.Linear(1, 1)
    with pytest.raises(InputError, match="does not call it"):
        pool_outputs(unused, pool(5, 4))


def test_logits_of_nan_pass() -> None:
    model = nn.Linear(4, 3)
    nn.init.constant_(model.weight, float("nan"))
    assert pool_outputs(nn.Sequential(model, nn.Identity()), pool(5, 4)).logits.isnan().all()


def test_the_last_layer_is_found_by_itself_and_by_name() -> None:
    model = nn.Sequential(nn.Linear(4, 5), nn.Sequential(nn.Linear(5, 3)), nn.ReLU())
    assert find_last_layer(model) is model[1][0]  # type: ignore[index]
    assert find_last_layer(model, "0") is model[0]
    with pytest.raises(InputError, match=r"got '2'\); choose one of '0', '1.0'"):
        find_last_layer(model, "2")
    with pytest.raises(InputError, match="got Sequential without any"):
        find_last_layer(nn.Sequential(nn.ReLU()))


def test_a_batch_size_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="got batch_size=0"):
        pool_outputs(nn.Linear(4, 3), pool(5, 4), batch_size=0)


def test_accuracy_counts_the_largest_logits() -> None:
    nan = float("nan")
    logits = torch.tensor([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0], [nan, nan]])
    assert accuracy(logits, torch.tensor([1, 0, 0, 0])) == 1.0
    assert accuracy(logits, torch.tensor([1, 1, 1, 1])) == 0.25
    assert accuracy(logits, np.array([0, 0, 1, 0])) == 0.5  # type: ignore[arg-type]


def test_accuracy_of_multi_labels_counts_rows_that_are_right_altogether() -> None:
    logits = torch.tensor([[1.0, -2.0], [2.0, 1.0], [-1.0, 0.0], [float("nan"), 1.0]])
    assert accuracy(logits, torch.tensor([[1, 0], [1, 1], [0, 0], [0, 1]])) == 1.0
    assert accuracy(logits, torch.tensor([[1, 0], [0, 1], [1, 0], [1, 1]])) == 0.25


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (torch.zeros(3, 2), torch.zeros(2)),
        (torch.zeros(3), torch.zeros(3)),
        (torch.zeros(3, 2), torch.zeros(3, 1)),
        (torch.zeros(3, 2), torch.zeros(2, 2)),
        (torch.zeros(0, 2), torch.zeros(0)),
    ],
)
def test_accuracy_of_shapes_that_do_not_fit(logits: Tensor, labels: Tensor) -> None:
    with pytest.raises(InputError, match="accuracy needs"):
        accuracy(logits, labels)


def test_evaluate_takes_any_module_in_any_batch_size() -> None:
    inputs, labels = pool(11, 3), pool(11, 3).argmax(dim=1)
    labels[:2] = (labels[:2] + 1) % 3
    for batch_size in (1, 4, 11, 100):
        assert evaluate(nn.Identity(), inputs, labels, batch_size=batch_size) == pytest.approx(9 / 11)
    with pytest.raises(InputError, match="examples=11, labels=10"):
        evaluate(nn.Identity(), inputs, labels[:10])
    with pytest.raises(InputError, match="examples=0"):
        evaluate(nn.Identity(), inputs[:0], labels[:0])
