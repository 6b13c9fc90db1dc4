"""Events as rows of a store: made of events, and checked when they come back."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from ladle.errors import StoreError
from ladle.session.state import Asked, Event, Skipped, Told, Undone
from ladle.typing import Indices

_SHOWN = 60


def encode_event(event: Event) -> tuple[str, dict[str, Any]]:
    """Return the kind and payload that an event is stored as."""
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


def decode_event(kind: str, payload: Any) -> Event:
    """Return an event as it was before it was stored.

    Args:
        kind: of the row.
        payload: of the row, whatever it holds.

    Raises:
        StoreError: a kind that is unknown.
        ValueError: a payload that no event of this kind has.
    """
    match kind, payload:
        case "asked", {"indices": list(indices), "strategy": str(strategy), "seconds": dict(seconds), **more} if (
            not more
        ):
            return Asked(_distinct(indices), strategy, seconds)
        case "told", {"indices": list(indices), "labels": list(labels), **more} if not more:
            return _told(_distinct(indices), labels)
        case "skipped", {"indices": list(indices), **more} if not more:
            return Skipped(_distinct(indices))
        case "undone", {"index": index, **more} if not more:
            return Undone(int(_distinct([index])[0]))
        case "undone", {**more} if not more:
            return Undone()
        case (("asked" | "told" | "skipped" | "undone"), _):
            raise ValueError(f"{kind} with {payload!r:.{_SHOWN}}")
    raise StoreError(f"the store holds an event of an unknown kind (got {kind!r}); use the Ladle that wrote it")


def check_event(event: Event, *, size: int, classes: int | None, known: Indices | None) -> None:
    """Make sure that a stored event is about a pool and its classes.

    Args:
        event: as it was decoded.
        size: examples in the pool.
        classes: how many there are; None where that is not known.
        known: the multi-label rows before it, (m, C); None where an example has one class.

    Raises:
        ValueError: it is not.
    """
    if isinstance(event, Undone):
        highest = -1 if event.index is None else event.index
    else:
        highest = event.indices.max(initial=-1)
    if highest >= size:
        raise ValueError(f"index {highest} in a pool of {size}")
    if not isinstance(event, Told):
        return
    shape = event.labels.shape
    if known is None:
        if len(shape) != 1:
            raise ValueError(f"labels of shape {shape} where an example has one class")
        if classes is not None and event.labels.max(initial=0) >= classes:
            raise ValueError(f"label {event.labels.max()} with classes={classes}")
    elif len(shape) != 2 or event.labels.max(initial=0) > 1 or (len(known) and known.shape[1] != shape[1]):
        raise ValueError(f"labels of shape {shape} up to {event.labels.max(initial=0)} where each class has a 0 or 1")


def _told(indices: Indices, values: list[Any]) -> Told:
    rows = values if values and isinstance(values[0], list) else None
    labels = _whole(values if rows is None else list(chain.from_iterable(rows)))
    if len(values) != len(indices) or (rows is not None and len({len(row) for row in rows}) > 1):
        raise ValueError(f"{len(indices)} indices with labels {values!r:.{_SHOWN}}")
    return Told(indices, labels if rows is None else labels.reshape(len(rows), -1))


def _distinct(values: list[Any]) -> Indices:
    if len(set(values)) < len(values):
        raise ValueError(f"an index twice in {values!r:.{_SHOWN}}")
    return _whole(values)


def _whole(values: list[Any]) -> Indices:
    # Not by NumPy, which takes texts, halves and True for whole numbers.
    if not set(map(type, values)) <= {int}:
        raise ValueError(f"other than whole numbers in {values!r:.{_SHOWN}}")
    numbers = np.array(values, dtype=np.int64)
    if numbers.min(initial=0) < 0:
        raise ValueError(f"numbers below 0 in {values!r:.{_SHOWN}}")
    return numbers
