"""Residuals against automatic differentiation of torch's own losses, and the rules of the losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ladle.errors import InputError, UnknownNameError
from ladle.gradients import (
    LOSSES,
    ResidualLoss,
    cross_entropy,
    find_loss,
    loss_by_autograd,
    smoothed_cross_entropy,
    weighted_cross_entropy,
)
from reference.loss_cases import LOSS_CASES, MULTI_LABEL, SINGLE_LABEL, LossCase


def summed(logits: Tensor, labels: Tensor) -> Tensor:
    """A loss that forgot reduction='none'."""
    return torch.nn.functional.cross_entropy(logits, labels, reduction="sum")


@pytest.mark.parametrize("case", LOSS_CASES, ids=str)
@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(0, 8), classes=st.integers(2, 7), scale=st.sampled_from([0.1, 1.0, 10.0]), seed=st.integers(0, 99)
)
def test_residuals_are_the_derivative_of_each_examples_own_loss(
    case: LossCase, rows: int, classes: int, scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.normal(size=(rows, classes)) * scale)
    labels = case.draw_labels(rng, rows, classes)
    residuals = case.residual_loss(classes).residuals(logits, labels)
    assert residuals.shape == logits.shape
    assert not residuals.requires_grad
    for x in range(rows):
        row = logits[x : x + 1].clone().requires_grad_()
        case.per_example(classes)(row, labels[x : x + 1]).sum().backward()  # type: ignore[no-untyped-call]
        assert row.grad is not None
        torch.testing.assert_close(residuals[x : x + 1], row.grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("case", LOSS_CASES, ids=str)
def test_the_mean_is_that_of_the_examples_and_its_derivative_the_residuals_over_n(case: LossCase) -> None:
    rng = np.random.default_rng(1)
    logits = torch.from_numpy(rng.normal(size=(6, 4))).requires_grad_()
    labels = case.draw_labels(rng, 6, 4)
    loss = case.residual_loss(4)
    assert loss.mean is not None
    mean = loss.mean(logits, labels)
    torch.testing.assert_close(mean, case.per_example(4)(logits, labels).mean(), rtol=1e-12, atol=0)
    (derivative,) = torch.autograd.grad(mean, logits)
    torch.testing.assert_close(derivative, loss.residuals(logits.detach(), labels) / 6, rtol=1e-10, atol=1e-15)


def test_losses_with_settings_are_told_apart_by_name() -> None:
    names = [
        weighted_cross_entropy(torch.tensor([1.0, 0.5])).name,
        weighted_cross_entropy(torch.tensor([1.0, 2.0])).name,
        smoothed_cross_entropy(0.1).name,
        smoothed_cross_entropy(0.2).name,
    ]
    assert names == [
        "weighted-cross-entropy(1, 0.5)",
        "weighted-cross-entropy(1, 2)",
        "smoothed-cross-entropy(0.1)",
        "smoothed-cross-entropy(0.2)",
    ]


@pytest.mark.parametrize("case", LOSS_CASES, ids=str)
def test_pseudo_labels_are_what_the_model_would_say(case: LossCase) -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5], [-1.0, 3.0, 3.0], [-4.0, -3.0, -2.0]])
    expected = [[1, 0, 1], [0, 1, 1], [0, 0, 0]] if case.multi_label else [0, 1, 2]
    assert case.residual_loss(3).pseudo_labels(logits).tolist() == expected


@pytest.mark.parametrize("case", LOSS_CASES, ids=str)
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_residuals_can_be_taken_in_any_mode_of_autograd(case: LossCase, mode: Any) -> None:
    rng = np.random.default_rng(0)
    plain, plain_labels = torch.from_numpy(rng.normal(size=(5, 3))), case.draw_labels(rng, 5, 3)
    loss = case.residual_loss(3)
    expected = loss.residuals(plain, plain_labels)
    with mode():
        logits, labels = plain.clone(), plain_labels.clone()
        inside = loss.residuals(logits, labels)
        pseudo = loss.residuals(logits, loss.pseudo_labels(logits))
    assert torch.equal(inside, expected)
    assert torch.equal(loss.residuals(logits, labels), expected)
    assert torch.equal(pseudo, loss.residuals(plain, loss.pseudo_labels(plain)))
    assert torch.equal(logits, plain)
    assert torch.equal(labels, plain_labels)


def test_a_leaf_with_gradients_is_neither_changed_nor_given_one() -> None:
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss_by_autograd("own", lambda z, y: z.gather(1, y.unsqueeze(1)).squeeze(1).exp()).residuals(
        logits, torch.tensor([0, 1, 2, 0])
    )
    assert logits.grad is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", LOSS_CASES, ids=str)
def test_the_floating_type_is_kept(case: LossCase, dtype: torch.dtype) -> None:
    logits = torch.zeros(2, 3, dtype=dtype)
    labels = torch.zeros(2, 3) if case.multi_label else torch.tensor([0, 1])
    assert case.residual_loss(3).residuals(logits, labels).dtype == dtype


@pytest.mark.parametrize(("dtype", "accuracy"), [(torch.float32, 1e-5), (torch.float64, 1e-14)])
def test_confident_cross_entropy_keeps_its_digits(dtype: torch.dtype, accuracy: float) -> None:
    # 1 - p would be 0 here; the derivative of log(1 + Σ exp(z_k - z_y)) is not.
    logits = torch.tensor([[50.0, 0.0, -2.0], [-1.0, 40.0, 3.0]], dtype=dtype)
    odds = torch.exp(torch.tensor([[-50.0, -52.0], [-41.0, -37.0]], dtype=torch.float64))
    residuals = cross_entropy.residuals(logits, torch.tensor([0, 1]))
    shares = odds / (1 + odds.sum(dim=1, keepdim=True))
    expected = torch.stack(
        [
            torch.stack([-shares[0].sum(), shares[0, 0], shares[0, 1]]),
            torch.stack([shares[1, 0], -shares[1].sum(), shares[1, 1]]),
        ]
    )
    torch.testing.assert_close(residuals.double(), expected, rtol=accuracy, atol=0)


@settings(max_examples=50, deadline=None)
@given(
    rows=st.integers(0, 8),
    classes=st.integers(2, 7),
    steps=st.integers(1, 9),
    scale=st.sampled_from([1e-9, 1.0, 60.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 99),
)
def test_pseudo_residuals_are_those_of_the_first_best_class_ties_or_none(
    rows: int, classes: int, steps: int, scale: float, dtype: torch.dtype, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.integers(0, steps, size=(rows, classes)) * scale).to(dtype)
    expected = cross_entropy.residuals(logits, logits.argmax(dim=1))
    torch.testing.assert_close(cross_entropy.pseudo_residuals(logits), expected, rtol=1e-6, atol=0)


def test_cross_entropy_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]], dtype=torch.float64))
    residuals = cross_entropy.residuals(logits, torch.tensor([1]))
    torch.testing.assert_close(residuals, torch.tensor([[0.5, -0.75, 0.25]], dtype=torch.float64))


def test_a_loss_that_is_not_one_number_an_example_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"one number an example \(got shape \(\) for 2 examples\); use reduction='none'"
    ):
        loss_by_autograd("summed", summed).residuals(torch.zeros(2, 3), torch.tensor([0, 1]))


@pytest.mark.parametrize("weights", [[[1.0, 2.0]], [1.0, -0.5], [1.0, float("nan")]])
def test_weights_that_break_a_rule_are_refused(weights: list[Any]) -> None:
    with pytest.raises(InputError, match="one non-negative number a class"):
        weighted_cross_entropy(torch.tensor(weights))


def test_weights_for_another_number_of_classes_are_refused() -> None:
    loss = weighted_cross_entropy(torch.tensor([1.0, 2.0]))
    with pytest.raises(InputError, match="got 2 weights for 3 classes"):
        loss.residuals(torch.zeros(2, 3), torch.tensor([0, 1]))


@pytest.mark.parametrize("smoothing", [-0.1, 1.5, float("nan")])
def test_a_smoothing_out_of_range_is_refused(smoothing: float) -> None:
    with pytest.raises(InputError, match=f"from 0 to 1 \\(got {smoothing}\\)"):
        smoothed_cross_entropy(smoothing)


def test_no_smoothing_is_cross_entropy() -> None:
    logits, labels = torch.tensor([[1.0, -2.0, 0.5]]), torch.tensor([2])
    plain = cross_entropy.residuals(logits, labels)
    torch.testing.assert_close(smoothed_cross_entropy(0.0).residuals(logits, labels), plain)


def test_losses_are_found_by_name_or_as_they_are() -> None:
    own = loss_by_autograd("own", summed)
    assert find_loss(own) is own
    assert str(own) == "own"
    assert {find_loss(name) for name in LOSSES} == set(LOSSES.values())
    assert [name for name, loss in LOSSES.items() if loss.name != name] == []
    assert [name for name, loss in LOSSES.items() if loss.multi_label] == ["binary-cross-entropy"]


def test_an_unknown_name_is_answered_with_the_likely_one() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown loss \(got 'cross_entropy'\); did you mean 'cross-entropy'\?"):
        find_loss("cross_entropy")


def test_a_torch_loss_is_answered_with_the_way_to_wrap_it() -> None:
    module: Any = torch.nn.CrossEntropyLoss()
    with pytest.raises(
        InputError, match=r"got CrossEntropyLoss\); wrap any other with ladle.gradients.loss_by_autograd"
    ):
        find_loss(module)


def test_the_cases_cover_both_kinds_of_labels() -> None:
    assert {case.residual_loss(3).multi_label for case in SINGLE_LABEL} == {False}
    assert {case.residual_loss(3).multi_label for case in MULTI_LABEL} == {True}
    assert all(isinstance(case.residual_loss(3), ResidualLoss) for case in LOSS_CASES)
