"""Rows that are also known by their distance to one more point, the anchor, which need not be a row itself."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ladle.selectors.distances import Centers, squared_distances
from ladle.typing import Embedding


@dataclass(frozen=True)
class AnchoredEmbedding:
    """n rows of a vector space, and how far each lies from an anchor.

    The anchor of the discrepancy is the mean gradient of the labeled examples: a sum of outer products, so that it is
    no row of factored gradients. Its distances to them are all that a selector needs: the inner products seen from the
    anchor follow from them, (x - a)·(y - a) = (|x - a|² + |y - a|² - |x - y|²) / 2.

    Attributes:
        rows: n rows with inner products.
        squared: (n,) squared distances to the anchor.
    """

    rows: Embedding
    squared: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Tensor | slice) -> AnchoredEmbedding:
        """Return the rows at these positions; a slice copies nothing."""
        return AnchoredEmbedding(self.rows.take(rows), self.squared[rows])

    def squared_norms(self) -> Tensor:
        """Return the (n,) squared lengths of the rows, from their own origin."""
        return self.rows.squared_norms()

    def inner(self, other: AnchoredEmbedding) -> Tensor:
        """Return the (n, k) inner products with k other rows, from their own origin."""
        return self.rows.inner(other.rows)

    def inner_from_anchor(self, norms: Tensor, centers: Centers) -> Tensor:
        """Return the (n, k) float64 inner products with k anchored centers, both seen from the anchor.

        Args:
            norms: (n,) what ``squared_norms`` returns.
            centers: k rows of an anchored embedding.
        """
        assert isinstance(centers.rows, AnchoredEmbedding)
        # In float64 from here on: what follows takes these products apart again.
        apart = squared_distances(self, norms, centers).double()
        both = self.squared.double().unsqueeze(1) + centers.rows.squared.double()
        return both.sub_(apart).mul_(0.5)
