"""The networks: their parameters against what the architectures say, and the catalog."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from torch import nn

from ladle.errors import ConfigError, InputError, LadleError, UnknownNameError
from ladle.models import MODELS, ModelConfig, build_model, find_last_layer, mlp_head


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def linear(*widths: int) -> int:
    """Weights and biases of linear layers one after the other."""
    return sum(i * o + o for i, o in pairwise(widths))


def convolutions(kernel: int, *widths: int) -> int:
    """Weights of convolutions without bias, each with the two numbers a channel of batch norm."""
    return sum(i * o * kernel**2 + 2 * o for i, o in pairwise(widths))


@pytest.mark.parametrize("channels", [1, 3])
def test_networks_have_the_parameters_their_architecture_implies(channels: int) -> None:
    lenet = channels * 6 * 25 + 6 + 6 * 16 * 25 + 16 + linear(16 * 25, 512, 256, 10)
    resnet = convolutions(3, channels, *[64] * 5)
    for narrow, wide in ((64, 128), (128, 256), (256, 512)):
        resnet += convolutions(3, narrow, wide, wide, wide, wide) + convolutions(1, narrow, wide)
    vgg = convolutions(3, channels, 64, 64, 128, 128, 256, 256, 256, *[512] * 6)
    expected = {
        "lenet": lenet,
        "resnet18": resnet + linear(512, 512, 256, 10),
        "vgg16": vgg + linear(512, 512, 256, 10),
    }
    for name, parameters in expected.items():
        assert count(build_model(name, example_shape=(channels, 32, 32), classes=10)()) == parameters


def test_trunks_of_published_size() -> None:
    # 11,173,962 and 14,728,266 are the counts for CIFAR-10 with one linear layer from 512 features to 10 classes,
    # the second with a bias in each convolution.
    resnet = build_model("resnet18", example_shape=(3, 32, 32), classes=10)()
    assert count(resnet) - linear(512, 512, 256, 10) + linear(512, 10) == 11_173_962
    vgg = build_model("vgg16", example_shape=(3, 32, 32), classes=10)()
    biases = 64 * 2 + 128 * 2 + 256 * 3 + 512 * 6
    assert count(vgg) - linear(512, 512, 256, 10) + linear(512, 10) + biases == 14_728_266


@pytest.mark.parametrize("sparse", [False, True])
def test_mlp_has_the_parameters_its_architecture_implies(sparse: bool) -> None:
    assert count(build_model("mlp", example_shape=(64,), classes=10, sparse=sparse)()) == linear(64, 512, 256, 10)


@pytest.mark.parametrize("name", ["lenet", "resnet18", "vgg16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_image_networks_return_logits(name: str, channels: int) -> None:
    model = build_model(name, example_shape=(channels, 32, 32), classes=7)().eval()
    assert model(torch.zeros(2, channels, 32, 32)).shape == (2, 7)
    assert find_last_layer(model).in_features == 256


@pytest.mark.parametrize("shape", [(5,), (2, 3), (1, 4, 4)])
def test_mlp_flattens_what_it_gets(shape: tuple[int, ...]) -> None:
    model = build_model("mlp", example_shape=shape, classes=3, hidden=(8, 4))()
    examples = torch.randn(6, *shape)
    torch.testing.assert_close(model(examples), model(examples.flatten(1)))
    assert model(examples).shape == (6, 3)


@pytest.mark.parametrize(("hidden", "widths"), [((), (4, 3)), ((6,), (4, 6, 3)), ((6, 5), (4, 6, 5, 3))])
def test_head_is_linear_layers_with_relus_between(hidden: Sequence[int], widths: tuple[int, ...]) -> None:
    head = mlp_head(4, 3, hidden)
    layers = [module for module in head if isinstance(module, nn.Linear)]
    assert [layer.in_features for layer in layers] == list(widths[:-1])
    assert len(head) == 2 * len(hidden) + 1
    examples = torch.randn(5, 4)
    expected = examples
    for layer in layers:
        expected = layer(expected.clamp(min=0) if expected is not examples else expected)
    torch.testing.assert_close(head(examples), expected)


def test_builders_can_be_pickled_and_build_anew_each_time() -> None:
    build = pickle.loads(pickle.dumps(build_model("mlp", example_shape=(3,), classes=2, hidden=(4,))))
    first, second = build(), build()
    assert first is not second
    assert not torch.equal(next(first.parameters()), next(second.parameters()))


@pytest.mark.parametrize("name", MODELS)
def test_every_entry_says_what_it_is(name: str) -> None:
    assert MODELS[name].summary
    assert MODELS[name].fits
    assert ModelConfig(name).hidden == (512, 256)


@pytest.mark.parametrize(
    ("name", "shape", "sparse", "classes", "error", "says"),
    [
        (
            "lenet",
            (3, 96, 96),
            False,
            10,
            InputError,
            r"got examples of shape \(3, 96, 96\)\); use mlp, or",
        ),
        ("vgg16", (32, 32), False, 10, InputError, r"\(32, 32\)"),
        ("resnet18", (32, 32, 3), False, 10, InputError, "channels first"),
        ("lenet", (3072,), True, 10, InputError, "sparse"),
        ("mlp", (3, 32, 32), True, 10, InputError, "a single axis"),
        ("mlp", (0,), False, 10, InputError, "at least one number"),
        ("mlp", (4,), False, 1, InputError, "got classes=1"),
        ("lenet5", (3, 32, 32), False, 10, UnknownNameError, "did you mean 'lenet'"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_built(
    name: str, shape: tuple[int, ...], sparse: bool, classes: int, error: type[LadleError], says: str
) -> None:
    with pytest.raises(error, match=says):
        build_model(name, example_shape=shape, classes=classes, sparse=sparse)


@pytest.mark.parametrize("hidden", [(), (0,), (512, -1), (2.5,), (True,)])
def test_hidden_widths_are_checked(hidden: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="hidden"):
        ModelConfig(hidden=hidden)
    with pytest.raises(ConfigError, match="hidden"):
        build_model("mlp", example_shape=(4,), classes=2, hidden=hidden)


def test_config_of_an_unknown_network() -> None:
    with pytest.raises(UnknownNameError, match="unknown model"):
        ModelConfig("perceptron")
