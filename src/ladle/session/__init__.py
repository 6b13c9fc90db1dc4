"""The loop of active learning as an object: ask for a batch, tell its labels, undo, resume from a store."""

from ladle.session.damage import as_written
from ladle.session.database import open_database
from ladle.session.lock import hold
from ladle.session.log import EventLog
from ladle.session.session import Session
from ladle.session.state import Answer, Asked, Event, Skipped, State, Told, Undone, replay

__all__ = [
    "Answer",
    "Asked",
    "Event",
    "EventLog",
    "Session",
    "Skipped",
    "State",
    "Told",
    "Undone",
    "as_written",
    "hold",
    "open_database",
    "replay",
]
