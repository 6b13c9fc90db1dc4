"""A strategy's view of a pool that lies in shards: block by block, the labeled rows in front of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ladle.data.shards import ShardedMatrix, check_finite
from ladle.gradients import ResidualLoss
from ladle.selectors import as_embedding
from ladle.strategies import PoolOutputs, Strategy
from ladle.typing import Embedding, Indices, Labels


@dataclass(frozen=True)
class ShardedOutputs:
    """The trained model's view of a pool in shards, and the labels so far.

    Attributes:
        features: (n, d) input of the model's last linear layer.
        logits: (n, C) its output.
        labeled: (m,) distinct whole-pool indices already labeled.
        labeled_features: (m, d) their rows.
        labeled_logits: (m, C) their rows.
        labels: (m,) class numbers, or (m, C) zeros and ones for a multi-label loss.
        loss: the loss the model was trained with.
        bias: whether the last layer has a bias.
    """

    features: ShardedMatrix
    logits: ShardedMatrix
    labeled: Indices
    labeled_features: Tensor
    labeled_logits: Tensor
    labels: Labels
    loss: ResidualLoss
    bias: bool

    def __len__(self) -> int:
        return len(self.logits)

    def with_labeled(self, features: Tensor, logits: Tensor) -> PoolOutputs:
        """Return a small pool whose first m rows are the labeled ones, and whose others are these."""
        m = len(self.labeled)
        return PoolOutputs(
            torch.cat([self.labeled_features, features]) if m else features,
            torch.cat([self.labeled_logits, logits]) if m else logits,
            np.arange(m, dtype=np.int64),
            self.labels,
            self.loss,
            self.bias,
        )


class ViewRows:
    """What a strategy sees of consecutive rows of the pool, as rows that come in pieces (``selectors.Rows``).

    Args:
        outputs: the pool in shards.
        strategy: one whose view of a row depends on that row and the labeled ones alone.
        first: whole-pool index of the first row, a whole number of chunks.
        stop: whole-pool index one beyond the last row.
        block_rows: rows read at once, a whole number of chunks.
        kept_blocks: so many blocks are kept in memory, as stored, once they have been read.
        on_rows: called with the number of rows done, after each block.
    """

    def __init__(
        self,
        outputs: ShardedOutputs,
        strategy: Strategy,
        first: int,
        stop: int,
        *,
        block_rows: int,
        kept_blocks: int = 0,
        on_rows: Callable[[int], None] | None = None,
    ) -> None:
        self._outputs = outputs
        self._strategy = strategy
        self._first, self._stop = first, stop
        self._block_rows = block_rows
        self._kept_blocks = kept_blocks
        self._kept: dict[int, tuple[NDArray[Any], NDArray[Any]]] = {}
        self._checked = first
        self._on_rows = on_rows or _ignore

    def __len__(self) -> int:
        return self._stop - self._first

    def pieces(self) -> Iterator[tuple[int, Embedding]]:
        """Yield (position of the first row, view of a block as an embedding)."""
        for start, view in self.views():
            yield start, as_embedding(view)

    def views(self) -> Iterator[tuple[int, Any]]:
        """Yield (position of the first row, view of a block: (rows,) scores or an embedding).

        Raises:
            DataError: NaN or infinity, by file and row, the first time that the block is read.
        """
        for start in range(self._first, self._stop, self._block_rows):
            stop = min(self._stop, start + self._block_rows)
            features, logits = self._block(start, stop)
            yield start - self._first, self._view(features, logits)
            self._on_rows(stop - start)

    def take(self, rows: Indices) -> Embedding:
        """Return the view of the rows at these positions, counted from the first."""
        features = torch.from_numpy(self._outputs.features.take(rows + self._first))
        logits = torch.from_numpy(self._outputs.logits.take(rows + self._first))
        return as_embedding(self._view(features, logits))

    def _view(self, features: Tensor, logits: Tensor) -> Any:
        dtype = torch.promote_types(features.dtype, logits.dtype)
        view = self._strategy.view(self._outputs.with_labeled(features.to(dtype), logits.to(dtype)))
        beyond_labeled = slice(len(self._outputs.labeled), None)
        return view[beyond_labeled] if isinstance(view, Tensor) else view.take(beyond_labeled)

    def _block(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        stored = self._kept.get(start)
        if stored is None:
            stored = _read(self._outputs.features, start, stop), _read(self._outputs.logits, start, stop)
            if start >= self._checked:
                check_finite(stored[0], start, self._outputs.features)
                check_finite(stored[1], start, self._outputs.logits)
                self._checked = stop
            if len(self._kept) < self._kept_blocks:
                self._kept[start] = stored
        return _working(stored[0]), _working(stored[1])


def _read(matrix: ShardedMatrix, start: int, stop: int) -> NDArray[Any]:
    block = np.empty((stop - start, matrix.columns), dtype=matrix.dtype)
    matrix.read_into(start, stop, block)
    return block


def _working(stored: NDArray[Any]) -> Tensor:
    """Return the block in a type that is computed in: float64 as it is, all others as float32."""
    tensor = torch.from_numpy(stored)
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _ignore(_rows: int) -> None:
    """Do without progress."""
