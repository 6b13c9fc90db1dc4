"""What a session is given from outside, checked and brought into one form."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
import torch

from ladle.arrays import as_indices, as_tensor
from ladle.errors import InputError
from ladle.typing import Array, Indices, Inputs, ModelInputs

#: What a session reads: the pool in one array, or its parts in a tuple or by name.
PoolInputs: TypeAlias = Inputs | Array | tuple[Array, ...] | Mapping[str, Array]


def read_seed(seed: int) -> int:
    """Return a seed that is a whole number from 0.

    Raises:
        InputError: anything else.
    """
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if number < 0:
        raise InputError(f"a seed must be an integer of at least 0 (got seed={seed!r}); choose another")
    return number


def read_pool(inputs: PoolInputs) -> ModelInputs:
    """Return a pool as tensors or a CSR matrix, float64 NumPy arrays as float32.

    Raises:
        InputError: anything but arrays, or no examples.
    """
    if isinstance(inputs, tuple):
        return tuple(_read_array(part) for part in inputs)
    if isinstance(inputs, Mapping):
        return {name: _read_array(part) for name, part in inputs.items()}
    return inputs.tocsr() if scipy.sparse.issparse(inputs) else _read_array(inputs)


def _read_array(inputs: Array) -> torch.Tensor:
    if not isinstance(inputs, torch.Tensor | np.ndarray):
        raise InputError(
            "a pool must be a NumPy array, a torch tensor or a SciPy sparse matrix, or dense arrays in a tuple or dict "
            f"(got {type(inputs).__name__}); convert it, for instance with numpy.asarray"
        )
    tensor = as_tensor(inputs)
    if isinstance(inputs, np.ndarray) and tensor.dtype == torch.float64:
        tensor = tensor.float()
    if tensor.ndim == 0 or len(tensor) == 0:
        raise InputError(f"a pool needs examples along its first axis (got shape {tuple(tensor.shape)}); add some")
    return tensor


def read_embeddings(embeddings: Array | Inputs | None, pool: ModelInputs, examples: int) -> Inputs:
    """Return what distances of a cold start are taken between: the embeddings, or else the pool itself.

    Raises:
        InputError: embeddings of other examples, or none for a pool in parts, which has no distances.
    """
    found = pool if embeddings is None else read_pool(embeddings)
    if isinstance(found, tuple | Mapping):
        raise InputError(
            f"a cold start by distance needs one array (got {len(found)} parts); pass embeddings, or take "
            "cold_start='random'"
        )
    if found.shape[0] != examples:
        raise InputError(
            f"embeddings need a row for each example of the pool (got embeddings={found.shape[0]}, pool={examples}); "
            "embed the whole pool"
        )
    return found


def read_class_numbers(labels: Any) -> Indices:
    """Return labels as class numbers.

    Raises:
        InputError: anything but whole numbers from 0.
    """
    try:
        classes = as_indices(labels)
    except InputError:
        kind = np.asarray(labels).dtype
        raise InputError(f"labels must be class numbers (got {kind}); encode them as integers from 0") from None
    if len(classes) and classes.min() < 0:
        raise InputError(f"labels must be class numbers from 0 (got {classes.min()}); encode them so")
    return classes


def read_multi_labels(labels: Any, examples: int, known: Indices) -> Indices:
    """Return multi-label labels as (k, C) zeros and ones, as wide as those known.

    Raises:
        InputError: another shape, or other numbers.
    """
    try:
        rows = np.atleast_2d(as_tensor(labels).cpu().numpy())
    except (TypeError, ValueError):
        rows = np.empty((0, 0))
    width = known.shape[1] if len(known) else rows.shape[1]
    if rows.shape != (examples, width) or width == 0 or not np.isin(rows, (0, 1)).all():
        raise InputError(
            f"labels must be a row of zeros and ones an example, one a class (got shape {rows.shape} for "
            f"{examples} examples{f' and {width} classes' if len(known) else ''}); pass them one to one"
        )
    return rows.astype(np.int64)


def read_indices(indices: Any, size: int) -> Indices:
    """Return distinct indices into a pool of this size.

    Raises:
        InputError: none, one outside of the pool, or one that comes twice.
    """
    rows = as_indices(indices)
    if len(rows) == 0 or rows.min() < 0 or rows.max() >= size:
        got = f"{rows.min()} to {rows.max()}" if len(rows) else "none"
        raise InputError(f"indices must be from 0 to {size - 1} (got {got}); count in the whole pool")
    if len(np.unique(rows)) < len(rows):
        raise InputError("an example is told once (got an index twice); name each once")
    return rows
