"""Randomness that depends on a seed alone and leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import numpy as np
import torch

from ladle.errors import InputError

# The global generators are one for all threads: a training in the background waits for that in front.
_GENERATORS = RLock()


def spread_seed(seed: int, count: int) -> list[int]:
    """Return unrelated seeds for the several uses of one.

    Args:
        seed: 0 or above.
        count: how many are wanted.

    Raises:
        InputError: the seed is negative or no integer.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"a seed is an integer of 0 or above (got seed={seed!r}); give another")
    return [int(word) for word in np.random.SeedSequence(int(seed)).generate_state(count, np.uint64)]


@contextmanager
def isolated_rng(seed: int, device: torch.device) -> Iterator[None]:
    """Run a block with torch's global generators set to a seed, and put them back as they were.

    Those of the CPU and of this one device: layers draw their first weights and dropout from nowhere else. One thread
    at a time runs such a block; others of the process that draw from the global generators otherwise would disturb it.
    """
    if device.type == "cpu":
        with _GENERATORS, torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            yield
        return
    accelerator = torch.get_device_module(device)
    with (
        _GENERATORS,
        torch.random.fork_rng(devices=[device], device_type=device.type),
        accelerator.device(device),
    ):
        torch.default_generator.manual_seed(seed)
        accelerator.manual_seed(seed)
        yield
