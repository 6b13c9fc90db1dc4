"""The data home: a folder of mirrors that is looked in before anything is downloaded."""

from __future__ import annotations

import os
from pathlib import Path

from ladle.errors import DataError

#: The environment variable that names the data home.
DATA_HOME_VARIABLE = "LADLE_DATA_HOME"


def resolve_data_home(option: str | Path | None = None) -> Path | None:
    """Return the folder of mirrors: the option, else ``LADLE_DATA_HOME``, else None; absolute.

    Raises:
        DataError: the folder does not exist.
    """
    named, by = (option, "data home") if option else (os.environ.get(DATA_HOME_VARIABLE), DATA_HOME_VARIABLE)
    if not named:
        return None
    home = Path(named).expanduser().absolute()
    if not home.is_dir():
        raise DataError(
            f"the data home is a folder (got {by}={str(named)!r}, no folder at {home}); correct or create it"
        )
    return home


def place_in_home(data_home: Path | None, folder: str) -> str:
    """Return what a message calls a folder of the data home, which there may not be yet."""
    if data_home is not None:
        return str(data_home / folder)
    return f"DIR/{folder}, and name DIR with --data-home or {DATA_HOME_VARIABLE}"
