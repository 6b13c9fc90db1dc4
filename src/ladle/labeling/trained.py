"""The trained model as a file of its own: weights, classes, and what it takes to read new examples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ladle.data import read_image, stack_images
from ladle.errors import ConfigError, DataError, InputError, MissingExtraError, SessionError
from ladle.files import written_whole
from ladle.labeling.project import LabelingProject
from ladle.labeling.sources import Kind, text_rows, texts_reader
from ladle.models import IMAGE_SIZE, build_model, pool_outputs
from ladle.typing import Inputs

_VERSION = 1
_KEY, _IDF = "ladle", "texts.idf"
_READABLE: tuple[Kind, ...] = ("images", "texts", "embeddings")


@dataclass(frozen=True)
class TrainedModel:
    """A model that was trained on labels, and reads examples as its source did.

    Attributes:
        kind: what it reads: images, texts or embeddings.
        classes: names, in the order of its logits.
        network: the module, in eval mode.
        reader: makes rows of texts; None for anything else.
    """

    kind: Kind
    classes: tuple[str, ...]
    network: nn.Module
    reader: Any = None

    def predict(self, examples: Sequence[str | Path] | NDArray[Any]) -> tuple[list[str], NDArray[np.float32]]:
        """Return the most probable class of each example, and the probabilities of all.

        Args:
            examples: paths of images, texts, or (n, d) embeddings.

        Returns:
            n names, and (n, C) probabilities in the order of ``classes``.

        Raises:
            DataError: an image that cannot be read.
            InputError: no examples, or embeddings of another width.

        Cost: one forward pass.
        """
        if len(examples) == 0:
            raise InputError("a prediction is of at least one example (got none); give some")
        logits = pool_outputs(self.network, self._read(examples)).logits
        probabilities = torch.softmax(logits, dim=1).numpy()
        return [self.classes[number] for number in probabilities.argmax(axis=1)], probabilities

    def _read(self, examples: Sequence[str | Path] | NDArray[Any]) -> Inputs:
        if self.kind == "images":
            images = (read_image(Path(name), str(name)) for name in examples)
            return stack_images(images, len(examples), size=IMAGE_SIZE, grey=False)
        if self.kind == "texts":
            return text_rows(self.reader, [str(text) for text in examples])
        return torch.from_numpy(np.asarray(examples, dtype=np.float32))


def save_trained(project: LabelingProject, path: Path) -> None:
    """Write the model trained on all labels so far as one safetensors file.

    Args:
        project: with labels of two classes at least.
        path: file to write, .safetensors.

    Raises:
        ConfigError: a table, whose columns are encoded by its own rows.
        SessionError: labels of fewer than two classes.
        DataError: a place that cannot be written, or a full disk; what stood there stays.
        MissingExtraError: safetensors is not installed.

    Cost: one training, if the labels have changed since the last.
    """
    source, session = project.source, project.session
    if source.kind not in _READABLE:
        raise ConfigError(
            f"a model that reads new examples is one of {', '.join(_READABLE)} (got a {source.kind}, whose columns are "
            "encoded by its own rows); export its guesses with --guesses"
        )
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
    }
    if source.reader is not None:
        about["vocabulary"] = {word: int(column) for word, column in source.reader.vocabulary_.items()}
        weights[_IDF] = torch.from_numpy(np.asarray(source.reader.idf_, dtype=np.float64))
    with written_whole(Path(path)) as partial:
        partial.write_bytes(_safetensors().save(weights, metadata={_KEY: json.dumps(about)}))


def load_trained(path: str | Path) -> TrainedModel:
    """Read a model that ``save_trained`` wrote. Nothing in the file is executed.

    Args:
        path: the .safetensors file.

    Raises:
        DataError: no such file, or one that holds something else.
        ConfigError: a network of the user's own that cannot be imported here.
        MissingExtraError: safetensors is not installed.

    Example:
        ``names, probabilities = load_trained("model.safetensors").predict(["new.jpg"])``
    """
    _safetensors()
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})[_KEY])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise DataError(
            f"a trained model is a .safetensors file of ladle export (got {path}: {error}); export it again"
        ) from error
    if about["version"] != _VERSION:
        raise DataError(f"a model of version {_VERSION} is read (got {about['version']} in {path}); update Ladle")
    idf = weights.pop(_IDF, None)
    reader = None if idf is None else texts_reader(about["vocabulary"], idf.numpy())
    shape = tuple(about["example_shape"])
    network = build_model(
        about["model"], example_shape=shape, classes=len(about["classes"]), sparse=reader is not None
    )()
    network.load_state_dict(weights)
    return TrainedModel(about["kind"], tuple(about["classes"]), network.eval(), reader)


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ModuleNotFoundError as error:
        raise MissingExtraError.needs("a trained model's file", "label") from error
    return safetensors.torch
