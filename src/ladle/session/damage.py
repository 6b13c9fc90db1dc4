"""What is read back from a store is what Ladle wrote, or one line says where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ladle.errors import LadleError, StoreError, reason_of


@contextmanager
def as_written(engine: Engine, where: str) -> Iterator[None]:
    """Read and check rows in a block: whatever fails there means that they are not as Ladle wrote them.

    Args:
        engine: the store.
        where: what is read, such as "session 'labels'".

    Raises:
        StoreError: the block raised anything; errors of Ladle and of the database go through as they are.
    """
    try:
        yield
    except (LadleError, SQLAlchemyError):
        raise
    # A row may hold anything: no JSON or nested without end, other types, missing keys.
    except Exception as error:
        raise not_as_written(engine, where, reason_of(error)) from error


def not_as_written(engine: Engine, where: str, reason: str) -> StoreError:
    """Return the error that says in one line what is damaged, in which store, and what brings it back."""
    return StoreError(
        f"a store holds what Ladle wrote (got {where} in {engine.url.render_as_string()}: {reason}); put a copy of the "
        "store in its place, or begin a new one with the last export"
    )
