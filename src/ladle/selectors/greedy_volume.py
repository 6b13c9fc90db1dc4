"""Greedy volume: rows that together span the largest volume, long and in directions the others do not explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ladle.selectors.anchored import AnchoredEmbedding
from ladle.selectors.budget import unlabeled_indices
from ladle.selectors.distances import Centers
from ladle.selectors.passes import Passes, as_passes
from ladle.typing import Embedding, Indices

# Rows looked at between two passes over the pool, as for farthest-first; their Gram matrix is held in float64.
_CANDIDATES_A_PICK = 4
_FEWEST_CANDIDATES, _MOST_CANDIDATES = 256, 2048
# What is left of a row counts as nothing below so many units in the last place of the longest row's square: rounding
# of the inner products alone leaves that much.
_UNITS_IN_LAST_PLACE = 1024.0
# Two rows whose remainders differ by less are equals: float64 sums of twins may differ in the last bits.
_SAME = 1.0 - 1e-9
_TAKEN = -1.0


@dataclass(frozen=True)
class _Span:
    """Picks whose volume grows, and the orthonormal directions they span: direction j is factors[j] · picks."""

    picks: Indices
    factors: Tensor
    nothing: float


def greedy_volume(embedding: Passes | Embedding, labeled: Indices, budget: int) -> Indices:
    """Pick, one by one, the row of which most is left once what the picks explain is taken off.

    This is the greedy way to the batch of largest volume (the determinant of its Gram matrix, the mode of a
    determinantal point process) and the same as Cholesky factorisation with complete pivoting. All rows are seen from
    the embedding's anchor. Done lazily: what is left of a row only shrinks, so that the remainders of the last pass are
    upper bounds, and picks among the largest are exact for as long as the best beats all bounds outside.

    Once the picks explain all rows up to rounding, no volume can grow any more: another is begun among the rows left.

    Args:
        embedding: n rows, and their distance to an anchor; or passes over them.
        labeled: (m,) whole-pool indices already labeled; may be empty.
        budget: from 1 to the number of unlabeled rows.

    Returns:
        (budget,) distinct unlabeled indices in pick order; ties go to the lowest index.

    Raises:
        BudgetError: more rows asked for than are unlabeled.
        InputError: an embedding without an anchor.

    Cost: O(n budget (d + budget)) time for each of a few passes; O(n + budget²) memory beside the rows.
    Reference: Chen, Zhang and Zhou (2018), Fast greedy MAP inference for determinantal point process; Harbrecht,
    Peters and Schneider (2012), On the low-rank approximation by the pivoted Cholesky decomposition.
    """
    passes = as_passes(embedding)
    unlabeled_indices(len(passes), labeled, budget)
    taken = np.asarray(labeled, dtype=np.int64)
    span = _begin(passes, taken)
    while len(taken) - len(labeled) < budget:
        wanted = budget - (len(taken) - len(labeled))
        fresh, grown = _largest_among_few(passes, span, wanted)
        if not len(fresh):
            if not len(span.picks):  # every row left lies on the anchor
                fresh, _ = passes.farthest(wanted)
                return np.concatenate([taken[len(labeled) :], fresh])
            span = _begin(passes, taken)
            continue
        taken = np.concatenate([taken, fresh])
        if len(taken) - len(labeled) < budget:
            new = grown.factors[len(span.picks) :]
            passes.reach_span(passes.fetch(grown.picks), new, fresh)
        span = grown
    return taken[len(labeled) :]


def _begin(passes: Passes, taken: Indices) -> _Span:
    passes.start(taken, None)
    passes.reach_anchor()
    _, longest = passes.farthest(1)
    eps = torch.finfo(passes.fetch(np.empty(0, dtype=np.int64)).squared_norms().dtype).eps
    nothing = float(longest[0]) * _UNITS_IN_LAST_PLACE * eps
    return _Span(np.empty(0, dtype=np.int64), torch.empty(0, 0, dtype=torch.float64), nothing)


def _largest_among_few(passes: Passes, span: _Span, wanted: int) -> tuple[Indices, _Span]:
    """Return the next picks that need no further pass, and the span with them; none once nothing is left."""
    count = min(max(_CANDIDATES_A_PICK * wanted, _FEWEST_CANDIDATES), _MOST_CANDIDATES)
    # One more than are looked at: the bound on everything outside.
    rows, remainders = passes.farthest(count + 1)
    bound, bound_row = (remainders[count], int(rows[count])) if len(rows) > count else (_TAKEN, len(passes))
    rows = np.sort(rows[:count])
    candidates = passes.fetch(rows)
    old = _inner(candidates, passes.fetch(span.picks)) @ span.factors.T.to(candidates.squared_norms().device)
    gram = _inner(candidates, candidates)
    left = gram.diagonal() - old.square().sum(dim=1)
    # The columns of the Cholesky factor, a pick each.
    columns = torch.cat([old, left.new_zeros(len(rows), min(wanted, len(rows)))], dim=1)
    size, places = len(span.picks), list[int]()
    while len(places) < wanted:
        best = float(left.max())
        # Rounding must not keep the first pick back: its bound is its own.
        beaten = best < bound and bool(places)
        if best <= span.nothing or beaten:
            break
        place = int(torch.nonzero(left >= best * _SAME)[0, 0])
        if places and best == bound and rows[place] > bound_row:
            break
        known = columns[:, : size + len(places)]
        column = (gram[:, place] - known @ known[place]) / left[place].sqrt()
        columns[:, size + len(places)] = column
        left -= column.square()
        left[place] = _TAKEN
        places.append(place)
    picks = np.concatenate([span.picks, rows[places]])
    return rows[places], _Span(picks, _grown(span.factors, columns[places, : size + len(places)].cpu()), span.nothing)


def _grown(factors: Tensor, below: Tensor) -> Tensor:
    """Return the inverse of the Cholesky factor [[L, 0], below], given that of L."""
    size, new = len(factors), len(below)
    inverse = factors.new_zeros(size + new, size + new)
    inverse[:size, :size] = factors
    if new:
        corner = below[:, size:].tril()
        own = torch.linalg.solve_triangular(corner, torch.eye(new, dtype=torch.float64), upper=False)
        inverse[size:, size:] = own
        inverse[size:, :size] = -own @ (below[:, :size] @ factors)
    return inverse


def _inner(rows: object, others: object) -> Tensor:
    """Return the (n, k) float64 inner products seen from the anchor."""
    assert isinstance(rows, AnchoredEmbedding)
    assert isinstance(others, AnchoredEmbedding)
    norms = rows.squared_norms()
    parts = [rows.inner_from_anchor(norms, block) for block in Centers.of(others)]
    return torch.cat(parts, dim=1) if parts else norms.new_empty(len(rows), 0, dtype=torch.float64)
