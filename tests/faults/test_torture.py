"""Hundreds of kills, by `make torture`; the figures go to docs/reliability.md."""

from __future__ import annotations

import json
import platform
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from faults.experiment_runs import command_under_kills, run_under_kills, run_under_strikes, run_undisturbed
from faults.labeling_server import label_under_kills, label_under_strikes
from faults.postgres_server import PostgresServer, find_binaries
from faults.reliability_page import write_page
from faults.tally import Tally

ROOT = Path(__file__).parents[2]
#: Part of all kills that a kind gets.
SHARES = {
    "labeling server": 0.40,
    "experiment": 0.29,
    "ladle run": 0.05,
    "labeling in PostgreSQL": 0.15,
    "experiment in PostgreSQL": 0.07,
}
_STORY = 25

pytestmark = [
    pytest.mark.torture,
    pytest.mark.timeout(3 * 3600),
    # Ray's own, from its sockets, processes and settings to come.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Torture:
    """The run: its chance, its folder, its tally, and what it says meanwhile."""

    def __init__(self, folder: Path, kills: int, seed: int) -> None:
        self.kills, self.seed = kills, seed
        self.chance = random.Random(seed)
        self.tally = Tally()
        self._folder, self._started = folder, time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def folder(self) -> Path:
        """Return a new, empty folder."""
        place = self._folder / f"{time.monotonic_ns()}"
        place.mkdir()
        return place

    def until(self, kind: str, story: Callable[[int], Any]) -> None:
        """Tell stories until this kind has had its share of the kills; each is told how many are left."""
        goal = self.tally.kills.total() + round(SHARES[kind] * self.kills)
        while self.tally.kills.total() < goal:
            story(goal - self.tally.kills.total())
            self.say()

    def say(self, *, finished: bool = False) -> None:
        """Print how far it is, and write the figures and the page: a run that is cut off leaves what it has counted."""
        tally = self.tally
        wrong = tally.lost + tally.twice + tally.different + len(tally.unclear)
        line = f"{self.seconds:6.0f} s  {tally.kills.total():4d} kills  {tally.acknowledged:6d} acknowledged"
        print(f"{line}  {wrong} wrong  {dict(tally.kills)}", flush=True)  # noqa: T201
        figures = tally.figures() | {
            "command": f"make torture KILLS={self.kills} SEED={self.seed}",
            "date": datetime.now(UTC).date().isoformat(),
            "minutes": round(self.seconds / 60),
            "seed": self.seed,
            "python": platform.python_version(),
            "finished": finished,
        }
        (ROOT / "benchmarks/results/reliability.json").write_text(json.dumps(figures, indent=1) + "\n")
        write_page(figures, ROOT / "docs/reliability.md")


def test_torture(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    torture = Torture(tmp_path, request.config.getoption("--kills", 560), request.config.getoption("--seed", 0))
    chance, tally = torture.chance, torture.tally
    print()  # noqa: T201
    label_under_kills(torture.folder(), chance, 3, tally, plain=True)
    torture.until("labeling server", lambda left: label_under_kills(torture.folder(), chance, min(left, _STORY), tally))
    undisturbed = run_undisturbed(torture.folder())

    def rounds(_left: int) -> None:
        folder = torture.folder()
        run_under_kills(folder, f"sqlite:///{folder}/store.db", undisturbed, chance, tally)

    def command(left: int) -> None:
        of = chance.choice(("worker", "parent", "all"))
        command_under_kills(torture.folder(), undisturbed, chance, min(left, 3), tally, of=of)

    torture.until("experiment", rounds)
    torture.until("ladle run", command)
    _torture_postgres(torture, undisturbed)
    _torture_ray(torture)
    torture.say(finished=True)
    tally.check()


def _torture_postgres(torture: Torture, undisturbed: Any) -> None:
    if find_binaries() is None:
        print("no PostgreSQL server binaries: left out")  # noqa: T201
        return
    server = PostgresServer(fsync=True)
    chance, tally = torture.chance, torture.tally

    def strike(store: str) -> Callable[[], str]:
        return server.kill_postmaster if chance.random() < 0.4 else lambda: server.kill_backend(store)

    def people(left: int) -> None:
        store = server.new_database()
        strikes = [strike(store) for _ in range(min(left, _STORY))]
        label_under_strikes(torture.folder(), store, chance, strikes, tally)

    def rounds(left: int) -> None:
        store = server.new_database()
        most = min(left, 5)
        run_under_strikes(torture.folder(), store, undisturbed, chance, strike(store), tally, most=most)

    try:
        torture.until("labeling in PostgreSQL", people)
        torture.until("experiment in PostgreSQL", rounds)
    finally:
        server.stop()


def _torture_ray(torture: Torture) -> None:
    pytest.importorskip("ray")
    from faults.ray_nodes import select_under_kills

    select_under_kills(torture.folder(), torture.chance, max(1, torture.kills // 70), torture.tally)
