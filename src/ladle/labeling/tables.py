"""The tables of the labeling room: what is being labeled, what the model said beforehand, and who answered what."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, DateTime, Float, ForeignKey, Integer, String, Table, func

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

#: What other tools know a project by.
project_keys = Table(
    "project_keys",
    metadata,
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(32), nullable=False),
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

#: Why an example was picked, as ``Receipt.to_json`` gives it, from the moment it was.
receipts = Table(
    "receipts",
    metadata,
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("example", Integer, primary_key=True),
    Column("payload", JSON, nullable=False),
)

#: Every answer by whom it came, second opinions too; the session holds the one that counts. Undone ones stay.
answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("example", Integer, nullable=False),
    Column("annotator", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("label", Integer),
    Column("second", Boolean, nullable=False, default=False),
    Column("undone", Boolean, nullable=False, default=False),
    Column("created_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
)
