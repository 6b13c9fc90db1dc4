"""People who label over HTTP, and remember what the server told them is recorded."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import select

from faults.tally import Tally
from ladle.labeling import LabelingProject, Source
from ladle.labeling.tables import answers
from ladle.session import open_database
from ladle.session.database import events

CLASSES = ("low", "high")
_UNDO = 0.1


@dataclass
class Person:
    """One person, at a page that may go away at any moment.

    Attributes:
        standing: answers the server has acknowledged and not been asked to take back, by example.
        open: examples whose last change was sent and never acknowledged: both ends are right.
        acknowledged: changes acknowledged.
        twice: times that an example came again although its answer was acknowledged.
        refusals: what the server said when its store was away.
        unclear: failures told in anything but one line.
    """

    address: str
    seed: int
    standing: dict[int, str] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)
    acknowledged: int = 0
    twice: int = 0
    refusals: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    name: str = ""

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._stop = threading.Event()
        self._form = ""
        self._http = httpx.Client(base_url=self.address, timeout=20, trust_env=False)
        self._thread = threading.Thread(target=self._label, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        self.name = (self._http.cookies.get("ladle_annotator") or "").partition(".")[0]  # behind it is a signature
        self._http.close()

    def _label(self) -> None:
        while not self._stop.is_set():
            try:
                state = self._read(self._http.get("state"))
            except httpx.TransportError:
                state = None
            if state is None or state["item"] is None:
                time.sleep(0.02)
                continue
            place = state["item"]["place"]
            self.twice += place in self.standing
            self.open.discard(place)  # it was not recorded, for it is asked again
            if self.standing and self._chance.random() < _UNDO:
                self._undo()
            else:
                self._answer(place)

    def _answer(self, place: int) -> None:
        label = CLASSES[place % 2]
        self.open.add(place)
        state = self._send("answer", {"place": place, "label": label})
        if state is not None:
            self.open.discard(place)
            self.standing[place] = label

    def _undo(self) -> None:
        last = next(reversed(self.standing))
        label = self.standing.pop(last)
        self.open.add(last)
        state = self._send("undo", {})
        if state is not None:
            back = state["item"]["place"]
            if back != last:  # an answer whose acknowledgement was lost came behind it
                self.standing[last] = label
                self.open.discard(last)
            self.open.discard(back)

    def _send(self, path: str, content: Any) -> dict[str, Any] | None:
        try:
            state = self._read(self._http.post(path, json=content, headers={"X-Ladle-Form": self._form}))
        except httpx.TransportError:
            return None
        self.acknowledged += state is not None
        return state

    def _read(self, response: httpx.Response) -> dict[str, Any] | None:
        """Return the state; None for a refusal, which has to be one line."""
        if response.status_code == 403:  # the server was started again: its tokens are new
            return None
        if response.status_code == 429:  # faster than people are
            time.sleep(0.2)
            return None
        try:
            found: dict[str, Any] = response.json()
        except ValueError:
            self.unclear.append(response.text[:200])
            return None
        if response.status_code != 200:
            said = found.get("error", "")
            self.refusals.append(said)
            if not said or "\n" in said or response.status_code not in (409, 503):
                self.unclear.append(f"{response.status_code}: {said}")
            return None
        self._form = found["form"]
        return found


def check_answers(people: list[Person], source: Source, store: str, tally: Tally) -> None:
    """Hold what people were told against what the store has; count what is missing and what is there twice."""
    engine = open_database(store)
    with engine.connect() as connection:
        rows = connection.execute(select(answers).where(answers.c.undone.is_(False))).all()
        asked = connection.execute(select(events.c.payload).where(events.c.kind == "asked")).scalars().all()
    in_force = Counter((row.annotator, row.example) for row in rows)
    said = {(row.annotator, row.example): CLASSES[row.label] for row in rows}
    for person in people:
        tally.acknowledged += person.acknowledged
        tally.twice += person.twice
        tally.unclear += person.unclear
        tally.lost += sum(said.get((person.name, place)) != label for place, label in person.standing.items())
        # Taken back, and there again: an undo that was lost.
        there = {place for who, place in said if who == person.name}
        tally.lost += len(there - person.standing.keys() - person.open)
    tally.twice += sum(count - 1 for count in in_force.values())
    picks = Counter(place for payload in asked for place in payload["indices"])
    tally.twice += sum(count - 1 for count in picks.values())
    with LabelingProject(source, store=engine) as project:
        first = {source.ids[row.example]: CLASSES[row.label] for row in rows if not row.second}
        tally.lost += project.labels() != first
    engine.dispose()
