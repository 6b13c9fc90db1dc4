"""The rows farthest from the anchor, passing over those that point the way of one already picked."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ladle.errors import InputError
from ladle.selectors.budget import unlabeled_indices
from ladle.selectors.passes import Passes, as_passes
from ladle.typing import Embedding, Indices

_ROWS_AT_ONCE = 1024


def apart_in_angle(embedding: Passes | Embedding, labeled: Indices, budget: int, *, cosine: float = 0.9) -> Indices:
    """Pick from the farthest row down, passing over a row whose cosine with a pick is above a threshold.

    Distances are those from the embedding's anchor; angles are those between the rows themselves, from their own
    origin. If the pool ends before the batch is full, the rows passed over fill it, the farthest first.

    Args:
        embedding: n rows, and their distance to an anchor; or passes over them.
        labeled: (m,) whole-pool indices already labeled; may be empty.
        budget: from 1 to the number of unlabeled rows.
        cosine: the largest cosine two picks may have, from -1 to 1; 1 passes over nothing but rows without a
            direction, those of length zero.

    Returns:
        (budget,) distinct unlabeled indices in pick order; ties go to the lowest index.

    Raises:
        BudgetError: more rows asked for than are unlabeled.
        InputError: a cosine outside of -1 to 1, or an embedding without an anchor.

    Cost: O(n + r budget d) time where r rows are looked at until the batch is full; O(n) memory beside the rows.
    Reference: Khosravani and Zilles (2026), section 5, name it as future work.
    """
    if not -1.0 <= cosine <= 1.0:
        raise InputError(f"a cosine lies from -1 to 1 (got {cosine}); 0.9 passes over what is nearly parallel")
    passes = as_passes(embedding)
    unlabeled_indices(len(passes), labeled, budget)
    passes.start(np.asarray(labeled, dtype=np.int64), None)
    passes.reach_anchor()
    picks, passed_over = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    while len(picks) < budget:
        rows, _ = passes.farthest(_ROWS_AT_ONCE)
        if not len(rows):
            return np.concatenate([picks, passed_over[: budget - len(picks)]])
        kept = _apart(passes.fetch(rows), passes.fetch(picks), cosine, budget - len(picks))
        picks, passed_over = np.concatenate([picks, rows[kept]]), np.concatenate([passed_over, np.delete(rows, kept)])
        passes.take_out(rows)
    return picks


def _apart(rows: Embedding, picks: Embedding, cosine: float, wanted: int) -> list[int]:
    """Return the positions of the rows to keep, in order."""
    lengths = rows.squared_norms().sqrt()
    free = lengths > 0.0
    if len(picks):
        free &= (_cosines(rows, lengths, picks) <= cosine).all(dim=1)
    among = _cosines(rows, lengths, rows) > cosine
    open_to, repeats = free.cpu().numpy(), among.cpu().numpy()
    kept: list[int] = []
    for place in range(len(rows)):
        if open_to[place]:
            kept.append(place)
            open_to &= ~repeats[place]
            if len(kept) == wanted:
                break
    return kept


def _cosines(rows: Embedding, lengths: Tensor, others: Embedding) -> Tensor:
    """Return the (n, k) cosines of rows with others; those of a row without length do not matter."""
    tiny = torch.finfo(lengths.dtype).tiny
    scale = lengths.clamp(min=tiny).unsqueeze(1) * others.squared_norms().sqrt().clamp(min=tiny)
    return rows.inner(others) / scale
