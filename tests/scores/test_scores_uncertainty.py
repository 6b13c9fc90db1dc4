"""Uncertainty against scipy and closed forms, and the digits a confident model's doubt is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from ladle.scores import entropy, least_confidence, margin

LOGITS = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 6), st.integers(2, 7)),
    elements=st.floats(-30, 30, allow_subnormal=False),
)


@settings(max_examples=50, deadline=None)
@given(logits=LOGITS)
def test_equal_to_scipy(logits: NDArray[np.float64]) -> None:
    probabilities = scipy.special.softmax(logits, axis=1)
    ordered = np.sort(probabilities, axis=1)
    np.testing.assert_allclose(entropy(logits), scipy.stats.entropy(probabilities, axis=1), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(margin(logits), ordered[:, -2] - ordered[:, -1], rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(least_confidence(logits), 1 - ordered[:, -1], rtol=1e-9, atol=1e-14)


@settings(max_examples=25, deadline=None)
@given(logits=LOGITS, shift=st.floats(-100, 100))
def test_a_common_shift_of_the_logits_changes_nothing(logits: NDArray[np.float64], shift: float) -> None:
    for score in (entropy, margin, least_confidence):
        np.testing.assert_allclose(score(logits + shift), score(logits), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
def test_the_uniform_distribution_is_the_most_uncertain(classes: int, dtype: type[np.floating[Any]]) -> None:
    logits = np.full((1, classes), 7.0, dtype=dtype)
    np.testing.assert_allclose(entropy(logits), np.log(classes), rtol=1e-6)
    np.testing.assert_allclose(least_confidence(logits), 1 - 1 / classes, rtol=1e-6)
    assert margin(logits)[0] == 0.0


def test_by_hand() -> None:
    logits = np.log([[0.5, 0.25, 0.25], [0.1, 0.7, 0.2]])
    np.testing.assert_allclose(entropy(logits)[0], 1.5 * np.log(2), rtol=1e-15)
    np.testing.assert_allclose(margin(logits), [-0.25, -0.5], rtol=1e-14)
    np.testing.assert_allclose(least_confidence(logits), [0.5, 0.3], rtol=1e-14)


@pytest.mark.parametrize(("dtype", "accuracy"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("gap", [10.0, 20.0, 40.0, 80.0])
def test_a_confident_models_doubt_keeps_its_digits(gap: float, dtype: type[np.floating[Any]], accuracy: float) -> None:
    # For two classes with odds q = exp(-gap): H = log(1 + q) + q gap / (1 + q), and 1 - p = q / (1 + q).
    logits = np.array([[gap / 2, -gap / 2], [-gap, 0.0]], dtype=dtype)
    odds = np.exp(-gap)
    expected = np.log1p(odds) + odds * gap / (1 + odds)
    np.testing.assert_allclose(entropy(logits), expected, rtol=accuracy)
    np.testing.assert_allclose(least_confidence(logits), odds / (1 + odds), rtol=accuracy)


def test_doubts_too_small_for_one_minus_p_are_still_ranked() -> None:
    logits = np.column_stack([np.zeros(50), -np.linspace(20, 80, 50)]).astype(np.float32)
    assert (np.diff(entropy(logits)) < 0).all()
    assert (np.diff(least_confidence(logits)) < 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_widest_gaps_a_type_can_hold(dtype: type[np.floating[Any]]) -> None:
    huge = np.finfo(dtype).max
    logits = np.array([[huge, -huge, 0.0], [huge, huge, -huge]], dtype=dtype)
    np.testing.assert_allclose(entropy(logits), [0.0, np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(margin(logits), [-1.0, 0.0])
    np.testing.assert_allclose(least_confidence(logits), [0.0, 0.5])


@pytest.mark.parametrize("score", [entropy, margin, least_confidence])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kind_and_floating_type_are_kept(score: Any, dtype: torch.dtype) -> None:
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=dtype)
    before = logits.clone()
    as_torch, as_numpy = score(logits), score(logits.numpy())
    assert as_torch.dtype == dtype
    assert isinstance(as_numpy, np.ndarray)
    assert np.array_equal(as_torch.numpy(), as_numpy)
    assert torch.equal(logits, before)


@pytest.mark.parametrize("score", [entropy, margin, least_confidence])
def test_an_empty_pool_has_no_scores(score: Any) -> None:
    assert score(np.empty((0, 3))).shape == (0,)
