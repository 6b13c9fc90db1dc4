"""Top-b by sorting."""

from __future__ import annotations

from collections.abc import Sequence


def top(scores: Sequence[float], labeled: Sequence[int], budget: int) -> list[int]:
    """Return the unlabeled rows of the highest scores, highest first, the lowest index first among equals."""
    unlabeled = [row for row in range(len(scores)) if row not in set(labeled)]
    return sorted(unlabeled, key=lambda row: (-scores[row], row))[:budget]
