"""Training from scratch: what it computes, what it depends on, what it refuses."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ladle.errors import ConfigError, InputError
from ladle.models import MLP, SparseLinear, TrainingConfig, build_model, evaluate, train
from ladle.models.batches import as_rows, training_batches
from ladle.models.momentum import Momentum
from ladle.models.numerics import deterministic_cuda, flushed_denormals
from ladle.models.seeding import isolated_rng, spread_seed

EPOCHS_2 = TrainingConfig(epochs=2)


def digits() -> tuple[Tensor, Tensor]:
    pixels, labels = load_digits(return_X_y=True)
    return torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels)


def small() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(21, 5, generator=generator), torch.arange(21) % 3


def mlp() -> nn.Module:
    return MLP(5, 3, hidden=(7, 4))


def with_dropout() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3))


def with_batch_norm() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def weights(model: nn.Module) -> list[Tensor]:
    return list(model.state_dict().values())


def states() -> tuple[object, ...]:
    """Return the states of all three global generators."""
    return torch.get_rng_state().tolist(), repr(np.random.get_state()), random.getstate()  # noqa: NPY002


def same(first: nn.Module, second: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


def plain_training(model: nn.Module, inputs: Tensor, labels: Tensor, config: TrainingConfig, seed: int) -> nn.Module:
    """Train by torch.optim.SGD on the batches `train` says it takes."""
    order = torch.Generator().manual_seed(spread_seed(seed, 2)[1])
    optimizer = torch.optim.SGD(model.parameters(), lr=config.learning_rate, momentum=config.momentum)
    for _ in range(config.epochs):
        rest = torch.randperm(len(inputs), generator=order)
        for size in training_batches(len(inputs), config.batch_size):
            batch, rest = rest[:size], rest[size:]
            optimizer.zero_grad()
            cross_entropy(model(inputs[batch]), labels[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return model


def test_ends_where_a_plain_loop_with_torchs_sgd_ends() -> None:
    inputs, labels = small()
    config = TrainingConfig(epochs=60, learning_rate=0.02)
    start = MLP(5, 3, hidden=(7, 4)).double()

    def build() -> nn.Module:
        model = MLP(5, 3, hidden=(7, 4)).double()
        model.load_state_dict(start.state_dict())
        return model

    trained = train(build, inputs, labels, config, seed=5)
    expected = plain_training(build(), inputs.double(), labels, config, seed=5)
    for mine, reference, before in zip(weights(trained), weights(expected), weights(start), strict=True):
        torch.testing.assert_close(mine, reference, rtol=0, atol=1e-12)
        assert not torch.equal(mine, before)


def test_momentum_is_torchs_sgd_for_parameters_with_and_without_gradient() -> None:
    generator = torch.Generator().manual_seed(1)
    mine = [torch.randn(3, 2, generator=generator), torch.randn(4, generator=generator)]
    theirs = [parameter.clone().requires_grad_() for parameter in mine]
    momentum = Momentum(mine, learning_rate=0.1, momentum=0.9)
    reference = torch.optim.SGD(theirs, lr=0.1, momentum=0.9)
    for step in range(50):
        gradients = [torch.randn(p.shape, generator=generator) if (step + i) % 3 else None for i, p in enumerate(mine)]
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = gradient
        momentum.step(gradients)
        reference.step()
    torch.testing.assert_close(mine, [parameter.detach() for parameter in theirs])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sparse_inputs_end_where_dense_ones_end(dtype: torch.dtype) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.random((50, 30)) * (rng.random((50, 30)) < 0.2)
    pixels[::7] = 0
    labels = torch.from_numpy(rng.integers(0, 3, 50))
    start = MLP(30, 3, hidden=(8, 4)).to(dtype)

    def build(*, sparse: bool) -> nn.Module:
        model = MLP(30, 3, hidden=(8, 4), sparse=sparse).to(dtype)
        for mine, given in zip(model.parameters(), start.parameters(), strict=True):
            mine.data.copy_(given.T if mine.shape != given.shape else given)
        return model

    config = TrainingConfig(epochs=50, learning_rate=0.02)
    dense = train(partial(build, sparse=False), torch.from_numpy(pixels), labels, config, seed=1)
    sparse = train(partial(build, sparse=True), scipy.sparse.csr_matrix(pixels), labels, config, seed=1)
    tolerance = 1e-6 if dtype == torch.float32 else 1e-12
    for mine, reference, before in zip(weights(sparse), weights(dense), start.parameters(), strict=True):
        reference = reference.T if mine.shape != reference.shape else reference
        torch.testing.assert_close(mine, reference, rtol=0, atol=tolerance)
        assert not torch.equal(reference, before)
    assert all(module.stand_in is None for module in sparse.modules() if isinstance(module, SparseLinear))


def test_a_sparse_layer_is_up_to_date_after_each_epoch_and_trains_on_as_if_not_looked_at() -> None:
    numbers = np.random.default_rng(0).normal(size=(20, 12)).astype(np.float32)
    matrix = scipy.sparse.csr_matrix(np.where(np.abs(numbers) > 1, numbers, 0))
    labels = torch.arange(20) % 3
    seen: list[torch.Tensor] = []

    def build() -> nn.Module:
        return MLP(12, 3, hidden=(6,), sparse=True)

    def look(_epoch: int, model: nn.Module) -> None:
        batch = next(as_rows(matrix).batches([20]))
        model(batch), model(batch)  # as often as one likes
        seen.append(next(model.parameters()).detach().clone())

    def trained(epochs: int, on_epoch: Callable[[int, nn.Module], None] | None = None) -> torch.Tensor:
        config = TrainingConfig(epochs=epochs, learning_rate=0.1)
        return next(train(build, matrix, labels, config, seed=2, on_epoch=on_epoch).parameters()).detach()

    after_three = trained(3, look)
    assert torch.equal(after_three, trained(3))
    for epochs, weight in enumerate(seen, start=1):
        torch.testing.assert_close(weight, trained(epochs))


def test_a_frozen_sparse_layer_stays_as_it_is() -> None:
    start: list[Tensor] = []

    def build() -> nn.Module:
        model = MLP(4, 2, hidden=(3,), sparse=True)
        layer = next(module for module in model.modules() if isinstance(module, SparseLinear))
        layer.requires_grad_(False)
        start.append(layer.weight.clone())
        return model

    model = train(build, scipy.sparse.csr_matrix(np.eye(4)), torch.tensor([0, 1, 0, 1]), EPOCHS_2, seed=0)
    layer = next(module for module in model.modules() if isinstance(module, SparseLinear))
    assert torch.equal(layer.weight, start[0])


@pytest.mark.parametrize("build", [mlp, with_dropout, with_batch_norm])
def test_the_seed_alone_decides(build: Callable[[], nn.Module]) -> None:
    inputs, labels = small()
    first = train(build, inputs, labels, EPOCHS_2, seed=3)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(99)
        second = train(build, inputs, labels, EPOCHS_2, seed=3)
    assert same(first, second)
    assert not same(first, train(build, inputs, labels, EPOCHS_2, seed=4))


def test_the_seed_alone_decides_for_sparse_inputs() -> None:
    inputs, labels = small()
    matrix = scipy.sparse.csr_matrix(inputs.clamp(min=0).numpy())
    build = build_model("mlp", example_shape=(5,), classes=3, sparse=True, hidden=(6, 4))
    assert same(train(build, matrix, labels, EPOCHS_2, seed=3), train(build, matrix, labels, EPOCHS_2, seed=3))


def test_another_process_trains_the_same_weights() -> None:
    code = (
        "import torch; from torch import nn; from ladle.models import TrainingConfig, train\n"
        "def build(): return nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3))\n"
        "inputs = torch.randn(21, 5, generator=torch.Generator().manual_seed(0))\n"
        "model = train(build, inputs, torch.arange(21) % 3, TrainingConfig(epochs=2), seed=3)\n"
        "print(repr([weight.flatten().tolist() for weight in model.state_dict().values()]), end='')"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    here = train(with_dropout, *small(), EPOCHS_2, seed=3)
    assert answer == repr([weight.flatten().tolist() for weight in weights(here)])


def test_gradients_switched_off_outside_do_not_matter() -> None:
    expected = train(mlp, *small(), EPOCHS_2, seed=3)
    with torch.no_grad():
        assert same(expected, train(mlp, *small(), EPOCHS_2, seed=3))


def test_global_random_states_are_left_as_found() -> None:
    inputs, labels = small()
    before = states()
    train(with_dropout, inputs, labels, EPOCHS_2, seed=0)
    assert states() == before


def test_all_models_see_the_examples_in_the_same_order() -> None:
    inputs, labels = torch.arange(19.0).reshape(-1, 1), torch.arange(19) % 2
    seen: dict[str, list[float]] = {"plain": [], "dropout": []}

    class Watching(nn.Module):
        def __init__(self, name: str, *layers: nn.Module) -> None:
            super().__init__()
            self.name, self.layers = name, nn.Sequential(*layers)

        def forward(self, examples: Tensor) -> Tensor:
            if self.training:
                seen[self.name] += examples.flatten().tolist()
            logits: Tensor = self.layers(examples)
            return logits

    config = TrainingConfig(epochs=2, learning_rate=1e-4)
    train(lambda: Watching("plain", nn.Linear(1, 2)), inputs, labels, config, seed=0)
    train(lambda: Watching("dropout", nn.Linear(1, 9), nn.Dropout(), nn.Linear(9, 2)), inputs, labels, config, seed=0)
    assert seen["plain"] == seen["dropout"]
    first, second = seen["plain"][:19], seen["plain"][19:]
    assert sorted(first) == sorted(second) == list(range(19))
    assert first != second


def test_mlp_learns_digits() -> None:
    inputs, labels = digits()
    build = build_model("mlp", example_shape=(64,), classes=10)
    model = train(build, inputs[:600], labels[:600], TrainingConfig(epochs=15), seed=0)
    assert evaluate(model, inputs[600:], labels[600:]) > 0.9
    assert not any(module.training for module in model.modules())


def test_sparse_mlp_learns_digits() -> None:
    inputs, labels = digits()
    matrix = scipy.sparse.csr_matrix(inputs.numpy())
    build = build_model("mlp", example_shape=(64,), classes=10, sparse=True)
    model = train(build, matrix[:600], labels[:600], TrainingConfig(epochs=15), seed=0)
    assert evaluate(model, matrix[600:], labels[600:]) > 0.9


@pytest.mark.parametrize(("name", "epochs"), [("lenet", 60), ("resnet18", 8), ("vgg16", 8)])
def test_image_networks_fit_a_few_images(name: str, epochs: int) -> None:
    images = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(8) % 2
    losses: list[float] = []

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        mean = cross_entropy(logits, targets)
        losses.append(mean.item())
        return mean

    build = build_model(name, example_shape=(3, 32, 32), classes=2)
    train(build, images, labels, TrainingConfig(epochs=epochs, learning_rate=0.02), seed=0, loss=loss)
    assert len(losses) == epochs
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("count", [9, 17])
def test_batch_norm_survives_a_last_batch_of_one(count: int) -> None:
    inputs, labels = small()
    sizes: list[int] = []

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        sizes.append(len(targets))
        return cross_entropy(logits, targets)

    train(with_batch_norm, inputs[:count], labels[:count], TrainingConfig(epochs=1), seed=0, loss=loss)
    assert sizes == training_batches(count, 8)
    assert 1 not in sizes


def test_other_losses_take_other_targets() -> None:
    inputs, _ = small()
    labels = inputs[:, :3].argmax(dim=1)
    targets = nn.functional.one_hot(labels, 3).float()
    config = TrainingConfig(epochs=60, learning_rate=0.1)
    loss = nn.functional.binary_cross_entropy_with_logits
    model = train(lambda: nn.Linear(5, 3), inputs, targets, config, seed=0, loss=loss)
    assert evaluate(model, inputs, labels) > 0.9


def test_a_diverging_training_goes_on_and_answers_by_chance() -> None:
    inputs, labels = small()
    epochs: list[tuple[int, int]] = []
    config = TrainingConfig(epochs=5, learning_rate=1e20)
    model = train(mlp, inputs, labels, config, seed=0, progress=lambda done, of: epochs.append((done, of)))
    assert epochs == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert not torch.isfinite(model(inputs)).all()
    assert evaluate(model, inputs, labels) == pytest.approx(1 / 3)


def test_inputs_of_another_precision_and_numpy_arrays_are_taken() -> None:
    inputs, labels = small()
    expected = train(mlp, inputs, labels, EPOCHS_2, seed=0)
    assert same(expected, train(mlp, inputs.double(), labels.to(torch.uint8), EPOCHS_2, seed=0))
    array = inputs.numpy().copy()
    array.flags.writeable = False
    assert same(expected, train(mlp, array, labels.numpy(), EPOCHS_2, seed=0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("inputs", "labels", "says"),
    [
        (torch.zeros(4, 5), torch.tensor([0, 1, 2, 3]), r"got labels from 0 to 3, outputs=3"),
        (torch.zeros(4, 5), torch.tensor([0, 1, 2, -1]), r"from -1 to 2"),
        (torch.zeros(4, 5), torch.zeros(3, dtype=torch.long), "examples=4, labels=3"),
        (torch.zeros(0, 5), torch.zeros(0, dtype=torch.long), "examples=0"),
        (torch.zeros(4, 5), torch.tensor(1), "a single number"),
        (torch.tensor([[0.0, 1, 2, 3, float("nan")]]), torch.tensor([0]), "finite"),
        (scipy.sparse.csr_matrix(np.array([[0.0, 1, 2, 3, np.inf]])), torch.tensor([0]), "finite"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_before_a_step(inputs: Tensor, labels: Tensor, says: str) -> None:
    steps: list[int] = []

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        steps.append(len(targets))
        return cross_entropy(logits, targets)

    with pytest.raises(InputError, match=says):
        train(mlp, inputs, labels, EPOCHS_2, seed=0, loss=loss)
    assert not steps


def test_a_module_without_parameters_is_refused() -> None:
    with pytest.raises(InputError, match="parameters"):
        train(nn.Identity, torch.zeros(4, 2), torch.zeros(4, dtype=torch.long), EPOCHS_2, seed=0)


@pytest.mark.parametrize("seed", [-1, 0.5, True, None])
def test_seeds_are_checked(seed: int) -> None:
    with pytest.raises(InputError, match="a seed is an integer"):
        train(mlp, *small(), EPOCHS_2, seed=seed)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", 2.0),
        ("batch_size", 0),
        ("batch_size", True),
        ("learning_rate", 0.0),
        ("learning_rate", -1.0),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("momentum", 1.0),
        ("momentum", -0.1),
        ("momentum", float("nan")),
    ],
)
def test_training_config_is_checked(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"{name} must be .*got {name}="):
        TrainingConfig(**{name: value})  # type: ignore[arg-type]


def test_isolated_rng_restores_the_state_also_after_an_error() -> None:
    before = torch.get_rng_state()
    draws = []
    for _ in range(2):
        with contextlib.suppress(ZeroDivisionError), isolated_rng(7, torch.device("cpu")):
            draws.append(torch.rand(3))
            draws.append(torch.tensor(1 / 0))
    assert torch.equal(*draws)
    assert torch.equal(torch.get_rng_state(), before)


def test_spread_seeds_are_unrelated_and_repeat() -> None:
    words = [word for seed in range(20) for word in spread_seed(seed, 3)]
    assert len(set(words)) == 60
    assert spread_seed(2, 3) == spread_seed(np.int64(2), 3) == words[6:9]  # type: ignore[arg-type]


@pytest.mark.parametrize("before", [False, True])
def test_denormals_are_flushed_in_the_block_only(before: bool) -> None:
    tiny = torch.tensor(1e-40)
    if not torch.set_flush_denormal(before):
        pytest.skip("this processor has no such switch")
    try:
        with flushed_denormals():
            assert float(tiny * 1.0) == 0
        assert (float(tiny * 1.0) == 0) == before
    finally:
        torch.set_flush_denormal(False)


def test_cuda_determinism_is_switched_for_the_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with deterministic_cuda(torch.device("cpu")):
        assert not torch.are_deterministic_algorithms_enabled()
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with deterministic_cuda(torch.device("cuda")):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_trainings_in_two_threads_do_not_disturb_each_other() -> None:
    inputs, labels, config = torch.eye(12), torch.arange(12) % 3, TrainingConfig(epochs=20)

    def build() -> nn.Module:
        # Dropout draws at every step from the global generator, which all threads share.
        return nn.Sequential(nn.Dropout(0.5), nn.Linear(12, 3))

    def weights(seed: int) -> Tensor:
        found: Tensor = train(build, inputs, labels, config, seed=seed).state_dict()["1.weight"]
        return found

    alone = [weights(seed) for seed in range(6)]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(weights, range(6)))
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))
