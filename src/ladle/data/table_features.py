"""The feature columns of a table as numbers, fitted on its training part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ladle.errors import DataError
from ladle.typing import Indices

if TYPE_CHECKING:
    import pandas as pd

#: A text column with more values than this is a name or a note, and would become that many columns.
MOST_CATEGORIES = 1000


def number_and_category_columns(features: pd.DataFrame, path: Path | str) -> tuple[list[str], list[str]]:
    """Tell the columns of numbers from the columns of categories.

    Raises:
        DataError: no column; or a column of dates, which is neither; or a number that is infinite or too large.
    """
    import pandas as pd
    from pandas.api import types

    if features.shape[1] == 0:
        raise DataError(f"a table has feature columns beside its target (got none in {path}); add some")
    numbers: list[str] = []
    categories: list[str] = []
    for name in features.columns:
        kind = features[name].dtype
        if types.is_object_dtype(kind) and types.infer_dtype(features[name], skipna=True) == "decimal":
            numbers.append(name)
        elif (
            types.is_bool_dtype(kind)
            or types.is_string_dtype(kind)
            or types.is_object_dtype(kind)
            or isinstance(kind, pd.CategoricalDtype)
        ):
            categories.append(name)
        elif types.is_numeric_dtype(kind) and not types.is_complex_dtype(kind):
            if (largest := np.nanmax(np.abs(_as_floats(features[[name]])), initial=0)) > np.finfo(np.float32).max:
                raise DataError(
                    f"numbers are finite and fit into float32 (got {largest} in column {name!r} of {path}); clean or"
                    " rescale the column"
                )
            numbers.append(name)
        else:
            raise DataError(
                f"feature columns hold numbers, text, categories or true/false (got {kind} in column {name!r} of"
                f" {path}); turn the column into numbers or leave it out"
            )
    return numbers, categories


def encode_features(features: pd.DataFrame, *, path: Path | str) -> NDArray[np.float32]:
    """Return a table without a target as (n, columns) numbers, everything taken from all of its rows.

    Args:
        features: (n, ...) rows.
        path: the file, for messages.

    Raises:
        DataError: as ``number_and_category_columns`` and ``encode`` raise.
    """
    numbers, categories = number_and_category_columns(features, path)
    return encode(features, numbers, categories, training=np.arange(len(features)), path=path)


def encode(
    features: pd.DataFrame, numbers: list[str], categories: list[str], *, training: Indices, path: Path | str
) -> NDArray[np.float32]:
    """Return the table as (n, columns) numbers: first the standardised ones, then 0 and 1 for each category seen.

    Args:
        features: (n, ...) all rows, the target left out.
        numbers: columns to impute with the median and standardise.
        categories: columns to expand.
        training: the rows that medians, means, deviations and categories are taken from.
        path: the file, for messages.

    Raises:
        DataError: a column with too many categories, or a row beyond float32 in units of the training part's deviation.
    """
    blocks: list[NDArray[np.float32]] = []
    if numbers:
        blocks.append(_standardised(_as_floats(features[numbers]), training))
    if categories:
        blocks.append(_expanded(features[categories], training, path))
    encoded = np.hstack(blocks)
    if not np.isfinite(encoded).all():
        raise DataError(
            f"standardised numbers fit into float32 (got {path} with a row far outside of the others); clean the table"
        )
    return encoded


def _as_floats(columns: pd.DataFrame) -> NDArray[np.float64]:
    return columns.to_numpy(dtype=np.float64, na_value=np.nan)


def _standardised(values: NDArray[np.float64], training: Indices) -> NDArray[np.float32]:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    # A column without any value is kept, as zeros: the number of columns then depends on the file alone.
    imputer = SimpleImputer(strategy="median", keep_empty_features=True).fit(values[training])
    filled = imputer.transform(values)
    # The mean of a constant as large as a time stamp is off by its rounding; from one of its own values it is zero.
    filled -= filled[training[0]]
    scaled = StandardScaler().fit(filled[training]).transform(filled)
    # What overflows is infinite, and the caller says so.
    with np.errstate(over="ignore"):
        standardised: NDArray[np.float32] = scaled.astype(np.float32)
    return standardised


def _expanded(columns: pd.DataFrame, training: Indices, path: Path | str) -> NDArray[np.float32]:
    from sklearn.preprocessing import OneHotEncoder

    texts = columns.astype("string").fillna("")
    for name, column in texts.items():
        if (count := column.nunique()) > MOST_CATEGORIES:
            raise DataError(
                f"a text column has at most {MOST_CATEGORIES} different values (got {count} in column {name!r} of"
                f" {path}); leave the column out or group its values"
            )
    values: NDArray[Any] = texts.to_numpy(dtype=object)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    encoder.fit(values[training])
    expanded: NDArray[np.float32] = encoder.transform(values)
    return expanded
