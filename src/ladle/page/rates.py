"""Token buckets: how fast each client may ask, with room for a burst."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

_FEW = 1024


def network_of(host: str) -> str:
    """Return what of an address its owner cannot choose: all of IPv4, the first half of IPv6."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a socket of this machine has no address
        return host
    if address.version == 4:
        return host
    # A listener on IPv6 may be asked over IPv4 too.
    return str(address.ipv4_mapped or address.packed[:8].hex())


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
        tokens = self._tokens(client, now)
        if tokens < 1:
            return (1 - tokens) / self._rate
        self._buckets[client] = (tokens - 1, now)
        if len(self._buckets) > self._many:
            self._forget(now)
        return 0.0

    def wait(self, client: str) -> float:
        """Return the seconds until there is a token, 0 where there is one, and take none."""
        return max(0.0, (1 - self._tokens(client, self._clock())) / self._rate)

    def _tokens(self, client: str, now: float) -> float:
        tokens, since = self._buckets.get(client, (float(self._burst), now))
        return min(self._burst, tokens + (now - since) * self._rate)

    def _forget(self, now: float) -> None:
        # A bucket that is full again is as good as none.
        self._buckets = {
            client: (tokens, since)
            for client, (tokens, since) in self._buckets.items()
            if tokens + (now - since) * self._rate < self._burst
        }
        self._many = max(_FEW, 2 * len(self._buckets))
