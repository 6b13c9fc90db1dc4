"""Where a session stands, as a fold over the events that led there. Nothing here touches a model or a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from ladle.errors import SessionError
from ladle.typing import Indices

#: The strategy that draws uniformly.
RANDOM = "random"


@dataclass(frozen=True)
class Asked:
    """A batch was picked and its labels are awaited.

    Attributes:
        indices: (b,) whole-pool indices in pick order.
        strategy: what picked them.
        seconds: what the picking took, by part (training, outputs, selection).
    """

    indices: Indices
    strategy: str
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """Labels came in, for examples that were asked for or for others.

    Attributes:
        indices: (k,) whole-pool indices.
        labels: (k,) class numbers, one to one; (k, C) zeros and ones for multi-label examples.
    """

    indices: Indices
    labels: Indices


@dataclass(frozen=True)
class Skipped:
    """Examples that nobody can or wants to label: they are not asked for again.

    Attributes:
        indices: (k,) whole-pool indices.
    """

    indices: Indices


@dataclass(frozen=True)
class Undone:
    """Labels that came in, or examples skipped, and not undone yet, are taken back.

    Attributes:
        index: an example of the answer to take back; None for the last answer of all.
    """

    index: int | None = None


Event: TypeAlias = Asked | Told | Skipped | Undone


@dataclass(frozen=True)
class Answer:
    """What one event in force brought, as far as undoing it needs to know.

    Attributes:
        labeled: the examples it gave labels.
        skipped: the examples it skipped.
        were_pending: which examples had been asked for and were awaited.
        were_skipped: which examples had been skipped, and got a label all the same.
        places: where among the skipped ones those stood.
    """

    labeled: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()
    were_pending: tuple[int, ...] = ()
    were_skipped: tuple[int, ...] = ()
    places: tuple[int, ...] = ()


@dataclass(frozen=True)
class State:
    """Where a session stands.

    Attributes:
        labeled: (m,) whole-pool indices in the order their labels came in.
        labels: (m,) their class numbers; (m, C) zeros and ones for multi-label examples.
        pending: indices asked for whose labels have not come yet, in pick order.
        skipped: indices that are not to be asked for again, in the order they were skipped.
        rounds: how many batches have been asked for.
        drawn: indices asked for that were drawn uniformly at random, in pick order, labeled or not.
        answers: for each event in force that brought labels or skipped examples, what undoing it needs.
    """

    labeled: Indices = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    labels: Indices = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    pending: Indices = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    skipped: Indices = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    rounds: int = 0
    drawn: Indices = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    answers: tuple[Answer, ...] = ()

    def after(self, event: Event) -> State:
        """Return the state that follows from one more event.

        Raises:
            SessionError: labels for an example that has one, a batch with an example that was answered or asked for
                before, or nothing to undo.
        """
        match event:
            case Asked():
                self._check_batch(event)
                drawn = event.indices if event.strategy == RANDOM else event.indices[:0]
                return replace(
                    self,
                    pending=np.concatenate([self.pending, event.indices]),
                    rounds=self.rounds + 1,
                    drawn=np.concatenate([self.drawn, drawn]),
                )
            case Told():
                return self._after_labels(event)
            case Skipped():
                return self._after_skip(event)
        return self._after_undo(event)

    def _check_batch(self, event: Asked) -> None:
        before = np.concatenate([self.labeled, self.pending, self.skipped])
        again = event.indices[np.isin(event.indices, before)]
        if len(again):
            raise SessionError(
                f"a batch is of examples that are neither answered nor awaited (got index {again[0]}, which is); pick "
                "others"
            )

    def _after_labels(self, event: Told) -> State:
        again = event.indices[np.isin(event.indices, self.labeled)]
        if len(again):
            raise SessionError(
                f"an example is labeled once (got index {again[0]}, which has label "
                f"{self.labels[self.labeled == again[0]][0]}); undo first to change it"
            )
        answered = np.isin(self.pending, event.indices)
        wanted = np.isin(self.skipped, event.indices)
        pending, skipped = tuple(self.pending[answered].tolist()), tuple(self.skipped[wanted].tolist())
        places = tuple(np.flatnonzero(wanted).tolist())
        return replace(
            self,
            labeled=np.concatenate([self.labeled, event.indices]),
            # What is empty does not know yet whether labels have columns.
            labels=np.concatenate([self.labels, event.labels]) if len(self.labels) else event.labels,
            pending=self.pending[~answered],
            # Whoever labels a skipped example has changed their mind.
            skipped=self.skipped[~wanted],
            answers=(*self.answers, Answer(tuple(event.indices.tolist()), (), pending, skipped, places)),
        )

    def _after_skip(self, event: Skipped) -> State:
        done = event.indices[np.isin(event.indices, np.concatenate([self.labeled, self.skipped]))]
        if len(done):
            raise SessionError(
                f"an example is skipped once, and not after it was labeled (got index {done[0]}); undo first"
            )
        answered = np.isin(self.pending, event.indices)
        return replace(
            self,
            pending=self.pending[~answered],
            skipped=np.concatenate([self.skipped, event.indices]),
            answers=(
                *self.answers,
                Answer((), tuple(event.indices.tolist()), tuple(self.pending[answered].tolist())),
            ),
        )

    def _after_undo(self, event: Undone) -> State:
        place = self._answer_to_undo(event.index)
        answer = self.answers[place]
        kept = self.skipped[~np.isin(self.skipped, answer.skipped)]
        # np.insert counts places before anything is put back.
        before = np.array(answer.places, dtype=np.int64) - np.arange(len(answer.places))
        labels = ~np.isin(self.labeled, answer.labeled)
        return replace(
            self,
            labeled=self.labeled[labels],
            labels=self.labels[labels],
            skipped=np.insert(kept, np.minimum(before, len(kept)), np.array(answer.were_skipped, dtype=np.int64)),
            # They come first again: whoever undoes wants to see them next.
            pending=np.concatenate([np.array(answer.were_pending, dtype=np.int64), self.pending]),
            answers=(*self.answers[:place], *self.answers[place + 1 :]),
        )

    def _answer_to_undo(self, index: int | None) -> int:
        """Return the place of the answer in force that an undo takes back."""
        if not self.answers:
            raise SessionError("there is nothing to undo (got 0 labels told); tell some first")
        if index is None:
            return len(self.answers) - 1
        about = [place for place, one in enumerate(self.answers) if index in (*one.labeled, *one.skipped)]
        if not about:
            raise SessionError(f"an answer is undone once (got index {index}, which has none); tell it first")
        examples = {*self.answers[about[-1]].labeled, *self.answers[about[-1]].skipped}
        later = [examples & {*one.labeled, *one.skipped} for one in self.answers[about[-1] + 1 :]]
        if any(later):
            raise SessionError(
                f"an answer is undone after those that changed it (got index {index}, answered together with "
                f"{min(set().union(*later))}); undo that one first"
            )
        return about[-1]


def replay(events: Iterable[Event]) -> State:
    """Return the state that follows from all the events, starting from nothing."""
    state = State()
    for event in events:
        state = state.after(event)
    return state
