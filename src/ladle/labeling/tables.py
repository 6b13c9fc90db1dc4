"""The tables of the labeling room: what is being labeled, and what the model said of the control arm beforehand."""

from __future__ import annotations

from sqlalchemy import JSON, Column, DateTime, Float, ForeignKey, Integer, String, Table, func

from ladle.session.database import metadata

projects = Table(
    "projects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("classes", JSON, nullable=False),
    Column("control", Float, nullable=False),
    Column("strategy", String(255), nullable=False),
    Column("model", String(255), nullable=False),
    Column("created_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
)

#: A row for each randomly drawn example, written before anybody labels it: that is why an accuracy of it leaks nothing.
control_guesses = Table(
    "control_guesses",
    metadata,
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("example", Integer, primary_key=True),
    Column("labeled", Integer, nullable=False),
    Column("guess", Integer, nullable=False),
)
