r"""Exact SGD with momentum that touches only the rows a batch touches.

SGD with momentum moves a row of weights w by its velocity v in every step, gradient or not:

.. math:: v \leftarrow \mu v + g, \qquad w \leftarrow w - \eta v.

A row without gradient for k steps moves by a closed form, :math:`w - \eta v \mu (1 - \mu^k) / (1 - \mu)`, so it could
be caught up when it is next needed. It is simpler still to keep two numbers that do not move at all without gradient:

* :math:`u = w - c v` with :math:`c = \eta \mu / (1 - \mu)`, where the row would come to rest, and
* :math:`p = v / \mu^t`, the velocity without the decay that all rows share after t steps.

A gradient g in step t changes them by

.. math:: u \leftarrow u - \frac{\eta}{1 - \mu} g, \qquad p \leftarrow p + \mu^{-(t + 1)} g,

and the weight at any time is :math:`w = u + c \mu^t p`. So a step reads and adds to the batch's rows, and nothing ever
needs catching up. The two lie side by side in one row of memory, which a step then finds, reads and adds to once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ladle.errors import InputError
from ladle.models.sparse_linear import SparseLinear, sparse_product

#: Below this the shared decay is multiplied into the velocities, long before 1 / decay would overflow in float32.
_SMALLEST_DECAY = 1e-20


class LazyMomentum:
    """Trains the weight of one `SparseLinear` as `torch.optim.SGD` with momentum would.

    From its making until `finish` the layer computes its output through this object, and its weight stays what it was.
    A training step is: forward pass, derivative of the loss with respect to `output`, `step`.

    Args:
        layer: applied once a step, its weight used nowhere else. The bias is left to an ordinary optimizer.
        columns: every column that will ever come, repetitions allowed: no other row can move.
        learning_rate: η, above 0.
        momentum: μ, from 0 to below 1.

    Cost: memory for the rows of the distinct columns, twice; a step is O(nonzeros · width).
    """

    def __init__(self, layer: SparseLinear, columns: Tensor, *, learning_rate: float, momentum: float) -> None:
        self._layer = layer
        self._momentum = momentum
        self._rest = learning_rate / (1 - momentum)  # how far a gradient carries a row until it rests, over |g|
        self._carry = self._rest * momentum  # how far a velocity still carries it, over |v|: c above
        self._decay = 1.0  # μ^t since the velocities were last brought up to date
        self._moving = torch.unique(columns)
        start = layer.weight.detach().index_select(0, self._moving)
        self._rows = torch.cat([start, torch.zeros_like(start)], dim=1)  # u and p of the module's text, side by side
        self._position = self._moving.new_full((layer.columns,), -1)
        self._position[self._moving] = torch.arange(len(self._moving), device=columns.device)
        self._batch: tuple[Tensor, Tensor, Tensor] | None = None
        self.output: Tensor | None = None
        layer.stand_in = self._product

    def _product(self, crow: Tensor, column: Tensor, value: Tensor) -> Tensor:
        if self.output is not None:
            raise InputError(
                "a sparse linear layer can be applied once in a forward pass (got a second call before step); "
                "give each use a layer of its own"
            )
        with torch.no_grad():
            place = self._position.index_select(0, column)
            output = self._weighed(sparse_product(crow, place, value, self._rows))
        self._batch = crow, place, value
        # A leaf: autograd stops here, and `step` does the rest of the backward pass on the rows alone.
        self.output = output.requires_grad_()
        return self.output

    @torch.no_grad()
    def step(self, gradient: Tensor | None) -> None:
        """Move the weight by the gradient of the loss with respect to `output`.

        None, for an output that the loss does not depend on, leaves weight and velocity as they are, as in torch.optim.
        """
        batch, self._batch, self.output = self._batch, None, None
        if batch is None or gradient is None:
            return
        crow, place, value = batch
        if self._decay * self._momentum < _SMALLEST_DECAY:
            self._rows[:, self._layer.width :].mul_(self._decay * self._momentum)
            self._decay = 1.0
        else:
            self._decay *= self._momentum
        # Rows shared between examples are summed by the matrix product: fewer rows to add to than nonzeros.
        distinct, local = torch.unique(place, return_inverse=True)
        count = len(crow) - 1
        example = torch.arange(count, device=crow.device).repeat_interleave(crow.diff(), output_size=len(place))
        dense = value.new_zeros((len(distinct), count))
        dense.index_put_((local, example), value, accumulate=True)
        self._rows.index_add_(0, distinct, dense @ torch.cat([gradient * -self._rest, gradient / self._decay], dim=1))

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Let the layer be, for the while, what plain SGD would have made of it: its weight as of the last step.

        What is looked at is not trained: changes to the weight are lost afterwards.
        """
        self.finish()
        try:
            yield
        finally:
            self._layer.stand_in = self._product

    @torch.no_grad()
    def finish(self) -> None:
        """Write the trained weight into the layer and let go of it."""
        self._layer.weight.index_copy_(0, self._moving, self._weighed(self._rows))
        self._layer.stand_in = None

    def _weighed(self, rows: Tensor) -> Tensor:
        """Return the weights, or sums of them, where u and p or their sums lie side by side."""
        at_rest, velocity = rows.chunk(2, dim=1)
        return torch.add(at_rest, velocity, alpha=self._carry * self._decay)
