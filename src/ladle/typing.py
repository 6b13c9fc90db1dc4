"""The named tensor types: what flows between the rooms.

Shapes use n = rows in the pool, d = features, C = classes, m = labeled rows, b = budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from torch import Tensor

#: NumPy or torch in, the same kind out.
ArrayT = TypeVar("ArrayT", NDArray[Any], Tensor)
Array: TypeAlias = NDArray[Any] | Tensor

#: (n, d) input of the model's last linear layer.
Features: TypeAlias = Tensor
#: (n, C) output of the model's last linear layer.
Logits: TypeAlias = Tensor
#: (n, C) derivative of each example's loss with respect to its logits.
Residuals: TypeAlias = Tensor
#: (n,) one number an example; higher always means "ask first".
Scores: TypeAlias = Tensor
#: (C, d + 1), or (C, d) without bias: the mean labeled gradient of the last layer.
Reference: TypeAlias = Tensor
#: (m,) class numbers, or (m, C) targets for losses that take them.
Labels: TypeAlias = Tensor
#: int64 positions in the whole pool; local positions never leave a function.
Indices: TypeAlias = NDArray[np.int64]
#: What a model reads: a dense tensor whose first axis is the examples, or a sparse (n, columns) matrix.
Inputs: TypeAlias = Tensor | scipy.sparse.csr_matrix
#: The same, or several dense tensors over the same examples: a module's arguments in order, or by name.
ModelInputs: TypeAlias = Inputs | tuple[Tensor, ...] | Mapping[str, Tensor]
#: A few examples of them.
Batch: TypeAlias = Tensor | tuple[Tensor, ...] | dict[str, Tensor]


class Embedding(Protocol):
    """n rows of a vector space, known through their inner products only.

    A plain tensor is one such thing, factored gradients another; a selector needs no more than this.
    """

    def __len__(self) -> int:
        """Return n, the number of rows."""
        ...

    def take(self, rows: Tensor | slice) -> Self:
        """Return the rows at these positions, as an embedding of the same kind; a slice should copy nothing."""
        ...

    def squared_norms(self) -> Tensor:
        """Return the (n,) squared lengths of the rows."""
        ...

    def inner(self, other: Self) -> Tensor:
        """Return the (n, k) inner products with the k rows of another embedding of the same space."""
        ...
