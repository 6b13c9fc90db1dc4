"""SGD with momentum for dense parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


class Momentum:
    """The update of `torch.optim.SGD` with momentum, and no more.

    Twice two lines of arithmetic, since on networks this small the bookkeeping of `torch.optim.SGD` takes a fourth of a
    training step and more, fused or not.

    Args:
        parameters: what is trained, changed in place.
        learning_rate: η, above 0.
        momentum: μ, from 0 to below 1.
    """

    def __init__(self, parameters: Iterable[Tensor], *, learning_rate: float, momentum: float) -> None:
        self.parameters = list(parameters)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._velocities = [torch.zeros_like(parameter, requires_grad=False) for parameter in self.parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None]) -> None:
        """Move each parameter by its velocity, v ← μ v + g and w ← w − η v; one without gradient stays as it is."""
        for parameter, gradient, velocity in zip(self.parameters, gradients, self._velocities, strict=True):
            if gradient is not None:
                torch.add(gradient, velocity, alpha=self._momentum, out=velocity)
                parameter.add_(velocity, alpha=-self._learning_rate)
