"""The network of an experiment, for its pool."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from ladle.data import Pool
from ladle.models import ModelConfig, build_model


def network_for(model: ModelConfig, pool: Pool) -> Callable[[], nn.Module]:
    """Return a function that builds a new, untrained network for the pool's examples and classes.

    Raises:
        InputError: a network that cannot read this data.
    """
    return build_model(
        model.name,
        example_shape=pool.example_shape,
        classes=len(pool.classes),
        sparse=not isinstance(pool.inputs, Tensor),
        hidden=model.hidden,
    )
