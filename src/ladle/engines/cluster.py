"""Connecting to a Ray cluster, or starting one on this machine."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from ladle.errors import ConfigError, MissingExtraError

_PORT = 6379
_SECONDS_TO_ANSWER = 5.0


@contextmanager
def connect(address: str | None = None) -> Iterator[None]:
    """Be connected to a Ray cluster in the block.

    A connection that this process has already is used and left as it is.

    Args:
        address: of a running cluster, ``HOST:PORT`` or ``auto`` for one on this machine; without it Ray is started
            here, on all cores, and stopped at the end.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: nothing answers at the address.
    """
    # Nobody's use of Ladle is reported anywhere.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise MissingExtraError.needs("a cluster", "ray") from None
    if ray.is_initialized():
        yield
        return
    if address is not None:
        _check_reachable(address)
    try:
        ray.init(
            address=address,
            include_dashboard=None if address else False,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            f"a Ray cluster must answer (got {address or 'none'}: {reason}); start it with ray start"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Make sure that something listens there: Ray itself tries for minutes before it gives up."""
    if address in ("auto", "local") or "://" in address:
        return
    host, _, port = address.rpartition(":") if ":" in address else (address, "", str(_PORT))
    try:
        socket.create_connection((host, int(port)), timeout=_SECONDS_TO_ANSWER).close()
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"a Ray cluster must answer at its address (got {address}: {error}); start it there with: "
            f"ray start --head --port {_PORT}"
        ) from None
