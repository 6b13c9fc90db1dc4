"""A user's table: a CSV or Parquet file with one column of classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from io import BufferedReader
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ladle.data.config import DataConfig
from ladle.data.pool import Pool
from ladle.data.splits import split_whole
from ladle.data.table_features import fit_encoding
from ladle.data.unfolding import GzipText, check_parquet
from ladle.errors import ConfigError, DataError, reason_of

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs"}
_LONGEST_HEADER = 1 << 16
_PARQUET = (".parquet", ".pq")


def load_table_pool(config: DataConfig) -> Pool:
    """Load a table, split 80/20 with every class in proportion, its features as float32 numbers.

    Columns of numbers: a missing value becomes the column's median, then the column is standardised. All other columns
    (text, categories, true/false): one column of 0 and 1 for each value seen, a missing value counting as a value of
    its own; a value that only the test split has becomes zeros. Medians, means, deviations and values are taken from
    the training part alone (pool, validation and what subsampling leaves out). A constant column becomes zeros.

    In CSV and TSV files empty cells, ``?`` and pandas' usual marks (NA, NaN, None, null, ...) are missing values, and a
    first column without a name that counts the rows 0, 1, 2, ... is left out.

    Args:
        config: its ``path`` is a .csv, .tsv, .parquet or .pq file, the first two also as .gz; its ``target`` is the
            column of classes, which get numbers in the order of their value, or of their text.

    Returns:
        A pool named after the file.

    Raises:
        ConfigError: a kind of file that cannot be read, or a pool larger than the rows left.
        DataError: a file that is missing, damaged or empty; no such target; a target with missing values, with one
            class, or that is a measurement; features that are no finite numbers or categories; too few rows to split.

    Cost: the table a few times in memory, as float64.
    Reference: the paper, section 4.3.
    """
    if config.path is None or config.target is None:
        raise ConfigError(
            f"a table needs path and target (got path={config.path!r}, target={config.target!r}); name both"
        )
    path = Path(config.path).expanduser()
    return table_pool(read_table(path), config.target, config, name=_stem(path), origin=path)


def table_pool(frame: pd.DataFrame, target: str, config: DataConfig, *, name: str, origin: Path | str) -> Pool:
    """Make a pool of a table in memory, split and encoded as ``load_table_pool`` says.

    Args:
        frame: features and one column of classes.
        target: that column.
        config: fractions, pool size and seed of the split.
        name: of the pool.
        origin: where the table is from, for messages.

    Raises:
        ConfigError: a pool larger than the rows left.
        DataError: as ``load_table_pool`` raises.
    """
    path = origin
    frame.columns = frame.columns.map(str)
    if target not in frame.columns:
        names = ", ".join(repr(str(name)) for name in frame.columns)
        raise DataError(
            f"the target is a column of the table (got target={target!r}, {path} has {names}); name one of them"
        )
    if frame.empty:
        raise DataError(f"a table has at least one row (got {path} with none); check how the file was written")
    labels, classes = _labels(frame[target], path)
    features = frame.drop(columns=target)
    split = split_whole(
        labels, test=config.test, validation=config.validation, pool_size=config.pool_size, seed=config.split_seed
    )
    encoding = fit_encoding(features, training=split.training, path=path)
    rows = torch.from_numpy(encoding.encode(features, path=path))
    targets = torch.from_numpy(labels)
    return Pool(
        name=name,
        modality="table",
        inputs=rows[split.pool],
        labels=targets[split.pool],
        validation_inputs=rows[split.validation],
        validation_labels=targets[split.validation],
        test_inputs=rows[split.test],
        test_labels=targets[split.test],
        classes=classes,
    )


def _stem(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem


def read_table(path: Path, *, texts: Sequence[str] = ()) -> pd.DataFrame:
    """Read a .csv, .tsv, .parquet or .pq file, as ``load_table_pool`` says.

    Args:
        path: the file.
        texts: columns of a .csv or .tsv file to read as text, whatever they hold.

    Raises:
        ConfigError: another kind of file.
        DataError: a file that is missing or damaged, unfolds without measure, has two columns of one name, or a header
            with another separator than its kind of file has.
    """
    if not path.is_file():
        raise DataError(f"the table is a file (got path={str(path)!r}, not a file under {Path.cwd()}); correct path")
    kind = path.suffixes[-2] if path.suffix.lower() == ".gz" and len(path.suffixes) > 1 else path.suffix
    kind = kind.lower()
    try:
        if kind in _PARQUET:
            return _read_parquet(path)
        if kind in _SEPARATORS:
            return _without_row_numbers(_read_text(path, _SEPARATORS[kind], texts))
    except DataError:
        raise
    # The readers' failures share no base class: decoding, parsing, Arrow, gzip.
    except Exception as error:
        raise DataError(
            f"a table can be read (got {path}: {reason_of(error)}); write it anew as UTF-8 or Parquet"
        ) from error
    raise ConfigError(f"a table is a .csv, .tsv, .parquet or .pq file (got {path}); convert it, or correct the ending")


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet

    with path.open("rb") as file, pyarrow.parquet.ParquetFile(path) as parquet:
        check_parquet(str(path), file, parquet.metadata)
        table = parquet.read()
    # Text that is no UTF-8 would be found only where somebody looks at it.
    table.validate(full=True)
    frame: pd.DataFrame = table.to_pandas()
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DataError(f"columns have names of their own (got {twice!r} twice in {path}); rename one")
    return frame


def _opened(path: Path) -> BufferedReader:
    return BufferedReader(GzipText(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def _check_commas(path: Path) -> None:
    """Refuse what would become a table of one column with all others in its text."""
    with _opened(path) as file:
        header = file.readline(_LONGEST_HEADER).decode(errors="replace").strip()
    others = [name for separator, name in _OTHER_SEPARATORS.items() if separator in header]
    if "," not in header and others:
        raise DataError(
            f"columns of a .csv file are separated by commas (got {others[0]} in {header[:60]!r} of {path}); save "
            "it with commas, or with tabs as .tsv"
        )


def _read_text(path: Path, separator: str, texts: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    if separator == ",":
        _check_commas(path)
    with warnings.catch_warnings():
        # Rows longer than the header would lose their end, or without index_col give the columns wrong names.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        with _opened(path) as source:
            return pd.read_csv(
                source,
                sep=separator,
                index_col=False,
                na_values="?",
                skipinitialspace=True,
                low_memory=False,
                dtype=dict.fromkeys(texts, str),
            )


def _without_row_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out the index that pandas writes: in a file sorted by class it would give the class away."""
    first = frame.columns[0]
    if first == "Unnamed: 0" and frame[first].equals(frame.index.to_series()):
        return frame.drop(columns=first)
    return frame


def _labels(target: pd.Series, path: Path | str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return (n,) class numbers and the C class names in their order."""
    import pandas as pd

    missing = int(target.isna().sum())
    if missing:
        raise DataError(
            f"every row has a class (got {missing} of {len(target)} rows without one in column {target.name!r} of"
            f" {path}); drop those rows, and spell a class called NA or None in another way"
        )
    if pd.api.types.is_float_dtype(target.dtype) and bool(((target % 1 == 0) & (target.abs() < 2**53)).all()):
        # A class 3 that some tool wrote as 3.0.
        target = target.astype("int64")
    names = target.astype("string").to_numpy(dtype=object)
    classes = sorted(set(names), key=_class_order(set(names)))
    if len(classes) < 2:
        raise DataError(
            f"a target has at least two classes (got only {classes[0]!r} in column {target.name!r} of {path});"
            " name another column"
        )
    if 2 * len(classes) > len(names):
        raise DataError(
            f"a target's classes repeat (got {len(classes)} different values in the {len(names)} rows of column"
            f" {target.name!r} of {path}); name a column of classes, or group its values"
        )
    codes = pd.Categorical(names, categories=classes).codes
    return np.asarray(codes, dtype=np.int64), tuple(classes)


def _class_order(names: set[str]) -> Callable[[str], tuple[float, str]]:
    """Return the sort key: by number where every class is one, by text otherwise."""
    try:
        numeric = all(isfinite(float(name)) for name in names)
    except ValueError:
        numeric = False
    return lambda name: (float(name) if numeric else 0.0, name)
