"""Experiments under kills: however often it is cut off, it ends with the rounds and picks of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.lives import Life, sleep_until, warm_up
from faults.tally import Tally
from reference.stored_experiment import stored

FILE = """
name = "killed"
strategies = ["random", "grad", "badge"]
seeds = 2
[data]
name = "digits"
[model]
name = "mlp"
hidden = [16]
[schedule]
initial = 10
batch = 5
rounds = 5
[training]
epochs = 8
learning_rate = 0.01
"""
_WRONG_USE = 2


@dataclass(frozen=True)
class Undisturbed:
    """An experiment that nobody cut off.

    Attributes:
        file: its TOML.
        stored: its rounds and picks.
        seconds: how long it took in one process, forked.
    """

    file: Path
    stored: dict[str, Any]
    seconds: float


def run_undisturbed(folder: Path) -> Undisturbed:
    """Run the experiment to its end, in one life."""
    file, url = folder / "killed.toml", f"sqlite:///{folder}/undisturbed.db"
    file.write_text(FILE)
    warm_up(folder / "log")
    started = time.monotonic()
    assert Life([run_rounds, str(file), url], folder / "log").end() == 0, (folder / "log").read_text()
    return Undisturbed(file, stored(url), time.monotonic() - started)


def run_rounds(file: str, url: str) -> None:
    """Do in this process what ``ladle run`` has workers do; an error of Ladle's ends it as the command line would."""
    from ladle.data import load_pool
    from ladle.errors import LadleError
    from ladle.experiments import ExperimentStore, experiment_from
    from ladle.experiments.run import run_one
    from ladle.session import open_database

    config = experiment_from(tomllib.loads(Path(file).read_text()))
    try:
        pool, engine = load_pool(config.data), open_database(url)
        ExperimentStore(engine).register(config, {**pool.summary(), "fingerprint": pool.fingerprint()})
        for seed in range(config.seeds):
            for strategy in config.strategies:
                rate = config.learning_rates[0]
                run_one(config, strategy, seed, pool=pool, engine=engine, learning_rate=rate)
    except LadleError as error:
        print(f"ladle: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(_WRONG_USE)


def run_under_kills(folder: Path, url: str, undisturbed: Undisturbed, chance: random.Random, tally: Tally) -> int:
    """Kill the driver of the rounds, at moments drawn over a whole undisturbed life, until one life ends by itself."""
    kills = 0
    while True:
        life = Life([run_rounds, str(undisturbed.file), url], folder / "log")
        sleep_until(time.monotonic() + chance.uniform(0, undisturbed.seconds), lambda life=life: not life.alive)  # type: ignore[misc]
        if not life.kill():
            break
        kills += 1
    tally.kills["experiment"] += kills
    _compare(life, folder, url, undisturbed, "experiment", tally)
    return kills


def command_under_kills(
    folder: Path, undisturbed: Undisturbed, chance: random.Random, kills: int, tally: Tally, *, of: str
) -> int:
    """Kill ``ladle run`` with its two workers, or one worker alone, a few times over one store; then let it end.

    Args:
        folder: empty, for the store.
        undisturbed: what it has to end as.
        chance: draws the moments and the worker.
        kills: at most; a life that ends before its moment was the last.
        tally: takes the figures.
        of: "parent", the command alone; "all", its workers too; or "worker", one of them alone.
    """
    url, done = f"sqlite:///{folder}/store.db", 0
    words = ["run", str(undisturbed.file), "--store", url, "--workers", "2"]
    for _ in range(kills):
        life = Life(words, folder / "log")
        moment = time.monotonic() + chance.uniform(0, 2 * undisturbed.seconds)
        sleep_until(moment, lambda life=life: not life.alive)  # type: ignore[misc]
        if of == "worker":
            while life.alive and not life.workers():
                time.sleep(0.005)
            with suppress(ProcessLookupError, IndexError):
                os.kill(chance.choice(life.workers()), signal.SIGKILL)
                done += 1
            code = life.end()
            said = life.said().strip().splitlines()
            if code not in (0, _WRONG_USE) or (code and "a worker process died" not in said[-1]):
                tally.unclear.append(f"{code}: {said[-3:]}")
        else:
            done += life.kill(group=of == "all")
    tally.kills[f"worker of {_COMMAND}" if of == "worker" else f"{_COMMAND}, {of}"] += done
    _compare(Life(words, folder / "log"), folder, url, undisturbed, f"{_COMMAND}, {of}", tally)
    return done


_COMMAND = "ladle run"


def run_under_strikes(
    folder: Path,
    url: str,
    undisturbed: Undisturbed,
    chance: random.Random,
    strike: Callable[[], str],
    tally: Tally,
    *,
    most: int,
) -> int:
    """Strike the database under the rounds, once a life; a life that loses it says so in one line, the next goes on.

    Args:
        folder: for the log.
        url: of an empty database.
        undisturbed: what it has to end as.
        chance: draws the moments.
        strike: breaks the database and mends it, and returns the kind of kill, empty if it hit nothing.
        tally: takes the figures.
        most: strikes after which a life is left alone; one that ends before its strike was the last.
    """
    hits = 0
    while True:
        life = Life([run_rounds, str(undisturbed.file), url], folder / "log")
        sleep_until(time.monotonic() + chance.uniform(0, undisturbed.seconds), lambda life=life: not life.alive)  # type: ignore[misc]
        if not life.alive and _is_refused(life):
            time.sleep(0.2)  # the server has not recovered from the last strike yet
            continue
        if not life.alive or hits == most:
            break
        kind = strike()
        if kind:
            hits += 1
            tally.kills[kind] += 1
        code = life.end()
        if code == 0:
            break
        if not _is_refused(life):
            tally.unclear.append(f"{code}: {life.said().strip().splitlines()[-1]}")
    _compare(life, folder, url, undisturbed, "experiment in PostgreSQL", tally)
    return hits


def _is_refused(life: Life) -> bool:
    """Tell whether a life has ended with one line about the store."""
    last = (life.said().strip().splitlines() or [""])[-1]
    return life.end() == _WRONG_USE and last.startswith("ladle: the store must")


def _compare(life: Life, folder: Path, url: str, undisturbed: Undisturbed, kind: str, tally: Tally) -> None:
    assert life.end() == 0, life.said()
    if "Traceback" in life.said():
        tally.unclear.append(life.said()[-2000:])
    found = stored(url)
    tally.different += found != undisturbed.stored
    tally.acknowledged += len(found["rounds"])
    tally.stories[kind] += 1
