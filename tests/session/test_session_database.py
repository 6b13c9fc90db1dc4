"""The store: what comes back is what went in, on SQLite and on PostgreSQL; wrong ones get one line."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from sqlalchemy import Engine, insert, make_url, select, text
from sqlalchemy.exc import StatementError

from ladle.errors import MissingExtraError, SessionError, StoreConflictError, StoreError
from ladle.session import Asked, EventLog, Session, Told, Undone, hold, migration, open_database
from ladle.session.database import opened_database, sessions
from reference.databases import left_open

CONFIG = {"strategy": "grad", "seed": 3}


def events() -> list[Asked | Told | Undone]:
    return [
        Asked(np.array([4, 2], dtype=np.int64), "grad", {"selection": 0.25}),
        Told(np.array([2], dtype=np.int64), np.array([1], dtype=np.int64)),
        Undone(),
    ]


def check_log(engine: Engine) -> None:
    log = EventLog(engine, "first", CONFIG, {"torch": "2"})
    assert log.read() == []
    for event in events():
        log.append(event)
    read = EventLog(engine, "first", CONFIG).read()
    assert [type(event) for event in read] == [Asked, Told, Undone]
    first, second = read[0], read[1]
    assert isinstance(first, Asked)
    assert isinstance(second, Told)
    assert first.indices.tolist() == [4, 2]
    assert first.indices.dtype == np.int64
    assert (first.strategy, first.seconds) == ("grad", {"selection": 0.25})
    assert (second.indices.tolist(), second.labels.tolist()) == ([2], [1])
    assert EventLog(engine, "second", CONFIG).read() == [], "sessions of one store are apart"
    with pytest.raises(SessionError, match=r"got seed=4 for 'first', stored seed=3"):
        EventLog(engine, "first", {**CONFIG, "seed": 4})


def check_conflict(engine: Engine) -> None:
    one, other = EventLog(engine, "driven twice", CONFIG), EventLog(engine, "driven twice", CONFIG)
    one.append(events()[0])
    with pytest.raises(StoreConflictError, match="one process at a time"):
        other.append(events()[0])
    other.read()
    other.append(events()[1])


def check_rollback(engine: Engine) -> None:
    log = EventLog(engine, "rolled back", CONFIG)
    with engine.connect() as connection:
        log.append(events()[0], connection)
        connection.rollback()
    assert EventLog(engine, "rolled back", CONFIG).read() == []


CHECKS = [check_log, check_conflict, check_rollback]


@pytest.mark.parametrize("check", CHECKS)
def test_log_in_a_sqlite_file(check: object, tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/store.db")
    check(engine)  # type: ignore[operator]
    engine.dispose()


@pytest.mark.parametrize("check", [check_log, check_conflict])
def test_log_in_memory(check: object) -> None:
    engine = open_database(None)
    check(engine)  # type: ignore[operator]
    engine.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("check", CHECKS)
def test_log_in_postgresql(check: object, postgres_url: str) -> None:
    engine = open_database(postgres_url)
    check(engine)  # type: ignore[operator]
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("store.db", r"got 'store.db'\); for a file write sqlite:///store.db"),
        ("sqlite:////nowhere/at/all/store.db", "unable to open database file"),
        ("postgresql://ladle:secret@127.0.0.1:1/none", r"ladle:\*\*\*@127"),
        ("oracle+nothing://x", "no driver"),
    ],
)
def test_a_store_out_of_reach_is_one_line(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        open_database(url)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_unknown_event_is_refused(tmp_path: Path) -> None:
    from ladle.session.database import events as table

    engine = open_database(f"sqlite:///{tmp_path}/store.db")
    log = EventLog(engine, "odd", CONFIG)
    log.append(events()[0])
    with engine.begin() as connection:
        connection.execute(insert(table).values(session_id=1, sequence=1, kind="sung", payload={}))
    with pytest.raises(StoreError, match="got 'sung'"):
        log.read()
    engine.dispose()


def test_a_transaction_that_fails_leaves_the_session_where_it_was(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    rows = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    with Session(rows, "mlp", strategy="random", classes=2, store=url) as session:
        batch = session.ask(4)
        with pytest.raises(OSError, match="at the end"), session.transaction() as connection:  # noqa: PT012
            session.commit(Told(batch[:2], np.array([0, 1])), connection)
            raise OSError("at the end, as a commit that the disk has no room for")
        assert session.labeled.tolist() == []
        session.tell(batch, [0, 1, 0, 1])
    with Session(rows, "mlp", strategy="random", classes=2, store=url) as again:
        assert again.labeled.tolist() == batch.tolist()


def test_a_store_that_goes_away_says_so_in_one_line(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/store.db")
    log = EventLog(engine, "first", CONFIG)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA query_only=ON"))
        with pytest.raises(
            StoreError, match=r"got sqlite:.*store\.db: attempt to write a readonly database\); see to it"
        ):
            log.append(events()[0], connection)
        connection.rollback()
        connection.execute(text("PRAGMA query_only=OFF"))
    log.append(events()[0])
    assert len(log.read()) == 1
    engine.dispose()


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"ladle\[postgres\]"):
        open_database("postgresql://ladle@127.0.0.1:1/none")


@pytest.mark.parametrize("left", [1, 60, 1000, -1])
def test_a_store_that_was_cut_short_is_named(left: int, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    engine = open_database(f"sqlite:///{path}")
    EventLog(engine, "first", CONFIG)
    engine.dispose()
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    with pytest.raises(StoreError, match=r"store\.db of \d+ bytes, which is cut short"):
        open_database(f"sqlite:///{path}")
    path.write_bytes(whole)
    open_database(f"sqlite:///{path}").dispose()


def test_what_is_no_fault_of_the_database_stays_what_it_is() -> None:
    engine = open_database(None)
    with engine.connect() as connection, pytest.raises(StatementError, match="required for bind parameter"):
        connection.execute(text("SELECT :nothing"), {"other": 1})


def test_other_databases_are_used_without_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setattr(engine.dialect, "name", "another")
    with migration._nobody_else(engine) as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    elsewhere = cast(Engine, SimpleNamespace(url=make_url("mysql://server/name")))
    with hold(elsewhere, "work", "the work"), hold(elsewhere, "work", "the work"):
        pass
    monkeypatch.undo()
    engine.dispose()


def test_a_session_that_does_not_come_to_be_leaves_no_connection_open(tmp_path: Path, databases: list[Engine]) -> None:
    url, rows = f"sqlite:///{tmp_path}/store.db", np.zeros((20, 3), np.float32)
    with Session(rows, "mlp", strategy="random", classes=2, store=url):
        pass
    with pytest.raises(SessionError, match="the examples it began with"):
        Session(rows + 1, "mlp", strategy="random", classes=2, store=url)
    assert len(databases) == 2
    assert left_open(databases) == []


def test_numbers_of_numpy_are_stored_as_numbers() -> None:
    engine = open_database(None)
    EventLog(engine, "first", {"seed": np.int64(7), "rate": np.float32(0.5)})
    with engine.connect() as connection:
        assert connection.execute(select(sessions.c.config)).scalar() == {"seed": 7, "rate": 0.5}


def test_a_session_made_by_two_at_the_same_moment_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/store.db")
    real, calls = EventLog._find_or_make, list[int]()

    def late(log: EventLog, *given: Any) -> int:
        calls.append(1)
        if len(calls) == 1:
            # The other one looked before this one wrote, and writes after it.
            with engine.begin() as other:
                real(log, other, *given[1:])
            given[0].execute(insert(sessions).values(name="both", config={}, environment={}))
        return real(log, *given)

    monkeypatch.setattr(EventLog, "_find_or_make", late)
    log = EventLog(engine, "both", CONFIG)
    log.append(events()[0])
    with engine.connect() as connection:
        assert len(connection.execute(select(sessions.c.id)).all()) == 1
    engine.dispose()


def test_a_store_of_the_largest_pages_is_whole_by_its_header(tmp_path: Path) -> None:
    file = tmp_path / "labels.db"
    connection = sqlite3.connect(file)
    connection.executescript("PRAGMA page_size=65536; CREATE TABLE other (number INTEGER);")
    connection.close()
    open_database(f"sqlite:///{file}").dispose()
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StoreError, match="cut short"):
        open_database(f"sqlite:///{file}")


def test_a_store_is_let_go_of_when_its_block_ends_however_it_ends(tmp_path: Path) -> None:
    engines: list[Engine] = []

    def break_off() -> None:
        with opened_database(f"sqlite:///{tmp_path}/labels.db") as engine:
            engines.append(engine)
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
            assert left_open(engines)
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert left_open(engines) == []


def test_a_store_in_memory_is_one_for_all_threads() -> None:
    engine = open_database(None)
    EventLog(engine, "here", CONFIG).append(events()[0])

    def count() -> int:
        with engine.connect() as connection:
            return len(connection.execute(select(sessions.c.id)).all())

    with ThreadPoolExecutor(1) as elsewhere:
        assert elsewhere.submit(count).result() == 1
    engine.dispose()


def test_a_package_that_is_not_there_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from ladle.session import environment

    described = environment.describe_environment()
    assert described["torch"].startswith("2.")
    assert (described["system"], described["cores"]) == (
        f"{platform.system()} {platform.machine()}",
        str(os.cpu_count()),
    )
    assert described["processor"] == environment.processor_name() != ""
    monkeypatch.setattr(environment, "_PACKAGES", ("no-such-package",))
    assert environment.describe_environment()["no-such-package"] == "not installed"


@pytest.mark.parametrize(
    ("cpuinfo", "platform_says", "told"),
    [
        ("processor\t: 0\nmodel name\t: Some CPU: 3 GHz\nmodel name\t: Other\n", "x86", "Some CPU: 3 GHz"),
        ("CPU implementer\t: 0x41\n", "aarch64", "aarch64"),
        (None, "arm", "arm"),
        (None, "", "unknown"),
    ],
)
def test_the_processor_has_a_name(
    cpuinfo: str | None, platform_says: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ladle.session import environment

    file = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        file.write_text(cpuinfo)
    monkeypatch.setattr(environment, "Path", lambda _path: file)
    monkeypatch.setattr(platform, "processor", lambda: platform_says)
    assert environment.processor_name() == told
