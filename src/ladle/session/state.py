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
        labels: (k,) class numbers, one to one.
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
    """The last labels that came in, or the last examples skipped, and not undone yet, are taken back."""


Event: TypeAlias = Asked | Told | Skipped | Undone


@dataclass(frozen=True)
class Answer:
    """What one event in force brought, as far as undoing it needs to know.

    Attributes:
        labels: how many labels.
        skipped: how many examples skipped.
        were_pending: which examples had been asked for and were awaited.
        were_skipped: which examples had been skipped, and got a label all the same.
        places: where among the skipped ones those stood. Undoing puts them back there: what was skipped last has to be
            last, or undoing the skip would take back another one.
    """

    labels: int
    skipped: int
    were_pending: tuple[int, ...]
    were_skipped: tuple[int, ...] = ()
    places: tuple[int, ...] = ()


@dataclass(frozen=True)
class State:
    """Where a session stands.

    Attributes:
        labeled: (m,) whole-pool indices in the order their labels came in.
        labels: (m,) their class numbers.
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
            SessionError: labels for an example that has one, or nothing left to undo.
        """
        match event:
            case Asked():
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
            case Undone():
                return self._after_undo()

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
            labels=np.concatenate([self.labels, event.labels]),
            pending=self.pending[~answered],
            # Whoever labels a skipped example has changed their mind.
            skipped=self.skipped[~wanted],
            answers=(*self.answers, Answer(len(event.indices), 0, pending, skipped, places)),
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
            answers=(*self.answers, Answer(0, len(event.indices), tuple(self.pending[answered].tolist()))),
        )

    def _after_undo(self) -> State:
        if not self.answers:
            raise SessionError("there is nothing to undo (got 0 labels told); tell some first")
        last = self.answers[-1]
        labels, kept = len(self.labeled) - last.labels, self.skipped[: len(self.skipped) - last.skipped]
        # np.insert counts places before anything is put back.
        before = np.array(last.places, dtype=np.int64) - np.arange(len(last.places))
        return replace(
            self,
            labeled=self.labeled[:labels],
            labels=self.labels[:labels],
            skipped=np.insert(kept, before, np.array(last.were_skipped, dtype=np.int64)),
            # They come first again: whoever undoes wants to see them next.
            pending=np.concatenate([np.array(last.were_pending, dtype=np.int64), self.pending]),
            answers=self.answers[:-1],
        )


def replay(events: Iterable[Event]) -> State:
    """Return the state that follows from all the events, starting from nothing."""
    state = State()
    for event in events:
        state = state.after(event)
    return state
