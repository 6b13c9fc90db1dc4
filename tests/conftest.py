"""What several rooms' tests share: the real data at hand, a throwaway PostgreSQL server and a Ray cluster."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from sqlalchemy import Engine, create_engine

from faults.postgres_server import PostgresServer, find_binaries
from reference.databases import left_open

# Tests run in one process a core; more threads than that only wait for each other.
torch.set_num_threads(1)
# A shell has what it starts in the background ignore Ctrl-C, and what that starts in turn; tests press it all the same.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Engine]]:
    """What a test has opened; it is let go of at the end, since Python 3.13 warns of SQLite connections left open."""
    opened = list[Engine]()

    def make_and_note(*given: Any, **named: Any) -> Engine:
        opened.append(create_engine(*given, **named))
        return opened[-1]

    monkeypatch.setattr("ladle.session.database.create_engine", make_and_note)
    yield opened
    for engine in opened:
        engine.dispose()


@pytest.fixture(scope="session")
def data_home() -> Path:
    """The folder of real data sets; tests that read it skip where there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("LADLE_DATA_HOME") or beside)
    if not folder.is_dir():
        pytest.skip("no folder of real data sets (LADLE_DATA_HOME)")
    return folder


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of an empty PostgreSQL database."""
    return postgres_server.new_database()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server on loopback, made for these tests and gone after them."""
    if find_binaries() is None:
        pytest.skip("no PostgreSQL server binaries (Debian's package postgresql)")
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], databases: list[Engine]
) -> Callable[..., tuple[int, str, str]]:
    """Return the command line as a function, from words to (exit code, output, errors); it leaves nothing open."""
    from ladle.cli.main import main

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ladle", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "120")
        before = len(databases)
        with pytest.raises(SystemExit) as stop:
            main()
        assert left_open(databases[before:]) == []
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def two_ray_nodes() -> Iterator[Any]:
    pytest.importorskip("ray")
    from faults.ray_nodes import two_nodes

    with two_nodes() as two:
        yield two


@pytest.fixture
def cluster(two_ray_nodes: Any) -> Any:
    """A Ray cluster of two nodes on this machine, one core each, for a file of tests."""
    if not two_ray_nodes.worker_nodes:  # a test has killed the second
        two_ray_nodes.add_node(num_cpus=1)
        two_ray_nodes.wait_for_nodes()
    return two_ray_nodes
