"""How an example would move the model: gradients of its loss with respect to the last linear layer.

With logits z = W h + b the gradient of one example is the outer product of its residual (the derivative of the loss
with respect to z) and its features [h, 1]. Everything here keeps the two factors apart.
"""

from ladle.gradients.factored import FactoredGradients
from ladle.gradients.lengths import gradient_lengths
from ladle.gradients.losses import (
    LOSSES,
    ResidualLoss,
    binary_cross_entropy,
    cross_entropy,
    find_loss,
    loss_by_autograd,
    smoothed_cross_entropy,
    squared_error,
    weighted_cross_entropy,
)
from ladle.gradients.reference import mean_gradient

__all__ = [
    "LOSSES",
    "FactoredGradients",
    "ResidualLoss",
    "binary_cross_entropy",
    "cross_entropy",
    "find_loss",
    "gradient_lengths",
    "loss_by_autograd",
    "mean_gradient",
    "smoothed_cross_entropy",
    "squared_error",
    "weighted_cross_entropy",
]
