"""What picks while there is no model to ask: nothing, or one class only, is labeled.

A cold start is a strategy whose features are the inputs themselves.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from ladle.arrays import as_tensor
from ladle.errors import InputError, UnknownNameError
from ladle.selectors import k_means_plus_plus
from ladle.strategies.catalog import CATALOG
from ladle.strategies.outputs import PoolOutputs
from ladle.strategies.strategy import Strategy, embedding_strategy
from ladle.typing import Features, Inputs

# What a sparse matrix is reduced to before distances between its rows are taken.
_COMPONENTS = 64


def _features(outputs: PoolOutputs) -> Features:
    return outputs.features


#: Every cold start by its name: uniform draws as in the paper, farthest first, or D² sampling from a uniform first row.
COLD_STARTS: dict[str, Strategy] = {
    "random": CATALOG["random"],
    "k-center": CATALOG["k-center"],
    "k-means++": embedding_strategy(
        "k-means++",
        _features,
        partial(k_means_plus_plus, first="uniform"),
        "k-means++ over the inputs",
        "Arthur and Vassilvitskii (2007)",
    ),
}


def find_cold_start(name: str) -> Strategy:
    """Return the cold start of this name: random, k-center or k-means++.

    Raises:
        UnknownNameError: no cold start has this name.
    """
    if name not in COLD_STARTS:
        raise UnknownNameError.among("cold start", str(name), COLD_STARTS)
    return COLD_STARTS[name]


def is_cold(labels: Any) -> bool:
    """Tell whether there are no labels, or class numbers of one class only: nothing that a model could tell apart.

    Args:
        labels: (m,) class labels of any kind, or (m, C) zeros and ones, of which one row will do.
    """
    known = np.asarray(labels)
    return len(known) == 0 or (known.ndim == 1 and len(np.unique(known)) == 1)


def distance_rows(inputs: Inputs) -> Tensor:
    """Return inputs as (n, d) rows, between which a cold start takes its distances.

    Dense inputs are flattened, as they are: columns that should count alike have to be of one scale. Sparse ones, such
    as TF-IDF of texts, are reduced to 64 columns, where they have more, by a truncated SVD, since texts that share no
    word are all equally far apart.

    Args:
        inputs: (n, ...) numbers, or an (n, columns) CSR matrix.

    Raises:
        InputError: anything but finite numbers.

    Cost: one copy of integers; a truncated SVD of sparse inputs.
    """
    numbers = as_tensor(_reduced(inputs) if scipy.sparse.issparse(inputs) else inputs)
    rows = numbers.flatten(1) if numbers.ndim > 1 else numbers.unsqueeze(1)
    rows = rows if rows.is_floating_point() else rows.float()
    if not torch.isfinite(rows).all():
        raise InputError(
            "a cold start by distance needs finite inputs (got NaN or infinity among them); fill in what is missing, "
            "or take cold_start='random'"
        )
    return rows


def _reduced(matrix: scipy.sparse.csr_matrix) -> NDArray[Any]:
    rows, columns = matrix.shape
    if not rows or columns <= _COMPONENTS:
        return matrix.toarray()
    from sklearn.decomposition import TruncatedSVD

    # The share of the variance that a component explains comes along: a division by zero where all rows are equal.
    with np.errstate(divide="ignore", invalid="ignore"):
        reduced: NDArray[Any] = TruncatedSVD(min(_COMPONENTS, rows), random_state=0).fit_transform(matrix)
    return reduced
