"""k-means++ seeding (D² sampling): diverse rows, far ones likelier, drawn one after the other."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ladle.errors import InputError
from ladle.selectors.budget import unlabeled_indices
from ladle.selectors.distances import pairwise_squared_distances
from ladle.selectors.passes import Passes, as_passes, start_amid
from ladle.typing import Array, Embedding, Indices

FirstCenter = Literal["largest-norm", "uniform", "anchor"]

# Candidates drawn between two passes over the pool: so many times the rows drawn so far, within these bounds. While
# the rows double, the weights shrink little, and most candidates are kept.
_CANDIDATES_A_PICK = 1.5
_FEWEST_CANDIDATES, _MOST_CANDIDATES = 32, 4096


def k_means_plus_plus(
    embedding: Passes | Embedding | Array,
    labeled: Indices,
    budget: int,
    *,
    generator: np.random.Generator,
    first: FirstCenter = "largest-norm",
) -> Indices:
    """Draw rows one by one, each with probability proportional to its squared distance to those drawn before.

    Done in blocks: candidates are drawn at once by the distances of the last pass over the pool, and one whose distance
    has shrunk from D² to d² by those kept since is kept with probability d² / D². What is kept follows the law of
    drawing one by one exactly, since D² · (d² / D²) = d².

    Labeled rows are neither drawn nor centers: BADGE seeds among the unlabeled rows alone.

    Args:
        embedding: n rows with inner products: a plain (n, d) array, factored gradients, or passes over either.
        labeled: (m,) whole-pool indices already labeled; may be empty.
        budget: from 1 to the number of unlabeled rows.
        generator: where the draws come from; advanced by them.
        first: the first row: the one of largest norm, as BADGE's own code does, or one drawn uniformly. "anchor" makes
            the anchor of an ``AnchoredEmbedding`` the first center instead, and the first row is drawn like all others.

    Returns:
        (budget,) distinct unlabeled indices in the order drawn. Where every row left coincides with one drawn, the
        rest is drawn uniformly.

    Raises:
        BudgetError: more rows asked for than are unlabeled.
        InputError: an unknown way to find the first row, or no anchor where one is asked for.

    Cost: O(n budget d) time in a few passes, each one matrix product; 8 n bytes beside the rows in float32.
    Reference: Arthur and Vassilvitskii (2007); Ash et al. (2020), algorithm 1.
    """
    if first not in ("largest-norm", "uniform", "anchor"):
        raise InputError(f"the first center is 'largest-norm', 'uniform' or 'anchor' (got {first!r}); name one of them")
    passes = as_passes(embedding)
    unlabeled = unlabeled_indices(len(passes), labeled, budget)
    taken = np.asarray(labeled, dtype=np.int64)
    passes.start(taken, None)
    if first == "anchor":
        passes.reach_anchor()
        picks = fresh = np.empty(0, dtype=np.int64)
    else:
        pick = passes.farthest_from(None)[0] if first == "largest-norm" else int(generator.choice(unlabeled))
        start_amid(passes, taken)
        picks = fresh = np.array([pick], dtype=np.int64)
    while len(picks) < budget:
        if len(fresh):
            passes.reach(passes.fetch(fresh), fresh)
        weights = passes.chunk_weights()
        if not weights.sum() > 0.0:
            rest = np.setdiff1d(unlabeled, picks, assume_unique=True)
            return np.concatenate([picks, generator.choice(rest, size=budget - len(picks), replace=False)])
        count = min(max(int(_CANDIDATES_A_PICK * len(picks)), _FEWEST_CANDIDATES), _MOST_CANDIDATES)
        candidates, squared = _draw(passes, weights, generator.random(count))
        between = pairwise_squared_distances(passes.fetch(candidates))
        between[candidates[:, None] == candidates] = 0.0
        kept = accepted(squared, between, generator.random(count), budget - len(picks))
        fresh = candidates[kept]
        picks = np.concatenate([picks, fresh])
    return picks


def accepted(
    squared: NDArray[np.float64], between: NDArray[np.floating[Any]], uniforms: NDArray[np.float64], wanted: int
) -> NDArray[np.int64]:
    """Return which candidates are kept, in order: each with the probability to which its weight has shrunk.

    Args:
        squared: (k,) squared distance by which each candidate was drawn, positive.
        between: (k, k) squared distances among the candidates, zero where one is drawn twice.
        uniforms: (k,) numbers from 0 up to, not including, 1.
        wanted: stop once so many are kept.

    Returns:
        Positions of the kept candidates, at least one and at most ``wanted``.
    """
    now = squared.copy()
    thresholds = uniforms * squared
    kept: list[int] = []
    for place in range(len(squared)):
        # Nothing has shrunk before the first: rounding must not say otherwise.
        if not kept or thresholds[place] < now[place]:
            kept.append(place)
            if len(kept) == wanted:
                break
            np.minimum(now, between[place], out=now)
    return np.array(kept, dtype=np.int64)


def _draw(
    passes: Passes, weights: NDArray[np.float64], uniforms: NDArray[np.float64]
) -> tuple[Indices, NDArray[np.float64]]:
    """Draw rows with probability proportional to their weight: first the chunk, then the row within."""
    ends = np.cumsum(weights)
    marks = uniforms * ends[-1]
    # A number below one times a total among the smallest of float64 may round up to it: that is the last row's share.
    chunks = np.minimum(np.searchsorted(ends, marks, side="right"), np.searchsorted(ends, ends[-1]))
    return passes.find(chunks, np.maximum(marks - (ends[chunks] - weights[chunks]), 0.0))
