"""The discrepancy against equation 11 word by word: a real model, the real augmented set, ``backward()``."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from ladle.errors import InputError
from ladle.gradients import FactoredGradients, cross_entropy, find_loss, mean_gradient
from ladle.scores import discrepancy, discrepancy_with_head
from ladle.strategies import score
from reference.autograd import augmented_set_discrepancies
from reference.loss_cases import LOSS_CASES, LossCase


def model_and_features(
    seed: int, rows: int, width: int, classes: int, bias: bool, scale: float
) -> tuple[nn.Linear, Tensor]:
    """Return the last layer of a small network, and what it reads for some inputs."""
    torch.manual_seed(seed)
    body = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, width)).double()
    last = nn.Linear(width, classes, bias=bias, dtype=torch.float64)
    return last, body(torch.randn(rows, 3, dtype=torch.float64) * scale).detach() * scale


@pytest.mark.parametrize("case", LOSS_CASES, ids=str)
@settings(max_examples=15, deadline=None)
@given(
    rows=st.integers(1, 7),
    width=st.integers(1, 6),
    classes=st.integers(2, 6),
    bias=st.booleans(),
    scale=st.sampled_from([0.1, 1.0, 20.0]),
    seed=st.integers(0, 10_000),
    data=st.data(),
)
def test_every_example_scores_its_discrepancy_on_the_augmented_set(
    case: LossCase, rows: int, width: int, classes: int, bias: bool, scale: float, seed: int, data: st.DataObject
) -> None:
    layer, features = model_and_features(seed, rows, width, classes, bias, scale)
    logits = layer(features).detach()
    labeled = data.draw(st.lists(st.integers(0, rows - 1), min_size=1, unique=True), label="labeled")
    labels = case.draw_labels(np.random.default_rng(seed), len(labeled), classes)
    loss = case.residual_loss(classes)
    expected = augmented_set_discrepancies(
        layer, features, labeled, labels, case.pseudo_labels(logits), case.per_example(classes)
    )
    scores = score("grad", features=features, logits=logits, labeled=labeled, labels=labels, loss=loss, bias=bias)
    # Rounding is relative to the gradients, not to a difference of theirs that happens to vanish.
    candidates = loss.residuals(logits, loss.pseudo_labels(logits))
    lengths = FactoredGradients(candidates, features, bias).squared_norms().sqrt()
    reference = mean_gradient(loss.residuals(logits[labeled], labels), features[labeled], bias=bias)
    torch.testing.assert_close(
        scores, expected, rtol=1e-9, atol=1e-14 * float(lengths.max() + reference.norm()) + 1e-300
    )
    assert torch.equal(discrepancy(features, candidates, reference, len(labeled)), scores)


def confident_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy as log(1 + Σ exp(z_k - z_y)): the same function, whose ``backward()`` keeps tiny doubts."""
    gaps = logits - logits.gather(1, labels.unsqueeze(1))
    others = gaps.exp().masked_fill(nn.functional.one_hot(labels, logits.shape[1]).bool(), 0.0)
    return others.sum(dim=1).log1p()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("gap", [5.0, 20.0, 50.0])
def test_confident_predictions_keep_their_digits(gap: float, bias: bool) -> None:
    layer, features = model_and_features(1, 8, 3, 4, bias, 1.0)
    with torch.no_grad():
        logits = layer(features)
        spread = (logits.max(dim=1).values - logits.kthvalue(3, dim=1).values).min()
        for parameter in layer.parameters():
            parameter.mul_(gap / spread)
        logits = layer(features)
    assert float((logits.max(dim=1).values - logits.kthvalue(3, dim=1).values).min()) == pytest.approx(gap)
    pseudo_labels = logits.argmax(dim=1)
    # The labeled ones are right, and as confident as all: every gradient is tiny, and so is every discrepancy.
    labeled = [2, 5]
    expected = augmented_set_discrepancies(
        layer, features, labeled, pseudo_labels[labeled], pseudo_labels, confident_loss
    )
    scores = score("grad", features=features, logits=logits, labeled=labeled, labels=pseudo_labels[labeled], bias=bias)
    assert float(expected.max()) < 8.0 * np.exp(-gap)
    torch.testing.assert_close(scores, expected, rtol=1e-9, atol=1e-14 * float(expected.max()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_only_labeled_example_is_at_no_distance_from_itself(dtype: type[np.floating[Any]]) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(6, 30)).astype(dtype) + 100
    logits = rng.normal(size=(6, 4)).astype(dtype)
    scores = score("grad", features=features, logits=logits, labeled=[3], labels=[logits[3].argmax()])
    assert scores[3] == 0.0
    assert (np.delete(scores, 3) > 1.0).all()


def test_twins_of_the_only_labeled_example_are_at_no_distance_either() -> None:
    rng = np.random.default_rng(0)
    features, logits = rng.normal(size=(40, 50)).astype(np.float32), rng.normal(size=(40, 4)).astype(np.float32)
    features[20:], logits[20:] = features[7], logits[7]
    scores = score("grad", features=features, logits=logits, labeled=[7], labels=[logits[7].argmax()])
    assert (scores[20:] == 0.0).all()


@pytest.mark.parametrize("step", [1e-2, 1e-4, 1e-7, 1e-10])
def test_near_twins_lose_no_more_digits_than_their_difference_has(step: float) -> None:
    rng = np.random.default_rng(0)
    features = np.repeat(rng.normal(size=(1, 5)), 9, axis=0)
    features[1:] += step * rng.normal(size=(8, 5))
    residuals = np.repeat([[0.5, -0.75, 0.25]], 9, axis=0)
    reference = mean_gradient(residuals[:1], features[:1])
    exact = np.linalg.norm(residuals[0]) * np.linalg.norm(features - features[0], axis=1) / 2
    np.testing.assert_allclose(discrepancy(features, residuals, reference, 1), exact, rtol=1e-14 / step, atol=0)


@pytest.mark.parametrize("case", LOSS_CASES, ids=str)
def test_single_precision_stays_single_and_agrees(case: LossCase) -> None:
    rng = np.random.default_rng(0)
    features, logits = rng.normal(size=(60, 40)).astype(np.float32), 3 * rng.normal(size=(60, 5)).astype(np.float32)
    labeled = np.arange(0, 60, 7)
    known: dict[str, Any] = {"labeled": labeled, "labels": case.draw_labels(rng, 9, 5), "loss": case.residual_loss(5)}
    single = score("grad", features=features, logits=logits, **known)
    double = score("grad", features=features.astype(np.float64), logits=logits.astype(np.float64), **known)
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    np.testing.assert_allclose(single, double, rtol=2e-5, atol=2e-6)


def test_by_hand() -> None:
    # Two labeled gradients (1, -1) ⊗ (2) and (0, 4) ⊗ (3): mean (1, 5). The candidate (2, -2) ⊗ (1) is (2, -2).
    # |(1, 5) - (2, -2)| = √50, times 2/3.
    reference = mean_gradient(np.array([[1.0, -1.0], [0.0, 4.0]]), np.array([[2.0], [3.0]]), bias=False)
    scores = discrepancy(np.array([[1.0]]), np.array([[2.0, -2.0]]), reference, 2)
    np.testing.assert_allclose(scores, [np.sqrt(50) * 2 / 3], rtol=1e-15)


def test_the_bias_counts_as_one_more_feature() -> None:
    rng = np.random.default_rng(0)
    features, residuals = rng.normal(size=(6, 3)), rng.normal(size=(6, 4))
    widened = np.column_stack([features, np.ones(6)])
    with_bias = discrepancy(features, residuals, mean_gradient(residuals[:2], features[:2]), 2)
    spelled_out = discrepancy(widened, residuals, mean_gradient(residuals[:2], widened[:2], bias=False), 2)
    np.testing.assert_allclose(with_bias, spelled_out, rtol=1e-13)


def test_a_pool_of_twins_larger_than_the_scratch_space() -> None:
    # Every row is close to the reference, and the block in which differences are formed holds fewer than all.
    features = np.ones((30, 1 << 12))
    residuals = np.tile(np.linspace(-1.0, 1.0, 64), (30, 1))
    residuals[29] += 1e-6
    scores = discrepancy(features, residuals, mean_gradient(residuals[:1], features[:1]), 1)
    assert (scores[:29] == 0.0).all()
    np.testing.assert_allclose(scores[29], 0.5e-6 * np.sqrt(64 * 4097), rtol=1e-8)


def test_the_kind_of_array_given_comes_back(arrays: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> None:
    features, residuals, reference = arrays
    given_numpy = discrepancy(features, residuals, reference, 3)
    given_torch = discrepancy(torch.from_numpy(features), torch.from_numpy(residuals), torch.from_numpy(reference), 3)
    assert isinstance(given_numpy, np.ndarray)
    assert isinstance(given_torch, Tensor)
    assert np.array_equal(given_numpy, given_torch.numpy())


def test_nothing_given_is_changed(arrays: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> None:
    before = [array.copy() for array in arrays]
    discrepancy(*arrays, 3)
    assert all(np.array_equal(array, copy) for array, copy in zip(arrays, before, strict=True))


def test_no_candidates_have_no_scores(arrays: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> None:
    features, residuals, reference = arrays
    assert discrepancy(features[:0], residuals[:0], reference, 3).shape == (0,)


def test_nothing_labeled_is_refused(arrays: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> None:
    with pytest.raises(InputError, match=r"needs a labeled set \(got 0 examples\)"):
        discrepancy(*arrays, 0)


def test_a_reference_of_another_width_is_refused(arrays: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> None:
    features, residuals, reference = arrays
    with pytest.raises(InputError, match=r"\(C, d\) or \(C, d \+ 1\) \(got \(3, 2\), C=3, d=4\)"):
        discrepancy(features, residuals, reference[:, :2], 3)


def test_a_missing_row_is_refused(arrays: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> None:
    features, residuals, reference = arrays
    with pytest.raises(InputError, match=r"got features=5, residuals=1 rows"):
        discrepancy(features, residuals[:1], reference, 3)


@pytest.fixture
def arrays() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(0)
    features, residuals = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    return features, residuals, mean_gradient(residuals[:2], features[:2])


def test_the_closed_form_is_the_norm_of_materialized_differences() -> None:
    rng = np.random.default_rng(0)
    features, logits = torch.from_numpy(rng.normal(size=(9, 5))), torch.from_numpy(rng.normal(size=(9, 3)))
    residuals = cross_entropy.residuals(logits, logits.argmax(dim=1))
    reference = mean_gradient(residuals[:4], features[:4])
    differences = FactoredGradients(residuals, features).materialize() - reference
    expected = differences.flatten(1).norm(dim=1) * 4 / 5
    torch.testing.assert_close(discrepancy(features, residuals, reference, 4), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("rows", [0, 1, 5, 300])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("name", ["cross-entropy", "squared-error", "binary-cross-entropy"])
@pytest.mark.parametrize("kind", ["float64", "float32", "float32, every other row"])
def test_one_product_gives_logits_and_discrepancy(
    rows: int, bias: bool, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["ladle.scores.discrepancy"], "_MOST_ROWS", 128)
    generator, loss = torch.Generator().manual_seed(0), find_loss(name)
    dtype = torch.float64 if kind == "float64" else torch.float32
    features = torch.randn(2 * rows, 6, generator=generator).to(dtype)
    features = features[::2] if kind.endswith("row") else features[:rows]
    weight, offset = torch.randn(4, 6, generator=generator).to(dtype), torch.randn(4, generator=generator).to(dtype)
    reference = 0.1 * torch.randn(4, 7 if bias else 6, generator=generator).to(dtype)
    logits, found = discrepancy_with_head(
        features, weight, offset if bias else None, reference, 9, loss.pseudo_residuals
    )
    expected = features @ weight.T + (offset if bias else 0.0)
    torch.testing.assert_close(logits, expected)
    apart = discrepancy(features, loss.residuals(expected, loss.pseudo_labels(expected)), reference, 9)
    torch.testing.assert_close(found, apart)


def test_a_head_that_does_not_fit_is_refused() -> None:
    features, weight = torch.ones(3, 6), torch.ones(4, 6)
    residuals = find_loss("cross-entropy").pseudo_residuals
    with pytest.raises(InputError, match=r"\(got \(3, 6\), \(4, 6\), \(4, 6\)\)"):
        discrepancy_with_head(features, weight, torch.ones(4), torch.ones(4, 6), 9, residuals)
    with pytest.raises(InputError, match=r"needs a labeled set \(got 0 examples\)"):
        discrepancy_with_head(features, weight, None, torch.ones(4, 6), 0, residuals)


def test_one_labeled_example_is_enough_beside_the_head() -> None:
    generator = torch.Generator().manual_seed(0)
    features, weight, reference = (torch.randn(rows, 6, generator=generator) for rows in (5, 4, 4))
    loss = find_loss("cross-entropy")
    logits, found = discrepancy_with_head(features, weight, None, reference, 1, loss.pseudo_residuals)
    torch.testing.assert_close(found, discrepancy(features, loss.pseudo_residuals(logits), reference, 1))


def test_the_loss_sees_every_row_once_and_a_bounded_number_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["ladle.scores.discrepancy"], "_MOST_ROWS", 128)
    seen = []

    def residuals(logits: Tensor) -> Tensor:
        seen.append(len(logits))
        return torch.ones_like(logits)

    discrepancy_with_head(torch.ones(300, 6), torch.ones(4, 6), None, torch.ones(4, 6), 9, residuals)
    assert seen == [128, 128, 44]


@pytest.mark.parametrize(("scratch", "expected"), [(4 * 100, [100, 100, 100]), (4 * 20, [50] * 6), (4 * 400, [300])])
def test_many_classes_are_taken_fewer_rows_at_a_time_but_not_too_few(
    scratch: int, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["ladle.scores.discrepancy"]
    monkeypatch.setattr(module, "_SCRATCH_ELEMENTS", scratch)
    monkeypatch.setattr(module, "_FEWEST_ROWS", 50)
    seen = []

    def residuals(logits: Tensor) -> Tensor:
        seen.append(len(logits))
        return torch.ones_like(logits)

    discrepancy_with_head(torch.ones(300, 6), torch.ones(4, 6), None, torch.ones(4, 6), 9, residuals)
    assert seen == expected


@pytest.mark.parametrize("bias", [False, True])
def test_a_head_in_training_is_taken_as_numbers(bias: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    head, loss = torch.nn.Linear(6, 4, bias=bias), find_loss("cross-entropy")
    features = torch.randn(5, 6, generator=generator, requires_grad=True)
    reference = torch.randn(4, 6 + bias, generator=generator, requires_grad=True)
    logits, found = discrepancy_with_head(features, head.weight, head.bias, reference, 3, loss.pseudo_residuals)
    assert not logits.requires_grad
    assert not found.requires_grad
    torch.testing.assert_close(logits, head(features).detach())
    apart = discrepancy(features.detach(), loss.pseudo_residuals(logits), reference.detach(), 3)
    torch.testing.assert_close(found, apart)
