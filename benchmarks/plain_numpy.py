"""Textbook k-means++ and farthest-first in plain NumPy: one pass over the pool for each pick, as most libraries do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def badge(residuals: NDArray[Any], features: NDArray[Any], budget: int, seed: int) -> list[int]:
    """Draw by D² over factored gradients, one after the other."""
    rng = np.random.default_rng(seed)
    norms = (residuals**2).sum(1) * ((features**2).sum(1) + 1)
    picks = [int(norms.argmax())]
    nearest = np.full(len(norms), np.inf, dtype=norms.dtype)
    while len(picks) < budget:
        last = picks[-1]
        inner = (residuals @ residuals[last]) * (features @ features[last] + 1)
        nearest = np.minimum(nearest, np.maximum(norms + norms[last] - 2 * inner, 0))
        nearest[picks] = 0
        reach = np.cumsum(nearest, dtype=np.float64)
        picks.append(int(np.searchsorted(reach, rng.random() * reach[-1], side="right")))
    return picks


def k_center(features: NDArray[Any], labeled: NDArray[Any], budget: int) -> list[int]:
    """Take the farthest row, one after the other."""
    norms = (features**2).sum(1)
    nearest = np.full(len(norms), np.inf, dtype=norms.dtype)
    for start in range(0, len(labeled), 100):
        block = labeled[start : start + 100]
        nearest = np.minimum(nearest, (norms[:, None] + norms[block] - 2 * features @ features[block].T).min(1))
    picks: list[int] = []
    nearest[labeled] = -1
    for _ in range(budget):
        pick = int(nearest.argmax())
        picks.append(pick)
        nearest = np.minimum(nearest, norms + norms[pick] - 2 * features @ features[pick])
        nearest[picks] = -1
    return picks
