"""A strategy's view of a pool that lies in shards: block by block, the labeled rows in front of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladle.arrays import LONGEST_ROW
from ladle.data.shards import ShardedMatrix, check_rows
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

    @property
    def dtype(self) -> torch.dtype:
        """What is computed in: float32, or float64 where either is stored so."""
        return torch.float64 if np.float64 in (self.features.dtype, self.logits.dtype) else torch.float32

    def with_labeled(self, features: Tensor, logits: Tensor) -> PoolOutputs:
        """Return a small pool of these rows, the first m of them the labeled ones."""
        labeled = np.arange(len(self.labeled), dtype=np.int64)
        return PoolOutputs(features, logits, labeled, self.labels, self.loss, self.bias)


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
        # Room for what is kept, and for one block, is taken once: what comes and goes would leave holes between.
        self._kept_rows = min(kept_blocks * block_rows, stop - first)
        longest = LONGEST_ROW[outputs.dtype]
        self._features = _BlockReader(outputs.features, outputs.labeled_features, block_rows, self._kept_rows, longest)
        self._logits = _BlockReader(outputs.logits, outputs.labeled_logits, block_rows, self._kept_rows)
        self._checked = first
        self._on_rows = on_rows or _ignore

    def __len__(self) -> int:
        return self._stop - self._first

    def pieces(self) -> Iterator[tuple[int, Embedding]]:
        """Yield (position of the first row, view of a block as an embedding)."""
        for start, view in self.views():
            yield start, as_embedding(view)

    def views(self) -> Iterator[tuple[int, Any]]:
        """Yield (position of the first row, view of a block: (rows,) scores or an embedding), valid until the next.

        Raises:
            DataError: NaN, infinity or a row that is too long, by file and row, the first time that the block is read.
        """
        for start in range(self._first, self._stop, self._block_rows):
            stop = min(self._stop, start + self._block_rows)
            fresh = start >= self._checked
            features = self._features.read(start, stop, start - self._first, check=fresh)
            logits = self._logits.read(start, stop, start - self._first, check=fresh)
            self._checked = max(self._checked, stop)
            yield start - self._first, self._view(features, logits)
            self._on_rows(stop - start)

    def take(self, rows: Indices) -> Embedding:
        """Return the view of the rows at these positions, counted from the first."""
        features = torch.from_numpy(self._outputs.features.take(rows + self._first))
        logits = torch.from_numpy(self._outputs.logits.take(rows + self._first))
        labeled = self._outputs.labeled_features, self._outputs.labeled_logits
        view = self._view(
            torch.cat([labeled[0].to(features.dtype), features]), torch.cat([labeled[1].to(logits.dtype), logits])
        )
        return as_embedding(view)

    def _view(self, features: Tensor, logits: Tensor) -> Any:
        dtype = torch.promote_types(features.dtype, logits.dtype)
        view = self._strategy.view(self._outputs.with_labeled(features.to(dtype), logits.to(dtype)))
        beyond_labeled = slice(len(self._outputs.labeled), None)
        return view[beyond_labeled] if isinstance(view, Tensor) else view.take(beyond_labeled)


class _BlockReader:
    """Reads blocks of a matrix behind its labeled rows, in buffers made once.

    Args:
        matrix: what is read.
        labeled: (m, columns) rows that stand in front of every block.
        block_rows: rows of a block at most.
        kept_rows: so many rows, from the first, stay in memory as stored once they have been read.
        longest: rows must be shorter than this.
    """

    def __init__(
        self, matrix: ShardedMatrix, labeled: Tensor, block_rows: int, kept_rows: int, longest: float = math.inf
    ) -> None:
        self._matrix = matrix
        self._longest = longest
        self._m = len(labeled)
        self._kept = np.empty((kept_rows, matrix.columns), dtype=matrix.dtype)
        self._kept_until = 0
        self._stored = np.empty((0, matrix.columns), dtype=matrix.dtype)
        self._block_rows = block_rows
        self._labeled = labeled
        self._working: Tensor | None = None

    def read(self, start: int, stop: int, position: int, *, check: bool) -> Tensor:
        """Return the labeled rows and then rows ``start`` to ``stop``, valid until the next call.

        Args:
            start: first row in the matrix.
            stop: one beyond the last.
            position: of the first row, counted from the first that this reader was made for.
            check: whether to look for NaN, infinity and rows that are too long.

        Raises:
            DataError: such a row, by file and row.
        """
        end = position + stop - start
        keep = end <= len(self._kept)
        if keep:
            stored = self._kept[position:end]
        else:
            if not len(self._stored):
                self._stored = np.empty((self._block_rows, self._matrix.columns), dtype=self._matrix.dtype)
            stored = self._stored[: stop - start]
        if not keep or end > self._kept_until:
            self._matrix.read_into(start, stop, stored)
            if keep:
                self._kept_until = end
        if check:
            check_rows(stored, start, self._matrix, self._longest)
        if self._working is None:
            # All types but float64 are computed in as float32.
            dtype = torch.float64 if self._matrix.dtype == np.float64 else torch.float32
            self._working = torch.empty(self._m + self._block_rows, self._matrix.columns, dtype=dtype)
            self._working[: self._m] = self._labeled
        rows = self._working[: self._m + stop - start]
        rows[self._m :].copy_(torch.from_numpy(stored))
        return rows


def _ignore(_rows: int) -> None:
    """Do without progress."""
