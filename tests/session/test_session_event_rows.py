"""Events as rows: what was stored is what is read, and what may be small is not taken for damage."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from ladle.session import Asked, Event, Skipped, Told, Undone
from ladle.session.event_rows import check_event, decode_event, encode_event

EVENTS: tuple[Event, ...] = (
    Asked(np.array([3, 0]), "grad", {"training": 0.5}),
    Told(np.array([0, 3]), np.array([2, 0])),
    Told(np.array([0, 3]), np.array([[1, 0, 1], [0, 0, 0]])),
    Skipped(np.array([1])),
    Undone(),
    Undone(0),
    Undone(3),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_as_it_went(event: Event) -> None:
    kind, payload = encode_event(event)
    read = decode_event(kind, json.loads(json.dumps(payload)))
    assert type(read) is type(event)
    for field in fields(event):
        found, expected = getattr(read, field.name), getattr(event, field.name)
        np.testing.assert_equal(found, expected)
        assert getattr(found, "dtype", None) == getattr(expected, "dtype", None)


@pytest.mark.parametrize("kind", ["asked", "told", "skipped"])
def test_an_event_about_no_example_is_about_any_pool(kind: str) -> None:
    more: dict[str, dict[str, Any]] = {"asked": {"strategy": "random", "seconds": {}}, "told": {"labels": []}}
    event = decode_event(kind, {"indices": [], **more.get(kind, {})})
    check_event(event, size=1, classes=1, known=None)


def test_the_last_answer_of_a_pool_of_one_is_taken_back() -> None:
    check_event(Undone(), size=1, classes=None, known=None)
    check_event(Undone(0), size=1, classes=None, known=None)
    with pytest.raises(ValueError, match="index 1 in a pool of 1"):
        check_event(Undone(1), size=1, classes=None, known=None)
