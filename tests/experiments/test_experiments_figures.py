"""What the trained figures of the paper show, on small data: geometry, shift, contraction, full against last."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from ladle.data import DataConfig, Pool, load_pool
from ladle.errors import ConfigError, InputError
from ladle.experiments.bound import bound_over_training
from ladle.experiments.contraction import contraction_on
from ladle.experiments.full_vs_last import full_against_last
from ladle.experiments.geometry import acquisition_geometry
from ladle.experiments.shift import shift_scores
from ladle.models import MLP, ModelConfig, TrainingConfig, train, train_by_floor_descent
from ladle.statistics import BoundConstants, generalization_bound, simplified_bound

QUICK = TrainingConfig(epochs=8, learning_rate=0.05)


@pytest.fixture(scope="module")
def digits() -> Pool:
    return load_pool(DataConfig("digits"))


def as_sparse(pool: Pool) -> Pool:
    def rows(inputs: object) -> scipy.sparse.csr_matrix:
        assert isinstance(inputs, torch.Tensor)
        return scipy.sparse.csr_matrix(inputs.flatten(1).numpy())

    return replace(
        pool,
        inputs=rows(pool.inputs),
        validation_inputs=rows(pool.validation_inputs),
        test_inputs=rows(pool.test_inputs),
    )


def widened(inputs: object) -> torch.Tensor:
    """Flattened images beside five times as many columns of zeros."""
    assert isinstance(inputs, torch.Tensor)
    flat = inputs.flatten(1)
    return torch.cat([flat, torch.zeros(len(flat), 5 * flat.shape[1])], dim=1)


def whole(pool: Pool) -> tuple[torch.Tensor, torch.Tensor]:
    """All parts of a dense pool, one after the other."""
    parts = [(inputs, labels) for inputs, labels in pool.parts().values() if isinstance(inputs, torch.Tensor)]
    return torch.cat([inputs.flatten(1) for inputs, _ in parts]), torch.cat([labels for _, labels in parts])


def discrepancy(model: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, part: NDArray[np.int64]) -> float:
    """The length of the difference of the mean gradients on all rows and on a part."""
    every, few = (
        torch.autograd.grad(cross_entropy(model(inputs[rows]), labels[rows]), list(model.parameters()))
        for rows in (np.arange(len(inputs)), part)
    )
    return math.sqrt(sum(float((a - b).square().sum()) for a, b in zip(every, few, strict=True)))


def test_all_strategies_choose_from_one_model_and_one_initial_set(digits: Pool) -> None:
    found = acquisition_geometry(digits, examples=400, batches=(5, 20), training=QUICK, seed=1)
    assert set(found.picks) == {(name, size) for name in ("grad", "entropy", "badge") for size in (5, 20)}
    for (name, size), picks in found.picks.items():
        assert len(set(picks.tolist())) == size
        assert not set(picks.tolist()) & set(found.labeled.tolist())
        if name != "badge":  # a larger batch begins with the smaller one
            assert found.picks[name, 20][:5].tolist() == found.picks[name, 5].tolist()
    assert [space.name for space in found.spaces] == ["input space", "gradient space"]
    for space in found.spaces:
        assert space.coordinates.shape == (400, 2)
        assert 0 < space.explained[1] <= space.explained[0] < 1
    assert 0.1 < found.accuracy < 1.0
    again = acquisition_geometry(digits, examples=400, batches=(5, 20), training=QUICK, seed=1)
    assert again.spaces[1].dispersion == found.spaces[1].dispersion


def test_a_batch_that_is_the_pool_is_as_wide_as_the_pool(digits: Pool) -> None:
    found = acquisition_geometry(digits, examples=60, initial=1, batches=(59,), training=QUICK)
    for space in found.spaces:
        for dispersion in space.dispersion.values():
            assert dispersion == pytest.approx(1.0, abs=0.05)


def test_geometry_needs_enough_dense_examples(digits: Pool) -> None:
    with pytest.raises(ConfigError, match="lower them"):
        acquisition_geometry(digits, examples=5000)
    with pytest.raises(InputError, match="dense"):
        acquisition_geometry(as_sparse(digits), examples=100)


def test_blends_are_told_from_digits_and_digits_not_from_digits(digits: Pool) -> None:
    # Two digits laid over each other are neither: the model is torn, and the gradient long.
    assert isinstance(digits.test_inputs, torch.Tensor)
    blends = replace(digits, name="blends", test_inputs=(digits.test_inputs + digits.test_inputs.flip(0)) / 2)
    settings = {"model": ModelConfig("mlp", hidden=(32,)), "training": QUICK}
    far = shift_scores(digits, blends, **settings)  # type: ignore[arg-type]
    same = shift_scores(digits, digits, **settings)  # type: ignore[arg-type]
    assert far.auroc > 0.8
    assert far.entropy_auroc > 0.8
    assert same.auroc == pytest.approx(0.5, abs=0.05)
    assert far.accuracy > 0.9
    assert len(far.inside_scores) == len(far.outside_scores) == len(digits.test_labels)
    few = shift_scores(digits, blends, examples=10, **settings)  # type: ignore[arg-type]
    assert len(few.inside_scores) == 10
    with pytest.raises(InputError, match="images"):
        shift_scores(digits, as_sparse(digits), **settings)  # type: ignore[arg-type]


def test_the_discrepancy_over_training_is_that_of_the_model_after_each_epoch(digits: Pool) -> None:
    found = contraction_on(digits, examples=40, subset=10, epochs=3, learning_rate=0.05, seed=2)
    generator = np.random.default_rng(2)
    everything, all_labels = whole(digits)
    drawn = np.sort(generator.choice(len(all_labels), size=40, replace=False))
    part = generator.choice(40, size=10, replace=False)
    inputs, labels = everything[drawn], all_labels[drawn]

    def build() -> nn.Module:
        return MLP(64, 10, hidden=(256,))

    config = TrainingConfig(epochs=3, batch_size=8, learning_rate=0.05)
    model = train(build, inputs, labels, config, seed=2)
    expected = discrepancy(model, inputs, labels, part)
    assert found.discrepancies[-1] == pytest.approx(expected, rel=1e-5)
    assert found.discrepancies.shape == found.losses.shape == (3,)
    assert found.losses[-1] < found.losses[0]
    # The whole set is no different from itself.
    none = contraction_on(digits, examples=40, subset=40, epochs=1)
    assert none.discrepancies[0] == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(ConfigError, match="subset=41"):
        contraction_on(digits, examples=40, subset=41)


def test_sparse_rows_are_followed_as_in_the_dense_network_of_full_width(digits: Pool) -> None:
    # Five columns in six never occur: a network over the others alone would start 2.4 times larger.
    wide = replace(
        digits,
        inputs=widened(digits.inputs),
        validation_inputs=widened(digits.validation_inputs),
        test_inputs=widened(digits.test_inputs),
    )
    found = contraction_on(as_sparse(wide), examples=60, epochs=4, learning_rate=0.05, seed=5)
    generator = np.random.default_rng(5)
    everything, all_labels = whole(wide)
    drawn = np.sort(generator.choice(len(all_labels), size=60, replace=False))
    part = generator.choice(60, size=30, replace=False)
    inputs, labels = everything[drawn], all_labels[drawn]
    assert int((inputs != 0).any(dim=0).sum()) <= 64
    followed: list[float] = []

    def build() -> nn.Module:
        # The same first weights: those of the sparse network, the first layer's turned.
        sparse, dense = MLP(384, 10, hidden=(256,), sparse=True), MLP(384, 10, hidden=(256,))
        with torch.no_grad():
            for theirs, mine in zip(sparse.parameters(), dense.parameters(), strict=True):
                mine.copy_(theirs.T if theirs.shape == (384, 256) else theirs)
        return dense

    def follow(_epoch: int, model: nn.Module) -> None:
        followed.append(discrepancy(model, inputs, labels, part))

    train(build, inputs, labels, TrainingConfig(epochs=4, learning_rate=0.05), seed=5, on_epoch=follow)
    assert found.discrepancies == pytest.approx(np.array(followed), rel=1e-4)


def test_the_set_is_drawn_from_all_parts_of_a_pool(digits: Pool) -> None:
    # No part alone has as many.
    count = len(digits) + len(digits.validation_labels) + len(digits.test_labels)
    found = contraction_on(digits, examples=count, epochs=1)
    assert (found.examples, found.subset) == (count, count // 2)
    assert contraction_on(digits, examples=count + 1, epochs=1).examples == count


def test_all_parameters_see_more_than_the_last_layer(digits: Pool) -> None:
    one = full_against_last(digits, model=ModelConfig("mlp", hidden=(16,)), training=QUICK, labeled=50, candidates=200)
    assert 0 < one.spearman < 1
    assert 0 <= one.overlap <= 1
    assert (one.full >= one.last * (1 - 1e-5)).all()  # more parameters, a longer difference
    with pytest.raises(ConfigError, match="lower one"):
        full_against_last(digits, model=ModelConfig("mlp"), training=QUICK, labeled=1000, candidates=1000)
    with pytest.raises(InputError, match="dense"):
        full_against_last(as_sparse(digits), model=ModelConfig("mlp"), training=QUICK, labeled=5, candidates=5)


def test_the_bound_along_a_training_is_that_of_its_numbers(digits: Pool) -> None:
    found = bound_over_training(digits, precisions=(1e-4, 1e3), etas=(1.0, 2.0), delta=0.1, steps=6, step_size=0.3)
    fine, coarse = found.trainings
    assert (found.examples, found.subset) == (len(digits), len(digits) // 2)
    assert found.held_out == len(digits.validation_labels) + len(digits.test_labels)
    assert found.dimension == 64 * 256 + 256 + 256 * 10 + 10
    part = np.random.default_rng(0).choice(len(digits), size=len(digits) // 2, replace=False)
    rest = np.setdiff1d(np.arange(len(digits)), part)
    assert isinstance(digits.inputs, torch.Tensor)
    inputs = digits.inputs.flatten(1)

    def build() -> nn.Module:
        return MLP(64, 10, hidden=(256,))

    trained = train_by_floor_descent(build, inputs, digits.labels, part, steps=6, step_size=0.3, precision=3e-5, seed=0)
    assert fine.sums == pytest.approx(trained.sums)
    # The risks are those of the model after the step, on what is neither in S_J nor, for the other, in S.
    wrong = trained.model(inputs[rest]).argmax(dim=1) != digits.labels[rest]
    assert fine.empirical_risks[-1] == pytest.approx(float(wrong.double().mean()))
    every = [inputs.flatten(1) for inputs in (digits.validation_inputs, digits.test_inputs) if torch.is_tensor(inputs)]
    answers = trained.model(torch.cat(every)).argmax(dim=1)
    outside = answers != torch.cat([digits.validation_labels, digits.test_labels])
    assert fine.held_out_risks[-1] == pytest.approx(float(outside.double().mean()))
    constants = BoundConstants(2.0, 0.1, found.examples, found.subset, found.dimension)
    for steps in (1, 4, 6):
        risk, values = fine.empirical_risks[steps - 1], fine.discrepancies[:steps]
        assert fine.bounds[2.0][steps - 1] == pytest.approx(generalization_bound(constants, risk, values, 0.3, 3e-5))
        assert fine.simplified[2.0][steps - 1] == pytest.approx(
            simplified_bound(constants, risk, values[0], 0.3, 3e-5, start=1, steps=steps)
        )
    # Where ε is coarse nothing moves but by the step on S_J; where it is fine the sum counts at least what moved.
    assert coarse.moved.sum() == 0
    assert 0 < fine.moved.sum() <= fine.sums[-1]


def test_the_bound_needs_dense_examples_and_draws_nothing_of_the_caller_s(digits: Pool) -> None:
    with pytest.raises(InputError, match="dense"):
        bound_over_training(as_sparse(digits))
    with pytest.raises(ConfigError, match="precision"):
        bound_over_training(digits, precisions=())
    before = torch.random.get_rng_state()
    bound_over_training(digits, precisions=(1.0,), steps=1)
    assert torch.equal(torch.random.get_rng_state(), before)
