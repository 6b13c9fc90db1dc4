"""One run: one strategy with one seed, from the initial set to the last label."""

from __future__ import annotations

from dataclasses import replace

import torch
from sqlalchemy import Engine

from ladle.data import Pool
from ladle.experiments.config import ExperimentConfig
from ladle.experiments.network import network_for
from ladle.experiments.store import ExperimentStore, FinishedRound, session_name
from ladle.session import Session


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
        StoreConflictError: another process drives the same run.
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
