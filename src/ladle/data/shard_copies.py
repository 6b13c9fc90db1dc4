"""Plain copies of shards that cannot be read by row where they lie: made once, found again while nothing changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ladle.data.shard_headers import Header, holds_lists, open_parquet, read_header
from ladle.data.shard_sources import SourceFile
from ladle.data.shard_writing import write_header, write_shards
from ladle.errors import DataError, reason_of

__all__ = ["check_room", "copied", "is_plain", "missing_bytes", "try_copying", "write_shards"]

_BATCH_BYTES = 1 << 24
# A copy in the making grows all the time: one that has not for so long belongs to a process that is gone.
_ABANDONED_SECONDS = 3600


def is_plain(file: SourceFile, header: Header) -> bool:
    """Return whether a file can be read by row where it lies."""
    return file.local is not None and file.kind == ".npy" and header.is_plain


def missing_bytes(files: Sequence[tuple[SourceFile, Header]], scratch: Path | None) -> int:
    """Return the size of the plain copies that have yet to be made, in bytes: none for plain and for copied files."""
    return sum(
        header.copy_bytes
        for file, header in files
        if not is_plain(file, header) and (scratch is None or _finished(file, header, scratch) is None)
    )


def check_room(files: Sequence[tuple[SourceFile, Header]], scratch: Path | None, name: str) -> None:
    """Make sure that there is a folder with room for the copies that these files need.

    Raises:
        DataError: no folder, or too little room.
    """
    first = next((file for file, header in files if not is_plain(file, header)), None)
    if first is None:
        return
    needed = missing_bytes(files, scratch)
    if scratch is None:
        raise DataError(
            f"{name} in Parquet, on another machine or in another memory layout need a folder for plain copies "
            f"(got scratch=None, {needed} bytes for {first.name}{' and others' if len(files) > 1 else ''}); pass one"
        )
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(scratch)
        if needed:
            # Whether a folder can be written is known once it has been: not all filesystems go by its permissions.
            tempfile.TemporaryFile(dir=scratch).close()
        free = shutil.disk_usage(scratch).free
    except OSError as error:
        raise DataError(
            f"scratch must be a folder that can be written (got {scratch}: {error}); choose another"
        ) from error
    if needed > free:
        raise DataError(
            f"plain copies of {name} need room (got {free >> 20} MiB free at {scratch}, {-(-needed >> 20)} MiB "
            "needed); choose another scratch folder"
        )


def copied(file: SourceFile, header: Header, scratch: Path, on_bytes: Callable[[int], None]) -> SourceFile:
    """Return the plain .npy copy of a file, made now unless it is there.

    Args:
        file: what to copy.
        header: its header.
        scratch: folder for the copy.
        on_bytes: called with the size of every piece that is written.

    Raises:
        DataError: a file that cannot be read, or a disk that cannot be written.
    """
    finished = _finished(file, header, scratch)
    if finished is not None:
        return finished
    target = _copy_path(file, scratch)
    # Under another name until it is whole: a copy that was cut off is never taken for one.
    partial = target.with_suffix(f".{os.uname().nodename if hasattr(os, 'uname') else ''}-{os.getpid()}.partial")
    try:
        with _made(file):
            with partial.open("wb") as copy:
                write_header(copy, header.rows, header.columns or 0, header.dtype)
                on_bytes(copy.tell())
                for block in _blocks(file, header):
                    _write(copy, block)
                    on_bytes(block.nbytes)
                    del block
                copy.flush()
                os.fsync(copy.fileno())
                size = copy.tell()
            if size < header.copy_bytes:
                raise DataError(f"a file must stay as it is while it is copied (got {file.name} cut short); retry")
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return _source_of(target)


def try_copying(files: Iterable[tuple[SourceFile, Header]], path: Path) -> Iterator[int]:
    """Write the pieces of files to a path, each in the place of the last, as copies are written; yield their sizes.

    Raises:
        DataError: a file that cannot be read, or a disk that cannot be written.
    """
    for file, header in files:
        with _made(file), path.open("wb") as trial:
            for block in _blocks(file, header):
                trial.seek(0)
                _write(trial, block)
                trial.flush()
                os.fsync(trial.fileno())
                yield block.nbytes


@contextmanager
def _made(file: SourceFile) -> Iterator[None]:
    """Name the file in what goes wrong in the block."""
    try:
        yield
    except OSError as error:
        if isinstance(error, DataError):
            raise
        reason = reason_of(error)
        raise DataError(f"a plain copy must be made (got {file.name}: {reason}); check source and scratch") from error


def _copy_path(file: SourceFile, scratch: Path) -> Path:
    identity = f"{file.identity}\n{file.size}\n{file.changed}"
    return scratch / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.npy"


def _finished(file: SourceFile, header: Header, scratch: Path) -> SourceFile | None:
    """Return the copy made before, if the source cannot have changed since and the copy is as it should be."""
    target = _copy_path(file, scratch)
    if not file.changed or not target.is_file():
        return None
    copy = _source_of(target)
    try:
        found = read_header(copy)
    except DataError:
        return None
    same = (found.rows, found.columns, found.dtype) == (header.rows, header.columns or 0, header.dtype)
    return copy if same and found.is_plain else None


def _source_of(target: Path) -> SourceFile:
    path = target.absolute()
    status = path.stat()
    return SourceFile(str(path), str(path), path, None, str(path), status.st_size, status.st_mtime_ns)


def _remove_abandoned(scratch: Path) -> None:
    for partial in scratch.glob("*.partial"):
        if partial.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
            partial.unlink(missing_ok=True)


def _write(copy: BinaryIO, block: NDArray[Any]) -> None:
    copy.write(np.ascontiguousarray(block).data)


def _blocks(file: SourceFile, header: Header) -> Iterator[NDArray[Any]]:
    """Yield the matrix in blocks of rows of the type that it is read as."""
    row_bytes = (header.columns or 0) * max(header.dtype.itemsize, header.stored.itemsize)
    rows = max(1, _BATCH_BYTES // max(1, row_bytes))
    if file.kind == ".parquet":
        yield from _parquet_blocks(file, header, rows)
        return
    with file.open() as opened:
        for start in range(0, header.rows, rows):
            count = min(rows, header.rows - start)
            stored = (
                _npy_columns(opened, file, header, start, count)
                if header.by_columns
                else _npy_rows(opened, file, header, start, count)
            )
            yield stored.astype(header.dtype, copy=False)


def _npy_rows(opened: Any, file: SourceFile, header: Header, start: int, count: int) -> NDArray[Any]:
    assert header.columns is not None
    opened.seek(header.offset + start * header.columns * header.stored.itemsize)
    return _numbers(opened, file, header, count * header.columns).reshape(count, header.columns)


def _npy_columns(opened: Any, file: SourceFile, header: Header, start: int, count: int) -> NDArray[Any]:
    assert header.columns is not None
    block = np.empty((count, header.columns), dtype=header.dtype)
    for column in range(header.columns):
        opened.seek(header.offset + (column * header.rows + start) * header.stored.itemsize)
        block[:, column] = _numbers(opened, file, header, count)
    return block


def _numbers(opened: Any, file: SourceFile, header: Header, count: int) -> NDArray[Any]:
    read = opened.read(count * header.stored.itemsize)
    if len(read) < count * header.stored.itemsize:
        raise DataError(f"a file must stay as it is while it is copied (got {file.name} cut short); retry")
    return np.frombuffer(read, dtype=header.stored)


def _parquet_blocks(file: SourceFile, header: Header, rows: int) -> Iterator[NDArray[Any]]:
    import pyarrow

    try:
        with open_parquet(file) as parquet:
            for batch in parquet.iter_batches(batch_size=rows):
                block = _matrix(batch, header, file)
                # Neither is needed while the next one is decoded.
                del batch
                yield block
                del block
    except pyarrow.ArrowException as error:
        reason = reason_of(error)
        raise DataError(f"a .parquet file must be readable (got {file.name}: {reason}); write it again") from error


def _matrix(batch: Any, header: Header, file: SourceFile) -> NDArray[Any]:
    import pyarrow.compute

    columns = header.columns or 0
    if batch.num_columns == 1 and holds_lists(batch.column(0).type):
        lists = batch.column(0)
        lengths = pyarrow.compute.min_max(pyarrow.compute.list_value_length(lists)).as_py()
        if lists.null_count or lengths != {"min": columns, "max": columns}:
            raise DataError(
                f"a column of lists must hold equally many numbers a row (got {file.name}, {columns} in its "
                f"first row, {'none' if lists.null_count else lengths} elsewhere); pad them"
            )
        numbers: NDArray[Any] = lists.flatten().to_numpy(zero_copy_only=False)
        return numbers.astype(header.dtype, copy=False).reshape(len(lists), columns)
    block = np.empty((batch.num_rows, columns), dtype=header.dtype)
    for number, column in enumerate(batch.columns):
        # A number that is not there becomes NaN, which the first pass reports by row.
        block[:, number] = column.to_numpy(zero_copy_only=False)
    return block
