"""Writing files whole: what is cut off by a kill or a full disk never stands where a whole file is looked for."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ladle.errors import DataError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path beside this one to write to; it takes this one's name when the block ends without an error.

    Args:
        path: where the file belongs. What stands there stays until the new file is on disk. A pipe is written to as
            it is.

    Raises:
        DataError: a disk that is full, or a place that cannot be written.
    """
    path = Path(os.path.realpath(path))  # a link goes on pointing where it did
    if path.exists() and not path.is_file():
        yield path  # a pipe or a device, which nothing can take the place of
        return
    partial = partial_of(path)
    try:
        yield partial
        finish(partial, path)
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise cannot_write(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all: a reader, or a run that is cut off, never meets half of it.

    Raises:
        DataError: a disk that is full, or a place that cannot be written; what stood at the path stays.
    """
    with written_whole(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def check_writable(path: Path) -> None:
    """Make sure that a file can be written there, before the work that it is to hold; nothing is left there.

    Raises:
        DataError: a folder, or a place that cannot be written.
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise cannot_write(path, IsADirectoryError("Is a directory"))
    if path.exists() and not path.is_file():
        return  # a pipe or a device, where trying would be writing
    partial = partial_of(path)
    try:
        partial.touch()
        partial.unlink()
    except OSError as error:
        raise cannot_write(path, error) from error


def partial_of(path: Path) -> Path:
    """Return where a file is written until it is whole: hidden, of no kind that is ever read, and nobody else's."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")


def finish(partial: Path, path: Path) -> None:
    """Put a written file where it belongs, once it is on disk.

    Raises:
        OSError: a disk that is full, or a place that cannot be written.
    """
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(path)
    # The new name is in the folder, which a power cut would take back to what it was. Not every system opens folders.
    with suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def cannot_write(path: Path, error: OSError) -> DataError:
    """Return the error that says so in one line."""
    reason = error.strerror or str(error)
    return DataError(f"a file must go where it can be written (got {path}: {reason}); make room, or name another place")
