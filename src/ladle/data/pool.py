"""A data set as experiments see it: the pool, the validation split and the test split."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from ladle.data.fingerprint import digest_of
from ladle.errors import InputError
from ladle.typing import Inputs

Modality: TypeAlias = Literal["image", "table", "text"]


@dataclass(frozen=True, eq=False)
class Pool:
    """Inputs and labels of the pool, the validation split and the test split, disjoint from each other.

    Inputs are float32: (n, channels, height, width) images, (n, d) tables, or an (n, columns) csr matrix of text. The
    pool's rows are in a shuffled order fixed by the split seed: files are often sorted by class, and selectors give
    ties to the lowest index.

    Attributes:
        name: the data set's name; of a user's file, the file's own.
        modality: what kind of model reads it.
        inputs: (n, ...) rows that may be asked for.
        labels: (n,) int64 class numbers, what the oracle answers.
        validation_inputs: (v, ...) rows for choosing a learning rate; never in the pool.
        validation_labels: (v,) their classes.
        test_inputs: (t, ...) rows for the reported accuracy.
        test_labels: (t,) their classes.
        classes: C names, in the order of the class numbers.

    Raises:
        InputError: arrays that do not fit each other.
    """

    name: str
    modality: Modality
    inputs: Inputs
    labels: Tensor
    validation_inputs: Inputs
    validation_labels: Tensor
    test_inputs: Inputs
    test_labels: Tensor
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for part, (inputs, labels) in self.parts().items():
            _check_part(part, inputs, labels, len(self.classes))
            if isinstance(inputs, Tensor) != isinstance(self.inputs, Tensor) or _row(inputs) != _row(self.inputs):
                raise InputError(
                    f"all parts of a pool have rows of one kind and shape (got pool {_described(self.inputs)},"
                    f" {part} {_described(inputs)}); prepare them alike"
                )

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one row: (channels, height, width) or (columns,)."""
        return _row(self.inputs)

    def parts(self) -> dict[str, tuple[Inputs, Tensor]]:
        """Return the inputs and labels of the parts ``pool``, ``validation`` and ``test``, in that order."""
        return {
            "pool": (self.inputs, self.labels),
            "validation": (self.validation_inputs, self.validation_labels),
            "test": (self.test_inputs, self.test_labels),
        }

    def summary(self) -> dict[str, Any]:
        """Return the counts that go into the store, as JSON values.

        ``class_counts`` holds, for each part, the rows of each class in the order of ``class_names``.
        """
        count = len(self.classes)
        return {
            "name": self.name,
            "modality": self.modality,
            "pool": len(self),
            "validation": int(self.validation_labels.shape[0]),
            "test": int(self.test_labels.shape[0]),
            "classes": count,
            "class_names": list(self.classes),
            "class_counts": {
                part: torch.bincount(labels, minlength=count).tolist() for part, (_, labels) in self.parts().items()
            },
            "example_shape": list(self.example_shape),
        }

    def fingerprint(self) -> str:
        """Return a SHA-256 in hexadecimal over classes, inputs and labels of all parts.

        The same content gives the same text in every process and on every machine; the name is left out.

        Cost: one pass over all arrays, about a second a gigabyte.
        """
        heading = json.dumps([self.modality, list(self.classes)])
        return digest_of(heading, [(name, part) for name, pair in self.parts().items() for part in pair])


def _row(inputs: Inputs) -> tuple[int, ...]:
    return tuple(int(length) for length in inputs.shape[1:])


def _described(inputs: Inputs) -> str:
    kind = "tensor" if isinstance(inputs, Tensor) else "csr"
    return f"{kind} {tuple(inputs.shape)}"


def _check_part(part: str, inputs: Inputs, labels: Tensor, classes: int) -> None:
    kinds = {Tensor: torch.float32, scipy.sparse.csr_matrix: np.float32}
    if not any(isinstance(inputs, kind) and inputs.dtype == dtype for kind, dtype in kinds.items()):
        raise InputError(
            f"inputs are a float32 tensor or a float32 csr matrix (got {part} inputs of {type(inputs).__name__} and"
            f" {getattr(inputs, 'dtype', 'no dtype')}); convert them"
        )
    if labels.dtype != torch.int64 or labels.ndim != 1:
        raise InputError(
            f"labels are one int64 class number a row (got {part} labels {labels.dtype} {tuple(labels.shape)});"
            " convert them"
        )
    rows = inputs.shape[0]
    if rows != labels.shape[0] or rows == 0:
        raise InputError(
            f"every part has rows, with one label each (got {part} inputs={rows}, labels={labels.shape[0]});"
            " pair them up"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise InputError(
            f"labels count from 0 to classes - 1 (got {part} labels from {low} to {high}, classes={classes});"
            " renumber them or name every class"
        )
