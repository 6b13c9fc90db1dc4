"""The first schema.

Stores made before there were migrations have these tables, or those of them that were needed; they get the rest.
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are not there."""
    _sessions()
    _experiments()
    _projects()
    # It held the version before.
    op.drop_table("ladle_schema", if_exists=True)


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("environment", sa.JSON, nullable=False),
        _now("created_at"),
        if_not_exists=True,
    )
    op.create_table(
        "events",
        sa.Column("session_id", sa.Integer, _parent("sessions"), primary_key=True),
        sa.Column("sequence", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        _now("created_at"),
        if_not_exists=True,
    )


def _experiments() -> None:
    op.create_table(
        "experiments",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("identity", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("protocol", sa.JSON, nullable=False),
        sa.Column("environment", sa.JSON, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("learning_rate", sa.Float),
        sa.Column("sweep", sa.JSON),
        _now("created_at"),
        if_not_exists=True,
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("experiment_id", sa.Integer, _parent("experiments"), nullable=False),
        sa.Column("session_name", sa.String(255), nullable=False, unique=True),
        sa.Column("strategy", sa.String(255), nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("environment", sa.JSON, nullable=False),
        sa.UniqueConstraint("experiment_id", "strategy", "seed"),
        if_not_exists=True,
    )
    op.create_table(
        "rounds",
        sa.Column("run_id", sa.Integer, _parent("runs"), primary_key=True),
        sa.Column("round", sa.Integer, primary_key=True),
        sa.Column("labeled", sa.Integer, nullable=False),
        sa.Column("test_accuracy", sa.Float, nullable=False),
        sa.Column("training_seconds", sa.Float, nullable=False),
        sa.Column("outputs_seconds", sa.Float),
        sa.Column("selection_seconds", sa.Float),
        _now("finished_at"),
        if_not_exists=True,
    )


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("classes", sa.JSON, nullable=False),
        sa.Column("control", sa.Float, nullable=False),
        sa.Column("strategy", sa.String(255), nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        _now("created_at"),
        if_not_exists=True,
    )
    op.create_table(
        "project_keys",
        sa.Column("project_id", sa.Integer, _parent("projects"), primary_key=True),
        sa.Column("key", sa.String(32), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "control_guesses",
        sa.Column("project_id", sa.Integer, _parent("projects"), primary_key=True),
        sa.Column("example", sa.Integer, primary_key=True),
        sa.Column("labeled", sa.Integer, nullable=False),
        sa.Column("guess", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "receipts",
        sa.Column("project_id", sa.Integer, _parent("projects"), primary_key=True),
        sa.Column("example", sa.Integer, primary_key=True),
        sa.Column("payload", sa.JSON, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, _parent("projects"), nullable=False),
        sa.Column("example", sa.Integer, nullable=False),
        sa.Column("annotator", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("label", sa.Integer),
        sa.Column("second", sa.Boolean, nullable=False),
        sa.Column("undone", sa.Boolean, nullable=False),
        _now("created_at"),
        if_not_exists=True,
    )
    op.create_index("ix_answers_project_id", "answers", ["project_id"], if_not_exists=True)


def _parent(name: str) -> sa.ForeignKey:
    return sa.ForeignKey(f"{name}.id", ondelete="CASCADE")


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
