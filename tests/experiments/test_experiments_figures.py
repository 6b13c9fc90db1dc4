"""What the trained figures of the paper show, on small data: geometry, shift, contraction, full against last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ladle.data import DataConfig, Pool, load_pool
from ladle.errors import ConfigError, InputError
from ladle.experiments.contraction import contraction_on
from ladle.experiments.full_vs_last import full_against_last
from ladle.experiments.geometry import acquisition_geometry
from ladle.experiments.shift import shift_scores
from ladle.models import MLP, ModelConfig, TrainingConfig, train

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
    drawn = np.sort(generator.choice(len(digits), size=40, replace=False))
    part = generator.choice(40, size=10, replace=False)
    assert isinstance(digits.inputs, torch.Tensor)
    inputs, labels = digits.inputs[drawn].flatten(1), digits.labels[drawn]

    def build() -> nn.Module:
        return MLP(64, 10, hidden=(256,))

    config = TrainingConfig(epochs=3, batch_size=8, learning_rate=0.05)
    model = train(build, inputs, labels, config, seed=2)
    whole, few = (
        torch.autograd.grad(cross_entropy(model(inputs[rows]), labels[rows]), list(model.parameters()))
        for rows in (np.arange(40), part)
    )
    expected = float(sum((a - b).square().sum() for a, b in zip(whole, few, strict=True))) ** 0.5
    assert found.discrepancies[-1] == pytest.approx(expected, rel=1e-5)
    assert found.discrepancies.shape == found.losses.shape == (3,)
    assert found.losses[-1] < found.losses[0]
    # The whole set is no different from itself.
    none = contraction_on(digits, examples=40, subset=40, epochs=1)
    assert none.discrepancies[0] == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(ConfigError, match="subset=41"):
        contraction_on(digits, examples=40, subset=41)


def test_sparse_rows_are_followed_over_the_columns_that_occur(digits: Pool) -> None:
    dense = contraction_on(digits, examples=60, epochs=2, learning_rate=0.05)
    sparse = contraction_on(as_sparse(digits), examples=60, epochs=2, learning_rate=0.05)
    assert sparse.discrepancies.shape == dense.discrepancies.shape
    assert (sparse.discrepancies > 0).all()


def test_all_parameters_see_more_than_the_last_layer(digits: Pool) -> None:
    one = full_against_last(digits, model=ModelConfig("mlp", hidden=(16,)), training=QUICK, labeled=50, candidates=200)
    assert 0 < one.spearman < 1
    assert 0 <= one.overlap <= 1
    assert (one.full >= one.last * (1 - 1e-5)).all()  # more parameters, a longer difference
    with pytest.raises(ConfigError, match="lower one"):
        full_against_last(digits, model=ModelConfig("mlp"), training=QUICK, labeled=1000, candidates=1000)
    with pytest.raises(InputError, match="dense"):
        full_against_last(as_sparse(digits), model=ModelConfig("mlp"), training=QUICK, labeled=5, candidates=5)
