"""The schema of a store, and the way to it from an older one: all migrations in one transaction, or none."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, column, inspect, select, table

from ladle.errors import StoreError
from ladle.session.damage import not_as_written

#: The last revision in ``migrations/versions``; kept here so that a store that has it opens without alembic.
HEAD = "0001"
_FIRST, _SHOWN = "0001", 60
#: Not alembic's usual name: the database may have other users, with migrations of their own.
VERSION_TABLE = "ladle_revision"
FOLDER = Path(__file__).with_name("migrations")

# alembic keeps the migration at hand in its modules, one for the whole process.
_one_at_a_time = threading.Lock()
# Any number that no other program takes for its own lock in this database.
_POSTGRESQL_LOCK = 5_021_951_073


def migrate(engine: Engine) -> None:
    """Bring a store to the schema of this Ladle; an empty database gets its tables.

    Processes that open a store at the same moment wait for the one that came first and find the work done. One that is
    killed in the middle leaves the store as it was. That holds for SQLite and PostgreSQL; databases whose changes of
    tables are no part of a transaction promise less.

    Args:
        engine: the database, not one in memory.

    Raises:
        StoreError: a store that a newer Ladle has written, or whose schema has no such number.

    Cost: two queries where nothing is to be done; alembic is imported, which takes a fifth of a second, elsewhere only.
    """
    with engine.connect() as connection:
        if _is_current(connection):
            return
    with _one_at_a_time, _nobody_else(engine) as connection:
        if not _is_current(connection):
            _upgrade(connection)


def _is_current(connection: Connection) -> bool:
    if not inspect(connection).has_table(VERSION_TABLE):
        return False
    found = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    # Revisions are numbered with four digits, so that later ones are greater.
    if found is not None and (not isinstance(found, str) or not re.fullmatch("[0-9]{4}", found) or found < _FIRST):
        raise not_as_written(connection.engine, "its schema's number", repr(found)[:_SHOWN])
    if found is not None and found > HEAD:
        raise StoreError(
            f"a store is opened by the Ladle that wrote it or a newer one (got schema {found} in "
            f"{connection.engine.url.render_as_string()}, this Ladle knows schemas up to {HEAD}); "
            "install a newer one: pip install --upgrade ladle"
        )
    return bool(found == HEAD)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


@contextmanager
def _nobody_else(engine: Engine) -> Iterator[Connection]:
    """Open a transaction beside which nobody else migrates; it is committed unless the block raises."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # SQLite changes a table by moving it. With foreign keys in force, dropping the old one would delete all
            # rows that refer to it; they can be put out of force before a transaction only, and for the connection.
            connection.detach()
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})")
        yield connection
        connection.commit()
