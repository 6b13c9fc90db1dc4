"""Connections that nobody can hold for long: slow ones end, and where there are too many the idlest makes room."""

from __future__ import annotations

import asyncio
import enum
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ladle.page.limits import Limits


class _Phase(enum.Enum):
    ARRIVING = "a request is awaited, or a part of it is there"
    ANSWERING = "a request is there, and its answer is not taken yet"
    IDLE = "an answer is taken, and nothing of another request is there"


class Connection(H11Protocol):
    """One connection of the server; uvicorn's own, with an end to every wait.

    uvicorn ends an idle connection only, not one that sends a byte now and then, or reads one. Those are ended here
    when their time is up. A connection too many ends the one that has waited longest, so that whoever opens a thousand
    of them ends their own.
    """

    limits: ClassVar[Limits] = Limits()
    _phase: _Phase | None = None
    _since = 0.0
    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room where there are too many, and wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._make_room()
        self._note()

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        try:
            super().data_received(data)
        except ValueError:
            # A length of thousands of digits, which h11 hands to int().
            self.transport.abort()
        self._note()

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for it."""
        super().on_response_complete()
        self._note()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection even where the last answer isn't read."""
        self.transport.abort()

    def _note(self) -> None:
        """Where another phase has begun, set its end."""
        phase = self._current()
        if phase is self._phase:
            return
        self._phase, self._since = phase, self.loop.time()
        if self._end is not None:
            self._end.cancel()
        self._end = None
        # uvicorn ends the idle ones.
        if phase is not _Phase.IDLE:
            arriving = phase is _Phase.ARRIVING
            seconds = self.limits.request_seconds if arriving else self.limits.answer_seconds
            self._end = self.loop.call_later(seconds, self.transport.abort)

    def _current(self) -> _Phase:
        if self.cycle is None:  # as it is before the first request, whatever its type says
            return _Phase.ARRIVING  # type: ignore[unreachable]
        if not self.cycle.response_complete:
            return _Phase.ARRIVING if self.cycle.more_body else _Phase.ANSWERING
        begun = self.conn.their_state is not h11.IDLE or self.conn.trailing_data[0]
        return _Phase.ARRIVING if begun else _Phase.IDLE

    def _make_room(self) -> None:
        others = [
            one
            for one in self.connections
            if isinstance(one, Connection) and one is not self and not one.transport.is_closing()
        ]
        if others:
            min(others, key=lambda one: (one._phase is _Phase.ANSWERING, one._since)).transport.abort()


def connections_within(limits: Limits) -> type[Connection]:
    """Return the kind of connection that keeps these limits, for uvicorn's ``http``."""
    return type("Connection", (Connection,), {"limits": limits})
