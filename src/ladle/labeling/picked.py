"""What the store keeps of picked examples: the model's guess for each of the control arm, and why each was picked."""

from __future__ import annotations

import uuid
from collections.abc import Container, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from ladle.labeling.planning import Plan
from ladle.labeling.receipts import check_receipt
from ladle.labeling.tables import control_guesses, project_keys, receipts
from ladle.session import as_written


def record_plan(connection: Connection, project: int, plan: Plan, places: Container[int]) -> None:
    """Write the guesses and receipts of a planned batch, of those of its examples that are really asked for."""
    guesses = [
        {"project_id": project, "example": place, "labeled": plan.labeled, "guess": guess}
        for place, guess in plan.guesses.items()
        if place in places
    ]
    reasons = [
        {"project_id": project, "example": place, "payload": receipt.to_json()}
        for place, receipt in plan.receipts.items()
        if place in places
    ]
    if guesses:
        connection.execute(insert(control_guesses), guesses)
    if reasons:
        connection.execute(insert(receipts), reasons)


def control_rows(connection: Connection, project: int, examples: int) -> Sequence[Any]:
    """Return (example, labeled, guess) of each example of the control arm, by the labels there were, then by index.

    Args:
        connection: of the store.
        project: its number there.
        examples: how many it has.

    Raises:
        StoreError: a row that is not as it was written.
    """
    query = select(control_guesses).where(control_guesses.c.project_id == project)
    with as_written(connection.engine, "the control arm"):
        rows = connection.execute(query.order_by(control_guesses.c.labeled, control_guesses.c.example)).all()
        for row in rows:
            numbers = (row.example, row.labeled, row.guess)
            if not all(type(number) is int and number >= 0 for number in numbers) or row.example >= examples:
                raise ValueError(f"guess {row.guess!r:.60} of example {row.example!r:.60}")
    return rows


def receipt_of(
    connection: Connection, project: int, place: int, *, examples: int, classes: int
) -> dict[str, Any] | None:
    """Return why an example was picked, as ``Receipt.to_json`` gives it; None where no model picked it.

    Args:
        connection: of the store.
        project: its number there.
        place: the example.
        examples: how many the project has.
        classes: and how many classes.

    Raises:
        StoreError: a receipt that is not as it was written.
    """
    query = select(receipts.c.payload).where(receipts.c.project_id == project, receipts.c.example == place)
    with as_written(connection.engine, f"the receipt of example {place}"):
        payload: dict[str, Any] | None = connection.execute(query).scalar()
        if payload is not None:
            check_receipt(payload, examples=examples, classes=classes)
    return payload


def key_of(connection: Connection, project: int) -> str:
    """Return the key of a project, made when first asked for."""
    key: str | None = connection.execute(
        select(project_keys.c.key).where(project_keys.c.project_id == project)
    ).scalar()
    if key is None:
        key = uuid.uuid4().hex
        connection.execute(insert(project_keys).values(project_id=project, key=key))
    return key
