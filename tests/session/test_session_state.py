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


def test_an_example_is_asked_for_once_while_it_is_answered_or_awaited() -> None:
    state = replay([asked(5, 2, 9), told([2], [1]), skipped(9)])
    for again in (5, 2, 9):
        with pytest.raises(SessionError, match=rf"got index {again}, which is\)"):
            state.after(asked(7, again))
    assert state.after(Undone()).after(Undone()).after(asked(7)).pending.tolist() == [2, 9, 5, 7]


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


def test_undoing_labels_of_several_skipped_examples_puts_each_back_where_it_stood() -> None:
    state = replay([skipped(3, 5, 7, 9), told([3, 5], [0, 1])])
    assert state.skipped.tolist() == [7, 9]
    assert state.after(Undone()).skipped.tolist() == [3, 5, 7, 9]


def test_labels_may_be_rows_of_zeros_and_ones() -> None:
    def rows(indices: list[int], labels: list[list[int]]) -> Told:
        return Told(np.array(indices, dtype=np.int64), np.array(labels, dtype=np.int64))

    state = replay([asked(5, 2), rows([2], [[0, 1, 1]]), rows([5, 7], [[0, 0, 0], [1, 0, 1]])])
    assert state.labels.tolist() == [[0, 1, 1], [0, 0, 0], [1, 0, 1]]
    with pytest.raises(SessionError, match=r"got index 7, which has label \[1 0 1\]"):
        state.after(rows([7], [[1, 1, 1]]))
    state = state.after(Undone())
    assert state.labels.tolist() == [[0, 1, 1]]
    assert state.after(Undone()).after(rows([2], [[1, 1, 0]])).labels.tolist() == [[1, 1, 0]]


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
        if what == "ask" and index not in (*labels, *pending, *passed_over):
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


@given(
    st.lists(st.tuples(st.sampled_from(["tell", "skip", "undo"]), st.integers(0, 6), st.integers(0, 3)), max_size=30)
)
def test_undoing_one_answer_leaves_what_the_others_say(steps: list[tuple[str, int, int]]) -> None:
    state = State().after(asked(0, 1, 2, 3))
    in_force: list[tuple[str, int, int]] = []
    for what, index, label in steps:
        kinds = [kind for kind, one, _ in in_force if one == index]
        if what == "tell" and "tell" not in kinds:
            state = state.after(told([index], [label]))
            in_force.append((what, index, label))
        elif what == "skip" and not kinds:
            state = state.after(skipped(index))
            in_force.append((what, index, label))
        elif what == "undo" and kinds:
            state = state.after(Undone(index))
            last = max(place for place, (_, one, _) in enumerate(in_force) if one == index)
            del in_force[last]
    labels = {index: label for kind, index, label in in_force if kind == "tell"}
    assert dict(zip(state.labeled.tolist(), state.labels.tolist(), strict=True)) == labels
    assert set(state.skipped.tolist()) == {index for kind, index, _ in in_force if kind == "skip"} - labels.keys()
    answered = {index for _, index, _ in in_force}
    assert sorted(state.pending.tolist()) == [index for index in range(4) if index not in answered]


def test_an_answer_to_several_is_undone_before_what_it_was_built_on() -> None:
    state = replay([skipped(3, 5), told([3], [1])])
    with pytest.raises(SessionError, match=r"got index 5, answered together with 3\); undo that one first"):
        state.after(Undone(5))
    with pytest.raises(SessionError, match="got index 4, which has none"):
        state.after(Undone(4))
    assert state.after(Undone(3)).after(Undone(5)).skipped.tolist() == []


def test_what_was_drawn_at_random_is_known_for_good() -> None:
    by_strategy = Asked(np.array([7, 1]), "margin")
    state = replay([asked(5, 2), told([5, 2], [0, 1]), asked(9), by_strategy, skipped(9), told([7], [0]), Undone()])
    assert state.drawn.tolist() == [5, 2, 9]
