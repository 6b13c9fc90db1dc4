"""Labeled indices and picked batches as CSV, as people keep them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ladle.errors import DataError, reason_of
from ladle.files import written_whole
from ladle.typing import Indices


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
            names = list(reader.fieldnames or ())
            if names.count("index") != 1 or names.count("label") != 1:
                raise DataError(
                    f"a file of labels needs the columns index and label (got {names or 'none'} in {path}); name them "
                    "in the first line, each once"
                )
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"a file of labels must be readable CSV (got {path}: {reason_of(error)}); check the path"
        ) from error
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
    with written_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["rank", "index"] + ([] if scores is None else ["score"]))
        for rank, index in enumerate(picks.tolist()):
            writer.writerow([rank + 1, index] + ([] if scores is None else [repr(float(scores[rank]))]))
