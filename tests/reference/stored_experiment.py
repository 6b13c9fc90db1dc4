"""What a store holds of an experiment that must not depend on how it came to be."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from ladle.experiments.store import ExperimentStore
from ladle.experiments.tables import rounds, runs
from ladle.session import open_database
from ladle.session.database import events, sessions


def stored(url: str) -> dict[str, Any]:
    """Everything a store holds that must not depend on how it came to be: picks, labels, accuracies, counts."""
    engine = open_database(url)
    with engine.connect() as connection:
        log = connection.execute(
            select(sessions.c.name, events.c.sequence, events.c.kind, events.c.payload)
            .join(sessions, sessions.c.id == events.c.session_id)
            .order_by(sessions.c.name, events.c.sequence)
        ).all()
        measured = connection.execute(
            select(runs.c.strategy, runs.c.seed, rounds.c.round, rounds.c.labeled, rounds.c.test_accuracy)
            .join(runs, runs.c.id == rounds.c.run_id)
            .order_by(runs.c.strategy, runs.c.seed, rounds.c.round)
        ).all()
    (results,) = ExperimentStore(engine).results()
    engine.dispose()
    events_without_seconds = [
        (name, sequence, kind, {key: value for key, value in payload.items() if key != "seconds"})
        for name, sequence, kind, payload in log
    ]
    return {"events": events_without_seconds, "rounds": [tuple(row) for row in measured], "rate": results.learning_rate}
