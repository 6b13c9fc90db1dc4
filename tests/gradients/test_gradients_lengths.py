"""Gradient lengths under every label against one ``backward()`` for each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ladle.errors import InputError
from ladle.gradients import gradient_lengths
from reference import autograd
from reference.loss_cases import SINGLE_LABEL, LossCase


@pytest.mark.parametrize("case", SINGLE_LABEL, ids=str)
@settings(max_examples=12, deadline=None)
@given(
    rows=st.integers(0, 4),
    classes=st.integers(2, 5),
    width=st.integers(1, 5),
    bias=st.booleans(),
    scale=st.sampled_from([0.3, 3.0]),
    seed=st.integers(0, 99),
)
def test_lengths_are_those_of_backward(
    case: LossCase, rows: int, classes: int, width: int, bias: bool, scale: float, seed: int
) -> None:
    torch.manual_seed(seed)
    layer = nn.Linear(width, classes, bias=bias, dtype=torch.float64)
    features = torch.randn(rows, width, dtype=torch.float64) * scale
    logits = layer(features).detach()
    lengths = gradient_lengths(features, logits, loss=case.residual_loss(classes), bias=bias)
    expected = autograd.gradient_lengths(layer, features, case.per_example(classes))
    torch.testing.assert_close(lengths, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("dtype", "accuracy"), [(np.float32, 1e-5), (np.float64, 1e-13)])
def test_confident_examples_keep_the_digits_of_their_doubt(dtype: type[np.floating[Any]], accuracy: float) -> None:
    gap = 40.0 if dtype is np.float32 else 50.0  # squares of a doubt of exp(-44) underflow in single precision
    logits = np.array([[0.0, -20.0, -21.0], [-15.0, 0.0, -15.0], [-gap, -gap, 0.0]])
    others = np.exp(np.array([[-20.0, -21.0], [-15.0, -15.0], [-gap, -gap]]))
    others = others / (1 + others.sum(axis=1, keepdims=True))
    expected = np.sqrt((others**2).sum(axis=1) + others.sum(axis=1) ** 2)
    features = np.full((3, 1), 2.0)
    lengths = gradient_lengths(features.astype(dtype), logits.astype(dtype), bias=False)
    assert lengths.dtype == dtype
    np.testing.assert_allclose(lengths[[0, 1, 2], [0, 1, 2]] / 2, expected, rtol=accuracy)
    # Under any other label the residual is (1, -1) but for the doubt itself.
    np.testing.assert_allclose(lengths[[0, 1, 2], [1, 2, 0]] / 2, np.sqrt(2), rtol=1e-5)


def test_lengths_by_hand() -> None:
    # p = (1/2, 1/2): the residual is (-1/2, 1/2) under either label; |h|² + 1 = 3² + 4² + 1.
    lengths = gradient_lengths(np.array([[3.0, 4.0]]), np.zeros((1, 2)))
    np.testing.assert_allclose(lengths, np.full((1, 2), np.sqrt(0.5 * 26)))


def test_tied_classes_are_told_apart_from_none() -> None:
    logits = np.array([[7.0, 7.0, -80.0]])
    lengths = gradient_lengths(np.ones((1, 1)), logits, bias=False)
    np.testing.assert_allclose(lengths, [[np.sqrt(0.5), np.sqrt(0.5), np.sqrt(1.5)]])


def test_torch_in_torch_out() -> None:
    lengths = gradient_lengths(torch.ones(2, 3), torch.zeros(2, 4))
    assert isinstance(lengths, torch.Tensor)
    assert lengths.dtype == torch.float32


def test_a_multi_label_loss_has_no_length_by_class() -> None:
    with pytest.raises(InputError, match=r"class numbers \(got binary-cross-entropy\); use 'cross-entropy'"):
        gradient_lengths(np.ones((2, 3)), np.zeros((2, 4)), loss="binary-cross-entropy")
