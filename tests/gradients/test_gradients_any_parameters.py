"""The discrepancy over any parameters against a loop of plain backward passes, one example after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ladle import scores
from ladle.errors import InputError, UnknownNameError
from ladle.gradients import (
    ResidualLoss,
    binary_cross_entropy,
    cross_entropy,
    discrepancy_over,
    estimated_discrepancy,
    example_gradients,
    mean_gradient,
    mean_gradient_over,
    select_parameters,
)
from ladle.models import build_model

LABELED, CANDIDATES, CLASSES = 7, 9, 4


class Twice(nn.Module):
    """Uses one layer twice, and another one's weight outside of it."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.other = nn.Linear(6, 6)
        self.last = nn.Linear(6, CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = torch.tanh(self.first(torch.tanh(self.first(inputs))))
        logits: Tensor = self.last(torch.tanh(self.other(hidden)) + hidden @ self.other.weight)
        return logits


class Sequences(nn.Module):
    """A linear layer over positions, an embedding of its own and a layer norm."""

    def __init__(self, positions: int) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.randn(positions, 5))
        self.layers = nn.Sequential(nn.Linear(5, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 6, bias=False))
        self.last = nn.Linear(6, CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.last(self.layers(inputs + self.place).mean(dim=1))
        return logits


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 6, 3, padding="same", dilation=2, bias=False),
        nn.Tanh(),
        nn.Conv2d(6, 6, 2, groups=2, padding="valid"),
        nn.Tanh(),
        nn.Conv2d(6, 5, (2, 1), padding=(1, 0), padding_mode="circular"),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(20, CLASSES),
    )


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, CLASSES)), (6,)),
    "convolutions": (convolutions, (2, 9, 8)),
    "lenet": (build_model("lenet", example_shape=(1, 32, 32), classes=CLASSES, hidden=(8,)), (1, 32, 32)),
    "used twice": (Twice, (6,)),
    "sequences": (lambda: Sequences(3), (3, 5)),
    "long sequences": (lambda: Sequences(40), (40, 5)),
}


def problem(name: str) -> tuple[nn.Module, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    build, shape = MODELS[name]
    model = build().double().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    labeled = torch.randn(LABELED, *shape, dtype=torch.float64)
    candidates = torch.randn(CANDIDATES, *shape, dtype=torch.float64)
    return model, labeled, torch.arange(LABELED) % CLASSES, candidates


def plain_gradient(model: nn.Module, example: Tensor, residual: Tensor, names: list[str]) -> Tensor:
    """One backward pass for one example."""
    model.zero_grad()
    (model(example.unsqueeze(0)).squeeze(0) * residual).sum().backward()
    named = dict(model.named_parameters())
    parts = []
    for name in names:
        gradient = named[name].grad
        parts.append((torch.zeros_like(named[name]) if gradient is None else gradient).flatten())
    return torch.cat(parts)


def plain_scores(
    model: nn.Module, labeled: Tensor, labels: Tensor, candidates: Tensor, loss: ResidualLoss, names: list[str]
) -> Tensor:
    with torch.no_grad():
        known, guessed = loss.residuals(model(labeled), labels), loss.pseudo_residuals(model(candidates))
    mean = torch.stack([plain_gradient(model, *pair, names) for pair in zip(labeled, known, strict=True)]).mean(dim=0)
    count = len(labeled)
    return torch.stack(
        [
            (plain_gradient(model, *pair, names) - mean).norm() * count / (count + 1)
            for pair in zip(candidates, guessed, strict=True)
        ]
    )


@pytest.mark.parametrize("batch_size", [4, 128])
@pytest.mark.parametrize("name", list(MODELS))
def test_equal_to_plain_backward_passes(name: str, batch_size: int) -> None:
    model, labeled, labels, candidates = problem(name)
    names = [key for key, _ in model.named_parameters()]
    every_second = names[::2]
    for parameters, chosen in (("all", names), (every_second, every_second), (names[-2:], names[-2:])):
        found = discrepancy_over(
            model,
            candidates,
            labeled,
            labels,
            parameters=parameters,
            batch_size=batch_size,
        )
        expected = plain_scores(model, labeled, labels, candidates, cross_entropy, chosen)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=0.0)


def test_every_kind_of_layer_is_measured_as_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is measured without writing it out must not be written out, or the test above says nothing of it.
    written: list[set[str]] = []
    import ladle.gradients.any_parameters as module

    real = module._written_out

    def watched(model: Any, examples: Any, residuals: Any, chosen: Any) -> Any:
        written.append(set(chosen))
        return real(model, examples, residuals, chosen)

    monkeypatch.setattr(module, "_written_out", watched)
    rest = {
        "mlp": set(),
        "lenet": set(),
        "convolutions": {"1.weight", "1.bias", "5.weight", "5.bias", "7.weight", "7.bias"},
        "used twice": {"first.weight", "first.bias", "other.weight", "other.bias"},
        "sequences": {"place", "layers.1.weight", "layers.1.bias"},
    }
    for name, expected in rest.items():
        model, labeled, labels, candidates = problem(name)
        written.clear()
        discrepancy_over(model, candidates, labeled, labels)
        assert (written[0] if written else set()) == expected, name


def test_the_last_layer_is_what_the_factored_discrepancy_says() -> None:
    model, labeled, labels, candidates = problem("mlp")
    assert isinstance(model, nn.Sequential)
    with torch.no_grad():
        h, known = model[:-1](candidates), model[:-1](labeled)
        reference = mean_gradient(cross_entropy.residuals(model[-1](known), labels), known)
        expected = scores.discrepancy(h, cross_entropy.pseudo_residuals(model[-1](h)), reference, LABELED)
    found = discrepancy_over(model, candidates, labeled, labels, parameters="last")
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0.0)


def test_it_is_the_distance_to_the_set_with_the_candidate_in_it() -> None:
    # Eq. 11 to the letter: the mean gradient over the labeled set and the candidate, less the candidate's.
    model, labeled, labels, candidates = problem("mlp")
    guessed = model(candidates).argmax(dim=1)
    names = list(select_parameters(model, "all"))

    def mean(inputs: Tensor, targets: Tensor) -> Tensor:
        found = mean_gradient_over(model, inputs, targets)
        return torch.cat([found[name].flatten() for name in names])

    expected = [
        (mean(torch.cat([labeled, x[None]]), torch.cat([labels, y[None]])) - mean(x[None], y[None])).norm()
        for x, y in zip(candidates, guessed, strict=True)
    ]
    torch.testing.assert_close(
        discrepancy_over(model, candidates, labeled, labels), torch.stack(expected), rtol=1e-9, atol=0.0
    )


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_candidates_on_the_mean_and_near_it_keep_their_digits(scale: float) -> None:
    model, labeled, _, _ = problem("mlp")
    one = scale * labeled[:1].float()
    near = one + 1e-3 * scale * torch.randn(1, 6, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        label = model(one.double()).argmax(dim=1)
    exact = discrepancy_over(model, near.double(), one.double(), label)
    model = model.float()
    found = discrepancy_over(model, torch.cat([one, near]), one.repeat(5, 1), label.repeat(5)) * (6 / 5)
    length = example_gradients(model, one, cross_entropy.pseudo_residuals(model(one).detach())).norm()
    assert float(found[0]) < 1e-5 * float(length)
    assert float(found[1]) == pytest.approx(2 * float(exact), rel=1e-2)


def test_gradients_are_written_out_a_few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import ladle.gradients.any_parameters as module

    model, labeled, labels, candidates = problem("used twice")
    expected = discrepancy_over(model, candidates, labeled, labels)
    # Room for two examples, or for one where even that is too much.
    for elements in (2 * sum(values.numel() for values in model.parameters()), 1):
        monkeypatch.setattr(module, "_ELEMENTS", elements)
        torch.testing.assert_close(discrepancy_over(model, candidates, labeled, labels), expected, rtol=1e-12, atol=0.0)


def test_parameters_are_chosen_by_place_or_by_name() -> None:
    layers = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU())
    assert list(select_parameters(layers, "last")) == ["2.weight", "2.bias"]
    assert list(select_parameters(layers, "1.weight")) == ["1.weight"]
    assert list(select_parameters(layers, ["2.bias", "0.weight"])) == ["0.weight", "2.bias"]


def test_another_loss_brings_its_own_residuals_and_pseudo_labels() -> None:
    model, labeled, _, candidates = problem("convolutions")
    labels = (torch.rand(LABELED, CLASSES, generator=torch.Generator().manual_seed(1)) < 0.5).double()
    names = [key for key, _ in model.named_parameters()]
    found = discrepancy_over(model, candidates, labeled, labels, loss=binary_cross_entropy)
    expected = plain_scores(model, labeled, labels, candidates, binary_cross_entropy, names)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0.0)


def test_written_out_gradients_are_those_of_plain_passes_and_the_model_is_left_as_found() -> None:
    model, _, _, candidates = problem("convolutions")
    model.train()
    model[1].eval()  # type: ignore[index]
    before = {name: values.clone() for name, values in model.state_dict().items()}
    with torch.no_grad():
        residuals = torch.randn(CANDIDATES, CLASSES, dtype=torch.float64)
    found = example_gradients(model, candidates, residuals)
    discrepancy_over(model, candidates, candidates[:2], torch.tensor([0, 1]))
    assert [module.training for module in model.modules()].count(False) == 1
    for name, values in model.state_dict().items():
        assert torch.equal(values, before[name])
    assert all(values.grad is None for values in model.parameters())
    model.eval()
    names = [key for key, _ in model.named_parameters()]
    expected = [plain_gradient(model, *pair, names) for pair in zip(candidates, residuals, strict=True)]
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-9, atol=1e-12)


def test_an_estimate_from_whole_batches_is_exact() -> None:
    model, labeled, labels, candidates = problem("mlp")
    found = estimated_discrepancy(
        model, candidates, labeled, labels, batches=3, batch_size=LABELED, generator=np.random.default_rng(0)
    )
    torch.testing.assert_close(found.scores, discrepancy_over(model, candidates, labeled, labels), rtol=1e-9, atol=0.0)
    assert found.standard_error < 1e-6


def test_batches_of_one_example_estimate_the_mean_of_those_drawn() -> None:
    model, labeled, labels, candidates = problem("mlp")
    found = estimated_discrepancy(
        model, candidates, labeled, labels, batches=2, batch_size=1, generator=np.random.default_rng(0)
    )
    generator = np.random.default_rng(0)
    drawn = np.concatenate([generator.choice(LABELED, size=1, replace=False) for _ in range(2)])
    # The factor m / (m + 1) is that of the whole labeled set, of which the two are a sample.
    expected = discrepancy_over(model, candidates, labeled[drawn], labels[drawn]) * (3 / 2) * LABELED / (LABELED + 1)
    torch.testing.assert_close(found.scores, expected, rtol=1e-9, atol=0.0)


def test_the_standard_error_is_how_far_the_estimate_is_off() -> None:
    model, labeled, labels, candidates = problem("mlp")
    exact = discrepancy_over(model, candidates, labeled, labels)
    errors: dict[int, list[float]] = {}
    for batches in (2, 8):
        said, true = [], []
        for seed in range(150):
            found = estimated_discrepancy(
                model, candidates, labeled, labels, batches=batches, batch_size=2, generator=np.random.default_rng(seed)
            )
            said.append(found.standard_error**2)
            true.append(float((found.scores - exact).abs().max()))
        # No score moves further than the reference does; the mean square of that is what the standard error says.
        assert np.mean(np.square(true)) <= 1.15 * np.mean(said)
        assert np.mean(np.square(true)) >= 0.05 * np.mean(said)
        errors[batches] = said
    assert np.mean(errors[8]) == pytest.approx(np.mean(errors[2]) / 4, rel=0.25)


def test_what_cannot_be_is_said_in_one_line() -> None:
    model, labeled, labels, candidates = problem("mlp")
    with pytest.raises(UnknownNameError, match=r"2\.weight"):
        discrepancy_over(model, candidates, labeled, labels, parameters=["2.wieght"])
    with pytest.raises(InputError, match="name some"):
        select_parameters(nn.ReLU(), "all")
    with pytest.raises(InputError, match="name some"):
        select_parameters(nn.Conv2d(1, 1, 1), "last")
    with pytest.raises(InputError, match="label for each"):
        discrepancy_over(model, candidates, labeled, labels[:-1])
    with pytest.raises(InputError, match="label a few first"):
        discrepancy_over(model, candidates, labeled[:0], labels[:0])
    with pytest.raises(InputError, match="two batches"):
        estimated_discrepancy(
            model, candidates, labeled, labels, batches=1, batch_size=2, generator=np.random.default_rng(0)
        )
    model[0].weight.requires_grad_(False)  # type: ignore[index]
    with pytest.raises(InputError, match="unfreeze"):
        discrepancy_over(model, candidates, labeled, labels, parameters=["0.weight"])
    assert len(discrepancy_over(model, candidates[:0], labeled, labels)) == 0


class Spare(nn.Module):
    """A network with a layer that its output does not depend on, and a convolution without padding."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = nn.Conv2d(1, 2, 2, padding="valid")
        self.spare = nn.Linear(2, 2)
        self.head = nn.Linear(18, 3)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(torch.tanh(self.pixels(images)).flatten(1))
        return logits


def test_a_layer_without_padding_and_one_without_a_gradient() -> None:
    torch.manual_seed(0)
    model = Spare().double()
    images, labels = torch.randn(9, 1, 4, 4, dtype=torch.float64), torch.arange(5) % 3
    found = discrepancy_over(model, images[5:], images[:5], labels, parameters="all")
    expected = plain_scores(
        model,
        images[:5],
        labels,
        images[5:],
        cross_entropy,
        ["pixels.weight", "pixels.bias", "head.weight", "head.bias"],
    )
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0.0)
