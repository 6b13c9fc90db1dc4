"""What the store keeps of picked examples: the model's guess for each of the control arm, and why each was picked."""

from __future__ import annotations

import uuid
from collections.abc import Container, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from ladle.labeling.planning import Plan
from ladle.labeling.tables import control_guesses, project_keys, receipts


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


def control_rows(connection: Connection, project: int) -> Sequence[Any]:
    """Return (example, labeled, guess) of each example of the control arm, by the labels there were, then by index."""
    query = select(control_guesses).where(control_guesses.c.project_id == project)
    return connection.execute(query.order_by(control_guesses.c.labeled, control_guesses.c.example)).all()


def receipt_of(connection: Connection, project: int, place: int) -> dict[str, Any] | None:
    """Return why an example was picked, as ``Receipt.to_json`` gives it; None where no model picked it."""
    query = select(receipts.c.payload).where(receipts.c.project_id == project, receipts.c.example == place)
    payload: dict[str, Any] | None = connection.execute(query).scalar()
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
