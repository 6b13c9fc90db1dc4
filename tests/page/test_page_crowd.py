"""Many at once, over real connections: fifty people, and one person beside a flood and slow clients."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import pytest
from visitors import NASTY, Person, Served, served, texts_desk

from ladle.labeling import Desk, LabelingProject, open_source
from ladle.models import TrainingConfig
from ladle.page import Limits

LABELS = ("a", NASTY, "skip")


def label_at_once(desk: Desk, people: int, answers: int) -> list[Person]:
    """Let people label, each at their own speed, and return them with what they were told is recorded."""
    found: list[Person] = []
    with served(desk) as live:

        def work(number: int) -> None:
            person = Person(live.port)
            found.append(person)
            for turn in range(answers):
                for _ in range(100):
                    if person.label(LABELS[(number + turn) % 3]):
                        break
            person.close()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(people)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return found


def test_fifty_people_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    with texts_desk(tmp_path, examples=300, batch=180) as desk:
        desk.start()
        people = label_at_once(desk, 50, 3)
        desk.close()
    given = [(place, label) for person in people for place, label in person.given.items()]
    assert len(given) == 150
    assert len({place for place, _ in given}) == 150
    assert {status for person in people for status in person.statuses} == {200}
    # What the store holds, read anew.
    source = open_source(tmp_path / "texts.csv")
    training = TrainingConfig(epochs=2)
    with LabelingProject(source, store=f"sqlite:///{tmp_path}/labels.db", training=training) as project:
        assert project.labels() == {source.ids[place]: label for place, label in given if label != "skip"}
        assert sorted(project.session.state.skipped.tolist()) == sorted(
            place for place, what in given if what == "skip"
        )
        opinions = project.opinions()
        assert len(opinions) == 150
        assert not any(one.second for one in opinions)
        assert len({one.annotator for one in opinions}) == 50


def test_without_leases_answers_are_doubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the count above would show it."""

    class Nowhere(dict[int, tuple[str, float]]):
        def __contains__(self, _place: object) -> bool:
            return False

    def answer(self: Desk, annotator: str, place: int, label: str) -> None:
        self._write(lambda: self.project.answer(place, label, annotator))

    monkeypatch.setattr(Desk, "answer", answer)
    with texts_desk(tmp_path, batch=20) as desk:
        desk._leases = Nowhere()
        people = label_at_once(desk, 8, 2)
    given = [place for person in people for place in person.given]
    assert len(given) > len(set(given))


class Flood:
    """Requests without end from one process, on several connections, as fast as they are answered."""

    def __init__(self, live: Served, connections: int = 8) -> None:
        self._live = live
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.answers: dict[bytes, int] = {}
        self._threads = [threading.Thread(target=self._ask) for _ in range(connections)]

    def __enter__(self) -> Flood:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        # Twenty at a time: the server is to be what is slow.
        requests = b"GET /state HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20
        while not self._over.is_set():
            # A connection that had to make room is opened anew.
            with suppress(ConnectionError), self._live.connect() as opened, opened.makefile("rb") as answers:
                while not self._over.is_set():
                    opened.sendall(requests)
                    for _ in range(20):
                        self._count(answers)

    def _count(self, answers: BinaryIO) -> None:
        status, length = answers.readline()[9:12], 0
        if not status:
            raise ConnectionError
        while (line := answers.readline().rstrip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line[15:])
        answers.read(length)
        with self._lock:
            self.answers[status] = self.answers.get(status, 0) + 1


def label_beside_a_flood(folder: Path, least: int, answers: int, limits: Limits) -> tuple[Person, Flood]:
    """Let one person label while a flood of at least so many requests and a hundred silent connections come."""
    with texts_desk(folder, examples=answers + 20, batch=answers + 20) as desk, served(desk, limits) as live:
        person = Person(live.port)
        with ExitStack() as stack, Flood(live) as flood:
            for _ in range(100):
                stack.enter_context(live.connect()).sendall(b"GET / HTTP/1.1\r\nHost: ")
            while sum(flood.answers.values()) < least or len(person.given) < answers:
                if len(person.given) < answers:
                    assert person.label("a")
                else:
                    time.sleep(0.01)
        person.close()
        assert desk.project.labels() == {desk.project.source.ids[place]: label for place, label in person.given.items()}
        return person, flood


def test_somebody_labels_beside_a_flood_and_slow_clients(tmp_path: Path) -> None:
    least, answers = int(os.environ.get("LADLE_FLOOD", "3000")), 20
    person, flood = label_beside_a_flood(tmp_path, least, answers, Limits(connections=60))
    assert set(person.statuses) == {200}
    assert len(person.given) == answers
    assert flood.answers[b"429"] > 0.9 * sum(flood.answers.values())
    assert b"200" not in flood.answers
