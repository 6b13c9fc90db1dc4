"""Connecting to a Ray cluster, or starting one on this machine."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from ladle.errors import ConfigError, LadleError, MissingExtraError, reason_of

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
        LadleError: the cluster lost what worked on it in the block, and more often than is made good.
    """
    # Nobody's use of Ladle is reported anywhere.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise MissingExtraError.needs("a cluster", "ray") from None
    if ray.is_initialized():
        with _told_in_a_line():
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
        raise ConfigError(
            f"a Ray cluster must answer (got {address or 'none'}: {reason_of(error)}); start it with ray start"
        ) from None
    try:
        with _told_in_a_line():
            yield
    finally:
        ray.shutdown()


@contextmanager
def _told_in_a_line() -> Iterator[None]:
    """Tell what Ray could not make good again, such as a node lost too often, as an error of Ladle's."""
    from ray.exceptions import RayError, RayTaskError

    try:
        yield
    except RayError as error:
        cause = error.cause if isinstance(error, RayTaskError) else error
        if not isinstance(cause, RayError):
            raise  # what ran on the cluster has a bug: the traceback is what helps
        raise LadleError(
            f"a cluster must not lose what works on it (got {type(cause).__name__}: {reason_of(cause)}); see that its "
            "nodes stay up and have the memory, and run it again"
        ) from error


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
