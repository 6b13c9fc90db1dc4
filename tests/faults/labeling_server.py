"""The labeling server under kills: what people were told is recorded is there in the end, once."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from faults.lives import Life, sleep_until, warm_up
from faults.people import CLASSES, Person, check_answers
from faults.tally import Tally
from ladle.labeling import open_source

_PEOPLE = 3


def label_under_kills(
    folder: Path, chance: random.Random, kills: int, tally: Tally, *, examples: int = 1500, plain: bool = False
) -> None:
    """Let people label while the server is killed and started again, and check the store in the end.

    Args:
        folder: empty, for the store.
        chance: draws the moments, over a life as long as an undisturbed one takes to 40 answers.
        kills: how many.
        tally: takes the figures.
        examples: in the pool.
        plain: start the server by ``python -m ladle``, imports and all.
    """
    words, port = _project(folder, f"sqlite:///{folder}/labels.db", examples)
    kind = "labeling server" + (", started plainly" if plain else "")
    warm_up(folder / "log")
    people = _people(port, chance)
    life = Life(words, folder / "log", plain=plain)
    whole = _measure(people, life)
    for _ in range(kills):
        sleep_until(time.monotonic() + chance.uniform(0, whole), lambda life=life: not life.alive)  # type: ignore[misc]
        tally.kills[kind] += life.kill()
        life = Life(words, folder / "log", plain=plain)
    _finish(people, life, folder, f"sqlite:///{folder}/labels.db", kind, tally)


def label_under_strikes(
    folder: Path, store: str, chance: random.Random, strikes: list[Callable[[], str]], tally: Tally
) -> None:
    """Let people label at one server while the database under it is struck; the server must outlive it.

    Args:
        folder: empty.
        store: URL of an empty database.
        chance: draws the moments.
        strikes: each breaks the database and mends it, and returns the kind of kill, empty if it hit nothing.
        tally: takes the figures.
    """
    words, port = _project(folder, store, 1500)
    warm_up(folder / "log")
    people = _people(port, chance)
    life = Life(words, folder / "log")
    whole = _measure(people, life)
    for strike in strikes:
        time.sleep(chance.uniform(0, whole))
        kind = strike()
        if kind:
            tally.kills[kind] += 1
        assert life.alive, life.said()
    _finish(people, life, folder, store, "labeling in PostgreSQL", tally)


def _project(folder: Path, store: str, examples: int) -> tuple[list[str], int]:
    np.save(folder / "pool.npy", np.random.default_rng(0).normal(size=(examples, 8)).astype(np.float32))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["label", str(folder / "pool.npy"), "--classes", ",".join(CLASSES), "--store", store, "--no-open"]
    return [*words, "--port", str(port), "--batch", "20"], port


def _people(port: int, chance: random.Random) -> list[Person]:
    return [Person(f"http://127.0.0.1:{port}/", chance.randrange(1 << 30)) for _ in range(_PEOPLE)]


def _measure(people: list[Person], life: Life) -> float:
    """Return the seconds from a start to some more answers, undisturbed."""
    started = time.monotonic()
    _wait_for_answers(people, 40, life)
    return time.monotonic() - started


def _wait_for_answers(people: list[Person], more: int, life: Life, seconds: float = 120) -> None:
    goal = sum(person.acknowledged for person in people) + more
    until = time.monotonic() + seconds
    while sum(person.acknowledged for person in people) < goal:
        assert life.alive, life.said()
        assert time.monotonic() < until, f"nobody gets on: {life.said()} {[person.refusals[-1:] for person in people]}"
        time.sleep(0.02)


def _finish(people: list[Person], life: Life, folder: Path, store: str, kind: str, tally: Tally) -> None:
    try:
        _wait_for_answers(people, 20, life)
    finally:
        for person in people:
            person.leave()
        life.kill()
    if "Traceback" in life.said():
        tally.unclear.append(life.said()[-2000:])
    check_answers(people, open_source(folder / "pool.npy"), store, tally)
    tally.stories[kind] += 1
