"""Answers as people send them back: a file with the columns id and label."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ladle.data import read_table
from ladle.errors import DataError, reason_of
from ladle.labeling.json_lines import read_json_lines

if TYPE_CHECKING:
    import pandas as pd

_ID, _LABEL = "id", "label"


def read_answers(path: Path) -> dict[str, str]:
    """Return the class of each example whose label is filled in, by its name.

    Everything is read as text: a class called 1 or NA is what it says.

    Args:
        path: a .csv, .parquet or .jsonl file with the columns ``id`` and ``label``; others are not looked at.

    Raises:
        DataError: a file that cannot be read, a column that is missing, or an example with two different labels.
    """
    rows = _rows(path)
    answers: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        missing = [name for name in (_ID, _LABEL) if name not in row]
        if missing:
            raise DataError(
                f"answers have the columns id and label (got {', '.join(row) or 'none'} in row {number} of {path}); "
                f"add {missing[0]}"
            )
        identity, label = row[_ID].strip(), row[_LABEL].strip()
        if not label:
            continue
        if answers.get(identity, label) != label:
            raise DataError(
                f"an example has one label (got {answers[identity]!r} and {label!r} for {identity!r}); keep one"
            )
        answers[identity] = label
    return answers


def _rows(path: Path) -> list[dict[str, str]]:
    kind = path.suffix.lower()
    if kind == ".jsonl":
        lines = read_json_lines(path)
        return [{key: "" if value is None else str(value) for key, value in line.items()} for line in lines]
    if kind == ".csv":
        frame = _read_csv(path)
    elif kind == ".parquet":
        frame = read_table(path)
        frame = frame.astype(object).where(frame.notna(), "").astype(str)
    else:
        raise DataError(f"answers are a .csv, .parquet or .jsonl file (got {path}); save it as one")
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _read_csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        with warnings.catch_warnings():
            # Of rows longer than the header pandas would take the first column for the names of the rows.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # A spreadsheet may write a mark of the encoding in front.
            return pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False, encoding="utf-8-sig")
    # Its failures share no base class: decoding, parsing, files.
    except Exception as error:
        raise DataError(f"answers can be read (got {path}: {reason_of(error)}); save them as UTF-8") from error
