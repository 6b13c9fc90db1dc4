"""The database: one place that opens it, and the tables of the session room.

Every write is one transaction; a process killed at any moment leaves the last committed state.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Engine,
    ExceptionContext,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    func,
    make_url,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.pool import StaticPool

from ladle.errors import MissingExtraError, StoreError
from ladle.session.migration import migrate

_SECONDS_TO_WAIT_FOR_A_LOCK = 60
_SMALLEST_PAGE, _HEADER_BYTES = 512, 100
_DAMAGED = "the file is damaged: put a copy of it in its place, or read what is left with sqlite3 .recover"

#: What the code reads and writes. A change here comes with a migration, which makes the same of the stores there are.
metadata = MetaData()

sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("config", JSON, nullable=False),
    Column("environment", JSON, nullable=False),
    Column("created_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("session_id", ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("created_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
)


def open_database(url: str | None) -> Engine:
    """Open a database, with Ladle's tables made or brought to this Ladle's schema (``ladle.session.migration``).

    Args:
        url: ``sqlite:///file.db``, ``postgresql://user@host/name`` (extra ``postgres``) or any SQLAlchemy URL; None
            keeps everything in memory, for as long as the process lives.

    Returns:
        A connected engine.

    Raises:
        StoreError: a URL that is none, a database out of reach, or one that a newer Ladle has written.
        MissingExtraError: the driver for this kind of database is not installed.
    """
    parsed = _parse(url)
    _check_length(parsed)
    try:
        engine = _engine(parsed)
        try:
            if _is_in_memory(parsed):
                # Tables of other rooms are in the same metadata by the time anything opens a database through them.
                metadata.create_all(engine)
            else:
                migrate(engine)
        except BaseException:
            engine.dispose()
            raise
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        if parsed.get_backend_name() == "postgresql":
            raise MissingExtraError.needs("a PostgreSQL store", "postgres") from error
        raise StoreError(
            f"no driver for this database (got {parsed.drivername!r}); use sqlite:/// or postgresql://"
        ) from error
    except SQLAlchemyError as error:
        raise StoreError(
            f"the store must be a database that can be reached and written (got {parsed.render_as_string()}: "
            f"{_first_line(error)}); {_remedy(error, 'check the path or the server')}"
        ) from error
    event.listen(engine, "handle_error", _in_one_line)
    return engine


@contextmanager
def opened_database(url: str | None) -> Iterator[Engine]:
    """Open a database as ``open_database`` does, and let go of its connections when the block ends, however it ends."""
    engine = open_database(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _check_length(url: URL) -> None:
    """Refuse a file that was cut short: SQLite tells only when it needs what is missing, and takes a stub for new."""
    file = Path(url.database or ":memory:")
    if url.get_backend_name() != "sqlite" or not file.is_file():
        return
    length, log = _length_by_header(file), file.with_name(f"{file.name}-wal")
    logged = log.is_file() and log.stat().st_size > 0
    size = file.stat().st_size  # looked at last: another process may add pages meanwhile
    # Pages that are still in the log come back from there; without one, or with an empty one, all are in the file.
    if not logged and 0 < size < length:
        raise StoreError(
            f"the store must be a database that can be reached and written (got {url.render_as_string()} of {size} "
            f"bytes, which is cut short); {_DAMAGED}"
        )


def _length_by_header(file: Path) -> int:
    """Return the bytes that a SQLite file has by its header: pages times their size; a page where it has none."""
    with file.open("rb") as opened:
        header = opened.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(b"SQLite format 3"):
        return _SMALLEST_PAGE
    page = int.from_bytes(header[16:18], "big")
    return (1 << 16 if page == 1 else page) * int.from_bytes(header[28:32], "big")


def _in_one_line(context: ExceptionContext) -> StoreError | None:
    """Return what takes the place of a driver's error once the store was open; None leaves it as it is."""
    error = context.sqlalchemy_exception
    # A conflict is told by who wrote first; what a query does wrong is a bug; a ping that fails connects anew.
    if not isinstance(error, DBAPIError) or context.is_pre_ping:
        return None
    if isinstance(error, IntegrityError | ProgrammingError | DataError | NotSupportedError):
        return None
    shown = "" if context.engine is None else f"{context.engine.url.render_as_string()}: "
    return StoreError(
        f"the store must stay within reach and have room (got {shown}{_first_line(error)}); "
        f"{_remedy(error, 'see to it and go on: what was acknowledged is in it')}"
    )


def _remedy(error: SQLAlchemyError, otherwise: str) -> str:
    # SQLite's words for a file that was cut short or overwritten; nothing but a copy brings back what it held.
    damaged = any(words in _first_line(error) for words in ("malformed", "not a database"))
    return _DAMAGED if damaged else otherwise


def _parse(url: str | None) -> URL:
    try:
        parsed = make_url(url or "sqlite://")
    except ArgumentError as error:
        raise StoreError(f"the store must be a database URL (got {url!r}); for a file write sqlite:///{url}") from error
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if _is_in_memory(url):
        # One connection for all: each new one would be an empty database of its own.
        return create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    engine = create_engine(url, connect_args={"timeout": _SECONDS_TO_WAIT_FOR_A_LOCK})
    event.listen(engine, "connect", _prepare_sqlite_file)
    return engine


def _is_in_memory(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def _prepare_sqlite_file(connection: Any, _record: Any) -> None:
    # Write-ahead logging lets workers write while a report reads; FULL keeps a commit through a power cut.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        try:
            connection.execute(f"PRAGMA {pragma}")
        except UnicodeDecodeError as error:
            # SQLite quotes what it found in the schema, and its driver takes that for text.
            raise sqlite3.DatabaseError("malformed database schema, which is no text") from error


def _first_line(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
