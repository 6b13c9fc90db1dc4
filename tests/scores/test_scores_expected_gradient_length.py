"""Expected gradient length against a loop of ``backward()`` over all labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ladle.gradients import gradient_lengths
from ladle.scores import expected_gradient_length
from ladle.strategies import score
from reference import autograd
from reference.loss_cases import SINGLE_LABEL, LossCase


@pytest.mark.parametrize("case", SINGLE_LABEL, ids=str)
@settings(max_examples=10, deadline=None)
@given(
    rows=st.integers(1, 4),
    width=st.integers(1, 5),
    classes=st.integers(2, 5),
    bias=st.booleans(),
    scale=st.sampled_from([0.3, 3.0]),
    seed=st.integers(0, 99),
)
def test_equal_to_a_loop_over_all_labels(
    case: LossCase, rows: int, width: int, classes: int, bias: bool, scale: float, seed: int
) -> None:
    torch.manual_seed(seed)
    layer = nn.Linear(width, classes, bias=bias, dtype=torch.float64)
    features = torch.randn(rows, width, dtype=torch.float64) * scale
    logits = layer(features).detach()
    lengths = autograd.gradient_lengths(layer, features, case.per_example(classes))
    expected = torch.zeros(rows, dtype=torch.float64)
    for x in range(rows):
        for label in range(classes):
            expected[x] += torch.softmax(logits[x], dim=0)[label] * lengths[x, label]
    loss = case.residual_loss(classes)
    scores = score("egl", features=features, logits=logits, labeled=[], labels=[], loss=loss, bias=bias)
    torch.testing.assert_close(scores, expected, rtol=1e-9, atol=1e-12)
    given_lengths = gradient_lengths(features, logits, loss=loss, bias=bias)
    assert torch.equal(expected_gradient_length(logits, given_lengths), scores)


@pytest.mark.parametrize(("dtype", "accuracy"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("gap", [5.0, 15.0, 30.0])
def test_confident_examples_keep_the_digits_of_their_doubt(
    gap: float, dtype: type[np.floating[Any]], accuracy: float
) -> None:
    # Two classes, p = 1 - q: the lengths are √2 q and √2 (1 - q) without features, so EGL = 2 √2 q (1 - q).
    doubt = np.exp(-gap) / (1 + np.exp(-gap))
    logits, features = np.array([[0.0, -gap]], dtype=dtype), np.empty((1, 0), dtype=dtype)
    scores = score("egl", features=features, logits=logits, labeled=[], labels=[])
    np.testing.assert_allclose(scores, 2 * np.sqrt(2) * doubt * (1 - doubt), rtol=accuracy)


def test_types_of_different_width_meet_in_the_wider() -> None:
    scores = expected_gradient_length(np.zeros((2, 3), dtype=np.float32), np.full((2, 3), 2.0))
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, 2.0, rtol=1e-6)


def test_nothing_given_is_changed() -> None:
    logits, lengths = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
    expected_gradient_length(logits, lengths)
    assert logits.tolist() == [[1.0, 2.0]]
    assert lengths.tolist() == [[3.0, 4.0]]
