"""Which databases still hold a connection that nobody uses."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Engine, QueuePool


def left_open(engines: Iterable[Engine]) -> list[str]:
    """Return the URLs of engines with idle connections; one that was disposed of has none."""
    return [str(engine.url) for engine in engines if isinstance(engine.pool, QueuePool) and engine.pool.checkedin()]
