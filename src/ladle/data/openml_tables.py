"""The paper's tables: from a file in the data home, else from OpenML through scikit-learn."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ladle.data.config import DataConfig
from ladle.data.home import place_in_home
from ladle.data.pool import Pool
from ladle.data.table import read_table, table_pool
from ladle.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_FOLDER = "tabular"
_ENDINGS = (".parquet", ".csv", ".csv.gz")
#: Column of classes in a data home's file; OpenML names its own.
_TARGET = "class"


@dataclass(frozen=True)
class OpenMLTable:
    """A table with a stratified 80/20 split, its columns encoded as every table's.

    Attributes:
        name: of the data set.
        stem: of its file in ``tabular/`` of the data home, with a column ``class``.
        number: of the data set on OpenML; None for a part that only a data home holds.
        rows: official size.
    """

    name: str
    stem: str
    number: int | None
    rows: int


ISOLET = OpenMLTable("isolet", "isolet", 300, 7797)
POKERHAND = OpenMLTable("pokerhand", "pokerhand", 155, 829_201)
GERMAN_CREDIT = OpenMLTable("german-credit", "german_credit", 31, 1000)
GISETTE = OpenMLTable("gisette", "gisette", 41_026, 7000)
ISOLET_1560 = OpenMLTable("isolet-1560", "isolet_1560", None, 1560)
POKER_HAND_UCI = OpenMLTable("poker-hand-uci", "poker_hand_uci_train", None, 25_008)


def load_openml_pool(source: OpenMLTable, config: DataConfig, data_home: Path | None = None) -> Pool:
    """Load one of the paper's tables.

    Args:
        source: which.
        config: test and validation fractions, pool size and seed of the split.
        data_home: a folder whose ``tabular/`` may hold the file; OpenML's answer is kept in its ``sklearn/``, or in
            scikit-learn's own folder where there is no data home.

    Returns:
        A pool named after the configuration; where the file holds another number of rows than the whole data set, that
        number is added: ``isolet-1560``.

    Raises:
        DataError: neither at hand nor to be downloaded, or damaged.
        ConfigError: a pool larger than the rows left.

    Cost: the table a few times in memory, as float64.
    Reference: Vanschoren et al. (2013); the paper, section 4.3.
    """
    mirror = table_mirror(source, data_home)
    if mirror is not None:
        frame, target, origin = read_table(mirror), _TARGET, str(mirror)
    elif source.number is None:
        raise DataError(
            f"{source.name} is a part of a data set and comes from a data home only (got"
            f" {_missing(source, data_home)}); put {_files(source)} into {place_in_home(data_home, _FOLDER)}"
        )
    else:
        frame, target = _fetch(source, data_home)
        origin = f"OpenML {source.number}"
    name = source.name if len(frame) == source.rows else f"{source.name}-{len(frame)}"
    return table_pool(frame, target, config, name=name, origin=origin)


def table_mirror(source: OpenMLTable, data_home: Path | None) -> Path | None:
    """Return the data home's file of this table, or None where there is none."""
    if data_home is None:
        return None
    paths = (data_home / _FOLDER / f"{source.stem}{ending}" for ending in _ENDINGS)
    return next((path for path in paths if path.is_file()), None)


def table_at_hand(source: OpenMLTable, data_home: Path | None) -> bool:
    """Tell whether loading needs no network: in the data home, or downloaded by scikit-learn before."""
    if table_mirror(source, data_home) is not None:
        return True
    # Where scikit-learn keeps what OpenML said of a data set.
    answer = Path("openml") / "openml.org" / "api" / "v1" / "json" / "data" / f"{source.number}.gz"
    return source.number is not None and any((_cache(home) / answer).is_file() for home in (data_home, None))


def _cache(data_home: Path | None) -> Path:
    if data_home is not None:
        return data_home / "sklearn"
    return Path(os.environ.get("SCIKIT_LEARN_DATA") or "~/scikit_learn_data").expanduser()


def _fetch(source: OpenMLTable, data_home: Path | None) -> tuple[pd.DataFrame, str]:
    """Return OpenML's table and the name of its column of classes."""
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings():
            # The error below says what the warnings about retries and versions would.
            warnings.simplefilter("ignore")
            found: Any = fetch_openml(
                data_id=source.number,
                as_frame=True,
                parser="auto",
                data_home=str(_cache(data_home)),
                n_retries=1,
            )
    # Its failures share no base class: network, HTTP, checksums, parsers.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{source.name} is downloaded from OpenML ({source.number}) on first use, and that failed (got {reason});"
            f" run once with a network, or put {_files(source)} into {place_in_home(data_home, _FOLDER)}"
        ) from error
    return found.frame, str(found.target.name)


def _missing(source: OpenMLTable, data_home: Path | None) -> str:
    return "no data home" if data_home is None else f"no {source.stem} in {data_home / _FOLDER}"


def _files(source: OpenMLTable) -> str:
    """Return what a message calls the file, with the endings there are."""
    first, *others, last = _ENDINGS
    return f"{source.stem}{first}, {', '.join(others)} or {last} with a column {_TARGET!r}"
