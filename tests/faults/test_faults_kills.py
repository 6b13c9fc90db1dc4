"""A few kills of each kind; `make torture` does hundreds. Other rooms' tests kill experiments and a node of Ray."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import pytest

from faults.experiment_runs import run_under_strikes, run_undisturbed
from faults.labeling_server import label_under_kills, label_under_strikes
from faults.postgres_server import PostgresServer
from faults.tally import Tally


def test_what_people_were_told_is_recorded_outlives_the_server(tmp_path: Path) -> None:
    tally = Tally()
    label_under_kills(tmp_path, random.Random(1), 3, tally, examples=300)
    tally.check()
    assert tally.kills.total() == 3
    assert tally.acknowledged >= 60


@pytest.mark.postgres
def test_people_and_experiments_outlive_the_database(tmp_path: Path, postgres_server: PostgresServer) -> None:
    tally, chance = Tally(), random.Random(3)
    store = postgres_server.new_database()
    strikes = [lambda: postgres_server.kill_backend(store), postgres_server.kill_postmaster]
    label_under_strikes(tmp_path, store, chance, strikes, tally)
    undisturbed = run_undisturbed(tmp_path)
    hits = 0
    while not hits:
        database = postgres_server.new_database()
        strike = partial(postgres_server.kill_backend, database)
        hits += run_under_strikes(tmp_path, database, undisturbed, chance, strike, tally, most=2)
    tally.check()
    assert tally.kills.total() >= 3
