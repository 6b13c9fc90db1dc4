"""Answers as people send them back: a file with the columns id and label, and which of them are new."""

from __future__ import annotations

import warnings
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ladle.data import read_table
from ladle.errors import DataError, InputError, SessionError, reason_of
from ladle.labeling.json_lines import read_json_lines

if TYPE_CHECKING:
    import pandas as pd

#: What stands for "nobody can say" in an answer, unless a class has this name.
SKIP = "skip"
#: What stands for "I can't say now": set aside, and it may come again.
UNSURE = "not sure"
_ID, _LABEL = "id", "label"


def read_answers(path: Path) -> dict[str, str]:
    """Return the class of each example whose label is filled in, by its name.

    Everything is read as text: a class called 1 or NA is what it says.

    Args:
        path: a .csv, .parquet or .jsonl file with the columns ``id`` and ``label``; others are not looked at.

    Raises:
        DataError: a file that cannot be read, a column that is missing, or an example with two different labels.
    """
    if not path.is_file():
        raise DataError(f"answers are a file (got {path}, no file under {Path.cwd()}); correct the path")
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


def new_answers(
    answers: Mapping[str, str],
    places: Mapping[str, int],
    classes: Sequence[str],
    *,
    labeled: Mapping[int, int],
    skipped: Container[int],
) -> tuple[dict[int, int], list[int]]:
    """Return the labels that are new, index -> class number, and the examples newly skipped.

    Args:
        answers: name of an example -> its class, or "skip" where no class has that name.
        places: the index of each example by its name.
        classes: names, in the order of their numbers.
        labeled: the class number of each example labeled so far.
        skipped: indices of the examples skipped so far.

    Raises:
        InputError: a name or a class that does not exist.
        SessionError: an example that has another label already.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    told: dict[int, int] = {}
    passed: list[int] = []
    for identity, label in answers.items():
        if identity not in places:
            raise InputError(f"answers are to examples of the source (got id {identity!r}); ask for a batch anew")
        place = places[identity]
        if label in numbers:
            if labeled.get(place, numbers[label]) != numbers[label]:
                raise SessionError(
                    f"an example is labeled once (got {label!r} for {identity!r}, which is "
                    f"{classes[labeled[place]]!r}); undo that first"
                )
            if place not in labeled:
                told[place] = numbers[label]
        elif label == SKIP:
            if place not in skipped and place not in labeled:
                passed.append(place)
        else:
            raise InputError(
                f"a label is one of the classes {', '.join(classes)}, or {SKIP} (got {label!r} for {identity!r}); "
                "correct it, or add the class"
            )
    return told, passed


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
