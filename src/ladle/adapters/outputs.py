"""What a fitted classifier of another library says of examples, as strategies take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ladle.gradients import ResidualLoss


@dataclass(frozen=True)
class EstimatorOutputs:
    """A fitted classifier's view of examples.

    Attributes:
        features: (n, d) what its linear part is applied to; the inputs themselves for one without a linear part.
        logits: (n, C) outputs of that part; logarithms of the probabilities for one without.
        classes: (C,) the label of each column, ascending.
        loss: what it was fitted with, as residuals; None where its gradients are not known.
        bias: whether the linear part has an intercept.
    """

    features: NDArray[np.float64]
    logits: NDArray[np.float64]
    classes: NDArray[Any]
    loss: ResidualLoss | None
    bias: bool
