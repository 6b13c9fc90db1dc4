"""One process at a time: a lock on what is not to be done twice at once with a store, gone with who held it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from ladle.errors import StoreError


def hold(engine: Engine, name: str, work: str) -> AbstractContextManager[None]:
    """Keep all other processes from doing the same work with a store, as long as the context lasts.

    The operating system, or PostgreSQL, lets go of the lock when the process dies, by whatever signal. In SQLite it is
    on an empty file beside the store, which stays there; in PostgreSQL it is an advisory lock, which a server that is
    started again has forgotten. A store in memory is nobody else's; other databases have no lock.

    Args:
        engine: the store, open.
        name: what the work is called in the name of a file, such as "label-studio".
        work: what it is called in a message, such as "the exchange with Label Studio".

    Raises:
        StoreError: another process is at it, or no file can be made and locked beside the store.
    """
    backend = engine.url.get_backend_name()
    if backend == "postgresql":
        return _hold_advisory(engine, name, work)
    path = ""
    if backend == "sqlite":
        with engine.connect() as connection:
            path = next(row.file for row in connection.execute(text("PRAGMA database_list")) if row.name == "main")
    return _hold_file(path, name, work) if path else nullcontext()


@contextmanager
def _hold_file(path: str, name: str, work: str) -> Iterator[None]:
    # Never removed: between one process looking and another locking, a third could make a new file of that name.
    file = f"{path}-{name}.lock"
    try:
        # SQLite knows how a file is locked on each system.
        connection = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
    except sqlite3.OperationalError as error:
        raise _no_lock(file, str(error)) from error
    with closing(connection):
        if not os.access(file, os.W_OK):  # SQLite opens it for reading then, and locks nothing without a word
            raise _no_lock(file, "no right to write")
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise _taken(work, path) from error
            raise _no_lock(file, str(error)) from error
        yield


@contextmanager
def _hold_advisory(engine: Engine, name: str, work: str) -> Iterator[None]:
    key = {"key": int.from_bytes(hashlib.sha256(f"ladle {name}".encode()).digest()[:8], "big", signed=True)}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar():
            raise _taken(work, engine.url.render_as_string())
        try:
            yield
        finally:
            with suppress(SQLAlchemyError):  # a server that is gone holds no lock
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def _no_lock(file: str, reason: str) -> StoreError:
    return StoreError(
        f"a lock lies beside its store, an empty file that can be written (got {reason}: {file}); let files be made "
        "and written there, or remove that one"
    )


def _taken(work: str, store: str) -> StoreError:
    return StoreError(
        f"one process at a time does {work} with a store (got a second one with {store}); let the first go on, or "
        "stop it"
    )
