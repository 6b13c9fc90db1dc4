"""Where a session stands, as a fold over the events that led there. Nothing here touches a model or a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from ladle.errors import SessionError
from ladle.typing import Indices


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
class Undone:
    """The last labels that came in, and were not undone yet, are taken back."""


Event: TypeAlias = Asked | Told | Undone


@dataclass(frozen=True)
class State:
    """Where a session stands.

    Attributes:
        labeled: (m,) whole-pool indices in the order their labels came in.
        labels: (m,) their class numbers.
        pending: indices asked for whose labels have not come yet, in pick order.
        rounds: how many batches have been asked for.
        tells: for each labels-came-in event in force, how many labels it brought and which of them were pending.
    """

    labeled: Indices = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    labels: Indices = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    pending: Indices = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    rounds: int = 0
    tells: tuple[tuple[int, tuple[int, ...]], ...] = ()

    def after(self, event: Event) -> State:
        """Return the state that follows from one more event.

        Raises:
            SessionError: labels for an example that has one, or nothing left to undo.
        """
        match event:
            case Asked():
                return replace(self, pending=np.concatenate([self.pending, event.indices]), rounds=self.rounds + 1)
            case Told():
                return self._after_labels(event)
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
        return replace(
            self,
            labeled=np.concatenate([self.labeled, event.indices]),
            labels=np.concatenate([self.labels, event.labels]),
            pending=self.pending[~answered],
            tells=(*self.tells, (len(event.indices), tuple(self.pending[answered].tolist()))),
        )

    def _after_undo(self) -> State:
        if not self.tells:
            raise SessionError("there is nothing to undo (got 0 labels told); tell some first")
        count, were_pending = self.tells[-1]
        return replace(
            self,
            labeled=self.labeled[:-count],
            labels=self.labels[:-count],
            # They come first again: whoever undoes wants to see them next.
            pending=np.concatenate([np.array(were_pending, dtype=np.int64), self.pending]),
            tells=self.tells[:-1],
        )


def replay(events: Iterable[Event]) -> State:
    """Return the state that follows from all the events, starting from nothing."""
    state = State()
    for event in events:
        state = state.after(event)
    return state
