"""Arrays people bring in files: matrices as .npy or Parquet, labeled indices and picked batches as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ladle.errors import DataError
from ladle.typing import Indices


def read_matrix(path: Path) -> NDArray[Any]:
    """Read an (n, columns) matrix.

    Args:
        path: a .npy file, or a .parquet file with one numeric column a feature or one column of equally long lists.

    Returns:
        (n, columns) array of the file's own type.

    Raises:
        DataError: a file that is missing, of another kind, or not a matrix of numbers.
    """
    if not path.is_file():
        raise DataError(f"a matrix must be a file (got {path}, which is none); check the path")
    if path.suffix == ".npy":
        try:
            matrix: NDArray[Any] = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise DataError(f"a .npy file must hold plain numbers (got {path}: {error}); save it again") from error
    elif path.suffix == ".parquet":
        matrix = _read_parquet(path)
    else:
        raise DataError(f"a matrix must be .npy or .parquet (got {path.name}); convert it with numpy.save")
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise DataError(
            f"a matrix must have two axes of numbers (got shape {matrix.shape}, {matrix.dtype} in {path}); reshape it"
        )
    return matrix.astype(np.float32) if matrix.dtype.kind in "iu" else matrix


def read_labeled(path: Path) -> tuple[Indices, Indices]:
    """Read which rows are labeled, and how.

    Args:
        path: a CSV file with a header and the columns ``index`` and ``label``, both integers.

    Returns:
        (m,) whole-pool indices and (m,) class numbers.

    Raises:
        DataError: a file that is missing, lacks a column or has something else than integers in it.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = {"index", "label"} - set(reader.fieldnames or ())
            if missing:
                raise DataError(
                    f"a file of labels needs the columns index and label (got {reader.fieldnames or 'none'} "
                    f"in {path}); name them in the first line"
                )
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"a file of labels must be readable CSV (got {path}: {error}); check the path") from error
    numbers = np.empty((len(rows), 2), dtype=np.int64)
    for line, row in enumerate(rows, start=2):
        try:
            numbers[line - 2] = int(row["index"]), int(row["label"])
        except (TypeError, ValueError, OverflowError):
            raise DataError(
                f"index and label must be integers (got {row['index']!r}, {row['label']!r} in line {line} of {path}); "
                "encode classes as numbers from 0"
            ) from None
    return numbers[:, 0].copy(), numbers[:, 1].copy()


def write_batch(path: Path, picks: Indices, scores: Sequence[float] | None = None) -> None:
    """Write a batch as CSV: rank from 1, whole-pool index, and the score where there is one.

    Raises:
        DataError: a place that cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["rank", "index"] + ([] if scores is None else ["score"]))
            for rank, index in enumerate(picks.tolist()):
                writer.writerow([rank + 1, index] + ([] if scores is None else [repr(float(scores[rank]))]))
    except OSError as error:
        raise DataError(
            f"the batch must go to a file that can be written (got {path}: {error}); choose another"
        ) from error


def _read_parquet(path: Path) -> NDArray[Any]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"a .parquet file must be readable (got {path}: {error}); write it again") from error
    if table.num_columns == 1 and pyarrow.types.is_nested(table.column(0).type):
        rows = table.column(0).to_pylist()
        try:
            return np.array(
                rows, dtype=np.float64 if table.column(0).type.value_type == pyarrow.float64() else np.float32
            )
        except (TypeError, ValueError) as error:
            raise DataError(f"a column of lists must hold equally many numbers a row (got {path}: {error})") from error
    for column in table.schema:
        kind = pyarrow.types
        if not (kind.is_floating(column.type) or kind.is_integer(column.type)):
            raise DataError(f"every column must be numeric (got {column.name!r} of {column.type} in {path}); drop it")
    columns = [table.column(position).to_numpy() for position in range(table.num_columns)]
    return np.stack(columns, axis=1) if columns else np.empty((table.num_rows, 0), dtype=np.float32)
