"""NumPy or torch in, the same kind out: the two conversions every public function of tensors uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ladle.typing import Array, ArrayT, Indices


def as_tensor(values: Array | list[Any]) -> Tensor:
    """Return the values as a tensor, sharing memory where that is safe.

    float32, float64 and integers are kept; any other floating type (float16, bfloat16) becomes float32, since sums of
    squares overflow there. Read-only NumPy arrays are copied: torch has no read-only tensors.
    """
    if isinstance(values, Tensor):
        tensor = values.detach()
    else:
        array = np.asarray(values)
        tensor = torch.from_numpy(np.require(array, requirements=["C", "W"]))
    if tensor.is_floating_point() and tensor.dtype not in (torch.float32, torch.float64):
        return tensor.float()
    return tensor


def like(tensor: Tensor, given: ArrayT) -> ArrayT:
    """Return the tensor as the kind of array that was given: a tensor for a tensor, NumPy for NumPy."""
    if isinstance(given, Tensor):
        return tensor
    return cast(ArrayT, tensor.cpu().numpy())


def as_indices(values: Any) -> Indices:
    """Return the values as a one-dimensional int64 array, copied."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    array: NDArray[Any] = np.array(values)
    if array.size == 0:
        return np.empty(0, dtype=np.int64)
    return array.reshape(-1).astype(np.int64, casting="same_kind")


def blocks(tensor: Tensor, size: int) -> Iterator[Tensor]:
    """Yield the tensor in consecutive blocks of at most ``size`` along its first axis."""
    for start in range(0, len(tensor), size):
        yield tensor[start : start + size]
