"""Token buckets: how fast each client may ask, with room for a burst."""

from __future__ import annotations

import time
from collections.abc import Callable

_FEW = 1024


class TokenBuckets:
    """A bucket of tokens for each client, filled at a steady rate; a request takes one.

    Not for several threads: the server's loop alone asks.

    Args:
        rate: tokens a second, above 0.
        burst: tokens in a full bucket, at least 1.
        clock: seconds.

    Cost: constant on average; memory for those clients alone whose bucket isn't full.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._many = _FEW

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, client: str) -> float:
        """Take a token, and return 0; or, where there is none, the seconds until there is one."""
        now = self._clock()
        tokens, since = self._buckets.get(client, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        if tokens < 1:
            self._buckets[client] = (tokens, now)
            return (1 - tokens) / self._rate
        self._buckets[client] = (tokens - 1, now)
        if len(self._buckets) > self._many:
            self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        # A bucket that is full again is as good as none.
        self._buckets = {
            client: (tokens, since)
            for client, (tokens, since) in self._buckets.items()
            if tokens + (now - since) * self._rate < self._burst
        }
        self._many = max(_FEW, 2 * len(self._buckets))
