"""Farthest-first traversal: the greedy cover of the pool that k-center (core-set) selection uses."""

from __future__ import annotations

import numpy as np

from ladle.selectors.budget import unlabeled_indices
from ladle.selectors.distances import pairwise_squared_distances
from ladle.selectors.passes import Passes, as_passes, start_amid
from ladle.typing import Array, Embedding, Indices

# Rows looked at between two passes over the pool: so many times the picks still to make, within these bounds. More
# mean fewer passes, and a larger matrix of distances among them.
_CANDIDATES_A_PICK = 4
_FEWEST_CANDIDATES, _MOST_CANDIDATES = 256, 4096
_TAKEN = -1.0


def farthest_first(embedding: Passes | Embedding | Array, labeled: Indices, budget: int) -> Indices:
    """Pick, one by one, the row farthest from everything chosen so far.

    Done lazily: distances to the nearest center only shrink, so those of the last pass over the pool are upper bounds.
    Among the rows of the largest ones picks are exact for as long as the best beats all upper bounds outside.

    Args:
        embedding: n rows with inner products: a plain (n, d) array, factored gradients, or passes over either.
        labeled: (m,) whole-pool indices already labeled. When empty, the first pick is the row farthest from the mean
            of a plain array, or the longest gradient.
        budget: from 1 to the number of unlabeled rows.

    Returns:
        (budget,) distinct unlabeled indices in pick order; ties go to the lowest index.

    Raises:
        BudgetError: more rows asked for than are unlabeled.

    Cost: O(n (m + budget) d) time in a few passes, each one matrix product; 8 n bytes beside the rows in float32.
    Reference: Sener and Savarese (2018), algorithm 1; Gonzalez (1985).
    """
    passes = as_passes(embedding)
    unlabeled_indices(len(passes), labeled, budget)
    taken = np.asarray(labeled, dtype=np.int64)
    start_amid(passes, taken)
    picks: list[int] = []
    fresh = taken
    if not len(taken):
        sums = passes.column_sums()
        first, _ = passes.farthest_from(None if sums is None else sums.sum(dim=0) / len(passes))
        picks, fresh = [first], np.array([first])
    while len(picks) < budget:
        passes.reach(passes.fetch(fresh), fresh)
        fresh = _farthest_among_few(passes, budget - len(picks))
        picks.extend(fresh.tolist())
    return np.array(picks, dtype=np.int64)


def _farthest_among_few(passes: Passes, wanted: int) -> Indices:
    """Return the next picks, at least one, that need no further pass over the pool."""
    count = min(max(_CANDIDATES_A_PICK * wanted, _FEWEST_CANDIDATES), _MOST_CANDIDATES)
    # One more than are looked at: the bound on everything outside.
    rows, distances = passes.farthest(count + 1)
    bound, bound_row = (distances[count], int(rows[count])) if len(rows) > count else (_TAKEN, len(passes))
    order = np.argsort(rows[:count])
    rows, distances = rows[:count][order], distances[:count][order]
    between = pairwise_squared_distances(passes.fetch(rows))
    picks: list[int] = []
    while len(picks) < wanted:
        place = int(distances.argmax())  # the first of equals: the lowest index
        best = distances[place]
        # An outsider with the same upper bound and a lower index may come first.
        if best < bound or (best == bound and rows[place] > bound_row) or best == _TAKEN:
            break
        # A matrix product may round twins apart in the last bit, by where they stand in it: take the first of them.
        place = int(np.flatnonzero((between[place] == 0.0) & (distances != _TAKEN))[0])
        picks.append(int(rows[place]))
        np.minimum(distances, between[place], out=distances)
        distances[place] = _TAKEN
    return np.array(picks, dtype=np.int64)
