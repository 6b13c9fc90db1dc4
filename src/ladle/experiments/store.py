"""What is kept of experiments: found, made and read back as arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ladle.errors import ConfigError, StoreConflictError
from ladle.experiments.archive_checks import check_experiment, check_rounds
from ladle.experiments.config import ExperimentConfig, ScheduleConfig
from ladle.experiments.results import ExperimentResults
from ladle.experiments.sweep import sweep_key
from ladle.experiments.tables import experiments, rounds, runs
from ladle.session import as_written
from ladle.session.environment import describe_environment
from ladle.strategies import CATALOG


@dataclass(frozen=True)
class FinishedRound:
    """What one round measured.

    Attributes:
        round: acquisitions so far, 0 for the initial set.
        labeled: labels in hand.
        test_accuracy: from 0 to 1.
        training_seconds: to train from scratch.
        outputs_seconds: to pass the pool through the model; None where no batch followed or none was needed.
        selection_seconds: to score and pick; None where no batch followed.
    """

    round: int
    labeled: int
    test_accuracy: float
    training_seconds: float
    outputs_seconds: float | None
    selection_seconds: float | None


class ExperimentStore:
    """The experiments in one database.

    What is read back is checked: a row that is not as it was written raises a ``StoreError``.

    Args:
        engine: an open database, as ``ladle.session.open_database`` gives.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def register(self, config: ExperimentConfig, data: Mapping[str, Any]) -> None:
        """Make the experiment if it is not there; make sure it is the same data if it is.

        Raises:
            ConfigError: the data has changed since the first run.
        """
        found = self._find(config)
        if found is None:
            values = {
                "identity": config.identity,
                "name": config.name,
                "protocol": config.protocol(),
                "environment": describe_environment(),
                "data": dict(data),
                "learning_rate": config.learning_rates[0] if len(config.learning_rates) == 1 else None,
            }
            try:
                with self.engine.begin() as connection:
                    connection.execute(insert(experiments).values(values))
                    return
            except IntegrityError:  # another process made it at the same moment
                found = self._find(config)
        assert found is not None
        if found.data.get("fingerprint") != data.get("fingerprint"):
            raise ConfigError(
                f"an experiment goes on with the data it began with (got other data for {config.name!r} than is "
                "stored); give the experiment another name or use another store"
            )

    def learning_rate(self, config: ExperimentConfig) -> float | None:
        """Return the learning rate in force; None while the sweep is still to be made."""
        found = self._find(config)
        return None if found is None else found.learning_rate

    def sweep(self, config: ExperimentConfig) -> dict[float, float]:
        """Return the validation accuracy of each learning rate tried so far, by this experiment or one like it.

        One rate is chosen for a data set and network, whatever the schedule: what another experiment on the same data
        has tried, on as many labels, is not tried again.
        """
        found = self._find(config)
        if found is None:
            return {}
        key, tried = sweep_key(found.protocol), dict[float, float]()
        with self.engine.connect() as connection, as_written(self.engine, "an experiment"):
            for row in connection.execute(select(experiments).where(experiments.c.sweep.is_not(None))):
                check_experiment(dict(row._mapping))
                if row.data.get("fingerprint") == found.data.get("fingerprint") and sweep_key(row.protocol) == key:
                    tried |= {float(rate): accuracy for rate, accuracy in (row.sweep or {}).items()}
        return {rate: tried[rate] for rate in config.learning_rates if rate in tried}

    def record_sweep(
        self, config: ExperimentConfig, accuracies: Mapping[float, float], chosen: float | None = None
    ) -> None:
        """Keep what the sweep has found so far, and the rate it chose once it has; a rate in force is never changed."""
        table = {repr(rate): accuracy for rate, accuracy in accuracies.items()}
        still_open = and_(experiments.c.identity == config.identity, experiments.c.learning_rate.is_(None))
        with self.engine.begin() as connection:
            connection.execute(update(experiments).where(still_open).values(learning_rate=chosen, sweep=table))

    def register_run(self, config: ExperimentConfig, strategy: str, seed: int) -> tuple[int, int]:
        """Return the run's id and how many rounds it has finished; the run is made if it is not there."""
        found = self._find(config)
        assert found is not None
        query = select(runs.c.id).where(
            runs.c.experiment_id == found.id, runs.c.strategy == strategy, runs.c.seed == seed
        )
        values = {
            "experiment_id": found.id,
            "session_name": session_name(config, strategy, seed),
            "strategy": strategy,
            "seed": seed,
            "environment": describe_environment(),
        }
        try:
            with self.engine.begin() as connection:
                run = connection.execute(query).scalar()
                if run is None:
                    made = connection.execute(insert(runs).values(values)).inserted_primary_key
                    assert made is not None
                    run = made[0]
                with as_written(self.engine, f"the rounds of {strategy}, seed {seed},"):
                    stored = connection.execute(select(rounds).where(rounds.c.run_id == run)).all()
                    check_rounds(config.schedule, [dict(row._mapping) for row in stored])
        except IntegrityError as error:
            raise StoreConflictError(
                f"one process at a time may drive a run (got a second one on {strategy}, seed {seed}); start it again"
            ) from error
        return int(run), len(stored)

    def finished_rounds(self, config: ExperimentConfig) -> dict[tuple[str, int], int]:
        """Return how many rounds each (strategy, seed) has finished; runs that have not begun are absent."""
        query = (
            select(runs.c.strategy, runs.c.seed, func.count(rounds.c.round))
            .join(experiments, experiments.c.id == runs.c.experiment_id)
            .join(rounds, rounds.c.run_id == runs.c.id)
            .where(experiments.c.identity == config.identity)
            .group_by(runs.c.strategy, runs.c.seed)
        )
        with self.engine.connect() as connection:
            return {(strategy, seed): count for strategy, seed, count in connection.execute(query)}

    def standing(self, config: ExperimentConfig) -> tuple[int, int]:
        """Return how many rounds of the experiment are finished, and how many it has over all strategies and seeds."""
        counts = self.finished_rounds(config)
        done = sum(counts.get((strategy, seed), 0) for strategy in config.strategies for seed in range(config.seeds))
        return done, len(config.schedule.labeled) * len(config.strategies) * config.seeds

    def record_round(self, run: int, finished: FinishedRound, connection: Connection) -> None:
        """Write a finished round as part of a transaction.

        Raises:
            StoreConflictError: another process has finished this round.
        """
        try:
            connection.execute(insert(rounds).values(run_id=run, **vars(finished)))
        except IntegrityError as error:
            raise StoreConflictError(
                f"a round is finished once (got round {finished.round} of run {run} again); start the command again"
            ) from error

    def results(
        self, identity: str | None = None, *, strategies: Sequence[str] | None = None
    ) -> list[ExperimentResults]:
        """Return all experiments that have at least one seed finished by every strategy, oldest first.

        Args:
            identity: of one experiment; all by default.
            strategies: only these; by default every one that has finished a run.
        """
        query = select(experiments).order_by(experiments.c.id)
        if identity is not None:
            query = query.where(experiments.c.identity == identity)
        with self.engine.connect() as connection:
            with as_written(self.engine, "an experiment"):
                found = connection.execute(query).all()
            loaded = [_load(connection, row, strategies) for row in found]
        return [results for results in loaded if results is not None]

    def _find(self, config: ExperimentConfig) -> Any:
        query = select(experiments).where(experiments.c.identity == config.identity)
        with self.engine.connect() as connection, as_written(self.engine, f"experiment {config.name!r}"):
            found = connection.execute(query).first()
            if found is not None:
                check_experiment(dict(found._mapping))
            return found


def session_name(config: ExperimentConfig, strategy: str, seed: int) -> str:
    """Return the name under which a run's session is stored."""
    return f"{config.name[:160]}/{config.identity[:12]}/{strategy[:60]}/{seed}"


def _load(connection: Connection, experiment: Any, only: Sequence[str] | None) -> ExperimentResults | None:
    with as_written(connection.engine, f"experiment {experiment.name!r}"):
        schedule, stored = _runs_of(connection, experiment)
    evaluations = len(schedule.labeled)
    finished = {run: rows for run, rows in stored.items() if len(rows) == evaluations}
    names = set(only) if only is not None else {strategy for strategy, _ in finished}
    strategies = [name for name in CATALOG if name in names] + sorted(names - CATALOG.keys())
    seeds = sorted({seed for _, seed in finished})
    seeds = [seed for seed in seeds if all((strategy, seed) in finished for strategy in strategies)]
    if not seeds:
        return None

    def table(value: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Gather one number of each round as (strategies, rounds, seeds)."""
        return np.array(
            [[[value(finished[name, seed][r]) for seed in seeds] for r in range(evaluations)] for name in strategies],
            dtype=np.float64,
        )

    return ExperimentResults(
        name=experiment.name,
        identity=experiment.identity,
        strategies=tuple(strategies),
        seeds=tuple(seeds),
        labeled=np.array(schedule.labeled, dtype=np.int64),
        accuracies=table(lambda row: row.test_accuracy),
        acquisition_seconds=table(_acquisition_seconds),
        selection_seconds=table(lambda row: np.nan if row.selection_seconds is None else row.selection_seconds),
        training_seconds=table(lambda row: row.training_seconds),
        config=experiment.protocol,
        environment=experiment.environment,
        learning_rate=experiment.learning_rate,
        unfinished=len(stored) - len(strategies) * len(seeds),
        data=experiment.data,
        environments=_each_once([finished[name, seed][0].environment for name in strategies for seed in seeds]),
        days=_days([row for name in strategies for seed in seeds for row in finished[name, seed]]),
    )


def _each_once(environments: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple({json.dumps(one, sort_keys=True): one for one in environments}.values())


def _days(rows: Sequence[Any]) -> tuple[str, str]:
    days = [row.finished_at.date().isoformat() for row in rows]
    return min(days), max(days)


def _runs_of(connection: Connection, experiment: Any) -> tuple[ScheduleConfig, dict[tuple[str, int], list[Any]]]:
    """Return an experiment's schedule, and the rounds of each (strategy, seed) in order."""
    schedule = check_experiment(dict(experiment._mapping))
    query = (
        select(runs.c.strategy, runs.c.seed, runs.c.environment, rounds)
        .join(rounds, rounds.c.run_id == runs.c.id)
        .where(runs.c.experiment_id == experiment.id)
        .order_by(rounds.c.run_id, rounds.c.round)
    )
    stored: dict[tuple[str, int], list[Any]] = {}
    for row in connection.execute(query):
        stored.setdefault((row.strategy, row.seed), []).append(row)
    for (strategy, seed), rows in stored.items():
        if not isinstance(strategy, str) or type(seed) is not int or experiment.learning_rate is None:
            raise ValueError(f"{strategy!r:.60}, seed {seed!r:.60}, at a learning rate of {experiment.learning_rate}")
        check_rounds(schedule, [row._mapping for row in rows])
    return schedule, stored


def _acquisition_seconds(row: Any) -> float:
    return np.nan if row.selection_seconds is None else row.selection_seconds + (row.outputs_seconds or 0.0)
