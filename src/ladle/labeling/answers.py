"""Answers as people send them back: a file with the columns id and label."""

from __future__ import annotations

import json
from pathlib import Path

from ladle.errors import DataError

_ID, _LABEL = "id", "label"


def read_answers(path: Path) -> dict[str, str]:
    """Return the class of each example whose label is filled in, by its name.

    Everything is read as text: a class called 1 or NA is what it says.

    Args:
        path: a .csv, .parquet or .jsonl file with the columns ``id`` and ``label``; others are not looked at.

    Raises:
        DataError: a file that cannot be read, a column that is missing, or an example with two different labels.
    """
    try:
        rows = _rows(path)
    except (OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"answers are a .csv, .parquet or .jsonl file (got {path}: {reason}); save it as one"
        ) from error
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
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if not all(isinstance(line, dict) for line in lines):
            raise ValueError("a line that is no object")
        return [{str(key): "" if value is None else str(value) for key, value in line.items()} for line in lines]
    import pandas as pd

    if kind == ".csv":
        # A spreadsheet may write a mark of the encoding in front.
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    elif kind == ".parquet":
        frame = pd.read_parquet(path)
        frame = frame.astype(object).where(frame.notna(), "").astype(str)
    else:
        raise ValueError(f"ends in {kind or 'nothing'}")
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
