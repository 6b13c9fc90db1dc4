"""NumPy or torch in, the same kind out: the conversions and sums every function of tensors uses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ladle.errors import InputError
from ladle.typing import Array, ArrayT, Indices

# Small enough for a processor's cache, where squaring costs no trip to memory.
_SCRATCH_ELEMENTS = 1 << 16
#: Rows shorter than this have squares, and sums and products of a few of them, that do not overflow.
LONGEST_ROW = {torch.float32: 1e17, torch.float64: 1e152}


def as_tensor(values: Array | list[Any]) -> Tensor:
    """Return the values as a tensor, sharing memory where that is safe.

    float32, float64 and integers are kept; any other floating type (float16, bfloat16) becomes float32, since sums of
    squares overflow there. Read-only NumPy arrays are copied: torch has no read-only tensors.

    Raises:
        TypeError: values that are not numbers, or of a type torch does not know.
        ValueError: rows of different lengths.
    """
    if isinstance(values, Tensor):
        tensor = values.detach()
    else:
        array = np.asarray(values)
        # Files may hold the other byte order, which torch cannot read.
        native = array.dtype.newbyteorder("=")
        tensor = torch.from_numpy(np.require(array, dtype=native, requirements=["C", "W"]))
    if tensor.is_floating_point() and tensor.dtype not in (torch.float32, torch.float64):
        return tensor.float()
    return tensor


def like(tensor: Tensor, given: ArrayT) -> ArrayT:
    """Return the tensor as the kind of array that was given: a tensor for a tensor, NumPy for NumPy."""
    if isinstance(given, Tensor):
        return tensor
    return tensor.cpu().numpy()


def as_indices(values: Any) -> Indices:
    """Return the values as a one-dimensional int64 array, copied.

    Raises:
        InputError: anything but whole numbers; a boolean mask too, which would read as the indices 0 and 1.
    """
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    try:
        array: NDArray[Any] = np.array(values)
    except ValueError:
        raise InputError("indices must be one row of whole numbers (got rows of different lengths); flatten") from None
    if array.size == 0:
        return np.empty(0, dtype=np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"indices must be whole numbers (got {array.dtype}); for a mask pass np.flatnonzero(mask)")
    return array.reshape(-1).astype(np.int64)


def squared_lengths(rows: Tensor) -> Tensor:
    """Return the (n,) squared Euclidean lengths of (n, d) rows.

    Plain sums of squares: exact where the squares are, unlike the square of a rounded norm. Rows on a grid keep their
    ties that way, and long rows keep more digits.

    Cost: O(n d) time, O(n) memory.
    """
    lengths = rows.new_empty(len(rows))
    at_once = max(1, _SCRATCH_ELEMENTS // max(1, rows.shape[1]))
    for start in range(0, len(rows), at_once):
        lengths[start : start + at_once] = rows[start : start + at_once].square().sum(dim=1)
    return lengths


def first_unusable_row(rows: Tensor, longest: float = math.inf) -> int | None:
    """Return the first row that holds NaN or infinity, or is not shorter than the longest allowed; None without one.

    Args:
        rows: (n, d) floating point.
        longest: a Euclidean length.

    Cost: one length of all numbers together; a mask and a length a row only where that says that something is wrong.
    """
    # One number that is not finite makes the whole length so, and one row that is too long makes it too long.
    if torch.linalg.vector_norm(rows) < longest:
        return None
    wrong = ~torch.isfinite(rows).all(dim=1)
    if longest < math.inf:
        wrong |= ~(torch.linalg.vector_norm(rows, dim=1) < longest)
    found = torch.nonzero(wrong)
    return int(found[0]) if len(found) else None


def blocks(tensor: Tensor, size: int) -> Iterator[Tensor]:
    """Yield the tensor in consecutive blocks of at most ``size`` along its first axis."""
    for start in range(0, len(tensor), size):
        yield tensor[start : start + size]
