"""Who answered what: the answers of several people to one project, and how far they agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from scipy.stats import binomtest
from sqlalchemy import Connection, Select, insert, select, update

from ladle.labeling.answers import SKIP, UNSURE
from ladle.labeling.tables import answers
from ladle.session import as_written

_LABEL = "label"


@dataclass(frozen=True)
class Opinion:
    """One person's answer to one example, in force.

    Attributes:
        place: whole-pool index.
        annotator: who said so.
        kind: "label", "skip" or "not sure".
        label: the class number; None unless it is a label.
        second: whether somebody else's answer, which came first, is the one that counts.
    """

    place: int
    annotator: str
    kind: str
    label: int | None
    second: bool


@dataclass(frozen=True)
class Agreement:
    """How often two people gave one example the same class.

    Attributes:
        same: examples with one class from all who labeled them.
        of: examples that two or more people labeled.
        low: lower end of the 95 % interval of the share, 0 to 1.
        high: upper end.
        differ: (whole-pool index, the class numbers given) of the others.
    """

    same: int
    of: int
    low: float
    high: float
    differ: tuple[tuple[int, tuple[int, ...]], ...]


def agreement(opinions: Sequence[Opinion]) -> Agreement | None:
    """Return how far people agree; None while no example has labels of two.

    Reference: Wilson (1927) for the interval.
    """
    given: dict[int, dict[str, int]] = defaultdict(dict)
    for opinion in opinions:
        if opinion.label is not None:
            given[opinion.place][opinion.annotator] = opinion.label
    shared = {place: tuple(labels.values()) for place, labels in given.items() if len(labels) > 1}
    if not shared:
        return None
    differ = tuple((place, labels) for place, labels in shared.items() if len(set(labels)) > 1)
    same = len(shared) - len(differ)
    interval = binomtest(same, len(shared)).proportion_ci(0.95, method="wilson")
    return Agreement(same, len(shared), float(interval.low), float(interval.high), differ)


def record_answer(
    connection: Connection, project: int, place: int, annotator: str, kind: str, label: int | None, *, second: bool
) -> None:
    """Write one answer."""
    values = {
        "project_id": project,
        "example": place,
        "annotator": annotator,
        "kind": kind,
        "label": label,
        "second": second,
    }
    connection.execute(insert(answers).values(values))


def last_answer(connection: Connection, project: int, annotator: str, place: int | None) -> Any:
    """Return the row of a person's last answer in force, of all or to one example; None if there is none."""
    query = select(answers).where(
        answers.c.project_id == project, answers.c.annotator == annotator, answers.c.undone.is_(False)
    )
    if place is not None:
        query = query.where(answers.c.example == place)
    return next(iter(_read(connection, query.order_by(answers.c.id.desc()).limit(1))), None)


def mark_undone(connection: Connection, answer: int) -> None:
    """Take one answer out of force; it stays in the table."""
    connection.execute(update(answers).where(answers.c.id == answer).values(undone=True))


def count_next_label(connection: Connection, project: int, place: int) -> int | None:
    """Make the oldest label in force the one that counts, and return its class number; None if nobody gave one."""
    query = select(answers).where(
        answers.c.project_id == project,
        answers.c.example == place,
        answers.c.kind == _LABEL,
        answers.c.undone.is_(False),
    )
    found = _read(connection, query.order_by(answers.c.id).limit(1))
    if not found:
        return None
    connection.execute(update(answers).where(answers.c.id == found[0].id).values(second=False))
    return int(found[0].label)


def answers_in_force(connection: Connection, project: int, examples: int) -> list[Opinion]:
    """Return every answer that is not undone, oldest first, of a project with so many examples."""
    query = select(answers).where(answers.c.project_id == project, answers.c.undone.is_(False))
    rows = _read(connection, query.order_by(answers.c.id), examples)
    return [Opinion(row.example, row.annotator, row.kind, row.label, row.second) for row in rows]


def _read(connection: Connection, query: Select[Any], examples: float = inf) -> Sequence[Any]:
    with as_written(connection.engine, "an answer"):
        rows = connection.execute(query).all()
        for row in rows:
            labeled = row.kind == _LABEL and type(row.label) is int and row.label >= 0
            passed_over = row.kind in (SKIP, UNSURE) and row.label is None
            known = type(row.example) is int and 0 <= row.example < examples
            if not known or not (labeled or passed_over):
                raise ValueError(f"{row.kind!r:.60} {row.label!r:.60} to example {row.example!r:.60}")
    return rows
