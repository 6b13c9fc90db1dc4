"""Features and logits in shards: what headers and arguments tell is checked before anything is copied or read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladle.arrays import LONGEST_ROW, as_indices, first_unusable_row
from ladle.data.shard_copies import check_room, missing_bytes
from ladle.data.shard_trials import copying_seconds, stand_in
from ladle.data.shards import FoundMatrix, ShardedMatrix, check_rows, find_matrix
from ladle.engines.views import ShardedOutputs
from ladle.errors import InputError
from ladle.gradients import ResidualLoss
from ladle.strategies import pool_outputs_from
from ladle.typing import Indices, Labels

Source = str | Path | list[str] | list[Path]


@dataclass(frozen=True)
class FoundOutputs:
    """What is known of a pool in shards before anything of it is copied or read. Made by ``find_outputs``.

    Attributes:
        features: (n, d) input of the model's last linear layer.
        logits: (n, C) its output.
        labeled: (m,) distinct whole-pool indices already labeled.
        labels: (m,) class numbers, or (m, C) zeros and ones for a multi-label loss.
        loss: the loss the model was trained with.
        bias: whether the last layer has a bias.
        scratch: folder for plain copies.
    """

    features: FoundMatrix
    logits: FoundMatrix
    labeled: Indices
    labels: Labels
    loss: ResidualLoss
    bias: bool
    scratch: Path | None

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def missing_bytes(self) -> int:
        """Bytes of the plain copies that have yet to be made."""
        return missing_bytes([*self.features.files, *self.logits.files], self.scratch)

    def check_room(self) -> None:
        """Make sure that there is a folder with room for the copies of both.

        Raises:
            DataError: no folder, or too little room.
        """
        check_room([*self.features.files, *self.logits.files], self.scratch, "features and logits")

    def copying_seconds(self) -> float:
        """Return how long the copies of both will take to make, by a trial.

        Raises:
            DataError: a file that cannot be read, or a disk that cannot be written.
        """
        return sum(copying_seconds(matrix, self.scratch) for matrix in (self.features, self.logits))

    @contextmanager
    def stand_in(self) -> Iterator[ShardedOutputs]:
        """Give outputs of the same size that can be read in the block, to plan with before copies are made."""
        with stand_in(self.features, self.scratch) as features, stand_in(self.logits, self.scratch) as logits:
            yield self._with_labeled(features, logits)

    def opened(self, on_bytes: Callable[[int], None]) -> ShardedOutputs:
        """Return the outputs, once copies are made and the labeled rows are read and checked.

        Args:
            on_bytes: called with the size of every piece of a copy that is written.

        Raises:
            DataError: shards that cannot be read; NaN or infinity among the labeled rows, by file and row.
        """
        features, logits = self.features.opened(self.scratch, on_bytes), self.logits.opened(self.scratch, on_bytes)
        return self._with_labeled(features, logits)

    def _with_labeled(self, features: ShardedMatrix, logits: ShardedMatrix) -> ShardedOutputs:
        dtype = _computed_in(self.features, self.logits)
        h = _taken(features, self.labeled, LONGEST_ROW[dtype]).to(dtype)
        z = _taken(logits, self.labeled).to(dtype)
        return ShardedOutputs(features, logits, self.labeled, h, z, self.labels, self.loss, self.bias)


def find_outputs(
    features: Source,
    logits: Source,
    labeled: Any,
    labels: Any,
    *,
    loss: str | ResidualLoss = "cross-entropy",
    bias: bool = True,
    scratch: Path | None = None,
    filesystem: Any = None,
) -> FoundOutputs:
    """Find features and logits in shards, and check by their headers that they go with each other and the labels.

    Raises:
        InputError: labeled indices or labels that break a rule, or matrices of different lengths.
        DataError: shards that cannot be read or disagree.
        UnknownNameError: no loss has this name.

    Cost: a header a file.
    """
    h = find_matrix(features, name="features", filesystem=filesystem)
    z = find_matrix(logits, name="logits", filesystem=filesystem)
    if len(h) != len(z):
        raise InputError(
            f"features and logits must have a row for each example of the pool (got features={len(h)}, "
            f"logits={len(z)} rows); pass both for the whole pool"
        )
    indices = as_indices(labeled)
    outside = indices[(indices < 0) | (indices >= len(h))]
    if len(outside):
        raise InputError(f"labeled indices must be from 0 to {len(h) - 1} (got {outside[0]}); count in the whole pool")
    values, counts = np.unique(indices, return_counts=True)
    if len(values) < len(indices):
        raise InputError(f"labeled indices must be distinct (got {values[counts > 1][0]} twice); name each once")
    # Labels and loss are held against the shape of the labeled rows: these themselves may have to be copied first.
    shape = torch.zeros(len(indices), z.columns, dtype=_computed_in(h, z))
    checked = pool_outputs_from(shape[:, :0], shape, np.arange(len(indices)), labels, loss=loss, bias=bias)
    return FoundOutputs(h, z, indices, checked.labels, checked.loss, bias, scratch)


def _computed_in(features: FoundMatrix, logits: FoundMatrix) -> torch.dtype:
    return torch.float64 if np.float64 in (features.dtype, logits.dtype) else torch.float32


def _taken(matrix: ShardedMatrix, rows: Indices, longest: float = math.inf) -> Tensor:
    """Return rows of a matrix, read together and then checked: by the row, a file would be opened for each of them."""
    taken = matrix.take(rows)
    wrong = first_unusable_row(torch.from_numpy(taken), longest)
    if wrong is not None:
        check_rows(taken[wrong : wrong + 1], int(rows[wrong]), matrix, longest)
    return torch.from_numpy(taken)
