"""Plain copies of shards that cannot be read by row where they lie: made once, found again while nothing changed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ladle.data.shard_sources import SourceFile
from ladle.errors import DataError

_BATCH_BYTES = 1 << 25
# Parquet is compressed: how much larger its numbers may be in plain, at a guess, where only its size is known.
_TIMES_LARGER = 2


def check_room(files: Sequence[SourceFile], scratch: Path | None, name: str) -> None:
    """Make sure that there is a folder with room for copies of these files.

    Raises:
        DataError: no folder, or too little room.
    """
    if not files:
        return
    if scratch is None:
        raise DataError(
            f"{name} in Parquet or on another machine need a folder for plain copies (got scratch=None, "
            f"{files[0].name}); pass one"
        )
    scratch.mkdir(parents=True, exist_ok=True)
    needed = sum(file.size * _TIMES_LARGER for file in files if not _copy_path(file, scratch).exists())
    free = shutil.disk_usage(scratch).free
    if needed > free:
        raise DataError(
            f"plain copies of {name} need room (got {free >> 20} MiB free at {scratch}, {needed >> 20} MiB needed); "
            "choose another scratch folder"
        )


def copied(file: SourceFile, scratch: Path | None) -> Path:
    """Return the plain .npy copy of a file, made now if it has not been made before.

    Raises:
        DataError: a file that cannot be read, or is no matrix of numbers.
    """
    assert scratch is not None
    target = _copy_path(file, scratch)
    if not target.exists():
        # Under another name until it is whole: a copy that was cut off is never taken for one.
        partial = target.with_suffix(f".{os.getpid()}.partial")
        try:
            _copy_parquet(file, partial) if file.kind == ".parquet" else _copy_npy(file, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return target


def _copy_path(file: SourceFile, scratch: Path) -> Path:
    identity = f"{file.name}\n{file.size}\n{file.changed}"
    return scratch / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.npy"


def _copy_npy(file: SourceFile, target: Path) -> None:
    try:
        if file.local is None:
            with file.filesystem.open_input_stream(file.path) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, _BATCH_BYTES)
            matrix = np.load(target, mmap_mode="r", allow_pickle=False)
        else:
            matrix = np.load(file.local, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"a .npy file must hold plain numbers (got {file.name}: {error}); save it again") from error
    if matrix.ndim == 2 and matrix.flags.c_contiguous and matrix.dtype.isnative and matrix.dtype.itemsize <= 8:
        return
    plain = target.with_suffix(".plain")
    rows = max(1, _BATCH_BYTES // max(1, matrix[:1].nbytes))
    dtype = np.dtype(np.float64) if matrix.dtype.itemsize > 8 else matrix.dtype.newbyteorder("=")
    blocks = (np.asarray(matrix[start : start + rows], dtype=dtype) for start in range(0, len(matrix), rows))
    with plain.open("wb") as copy:
        write_header(copy, len(matrix), matrix.shape[1], dtype)
        for block in blocks:
            copy.write(np.ascontiguousarray(block).data)
    plain.replace(target)


def _copy_parquet(file: SourceFile, target: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    try:
        source: Any = file.local if file.local is not None else file.filesystem.open_input_file(file.path)
        with pyarrow.parquet.ParquetFile(source) as parquet, target.open("wb") as copy:
            width, dtype = _shape(parquet, file)
            write_header(copy, parquet.metadata.num_rows, width, dtype)
            rows = max(1, _BATCH_BYTES // max(1, width * dtype.itemsize))
            for batch in parquet.iter_batches(batch_size=rows):
                block = _matrix(batch, width, dtype, file)
                copy.write(np.ascontiguousarray(block).data)
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"a .parquet file must be readable (got {file.name}: {error}); write it again") from error


def _shape(parquet: Any, file: SourceFile) -> tuple[int, np.dtype[Any]]:
    """Return the width and type of the matrix in a Parquet file: a numeric column a feature, or one column of lists."""
    from pyarrow import types

    schema = parquet.schema_arrow
    if len(schema) == 1 and types.is_nested(schema[0].type) and not types.is_struct(schema[0].type):
        first = next(parquet.iter_batches(batch_size=1), None)
        width = len(first.column(0)[0]) if first is not None and first.num_rows else 0
        return width, _working_type([schema[0].type.value_type], file)
    for column in schema:
        if not (types.is_floating(column.type) or types.is_integer(column.type)):
            raise DataError(
                f"every column must be numeric (got {column.name!r} of {column.type} in {file.name}); drop it"
            )
    return len(schema), _working_type([column.type for column in schema], file)


def _working_type(kinds: list[Any], file: SourceFile) -> np.dtype[Any]:
    types = [np.dtype(kind.to_pandas_dtype()) for kind in kinds]
    if any(one.kind not in "fiu" for one in types):
        raise DataError(f"lists must hold numbers (got {kinds[0]} in {file.name}); convert them")
    widest = np.result_type(np.float16, *(one for one in types if one.kind == "f"))
    return widest if all(one.kind == "f" for one in types) and types else np.promote_types(widest, np.float32)


def _matrix(batch: Any, width: int, dtype: np.dtype[Any], file: SourceFile) -> NDArray[Any]:
    from pyarrow import types

    if batch.num_columns != 1 or not types.is_nested(batch.column(0).type):
        return np.stack([column.to_numpy(zero_copy_only=False).astype(dtype) for column in batch.columns], axis=1)
    lists = batch.column(0)
    flat = lists.flatten().to_numpy(zero_copy_only=False).astype(dtype)
    if len(flat) != width * len(lists) or any(len(one) != width for one in lists):
        raise DataError(
            f"a column of lists must hold equally many numbers a row (got {file.name}, {width} in its first row); pad"
        )
    matrix: NDArray[Any] = flat.reshape(len(lists), width)
    return matrix


def write_header(file: BinaryIO, rows: int, columns: int, dtype: np.dtype[Any]) -> None:
    """Write the header of a .npy file whose numbers follow row by row."""
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (rows, columns)}
    )


def write_shards(
    folder: Path, blocks: Iterator[NDArray[Any]], *, rows_a_file: int, prefix: str = "part", dtype: Any = np.float16
) -> list[Path]:
    """Write blocks of rows as .npy shards, holding one block at a time.

    Args:
        folder: made if it is not there.
        blocks: (rows, columns) arrays.
        rows_a_file: rows of each shard, the last one may have fewer.
        prefix: of the file names, before ``-00000.npy``.
        dtype: of the numbers on disk.

    Returns:
        The files in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    rest: NDArray[Any] | None = None
    for block in blocks:
        rest = block if rest is None else np.concatenate([rest, block])
        while len(rest) >= rows_a_file:
            files.append(_write_shard(folder, prefix, len(files), rest[:rows_a_file], dtype))
            rest = rest[rows_a_file:]
    if rest is not None and (len(rest) or not files):
        files.append(_write_shard(folder, prefix, len(files), rest, dtype))
    return files


def _write_shard(folder: Path, prefix: str, number: int, rows: NDArray[Any], dtype: Any) -> Path:
    path = folder / f"{prefix}-{number:05d}.npy"
    np.save(path, rows.astype(dtype))
    return path
