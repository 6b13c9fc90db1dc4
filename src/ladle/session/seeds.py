"""One seed in, an independent seed for every purpose and round out.

A draw depends on where the session stands (how many batches were asked for, how many labels are in hand), never on how
many draws came before: a session resumed in the middle goes on exactly as if it had never stopped, and strategies that
share a seed share their initial set and, at the same number of labels, their initial weights.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a seed is for; the numbers are part of every stored result and never change."""

    SELECTION = 1
    TRAINING = 2
    FORECAST = 3


def derived_seed(seed: int, purpose: Purpose, position: int) -> int:
    """Return the seed for one purpose at one point of a session, from 0 to 2⁶³ - 1.

    Args:
        seed: the session's seed, at least 0.
        purpose: what it is for.
        position: for a selection the number of batches asked for before, else the number of labels.
    """
    state = np.random.SeedSequence([seed, int(purpose), position]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))
