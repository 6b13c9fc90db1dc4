"""One run: one strategy with one seed, from the initial set to the last label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from sqlalchemy import Engine

from ladle.data import Pool
from ladle.errors import StoreConflictError
from ladle.experiments.config import ExperimentConfig
from ladle.experiments.network import network_for
from ladle.experiments.store import ExperimentStore, FinishedRound, session_name
from ladle.session import Session
from ladle.session.damage import not_as_written


def run_one(
    config: ExperimentConfig,
    strategy: str,
    seed: int,
    *,
    pool: Pool,
    engine: Engine,
    learning_rate: float,
    device: str | torch.device = "cpu",
) -> None:
    """Run the rounds that are not stored yet. The oracle is the data set's own labels.

    A round is: tell the labels of the batch, train from scratch, evaluate on the test part, pick the next batch. Its
    measurements and the next picks are stored in one transaction, so that a run that was cut off goes on from its last
    finished round and trains nothing twice.

    Raises:
        StoreConflictError: another process drives the same run, or its labels and its rounds are not of one run.
        StoreError: what is stored of the run is damaged.
    """
    store = ExperimentStore(engine)
    run, finished = store.register_run(config, strategy, seed)
    budgets = config.schedule.labeled
    if finished == len(budgets):
        return
    session = Session(
        pool.inputs,
        network_for(config.model, pool),
        strategy=strategy,
        training=replace(config.training, learning_rate=learning_rate),
        seed=seed,
        store=engine,
        name=session_name(config, strategy, seed),
        device=device,
    )
    oracle = pool.labels.numpy()
    _check_progress(session, oracle, finished, budgets)
    for number in range(finished, len(budgets)):
        wanted = budgets[number] - len(session.labeled)
        if wanted:
            batch = session.ask(wanted)
            session.tell(batch, oracle[batch])
        accuracy = session.evaluate(pool.test_inputs, pool.test_labels)
        last = number == len(budgets) - 1
        asked = None if last else session.plan(config.schedule.batch)
        seconds = asked.seconds if asked else {}
        measured = FinishedRound(
            round=number,
            labeled=len(session.labeled),
            test_accuracy=accuracy,
            training_seconds=session.training_seconds,
            outputs_seconds=seconds.get("outputs"),
            selection_seconds=seconds.get("selection"),
        )
        with session.transaction() as connection:
            store.record_round(run, measured, connection)
            if asked:
                session.commit(asked, connection)


def _check_progress(session: Session, oracle: NDArray[np.int64], finished: int, budgets: list[int]) -> None:
    """Make sure that a run's labels are the oracle's, and as many as its finished rounds have led to."""
    wrong = session.labeled[session.labels != oracle[session.labeled]]
    if len(wrong):
        reason = f"example {wrong[0]} has another label than in the data"
        raise not_as_written(session.log.engine, f"session {session.log.name!r}", reason)
    begun = len(session.labeled) + len(session.state.pending)
    if begun not in ((0, budgets[0]) if finished == 0 else (budgets[finished],)):
        raise StoreConflictError(
            f"a run's labels and rounds are of one process (got {begun} labels after {finished} rounds in "
            f"{session.log.name!r}); start the command again, or put a copy of the store in its place"
        )
