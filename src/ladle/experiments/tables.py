"""The tables of the experiments room: experiments, their runs, and the rounds each run has finished."""

from __future__ import annotations

from sqlalchemy import JSON, Column, DateTime, Float, ForeignKey, Integer, String, Table, UniqueConstraint, func

from ladle.session.database import metadata

experiments = Table(
    "experiments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("identity", String(64), nullable=False, unique=True),
    Column("name", String(255), nullable=False),
    Column("protocol", JSON, nullable=False),
    Column("environment", JSON, nullable=False),
    Column("data", JSON, nullable=False),
    Column("learning_rate", Float),
    Column("sweep", JSON),
    Column("created_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("experiment_id", ForeignKey("experiments.id", ondelete="CASCADE"), nullable=False),
    Column("session_name", String(255), nullable=False, unique=True),
    Column("strategy", String(255), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("environment", JSON, nullable=False),
    UniqueConstraint("experiment_id", "strategy", "seed"),
)

#: A row is written once its round is finished, in one transaction with the picks of the next: nothing is done twice.
rounds = Table(
    "rounds",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("labeled", Integer, nullable=False),
    Column("test_accuracy", Float, nullable=False),
    Column("training_seconds", Float, nullable=False),
    Column("outputs_seconds", Float),
    Column("selection_seconds", Float),
    Column("finished_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
)
