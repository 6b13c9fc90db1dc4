"""The trained model as a file of its own: weights, classes, and what it takes to read new examples."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ladle.data import read_image, stack_images
from ladle.errors import ConfigError, DataError, InputError, MissingExtraError, SessionError, reason_of
from ladle.files import written_whole
from ladle.labeling.encoders import encode
from ladle.labeling.new_examples import new_embeddings, new_table, new_texts
from ladle.labeling.project import LabelingProject
from ladle.labeling.readers import describe_reader, read_reader, text_rows
from ladle.labeling.sources import Kind
from ladle.models import IMAGE_SIZE, build_model, pool_outputs
from ladle.models.import_path import is_import_path
from ladle.typing import Inputs

if TYPE_CHECKING:
    import pandas as pd

_VERSION = 1
_KEY = "ladle"
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class TrainedModel:
    """A model that was trained on labels, and reads examples as its source did.

    Attributes:
        kind: what it reads: images, texts, a table or embeddings.
        classes: names, in the order of its logits.
        network: the module, in eval mode.
        example_shape: of one example as the network reads it.
        reader: makes rows of texts or of a table; None for anything else.
        encoder: makes embeddings of texts or images, ``sentence-transformers:NAME``; None without one.
        scale: what embeddings are multiplied with.
    """

    kind: Kind
    classes: tuple[str, ...]
    network: nn.Module
    example_shape: tuple[int, ...]
    reader: Any = None
    encoder: str | None = None
    scale: float = 1.0

    def predict(
        self, examples: Sequence[str | Path] | NDArray[Any] | pd.DataFrame | str | Path
    ) -> tuple[list[str], NDArray[np.float32]]:
        """Return the most probable class of each example, and the probabilities of all.

        Args:
            examples: a list of paths of images, or of texts; a file of embeddings, or (n, d) of them; a file of rows
                of a table, or a frame, which have the columns it was trained on and may have others.

        Returns:
            n names, and (n, C) probabilities in the order of ``classes``.

        Raises:
            DataError: a file that cannot be read, a column that is missing or of another kind, or an encoder that is
                not there.
            ConfigError: a kind of file that is not read.
            InputError: no examples, an empty text, embeddings of another width, or something else than this model
                reads.
            MissingExtraError: the model reads embeddings of sentence-transformers, which is not installed.

        Cost: one forward pass.
        """
        logits = pool_outputs(self.network, self._read(examples)).logits
        probabilities = torch.softmax(logits, dim=1).numpy()
        if not np.isfinite(probabilities).all():
            row = int(np.flatnonzero(~np.isfinite(probabilities).all(axis=1))[0])
            raise InputError(
                f"a prediction is a number (got NaN for example {row}); its numbers are far from those in training"
            )
        return [self.classes[number] for number in probabilities.argmax(axis=1)], probabilities

    def _read(self, examples: Any) -> Inputs:
        if self.kind == "table":
            frame, origin = new_table(examples, self.reader)
            return torch.from_numpy(self.reader.encode(frame, path=origin))
        if self.kind == "embeddings":
            return torch.from_numpy(new_embeddings(examples, self.example_shape[0], self.scale))
        listed = new_texts(self.kind, examples)
        if self.encoder is not None:
            rows = encode(self.encoder, listed, images=self.kind == "images")
            return torch.from_numpy(rows * np.float32(self.scale))
        if self.kind == "texts":
            return text_rows(self.reader, listed)
        images = (read_image(Path(name), name) for name in listed)
        return stack_images(images, len(listed), size=IMAGE_SIZE, grey=False)


def save_trained(project: LabelingProject, path: Path) -> None:
    """Write the model trained on all labels so far as one safetensors file.

    Args:
        project: with labels of two classes at least.
        path: file to write, .safetensors.

    Raises:
        SessionError: labels of fewer than two classes.
        DataError: a place that cannot be written, or a full disk; what stood there stays.
        MissingExtraError: safetensors is not installed.

    Cost: one training, if the labels have changed since the last.
    """
    source, session = project.source, project.session
    if len(np.unique(session.labels)) < 2:
        raise SessionError(
            f"a model tells classes apart (got labels of {len(np.unique(session.labels))}); label examples of another"
        )
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in session.model.state_dict().items()}
    about: dict[str, Any] = {
        "version": _VERSION,
        "kind": source.kind,
        "model": project.model,
        "classes": project.classes,
        "example_shape": list(source.inputs.shape[1:]),
        "labels": len(session.labeled),
        "encoder": source.encoder,
        "scale": float(source.scale),
    }
    said, tensors = describe_reader(source.reader)
    with written_whole(Path(path)) as partial:
        partial.write_bytes(_safetensors().save(weights | tensors, metadata={_KEY: json.dumps(about | said)}))


def load_trained(path: str | Path, *, model: str | None = None, encoder: str | None = None) -> TrainedModel:
    """Read a model that ``save_trained`` wrote. Nothing in the file is executed, and nothing imported for it.

    Args:
        path: the .safetensors file.
        model: the network as the file names it, ``module:callable``, where it is one of your own: it is imported and
            called, so that somebody has to say that it may be.
        encoder: what makes embeddings for it, where something does: ``sentence-transformers:NAME``, of the hub or in a
            folder. Loading one may import code too, so that it has to be said as well.

    Raises:
        DataError: no such file, or one that is damaged or holds something else.
        ConfigError: a network of the user's own that is not named, or cannot be imported here; an encoder that is not
            named, or one for a model that has none.
        MissingExtraError: safetensors is not installed.

    Example:
        ``names, probabilities = load_trained("model.safetensors").predict(["new.jpg"])``
    """
    _safetensors()
    from safetensors import safe_open

    if not Path(path).is_file():
        raise DataError(
            f"a trained model is a .safetensors file of ladle export (got {path}, no file); correct the path"
        )
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})[_KEY])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        version = about["version"]
    # The file may hold anything: no JSON, nesting without end, names that are no text.
    except Exception as error:
        raise DataError(
            f"a trained model is a .safetensors file of ladle export (got {path}: {reason_of(error)}); export it again"
        ) from error
    if version != _VERSION:
        raise DataError(f"a model of version {_VERSION} is read (got {version!r} in {path}); update Ladle")
    try:
        _check_about(about)
        kind = about["kind"] if about["encoder"] is None else "embeddings"
        reader = read_reader(kind, about, weights, width=about["example_shape"][0])
    except (KeyError, ValueError) as error:
        raise DataError(f"a trained model says what it is (got {path}: {reason_of(error)}); export it again") from error
    if is_import_path(about["model"]) and about["model"] != model:
        raise ConfigError(
            f"a network of one's own is imported only where it is named (got one of {about['model']!r}, model="
            f"{model!r}); if you trust that code, pass model={about['model']!r}"
        )
    if (about["encoder"] is None) != (encoder is None):
        raise ConfigError(
            "an encoder is loaded only where it is named, for a model that reads what it makes (got "
            f"encoder={encoder!r}, the file says {about['encoder']!r}); pass that, if you trust it"
        )
    shape, classes = tuple(about["example_shape"]), tuple(about["classes"])
    build = build_model(about["model"], example_shape=shape, classes=len(classes), sparse=kind == "texts")
    try:
        if not is_import_path(about["model"]):
            _check_shapes(build, weights)
        network = build()
        network.load_state_dict(weights)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"the weights fit the network (got {path}: {reason_of(error)}); export the model again"
        ) from error
    return TrainedModel(about["kind"], classes, network.eval(), shape, reader, encoder, about["scale"])


def _check_about(about: dict[str, Any]) -> None:
    """Raise ValueError or KeyError for a description that no ``save_trained`` wrote."""
    classes, shape = about["classes"], about["example_shape"]
    encoder, scale = about["encoder"], about["scale"]
    right = {
        "kind": about["kind"] in get_args(Kind),
        "model": isinstance(about["model"], str),
        "classes": _are(str, classes) and len(set(classes)) == len(classes) >= 2,
        "example_shape": _are(int, shape)
        and min(shape, default=0) >= 1
        and (len(shape) == 1 or (about["kind"] == "images" and encoder is None)),
        "encoder": encoder is None or (isinstance(encoder, str) and about["kind"] in ("images", "texts")),
        "scale": type(scale) is float and 0.0 < scale < _LARGEST,
    }
    for key, holds in right.items():
        if not holds:
            raise ValueError(f"{key}={str(about[key])[:60]!r}")


def _are(kind: type, values: object) -> bool:
    return isinstance(values, list) and all(type(value) is kind for value in values)


def _check_shapes(build: Callable[[], nn.Module], weights: dict[str, Tensor]) -> None:
    """Raise ValueError for weights of other names or shapes, before memory is taken for what a file merely claims."""
    with torch.device("meta"):
        wanted = {name: tuple(tensor.shape) for name, tensor in build().state_dict().items()}
    for name in sorted(wanted.keys() | weights.keys()):
        came = tuple(weights[name].shape) if name in weights else None
        if came != wanted.get(name):
            raise ValueError(f"{name} of shape {came}, the network's {wanted.get(name)}")
        if not _is_finite(weights[name]):
            raise ValueError(f"{name} with NaN or infinity")


def _is_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ModuleNotFoundError as error:
        raise MissingExtraError.needs("a trained model's file", "label") from error
    return safetensors.torch
