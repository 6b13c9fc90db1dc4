"""The networks by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from types import MappingProxyType

from torch import nn

from ladle.errors import ConfigError, InputError, UnknownNameError
from ladle.models.head import HIDDEN
from ladle.models.import_path import factory_at, is_import_path
from ladle.models.lenet import LeNet
from ladle.models.mlp import MLP
from ladle.models.resnet import ResNet18
from ladle.models.vgg import VGG16

#: Height and width of the images the convolutional networks take.
IMAGE_SIZE = 32


@dataclass(frozen=True)
class ModelConfig:
    """Which network, and the widths of its hidden linear layers.

    Attributes:
        name: a key of `MODELS`, or ``module:callable``, which makes a network of the user's own.
        hidden: widths of the head, or of the whole MLP; at least one. A network of the user's own does not see them.

    Raises:
        ConfigError: no width, or one below 1.
        UnknownNameError: no network of this name.
    """

    name: str = "mlp"
    hidden: tuple[int, ...] = HIDDEN

    def __post_init__(self) -> None:
        if self.name not in MODELS and not is_import_path(self.name):
            raise UnknownNameError.among("model", self.name, MODELS)
        _check_hidden(self.hidden)


@dataclass(frozen=True)
class ModelShape:
    """What a network is built for.

    Attributes:
        example: shape of one example, channels first; (columns,) of a sparse matrix.
        classes: number of logits.
        hidden: widths of the hidden linear layers.
        sparse: whether the inputs are a sparse matrix.
    """

    example: tuple[int, ...]
    classes: int
    hidden: tuple[int, ...]
    sparse: bool


@dataclass(frozen=True)
class ModelEntry:
    """What the catalog knows of a network.

    Attributes:
        summary: what it is, in a line.
        fits: which inputs it takes, in a line.
        images: whether it takes 32 × 32 images only.
        build: makes it for a shape it fits.
    """

    summary: str
    fits: str
    images: bool
    build: Callable[[ModelShape], nn.Module]


def _mlp(shape: ModelShape) -> nn.Module:
    return MLP(prod(shape.example), shape.classes, hidden=shape.hidden, sparse=shape.sparse)


def _lenet(shape: ModelShape) -> nn.Module:
    return LeNet(shape.example[0], shape.classes, hidden=shape.hidden)


def _resnet18(shape: ModelShape) -> nn.Module:
    return ResNet18(shape.example[0], shape.classes, hidden=shape.hidden)


def _vgg16(shape: ModelShape) -> nn.Module:
    return VGG16(shape.example[0], shape.classes, hidden=shape.hidden)


_IMAGES = "images of 32 × 32 pixels, channels first"

#: The networks of the paper; their names are what experiment files and the command line take.
MODELS: Mapping[str, ModelEntry] = MappingProxyType(
    {
        "mlp": ModelEntry("multilayer perceptron", "inputs of any shape, sparse too", images=False, build=_mlp),
        "lenet": ModelEntry("LeNet, two convolutions", _IMAGES, images=True, build=_lenet),
        "resnet18": ModelEntry("ResNet-18, for small images", _IMAGES, images=True, build=_resnet18),
        "vgg16": ModelEntry("VGG-16 with batch norm", _IMAGES, images=True, build=_vgg16),
    }
)


def build_model(
    name: str,
    *,
    example_shape: tuple[int, ...],
    classes: int,
    sparse: bool = False,
    hidden: Sequence[int] = HIDDEN,
) -> Callable[[], nn.Module]:
    """Return a function that makes a new, untrained network, to hand to `train`.

    Everything is checked here, before any data is read or weight is drawn.

    Args:
        name: a key of `MODELS`, or ``module:callable`` as `factory_at` takes it.
        example_shape: shape of one example, channels first; (columns,) of a sparse matrix.
        classes: number of logits, at least 2.
        sparse: whether the inputs are a sparse matrix.
        hidden: widths of the hidden linear layers, as in `ModelConfig`.

    Returns:
        A function without arguments; it can be pickled.

    Raises:
        UnknownNameError: no network of this name.
        ConfigError: no hidden width, or one below 1; a factory that cannot be imported or called.
        InputError: the network does not take such inputs, or there are fewer than two classes.
    """
    if is_import_path(name):
        return factory_at(name, example_shape=tuple(example_shape), classes=classes)
    if name not in MODELS:
        raise UnknownNameError.among("model", name, MODELS)
    entry = MODELS[name]
    _check_hidden(hidden)
    if classes < 2:
        raise InputError(f"a model needs at least two classes (got classes={classes}); nothing is to be told apart")
    if entry.images and (sparse or len(example_shape) != 3 or example_shape[1:] != (IMAGE_SIZE, IMAGE_SIZE)):
        raise InputError(
            f"{name} takes {entry.fits} (got examples of shape {example_shape}{', sparse' if sparse else ''}); "
            f"use mlp, or set image_size = {IMAGE_SIZE}"
        )
    if not example_shape or min(example_shape) < 1 or (sparse and len(example_shape) != 1):
        raise InputError(
            f"{name} takes {entry.fits} (got examples of shape {example_shape}{', sparse' if sparse else ''}); "
            "give every example at least one number, and a sparse one a single axis"
        )
    return partial(entry.build, ModelShape(tuple(example_shape), classes, tuple(hidden), sparse))


def _check_hidden(hidden: Sequence[int]) -> None:
    if not isinstance(hidden, list | tuple):
        raise ConfigError(f"hidden must be a list of widths (got hidden={hidden!r}); write hidden = [512, 256]")
    if not hidden or any(isinstance(width, bool) or not isinstance(width, int) or width < 1 for width in hidden):
        raise ConfigError(
            f"hidden must hold at least one width of at least 1 (got hidden={tuple(hidden)}); the paper's are {HIDDEN}"
        )
