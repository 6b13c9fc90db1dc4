"""New examples for a trained model, as somebody gives them: checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ladle.data import TableEncoding
from ladle.errors import InputError, reason_of
from ladle.labeling.sources import read_embeddings, read_rows

if TYPE_CHECKING:
    import pandas as pd

_REMEDIES = {
    "texts": 'give ["a text", "another"], or the column of a frame, frame["text"]',
    "images": 'give ["one.jpg", "another.jpg"]',
    "table": "give a file or a pandas.DataFrame",
    "embeddings": "give a file or an (n, d) array",
}


def new_texts(kind: str, examples: Any) -> list[str]:
    """Return texts, or paths of images, as a list.

    Raises:
        InputError: none, one that is not in a list, a frame, or something that is no text or an empty one.
    """
    _check_some(kind, examples)
    if isinstance(examples, str | Path) or hasattr(examples, "columns"):
        came = repr(str(examples)[:60]) if isinstance(examples, str | Path) else type(examples).__name__
        raise InputError(f"{kind} come as a list (got {came}); {_REMEDIES[kind]}")
    for place, one in enumerate(examples):
        if not isinstance(one, str | Path) or not str(one).strip():
            raise InputError(f"{kind} are texts or paths, none empty (got {one!r} at {place}); {_REMEDIES[kind]}")
    return [str(one) for one in examples]


def new_table(examples: Any, encoding: TableEncoding) -> tuple[pd.DataFrame, str]:
    """Return rows of a table with distinct columns named by text, and what to call their origin.

    A file is read as the one that the model was trained on; its columns of text are read as text even where all of them
    are digits. A frame is taken as it is.

    Raises:
        DataError: a file that cannot be read, or a column that is missing or of another kind.
        InputError: no rows, neither a file nor a frame, or a column of the encoding twice.
    """
    import pandas as pd

    origin = "the rows given"
    if isinstance(examples, str | Path):
        # True and false are categories too, and read as such.
        texts = [
            name
            for name, known in zip(encoding.categories, encoding.values, strict=True)
            if not {*known} <= {"", "False", "True"}
        ]
        origin, examples = str(examples), read_rows(Path(examples).expanduser(), texts=texts)
    _check_some("table", examples)
    if not isinstance(examples, pd.DataFrame):
        raise InputError(f"rows of a table come as one (got {type(examples).__name__}); {_REMEDIES['table']}")
    named = examples.set_axis(examples.columns.map(str), axis=1)
    wanted = named.columns[named.columns.isin([*encoding.numbers, *encoding.categories])]
    if not wanted.is_unique:
        raise InputError(f"columns have names of their own (got {wanted[wanted.duplicated()][0]!r} twice); rename one")
    encoding.check(named[wanted], path=origin)
    return named[wanted], origin


def new_embeddings(examples: Any, width: int, scale: float) -> NDArray[np.float32]:
    """Return (n, width) finite numbers, multiplied with the scale.

    Raises:
        DataError: a file that cannot be read.
        InputError: no rows, rows of another width, NaN or infinity, or no numbers at all.
    """
    if isinstance(examples, str | Path):
        examples = read_embeddings(Path(examples).expanduser())
    _check_some("embeddings", examples)
    try:
        with np.errstate(over="ignore"):  # what overflows is infinite, and refused
            if not isinstance(examples, np.ndarray) or examples.dtype == object:
                # A column of a frame, and a list, hold one row each.
                examples = np.stack([np.asarray(row, dtype=np.float64) for row in examples])
            rows = np.asarray(examples).astype(np.float32)
            rows *= np.float32(scale)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"embeddings are one row of numbers each (got {reason_of(error)}); {_REMEDIES['embeddings']}"
        ) from error
    if rows.ndim != 2 or rows.shape[1] != width:
        raise InputError(
            f"embeddings are as wide as those the model was trained on, {width} (got shape {rows.shape}); embed them "
            "in the same way"
        )
    if not np.isfinite(rows).all():
        row = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise InputError(
            f"embeddings are finite (got NaN, infinity or a number far too large in row {row}); drop or repair the row"
        )
    return rows


def _check_some(kind: str, examples: Any) -> None:
    if not isinstance(examples, Sized) and not isinstance(examples, Path):
        raise InputError(f"examples have a length (got {type(examples).__name__}); {_REMEDIES[kind]}")
    if isinstance(examples, Sized) and len(examples) == 0:
        raise InputError(f"a prediction is of at least one example (got none); {_REMEDIES[kind]}")
