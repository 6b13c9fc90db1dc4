"""The state is a fold over events: checked against a plain bookkeeping of dictionaries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ladle.errors import SessionError
from ladle.session import Asked, Event, Skipped, State, Told, Undone, replay


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


def skipped(*indices: int) -> Skipped:
    return Skipped(np.array(indices, dtype=np.int64))


def test_what_is_skipped_is_awaited_no_more_and_comes_back_by_undo() -> None:
    state = replay([asked(5, 2, 9), skipped(2), told([5], [1])])
    assert (state.pending.tolist(), state.skipped.tolist()) == ([9], [2])
    state = state.after(Undone()).after(Undone())
    assert (state.pending.tolist(), state.skipped.tolist()) == ([2, 5, 9], [])


def test_a_skipped_example_may_still_get_a_label() -> None:
    state = replay([skipped(4, 6), told([4], [1])])
    assert (state.skipped.tolist(), state.labeled.tolist()) == ([6], [4])
    assert state.after(Undone()).skipped.tolist() == [4, 6]
    for again in (6, 4):
        with pytest.raises(SessionError, match=f"got index {again}"):
            state.after(skipped(again))


def test_undoing_a_label_puts_a_skipped_example_back_where_it_stood() -> None:
    state = replay([skipped(1), skipped(0), told([1], [2]), Undone()])
    assert state.skipped.tolist() == [1, 0]
    assert state.after(Undone()).skipped.tolist() == [1]


@given(
    st.lists(
        st.tuples(st.sampled_from(["ask", "tell", "skip", "undo"]), st.integers(0, 11), st.integers(0, 3)), max_size=40
    )
)
def test_state_agrees_with_plain_bookkeeping(steps: list[tuple[str, int, int]]) -> None:
    state = State()
    labels: dict[int, int] = {}
    pending: list[int] = []
    passed_over: list[int] = []
    history: list[tuple[dict[int, int], list[int], list[int]]] = []
    events: list[Event] = []
    for what, index, label in steps:
        if what == "ask" and index not in labels and index not in pending:
            event: Event = asked(index)
            pending.append(index)
        elif what in ("tell", "skip") and index not in labels and (what == "tell" or index not in passed_over):
            event = told([index], [label]) if what == "tell" else skipped(index)
            history.append((dict(labels), [one for one in pending if one == index], list(passed_over)))
            pending = [one for one in pending if one != index]
            passed_over = [one for one in passed_over if one != index]
            if what == "tell":
                labels[index] = label
            else:
                passed_over.append(index)
        elif what == "undo" and history:
            event = Undone()
            labels, awaited, passed_over = history.pop()
            pending = [*awaited, *pending]
        else:
            continue
        events.append(event)
        state = state.after(event)
    assert state.labeled.tolist() == list(labels)
    assert state.labels.tolist() == list(labels.values())
    assert state.pending.tolist() == pending
    assert state.skipped.tolist() == passed_over
    again = replay(events)
    assert again.labeled.tolist() == state.labeled.tolist()
    assert again.pending.tolist() == state.pending.tolist()
    assert again.answers == state.answers


def test_what_was_drawn_at_random_is_known_for_good() -> None:
    by_strategy = Asked(np.array([7, 1]), "margin")
    state = replay([asked(5, 2), told([5, 2], [0, 1]), asked(9), by_strategy, skipped(9), told([7], [0]), Undone()])
    assert state.drawn.tolist() == [5, 2, 9]
