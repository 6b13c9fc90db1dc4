"""What a strategy may look at, checked once on its way in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladle.arrays import LONGEST_ROW, as_indices, as_tensor, first_unusable_row
from ladle.errors import InputError
from ladle.gradients import ResidualLoss, find_loss
from ladle.typing import Array, Features, Indices, Labels, Logits


@dataclass(frozen=True)
class PoolOutputs:
    """The trained model's view of the whole pool, and the labels so far.

    Attributes:
        features: (n, d) input of the model's last linear layer.
        logits: (n, C) its output.
        labeled: (m,) distinct whole-pool indices already labeled, in the order they were labeled.
        labels: (m,) class numbers in that order; (m, C) zeros and ones for a multi-label loss.
        loss: the loss the model was trained with.
        bias: whether the last layer has a bias.
    """

    features: Features
    logits: Logits
    labeled: Indices
    labels: Labels
    loss: ResidualLoss
    bias: bool

    def __len__(self) -> int:
        return len(self.logits)

    def labeled_rows(self) -> Tensor:
        """Return the labeled indices as a tensor beside the logits."""
        return torch.from_numpy(self.labeled).to(self.logits.device)


def pool_outputs_from(
    features: Array,
    logits: Array,
    labeled: Any,
    labels: Any,
    *,
    loss: str | ResidualLoss = "cross-entropy",
    bias: bool = True,
) -> PoolOutputs:
    """Check arrays from outside and gather them.

    Args:
        features: (n, d) floating point, rows shorter than 1e17 in float32 and 1e152 in float64.
        logits: (n, C) floating point, C at least 2.
        labeled: (m,) distinct whole-pool indices from 0 to n - 1.
        labels: their labels, one to one.
        loss: a loss, or the name of one.
        bias: whether the last layer has a bias.

    Returns:
        The arrays as tensors of one floating type, the wider of the two, on the device of the logits.

    Raises:
        InputError: a shape, a value or an index that breaks a rule.
        UnknownNameError: no loss has this name.
    """
    chosen = find_loss(loss)
    h, z = _matrix("features", features), _matrix("logits", logits)
    if len(h) != len(z):
        raise InputError(
            f"features and logits must have a row for each example of the pool (got features={len(h)}, "
            f"logits={len(z)} rows); pass both for the whole pool"
        )
    if z.shape[1] < 2:
        raise InputError(
            f"logits need a column for each of at least two classes (got {z.shape[1]}); "
            "for one logit z of a binary model pass the two columns [-z/2, z/2]"
        )
    dtype = torch.promote_types(h.dtype, z.dtype)
    h, z = h.to(device=z.device, dtype=dtype), z.to(dtype)
    _check_rows("features", h, LONGEST_ROW[dtype])
    _check_rows("logits", z, math.inf)
    indices = _labeled_indices(labeled, len(z))
    return PoolOutputs(h, z, indices, _labels(labels, indices, z, chosen), chosen, bias)


def _numbers(name: str, values: Any) -> Tensor:
    try:
        return as_tensor(values)
    except (TypeError, ValueError):
        kind = getattr(values, "dtype", type(values).__name__)
        raise InputError(
            f"{name} must be an array of numbers (got {kind}); pass a NumPy array or a torch tensor of a plain type"
        ) from None


def _matrix(name: str, values: Array) -> Tensor:
    tensor = _numbers(name, values)
    if tensor.ndim != 2:
        raise InputError(f"{name} must have two axes, examples and columns (got shape {tuple(tensor.shape)}); reshape")
    if not tensor.is_floating_point():
        raise InputError(f"{name} must be floating point (got {tensor.dtype}); convert to float32 or float64")
    return tensor


def _check_rows(name: str, rows: Tensor, longest: float) -> None:
    row = first_unusable_row(rows, longest)
    if row is None:
        return
    if not bool(torch.isfinite(rows[row]).all()):
        raise InputError(f"{name} must be finite (got NaN or infinity in row {row}); drop or repair the row")
    raise InputError(
        f"{name} must be shorter than {longest:g}, or their squares overflow {rows.dtype} (got "
        f"{float(rows[row].abs().max()):g} in row {row}); rescale them, or pass float64"
    )


def _labeled_indices(labeled: Any, size: int) -> Indices:
    try:
        indices = as_indices(labeled)
    except InputError as error:
        raise InputError(f"labeled {error}") from None
    outside = indices[(indices < 0) | (indices >= size)]
    if len(outside):
        raise InputError(f"labeled indices must be from 0 to {size - 1} (got {outside[0]}); count in the whole pool")
    values, counts = np.unique(indices, return_counts=True)
    if len(values) < len(indices):
        raise InputError(f"labeled indices must be distinct (got {values[counts > 1][0]} twice); name each once")
    return indices


def _labels(labels: Any, labeled: Indices, logits: Logits, loss: ResidualLoss) -> Labels:
    tensor = _numbers("labels", labels).to(logits.device)
    classes = logits.shape[1]
    expected = (len(labeled), classes) if loss.multi_label else (len(labeled),)
    if len(labeled) == 0 and tensor.numel() == 0:
        return tensor.reshape(*([0, classes] if loss.multi_label else [0])).long()
    if tuple(tensor.shape) != expected:
        raise InputError(
            f"labels must match labeled one to one, here with shape {expected} (got {tuple(tensor.shape)}); "
            "for labels of the whole pool pass labels[labeled]"
        )
    if loss.multi_label:
        if not ((tensor == 0) | (tensor == 1)).all():
            raise InputError(f"labels for {loss} must be zeros and ones (got other values); one column a class")
        return tensor.to(logits.dtype)
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        raise InputError(f"labels must be class numbers (got {tensor.dtype}); encode them as integers from 0")
    tensor = tensor.long()
    wrong = tensor[(tensor < 0) | (tensor >= classes)]
    if len(wrong):
        raise InputError(f"labels must be class numbers from 0 to {classes - 1} (got {int(wrong[0])}); encode them so")
    return tensor
