"""Expected gradient length: how much an example would move the model, on average over its possible labels."""

from __future__ import annotations

import torch

from ladle.arrays import as_tensor, like
from ladle.typing import ArrayT


def expected_gradient_length(logits: ArrayT, lengths: ArrayT) -> ArrayT:
    """Return the gradient length expected under the predictive distribution.

    Args:
        logits: (n, C) output of the last layer.
        lengths: (n, C) gradient length under each class, as ``ladle.gradients.gradient_lengths`` gives.

    Returns:
        (n,) at least 0; the kind of array that was given.

    Cost: O(n C).
    Reference: Settles, Craven and Ray (2007), Multiple-instance active learning, section 3.
    """
    probabilities = torch.softmax(as_tensor(logits), dim=1)
    return like((probabilities * as_tensor(lengths)).sum(dim=1), logits)
