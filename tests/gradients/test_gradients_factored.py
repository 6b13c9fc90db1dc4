"""Factored gradients against the gradients themselves, and these against ``backward()``."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from ladle.errors import InputError
from ladle.gradients import FactoredGradients, cross_entropy, mean_gradient
from reference.autograd import last_layer_gradient

SHAPES = st.tuples(st.integers(0, 9), st.integers(1, 5), st.integers(0, 6))


def drawn(seed: int, rows: int, classes: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, classes)), rng.normal(size=(rows, width))


def factored(seed: int, rows: int, classes: int, width: int, bias: bool) -> FactoredGradients:
    residuals, features = drawn(seed, rows, classes, width)
    return FactoredGradients(torch.from_numpy(residuals), torch.from_numpy(features), bias)


@settings(max_examples=60, deadline=None)
@given(shape=SHAPES, others=st.integers(0, 4), bias=st.booleans(), seed=st.integers(0, 99))
def test_norms_and_inner_products_are_those_of_the_gradients(
    shape: tuple[int, int, int], others: int, bias: bool, seed: int
) -> None:
    rows, classes, width = shape
    left, right = factored(seed, rows, classes, width, bias), factored(seed + 100, others, classes, width, bias)
    flat_left, flat_right = left.materialize().flatten(1), right.materialize().flatten(1)
    assert len(left) == rows
    assert left.materialize().shape == (rows, classes, width + bias)
    torch.testing.assert_close(left.squared_norms(), (flat_left**2).sum(1), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(left.inner(right), flat_left @ flat_right.T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_a_gradient_is_what_backward_leaves(bias: bool) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(5, 3, bias=bias, dtype=torch.float64)
    features, labels = torch.randn(7, 5, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1, 2, 2])
    logits = layer(features).detach()
    gradients = FactoredGradients(cross_entropy.residuals(logits, labels), features, bias).materialize()
    for x in range(7):
        expected = last_layer_gradient(
            layer, features[x : x + 1], labels[x : x + 1], nn.CrossEntropyLoss(reduction="none")
        )
        weights = gradients[x, :, :5].flatten()
        given_back = torch.cat([weights, gradients[x, :, 5]]) if bias else weights
        torch.testing.assert_close(given_back, expected, rtol=1e-12, atol=1e-14)


def test_taken_rows_are_the_rows_in_that_order() -> None:
    gradients = factored(0, 6, 3, 4, bias=False)
    taken = gradients.take(torch.tensor([4, 0, 4]))
    assert not taken.bias
    torch.testing.assert_close(taken.materialize(), gradients.materialize()[[4, 0, 4]], rtol=0, atol=0)


def test_products_leave_the_factors_as_they_were() -> None:
    gradients = factored(0, 6, 3, 4, bias=True)
    residuals, features = gradients.residuals.clone(), gradients.features.clone()
    gradients.inner(gradients)
    gradients.squared_norms()
    assert torch.equal(gradients.residuals, residuals)
    assert torch.equal(gradients.features, features)


def test_single_precision_is_kept_and_close() -> None:
    double = factored(3, 8, 4, 30, bias=True)
    single = FactoredGradients(double.residuals.float(), double.features.float())
    assert single.squared_norms().dtype == single.inner(single).dtype == torch.float32
    torch.testing.assert_close(single.squared_norms().double(), double.squared_norms(), rtol=1e-5, atol=0)


@settings(max_examples=40, deadline=None)
@given(shape=SHAPES.filter(lambda shape: shape[0] > 0), bias=st.booleans(), seed=st.integers(0, 99))
def test_the_mean_gradient_is_the_mean_of_the_gradients(shape: tuple[int, int, int], bias: bool, seed: int) -> None:
    residuals, features = drawn(seed, *shape)
    expected = FactoredGradients(torch.from_numpy(residuals), torch.from_numpy(features), bias).materialize().mean(0)
    mean = mean_gradient(residuals, features, bias=bias)
    assert isinstance(mean, np.ndarray)
    np.testing.assert_allclose(mean, expected.numpy(), rtol=1e-12, atol=1e-13)


def test_the_mean_gradient_by_hand() -> None:
    # Outer products (1, -1) ⊗ (2, 1) and (0, 4) ⊗ (3, 1), each with its bias column, halved.
    mean = mean_gradient(torch.tensor([[1.0, -1.0], [0.0, 4.0]]), torch.tensor([[2.0], [3.0]]))
    assert isinstance(mean, torch.Tensor)
    assert mean.dtype == torch.float32
    assert mean.tolist() == [[1.0, 0.5], [5.0, 1.5]]


def test_nothing_labeled_has_no_mean() -> None:
    with pytest.raises(InputError, match=r"at least one labeled example \(got 0\)"):
        mean_gradient(np.empty((0, 3)), np.empty((0, 4)))
