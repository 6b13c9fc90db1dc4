"""The lock on a store: one process has it, a second is told so, and a killed one leaves it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ladle.errors import StoreError
from ladle.session import hold, open_database

NAME, WORK = "baking", "the baking"
HOLDER = """
import sys, time
from ladle.session import hold, open_database
with hold(open_database(sys.argv[1]), "baking", "the baking"):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def held_elsewhere(url: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def check_a_killed_process_lets_go(url: str) -> None:
    engine = open_database(url)
    with held_elsewhere(url) as process:
        told = pytest.raises(StoreError, match=r"one process at a time does the baking .*got a second one")
        with told as refused, hold(engine, NAME, WORK):
            raise AssertionError("two at once")
        assert "\n" not in str(refused.value)
        with hold(engine, "boiling", "the boiling"):  # other work is free
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    for _ in range(100):  # PostgreSQL notices a moment later
        try:
            with hold(engine, NAME, WORK):
                break
        except StoreError:
            time.sleep(0.1)
    else:
        raise AssertionError("still held")
    with hold(engine, NAME, WORK):  # and again, once it is free
        pass
    engine.dispose()


def test_a_sqlite_file(tmp_path: Path) -> None:
    check_a_killed_process_lets_go(f"sqlite:///{tmp_path}/labels.db")


@pytest.mark.postgres
def test_postgresql(postgres_url: str) -> None:
    check_a_killed_process_lets_go(postgres_url)


def test_the_same_file_by_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    one, other = (
        open_database("sqlite:///labels.db"),
        open_database(f"sqlite:///{tmp_path}/../{tmp_path.name}/labels.db"),
    )
    with hold(one, NAME, WORK), pytest.raises(StoreError), hold(other, NAME, WORK):
        raise AssertionError("two at once")
    with pytest.raises(ZeroDivisionError), hold(one, NAME, WORK):
        raise ZeroDivisionError
    with hold(other, NAME, WORK):
        pass
    one.dispose()
    other.dispose()


def test_a_store_in_memory_is_nobody_elses() -> None:
    one, other = open_database(None), open_database(None)
    with hold(one, NAME, WORK), hold(other, NAME, WORK):
        pass
    one.dispose()
    other.dispose()


def make_a_folder(file: Path) -> None:
    file.mkdir()


def make_it_other(file: Path) -> None:
    file.write_bytes(b"no lock, and no database either" * 40)


@pytest.mark.parametrize(
    ("make", "reason"), [(make_a_folder, "unable to open database file"), (make_it_other, "file is not a database")]
)
def test_what_cannot_be_locked_is_told(make: Callable[[Path], None], reason: str, tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/labels.db")
    make(tmp_path / "labels.db-baking.lock")
    told = pytest.raises(StoreError, match=rf"a lock lies beside its store, .*\(got {reason}: .*baking\.lock\); let")
    with told, hold(engine, NAME, WORK):
        raise AssertionError
    engine.dispose()


def test_a_lock_that_cannot_be_written_is_no_second_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/labels.db")
    with hold(engine, NAME, WORK):
        pass
    file = tmp_path / "labels.db-baking.lock"
    file.chmod(0o444)
    # Who is root may write to any file.
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != file)
    told = pytest.raises(StoreError, match=r"\(got no right to write: .*baking.lock\); let files be made and written")
    with told, hold(engine, NAME, WORK):
        raise AssertionError
    engine.dispose()
