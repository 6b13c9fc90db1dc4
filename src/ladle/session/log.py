"""The event log: what was asked and told, in order, in a database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import IntegrityError

from ladle.errors import SessionError, StoreConflictError, StoreError, reason_of
from ladle.session.damage import as_written, not_as_written
from ladle.session.database import events, sessions
from ladle.session.event_rows import check_event, decode_event, encode_event
from ladle.session.state import Event, State


class EventLog:
    """The events of one session, appended in order and never changed.

    Args:
        engine: an open database.
        name: the session's name; its events are read if it is there, else it is made.
        config: what the session is: a later opening under this name must bring the same.
        environment: versions and machine, kept from the first opening.

    Raises:
        SessionError: the name belongs to a session with another configuration.
        StoreError: the session's row is not as it was written.
    """

    def __init__(
        self, engine: Engine, name: str, config: Mapping[str, Any], environment: Mapping[str, Any] | None = None
    ) -> None:
        self.engine = engine
        self.name = name
        try:
            with engine.begin() as connection:
                self._id = self._find_or_make(connection, config, environment or {})
        except IntegrityError:  # another process made it at the same moment
            with engine.begin() as connection:
                self._id = self._find_or_make(connection, config, environment or {})
        #: Events read or appended so far; the next one follows them.
        self.length = 0

    def read(self) -> list[Event]:
        """Return all events in order; what is appended next follows the last of them.

        Raises:
            StoreError: an event that is not as it was written, or one that is missing.
        """
        query = select(events.c.sequence, events.c.kind, events.c.payload).where(events.c.session_id == self._id)
        read: list[Event] = []
        try:
            with self.engine.connect() as connection:
                for sequence, kind, payload in connection.execute(query.order_by(events.c.sequence)):
                    if sequence != len(read):
                        raise ValueError(f"event {sequence!r} in its place")  # noqa: TRY301
                    read.append(decode_event(kind, payload))
        # No JSON; other types; nesting without end; a number of a thousand digits.
        except (ValueError, TypeError, RecursionError, OverflowError) as error:
            raise self._damaged(len(read), error) from error
        self.length = len(read)
        return read

    def replay(self, *, size: int, classes: int | None, multi_label: bool) -> State:
        """Return where the events lead.

        Args:
            size: examples in the pool.
            classes: how many there are; None where that is not known.
            multi_label: whether labels are rows of zeros and ones.

        Raises:
            StoreError: an event that is not as it was written, that no such pool has, or that cannot follow those
                before it.
        """
        state = State()
        for number, event in enumerate(self.read()):
            try:
                check_event(event, size=size, classes=classes, known=state.labels if multi_label else None)
                state = state.after(event)
            except (ValueError, SessionError) as error:
                raise self._damaged(number, error) from error
        return state

    def _damaged(self, number: int, error: Exception) -> StoreError:
        # What an error of a session advises is for those who drive it.
        reason = reason_of(error).partition("; ")[0]
        return not_as_written(self.engine, f"event {number} of {self.name!r}", reason)

    def append(self, event: Event, connection: Connection | None = None) -> None:
        """Append one event, durable when the transaction commits.

        Args:
            event: what happened.
            connection: a transaction to be part of; one of its own by default.

        Raises:
            StoreConflictError: another process has appended since this one has read.
        """
        kind, payload = encode_event(event)
        row = {"session_id": self._id, "sequence": self.length, "kind": kind, "payload": payload}
        try:
            with self.engine.begin() if connection is None else nullcontext(connection) as transaction:
                transaction.execute(insert(events).values(row))
        except IntegrityError as error:
            raise StoreConflictError(
                f"one process at a time may drive a session (got a second one on {self.name!r}); open it again"
            ) from error
        self.length += 1

    def _find_or_make(self, connection: Connection, config: Mapping[str, Any], environment: Mapping[str, Any]) -> int:
        # Through JSON and back, so that what is compared is what a database would give.
        wanted = json.loads(json.dumps(config, default=_plain))
        query = select(sessions.c.id, sessions.c.config).where(sessions.c.name == self.name)
        with as_written(self.engine, f"session {self.name!r}"):
            found = connection.execute(query).first()
            if found is not None and not isinstance(found.config, dict):
                raise ValueError(f"settings {found.config!r:.60}")
        if found is None:
            values = {"name": self.name, "config": wanted, "environment": dict(environment)}
            made = connection.execute(insert(sessions).values(values)).inserted_primary_key
            assert made is not None
            return int(made[0])
        for key in sorted(wanted.keys() | found.config.keys()):
            if wanted.get(key) != found.config.get(key):
                if key == "pool":
                    raise SessionError(
                        f"a session goes on with the examples it began with (got others for {self.name!r}); give the "
                        "same, in the same order and read the same way, or use another name or another store"
                    )
                raise SessionError(
                    f"a session is resumed as it was made (got {key}={wanted.get(key)!r} for {self.name!r}, "
                    f"stored {key}={found.config.get(key)!r}); use the stored value, another name or another store"
                )
        return int(found.id)


def _plain(value: Any) -> Any:
    # NumPy's numbers, as a loop over an array gives them.
    return value.item()
