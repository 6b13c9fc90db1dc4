"""What a selector needs of a pool it cannot hold at once: few passes over the rows, and a little state beside them.

Greedy selection in blocks asks for three things only: fetch a few rows, hold every row against a block of centers (a
pass), and find rows by their distance to the nearest center so far. ``Passes`` is that interface, so that the same
selector runs on tensors in memory, on files and on a cluster. Every pool is cut into the same chunks wherever it lies,
and each chunk is computed alone: that is why the picks are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ladle.arrays import blocks, squared_lengths
from ladle.errors import InputError
from ladle.selectors.anchored import AnchoredEmbedding
from ladle.selectors.dense import DenseEmbedding, as_embedding
from ladle.selectors.distances import Centers, nearest_squared_distances
from ladle.selectors.top import highest
from ladle.typing import Array, Embedding, Indices

#: Rows of a chunk: with a block of centers, its distances fit a processor's cache. Running sums are kept a chunk, so
#: the number is part of what a seed means: another one draws other rows.
CHUNK_ROWS = 2048
# A graphics processor wants more rows in one call than a cache holds.
_CHUNKS_AT_ONCE_ON_A_DEVICE = 32
_SAMPLE_ROWS = 2048
# Running sums held at once: 8 MiB.
_CHUNKS_OF_SUMS = 512
_TAKEN = -1.0


class Rows(Protocol):
    """n rows that come in pieces: from memory, or from files."""

    def __len__(self) -> int:
        """Return n, the number of rows."""
        ...

    def pieces(self) -> Iterator[tuple[int, Embedding]]:
        """Yield (position of the first row, rows) in order; every piece but the last has a whole number of chunks."""
        ...

    def take(self, rows: Indices) -> Embedding:
        """Return the rows at these positions, held in memory."""
        ...


@runtime_checkable
class Passes(Protocol):
    """A pool seen by a selector: rows, whether each is taken, and its squared distance to the nearest center so far.

    Indices are whole-pool indices. Distances are infinite until the first center.
    """

    def __len__(self) -> int:
        """Return n, the number of rows."""
        ...

    def fetch(self, rows: Indices) -> Embedding:
        """Return these rows, held in memory and seen from the origin."""
        ...

    def start(self, taken: Indices, origin: Tensor | None) -> None:
        """Forget all centers; take these rows out; look at plain rows from this (d,) origin from now on."""
        ...

    def column_sums(self) -> Tensor | None:
        """Return the (chunks, d) float64 sums of the rows of a plain array; None for any other embedding."""
        ...

    def farthest_from(self, point: Tensor | None) -> tuple[int, float]:
        """Return the free row farthest from a (d,) point, or the longest, and the square of that length.

        Lower indices among equals; -1 and -1 when every row is taken.
        """
        ...

    def reach(self, centers: Embedding, taken: Indices) -> None:
        """Pass the pool once: lower every distance to that of the nearest of these centers, and take rows out.

        Args:
            centers: rows seen from the origin, as ``fetch`` returns them.
            taken: whole-pool indices.
        """
        ...

    def reach_anchor(self) -> None:
        """Make the anchor of an ``AnchoredEmbedding`` a center: lower every distance to that of the anchor."""
        ...

    def reach_span(self, centers: Embedding, factors: Tensor, taken: Indices) -> None:
        """Take off every distance what more directions explain, all seen from the anchor, and take rows out.

        Args:
            centers: k anchored rows.
            factors: (new, k) float64; new orthonormal directions as combinations of the centers.
            taken: whole-pool indices.
        """
        ...

    def take_out(self, taken: Indices) -> None:
        """Take rows out; distances stay."""
        ...

    def chunk_weights(self) -> NDArray[np.float64]:
        """Return the (chunks,) sums of the free rows' squared distances."""
        ...

    def find(self, chunks: NDArray[np.int64], marks: NDArray[np.float64]) -> tuple[Indices, NDArray[np.float64]]:
        """Return the rows at which the running sums of these chunks pass these marks, and their squared distances.

        Args:
            chunks: (k,) numbers of chunks.
            marks: (k,) at least 0 and no larger than the weight of the chunk.
        """
        ...

    def farthest(self, count: int) -> tuple[Indices, NDArray[np.float64]]:
        """Return up to ``count`` free rows of the largest squared distance, and these; lower indices among equals."""
        ...


class EmbeddingRows:
    """An embedding in memory, as rows that come in pieces."""

    def __init__(self, embedding: Embedding) -> None:
        self._embedding = embedding
        self._device = embedding.take(slice(0, 0)).squared_norms().device

    def __len__(self) -> int:
        return len(self._embedding)

    def pieces(self) -> Iterator[tuple[int, Embedding]]:
        """Yield the embedding, whole."""
        yield 0, self._embedding

    def take(self, rows: Indices) -> Embedding:
        """Return copies of these rows."""
        return self._embedding.take(torch.from_numpy(rows).to(self._device))


class LocalPasses:
    """Passes over rows that this process can reach, or over one consecutive part of a larger pool.

    Args:
        rows: the rows of this part.
        first: whole-pool index of its first row, a whole number of chunks.

    Memory: 8 bytes a row for float32, beside one piece of rows and its distances to 256 centers.
    """

    def __init__(self, rows: Rows, first: int = 0) -> None:
        self._rows = rows
        self._first = first
        self._origin: Tensor | None = None
        # No rows at all still tell the floating type and the device.
        self._norms = rows.take(np.empty(0, dtype=np.int64)).squared_norms().new_empty(len(rows))
        self._measured = 0
        self._nearest = torch.full_like(self._norms, torch.inf)

    def __len__(self) -> int:
        return len(self._rows)

    def fetch(self, rows: Indices) -> Embedding:
        """Return these rows, held in memory and seen from the origin."""
        return self._seen(self._rows.take(rows - self._first))

    def start(self, taken: Indices, origin: Tensor | None) -> None:
        """Forget all centers; take these rows out; look at plain rows from this (d,) origin from now on."""
        self._origin, self._measured = origin, 0
        self._nearest.fill_(torch.inf)
        self.take_out(taken)

    def column_sums(self) -> Tensor | None:
        """Return the (chunks, d) float64 sums of the rows of a plain array; None for any other embedding."""
        sums: list[Tensor] = []
        for _, piece in self._rows.pieces():
            if not isinstance(piece, DenseEmbedding):
                return None
            sums.extend(part.double().sum(dim=0) for part in blocks(piece.rows, CHUNK_ROWS))
        return torch.stack(sums) if sums else None

    def farthest_from(self, point: Tensor | None) -> tuple[int, float]:
        """Return the free row farthest from a (d,) point, or the longest, and the square of that length."""
        best, longest = -1, _TAKEN
        for start, piece in self._rows.pieces():
            if isinstance(piece, DenseEmbedding) and point is not None:
                lengths = squared_lengths(piece.rows - point)
            else:
                lengths = piece.squared_norms()
            lengths.masked_fill_(self._nearest[start : start + len(piece)] == _TAKEN, _TAKEN)
            position = int(lengths.argmax())  # the first of equals: the lowest index
            if float(lengths[position]) > longest:
                best, longest = self._first + start + position, float(lengths[position])
        return best, longest

    def reach(self, centers: Embedding, taken: Indices) -> None:
        """Pass the pool once: lower every distance to that of the nearest of these centers, and take rows out."""
        center_blocks = Centers.of(centers)
        for start, piece in self._rows.pieces():
            for low, chunk in _chunks(piece):
                span = slice(start + low, start + low + len(chunk))
                seen = self._seen(chunk)
                if span.start >= self._measured:
                    self._norms[span] = seen.squared_norms()
                    self._measured = span.stop
                nearest = self._nearest[span]
                for block in center_blocks:
                    torch.minimum(nearest, nearest_squared_distances(seen, self._norms[span], block), out=nearest)
        self.take_out(taken)

    def reach_anchor(self) -> None:
        """Make the anchor of an ``AnchoredEmbedding`` a center: lower every distance to that of the anchor."""
        for start, piece in self._rows.pieces():
            nearest = self._nearest[start : start + len(piece)]
            torch.minimum(nearest, _anchored(piece).squared, out=nearest)

    def reach_span(self, centers: Embedding, factors: Tensor, taken: Indices) -> None:
        """Take off every distance what more directions explain, all seen from the anchor, and take rows out."""
        center_blocks = Centers.of(centers)
        for start, piece in self._rows.pieces():
            for low, chunk in _chunks(piece):
                span = slice(start + low, start + low + len(chunk))
                norms, anchored = chunk.squared_norms(), _anchored(chunk)
                explained = factors.new_zeros(len(chunk), len(factors))
                column = 0
                for block in center_blocks:
                    part = factors[:, column : column + len(block.norms)]
                    explained.addmm_(anchored.inner_from_anchor(norms, block), part.T)
                    column += len(block.norms)
                nearest = self._nearest[span]
                free = nearest != _TAKEN
                left = (nearest.double() - explained.square_().sum(dim=1)).clamp_(min=0.0)
                nearest[free] = left[free].to(nearest.dtype)
        self.take_out(taken)

    def chunk_weights(self) -> NDArray[np.float64]:
        """Return the (chunks,) sums of the free rows' squared distances."""
        chunks = np.arange(-(-len(self) // CHUNK_ROWS))
        parts = [self._running_sums(part)[:, -1].cpu().numpy() for part in _split(chunks)]
        return np.concatenate(parts) if parts else np.empty(0)

    def find(self, chunks: NDArray[np.int64], marks: NDArray[np.float64]) -> tuple[Indices, NDArray[np.float64]]:
        """Return the rows at which the running sums of these chunks pass these marks, and their squared distances."""
        rows = np.empty(len(chunks), dtype=np.int64)
        distinct, which = np.unique(chunks, return_inverse=True)
        for low, part in zip(range(0, len(distinct), _CHUNKS_OF_SUMS), _split(distinct), strict=True):
            mine = np.flatnonzero((which >= low) & (which < low + len(part)))
            sums = self._running_sums(part)
            local = torch.from_numpy(which[mine] - low).to(sums.device)
            places = _first_beyond(sums, local, torch.from_numpy(marks[mine]).to(sums.device))
            rows[mine] = part[which[mine] - low] * CHUNK_ROWS + places.cpu().numpy()
        weights = self._nearest[torch.from_numpy(rows).to(self._nearest.device)]
        return rows + self._first, weights.double().cpu().numpy()

    def farthest(self, count: int) -> tuple[Indices, NDArray[np.float64]]:
        """Return up to ``count`` free rows of the largest squared distance, and these; lower indices among equals."""
        rows = highest(self._nearest, min(count, len(self)))
        values = self._nearest[rows].double().cpu().numpy()
        indices = rows.cpu().numpy() + self._first
        return indices[values != _TAKEN], values[values != _TAKEN]

    def _seen(self, rows: Embedding) -> Embedding:
        return rows.minus(self._origin) if isinstance(rows, DenseEmbedding) and self._origin is not None else rows

    def take_out(self, taken: Indices) -> None:
        """Take rows out; distances stay."""
        mine = taken[(taken >= self._first) & (taken < self._first + len(self))] - self._first
        self._nearest[torch.from_numpy(mine).to(self._nearest.device)] = _TAKEN

    def _running_sums(self, chunks: NDArray[np.int64]) -> Tensor:
        """Return (chunks, CHUNK_ROWS) running sums of squared distances; taken rows add nothing."""
        # float64, since a float32 running sum would drop small weights altogether.
        weights = self._nearest.new_zeros(len(chunks), CHUNK_ROWS, dtype=torch.float64)
        for position, chunk in enumerate(chunks.tolist()):
            part = self._nearest[chunk * CHUNK_ROWS : (chunk + 1) * CHUNK_ROWS]
            weights[position, : len(part)] = part
        return weights.clamp_(min=0.0).cumsum(dim=1)


def _anchored(piece: Embedding) -> AnchoredEmbedding:
    if not isinstance(piece, AnchoredEmbedding):
        raise InputError(f"this selector starts from an anchor (got {type(piece).__name__}); pass an AnchoredEmbedding")
    return piece


def as_passes(view: Passes | Embedding | Array) -> Passes:
    """Return an embedding or a plain array in memory as passes over it, passes as they are."""
    if isinstance(view, Passes):
        return view
    return LocalPasses(EmbeddingRows(as_embedding(view)))


def start_amid(passes: Passes, taken: Indices) -> None:
    """Start with these rows taken out, and plain rows seen from a point amid them, by a sample spread evenly."""
    passes.start(taken, None)
    count = min(len(passes), _SAMPLE_ROWS)
    sample = passes.fetch(np.arange(count) * len(passes) // max(1, count))
    if isinstance(sample, DenseEmbedding):
        passes.start(taken, sample.middle())


def _chunks(piece: Embedding) -> Iterator[tuple[int, Embedding]]:
    norms_device = piece.take(slice(0, 0)).squared_norms().device
    step = CHUNK_ROWS * (1 if norms_device.type == "cpu" else _CHUNKS_AT_ONCE_ON_A_DEVICE)
    for start in range(0, len(piece), step):
        yield start, piece.take(slice(start, min(len(piece), start + step)))


def _split(chunks: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [chunks[start : start + _CHUNKS_OF_SUMS] for start in range(0, len(chunks), _CHUNKS_OF_SUMS)]


def _first_beyond(sums: Tensor, rows: Tensor, marks: Tensor) -> Tensor:
    """Return, for each mark, the first place where the running sum in its row lies beyond it."""
    places = torch.searchsorted(sums[rows], marks.unsqueeze(1), right=True).squeeze(1)
    # A mark rounded up to the whole sum goes to the last place that adds to it, never to one of weight zero.
    last = torch.searchsorted(sums[rows], sums[rows, -1:].contiguous()).squeeze(1)
    return torch.minimum(places, last)
