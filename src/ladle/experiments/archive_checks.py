"""What an experiment must be before any of it is saved, goes into a store, or is told: whole, and possible."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from ladle.experiments.config import ScheduleConfig
from ladle.session.event_rows import decode_event
from ladle.session.state import replay

Row = Mapping[str, Any]


def check_experiment(described: Any) -> ScheduleConfig:
    """Return the schedule of an experiment, once what its description says is known to be possible.

    Args:
        described: the content of ``experiment.json``, or the row of a store.

    Raises:
        ValueError: it is not; the message says what came.
    """
    _ensure(isinstance(described, dict), "a description", described)
    for key in ("protocol", "environment", "data"):
        _ensure(isinstance(described[key], dict), key, described[key])
    for key in ("identity", "name"):
        _ensure(_is_text(described[key]), key, described[key])
    content = json.dumps(described["protocol"], sort_keys=True).encode()
    _ensure(hashlib.sha256(content).hexdigest() == described["identity"], "a hash of its protocol", "another")
    rate, sweep = described["learning_rate"], described["sweep"]
    _ensure(rate is None or (_is_number(rate) and rate > 0), "learning_rate", rate)
    _ensure(sweep is None or isinstance(sweep, dict), "sweep", sweep)
    for tried, accuracy in (sweep or {}).items():
        _ensure(_is_number(accuracy) and _is_number(float(tried)), "sweep", {tried: accuracy})
    return ScheduleConfig(**described["protocol"]["schedule"])


def check_runs(runs: Sequence[Row]) -> None:
    """Make sure that every run has a strategy, a seed and a session of its own.

    Raises:
        ValueError: one has not.
    """
    for run in runs:
        _ensure(_is_text(run["strategy"]) and _is_text(run["session_name"]), "a run", dict(run))
        _ensure(isinstance(run["seed"], int) and run["seed"] >= 0, "a seed", run["seed"])
        for key in ("environment", "session_config", "session_environment"):
            _ensure(isinstance(json.loads(run[key]), dict), key, run[key])
    for keys in ([(run["strategy"], run["seed"]) for run in runs], [run["session_name"] for run in runs]):
        _ensure(len(set(keys)) == len(keys), "runs that differ", keys)


def check_rounds(schedule: ScheduleConfig, rounds: Sequence[Row]) -> Sequence[Row]:
    """Return a run's rounds in order, once they are known to be the first of its schedule.

    Raises:
        ValueError: they are not.
    """
    ordered = sorted(rounds, key=lambda row: row["round"])
    labeled = schedule.labeled
    for number, row in enumerate(ordered):
        _ensure(row["round"] == number < len(labeled), f"round {number}", row["round"])
        _ensure(row["labeled"] == labeled[number], f"{labeled[number]} labels", row["labeled"])
        _ensure(_is_number(row["test_accuracy"]) and row["test_accuracy"] <= 1, "an accuracy", row["test_accuracy"])
        _ensure(_is_number(row["training_seconds"]), "seconds", row["training_seconds"])
        for key in ("outputs_seconds", "selection_seconds"):
            _ensure(row[key] is None or _is_number(row[key]), "seconds", row[key])
    return ordered


def check_run(schedule: ScheduleConfig, rounds: Sequence[Row], events: Sequence[Row]) -> None:
    """Make sure that a run's rounds are the first of its schedule, and that its events can follow each other.

    Raises:
        ValueError, SessionError: they cannot.
    """
    for row in check_rounds(schedule, rounds):
        _ensure(row["finished_at"] is not None, "a time", row["finished_at"])
    happened = sorted(events, key=lambda row: row["sequence"])
    for number, event in enumerate(happened):
        _ensure(event["sequence"] == number and event["created_at"] is not None, f"event {number}", event["sequence"])
    replay(decode_event(event["kind"], json.loads(event["payload"])) for event in happened)


def _ensure(right: bool, what: str, came: object) -> None:
    if not right:
        raise ValueError(f"{what} expected, not {str(came)[:60]!r}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value and value.isprintable()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0
