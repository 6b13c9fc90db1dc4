"""JSON lines: one object a line, as text that can be written again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ladle.errors import DataError, reason_of


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the object of each line that is not empty.

    Raises:
        DataError: a file that cannot be read as UTF-8, or a line that is no JSON object, by its number.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"a .jsonl file is UTF-8 text (got {path}: {reason_of(error)}); save it as that") from error
    rows = []
    # Not splitlines: it would also split at separators that may stand within a JSON text.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if "\\u" in line and not is_text(json.dumps(row, ensure_ascii=False)):
                raise ValueError("half a character")  # noqa: TRY301
        # Beside wrong JSON: numbers of thousands of digits, and nesting without end.
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"every line is JSON (got {reason_of(error)} in line {number} of {path}); correct it"
            ) from error
        if not isinstance(row, dict):
            raise DataError(f"every line is a JSON object (got line {number} of {path}); correct it")
        rows.append(row)
    return rows


def is_text(value: str) -> bool:
    """Return whether a text can be shown and stored: NUL cannot, nor half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value
