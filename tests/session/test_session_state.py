"""The state is a fold over events: checked against a plain bookkeeping of dictionaries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ladle.errors import SessionError
from ladle.session import Asked, Event, State, Told, Undone, replay


def asked(*indices: int) -> Asked:
    return Asked(np.array(indices, dtype=np.int64), "random")


def told(indices: list[int], labels: list[int]) -> Told:
    return Told(np.array(indices, dtype=np.int64), np.array(labels, dtype=np.int64))


def test_labels_come_in_for_a_batch_in_parts() -> None:
    state = replay([asked(5, 2, 9), told([2], [1])])
    assert state.pending.tolist() == [5, 9]
    state = state.after(told([9, 5], [0, 2]))
    assert state.pending.tolist() == []
    assert state.labeled.tolist() == [2, 9, 5]
    assert state.labels.tolist() == [1, 0, 2]
    assert state.rounds == 1


def test_undo_goes_as_deep_as_there_are_labels() -> None:
    state = replay([told([7], [3]), asked(5, 2, 9), told([2], [1]), told([5, 9], [0, 0]), Undone()])
    assert state.labeled.tolist() == [7, 2]
    assert state.pending.tolist() == [5, 9]
    state = state.after(Undone())
    assert state.labeled.tolist() == [7]
    assert state.pending.tolist() == [2, 5, 9]
    state = state.after(Undone())
    assert state.labeled.tolist() == []
    assert state.pending.tolist() == [2, 5, 9], "an example nobody asked for is not awaited after an undo"
    with pytest.raises(SessionError, match="nothing to undo"):
        state.after(Undone())


def test_an_example_is_labeled_once() -> None:
    state = replay([told([7, 4], [3, 2])])
    with pytest.raises(SessionError, match=r"got index 4, which has label 2.*undo"):
        state.after(told([1, 4], [0, 0]))


@given(
    st.lists(st.tuples(st.sampled_from(["ask", "tell", "undo"]), st.integers(0, 11), st.integers(0, 3)), max_size=40)
)
def test_state_agrees_with_plain_bookkeeping(steps: list[tuple[str, int, int]]) -> None:
    state = State()
    labels: dict[int, int] = {}
    pending: list[int] = []
    history: list[tuple[int, bool]] = []
    events: list[Event] = []
    for what, index, label in steps:
        if what == "ask" and index not in labels and index not in pending:
            event: Event = asked(index)
            pending.append(index)
        elif what == "tell" and index not in labels:
            event = told([index], [label])
            history.append((index, index in pending))
            labels[index] = label
            pending = [other for other in pending if other != index]
        elif what == "undo" and history:
            event = Undone()
            index, was_pending = history.pop()
            del labels[index]
            pending = [index, *pending] if was_pending else pending
        else:
            continue
        events.append(event)
        state = state.after(event)
    assert state.labeled.tolist() == list(labels)
    assert state.labels.tolist() == list(labels.values())
    assert state.pending.tolist() == pending
    again = replay(events)
    assert again.labeled.tolist() == state.labeled.tolist()
    assert again.pending.tolist() == state.pending.tolist()
    assert again.tells == state.tells
