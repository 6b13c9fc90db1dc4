"""The event log: what was asked and told, in order, in a database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import IntegrityError

from ladle.errors import SessionError, StoreConflictError, StoreError
from ladle.session.database import events, sessions
from ladle.session.state import Asked, Event, Skipped, Told, Undone
from ladle.typing import Indices


class EventLog:
    """The events of one session, appended in order and never changed.

    Args:
        engine: an open database.
        name: the session's name; its events are read if it is there, else it is made.
        config: what the session is: a later opening under this name must bring the same.
        environment: versions and machine, kept from the first opening.

    Raises:
        SessionError: the name belongs to a session with another configuration.
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
        """Return all events in order; what is appended next follows the last of them."""
        query = select(events.c.kind, events.c.payload).where(events.c.session_id == self._id)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(events.c.sequence)).all()
        self.length = len(rows)
        return [decode_event(kind, payload) for kind, payload in rows]

    def append(self, event: Event, connection: Connection | None = None) -> None:
        """Append one event, durable when the transaction commits.

        Args:
            event: what happened.
            connection: a transaction to be part of; one of its own by default.

        Raises:
            StoreConflictError: another process has appended since this one has read.
        """
        kind, payload = _encode(event)
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
        found = connection.execute(select(sessions.c.id, sessions.c.config).where(sessions.c.name == self.name)).first()
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


def _encode(event: Event) -> tuple[str, dict[str, Any]]:
    match event:
        case Asked():
            return "asked", {
                "indices": event.indices.tolist(),
                "strategy": event.strategy,
                "seconds": dict(event.seconds),
            }
        case Told():
            return "told", {"indices": event.indices.tolist(), "labels": event.labels.tolist()}
        case Skipped():
            return "skipped", {"indices": event.indices.tolist()}
    return "undone", {} if event.index is None else {"index": event.index}


def decode_event(kind: str, payload: Mapping[str, Any]) -> Event:
    """Return an event as it was before it was stored.

    Raises:
        StoreError: a kind that is unknown.
    """
    match kind:
        case "asked":
            return Asked(_int64(payload["indices"]), payload["strategy"], payload["seconds"])
        case "told":
            return Told(_int64(payload["indices"]), _int64(payload["labels"]))
        case "skipped":
            return Skipped(_int64(payload["indices"]))
        case "undone":
            return Undone(payload.get("index"))
        case _:
            raise StoreError(f"the store holds an event of an unknown kind (got {kind!r}); use the Ladle that wrote it")


def _plain(value: Any) -> Any:
    # NumPy's numbers, as a loop over an array gives them.
    return value.item()


def _int64(values: list[Any]) -> Indices:
    return np.array(values, dtype=np.int64)
