"""The multilayer perceptron for text and tables."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ladle.models.head import HIDDEN, mlp_head
from ladle.models.sparse_linear import SparseLinear


class MLP(nn.Module):
    """Linear layers with ReLUs between them: input → 512 → 256 → classes.

    Args:
        features: numbers in an example, its axes multiplied; columns of a sparse matrix.
        classes: number of logits.
        hidden: at least one width.
        sparse: whether examples come as rows of torch.sparse_csr tensors. The first layer is then a `SparseLinear`,
            the same function of its input as the dense one.

    Reference: Rumelhart, Hinton and Williams (1986).
    """

    def __init__(self, features: int, classes: int, *, hidden: Sequence[int] = HIDDEN, sparse: bool = False) -> None:
        super().__init__()
        self.trunk: nn.Module
        if sparse:
            self.trunk = nn.Sequential(SparseLinear(features, hidden[0]), nn.ReLU(inplace=True))
            self.head = mlp_head(hidden[0], classes, hidden[1:])
        else:
            self.trunk = nn.Flatten()
            self.head = mlp_head(features, classes, hidden)

    def forward(self, examples: Tensor) -> Tensor:
        """Return the (n, classes) logits of n examples of any shape, or of a sparse (n, features) batch."""
        logits: Tensor = self.head(self.trunk(examples))
        return logits
