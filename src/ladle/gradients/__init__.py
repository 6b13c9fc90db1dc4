"""How an example would move the model: gradients of its loss with respect to the last linear layer.

With logits z = W h + b the gradient of one example is the outer product of its residual (the derivative of the loss
with respect to z) and its features [h, 1]. What concerns the last layer keeps the two factors apart; the discrepancy
over any other parameters is in ``any_parameters``.
"""

from ladle.gradients.any_parameters import (
    EstimatedDiscrepancy,
    discrepancy_over,
    estimated_discrepancy,
    example_gradients,
    mean_gradient_over,
)
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
from ladle.gradients.parameters import Parameters, select_parameters
from ladle.gradients.reference import mean_gradient

__all__ = [
    "LOSSES",
    "EstimatedDiscrepancy",
    "FactoredGradients",
    "Parameters",
    "ResidualLoss",
    "binary_cross_entropy",
    "cross_entropy",
    "discrepancy_over",
    "estimated_discrepancy",
    "example_gradients",
    "find_loss",
    "gradient_lengths",
    "loss_by_autograd",
    "mean_gradient",
    "mean_gradient_over",
    "select_parameters",
    "smoothed_cross_entropy",
    "squared_error",
    "weighted_cross_entropy",
]
