"""The feature columns of a table as numbers, fitted on its training part."""

from __future__ import annotations

from dataclasses import dataclass
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
        raise DataError(f"a table has columns of features (got none in {path}); add some")
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


@dataclass(frozen=True)
class TableEncoding:
    """How the columns of a table become numbers, taken from its training rows.

    Attributes:
        numbers: names of the columns of numbers.
        categories: names of the columns of categories.
        medians: (numbers,) what stands in for a missing number.
        origins: (numbers,) what is taken off before all else, so that a mean is not lost to rounding.
        means: (numbers,) of what is left.
        deviations: (numbers,) of what is left, above 0; 1 for a constant.
        values: (categories,) the distinct values of each column, one column of 0 and 1 each; missing is "".
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    medians: NDArray[np.float64]
    origins: NDArray[np.float64]
    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    values: tuple[tuple[str, ...], ...]

    @property
    def width(self) -> int:
        """Columns of the encoded table."""
        return len(self.numbers) + sum(map(len, self.values))

    def encode(self, features: pd.DataFrame, *, path: Path | str) -> NDArray[np.float32]:
        """Return the table as (n, width) numbers: first the standardised ones, then 0 and 1 for each value known.

        Args:
            features: (n, ...) rows with these columns, of which ``check`` has nothing to say; others are passed over.
            path: the file, for messages.

        Raises:
            DataError: a row beyond float32 in units of the training rows' deviation.
        """
        blocks: list[NDArray[np.float32]] = []
        if self.numbers:
            blocks.append(self._standardised(_as_floats(features[[*self.numbers]])))
        if self.categories:
            blocks.append(self._expanded(_as_texts(features[[*self.categories]])))
        encoded = np.hstack(blocks)
        if not np.isfinite(encoded).all():
            raise DataError(
                f"standardised numbers fit into float32 (got {path} with a row far outside of the others); clean the"
                " table"
            )
        return encoded

    def check(self, features: pd.DataFrame, *, path: Path | str) -> None:
        """Make sure that a table other than the training rows' has their columns, of the same kinds.

        Raises:
            DataError: a column that is missing, or holds text in place of numbers or the other way round.
        """
        wanted = [*self.numbers, *self.categories]
        missing = [name for name in wanted if name not in features.columns]
        if missing:
            raise DataError(
                f"a table has the columns that the model was trained on (got {path} without {missing[0]!r}, one of"
                f" {len(missing)} missing); add them, empty if need be"
            )
        # A column without any value has no kind, and one of a row alone, or turned round, may hold numbers as objects.
        given = features[[name for name in wanted if features[name].notna().any()]].infer_objects()
        if given.shape[1] == 0:
            return
        numbers, categories = number_and_category_columns(given, path)
        for name in numbers:
            if name in self.categories:
                raise DataError(
                    f"a column holds what it held in training (got {given[name].dtype} for the categories of column"
                    f" {name!r} in {path}); spell them as they were, text with dtype={{{name!r}: str}}"
                )
        for name in categories:
            if name in self.numbers and not _are_numbers(given[name]):
                raise DataError(
                    f"a column holds what it held in training (got {given[name].dtype} for the numbers of column"
                    f" {name!r} in {path}); turn it into numbers"
                )

    def _standardised(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        # What overflows is infinite or NaN, and the caller says so.
        with np.errstate(over="ignore", invalid="ignore"):
            moved = np.where(np.isnan(values), self.medians, values) - self.origins
            standardised: NDArray[np.float32] = ((moved - self.means) / self.deviations).astype(np.float32)
        return standardised

    def _expanded(self, texts: NDArray[Any]) -> NDArray[np.float32]:
        from sklearn.preprocessing import OneHotEncoder

        encoder = OneHotEncoder(
            categories=[np.array(known, dtype=object) for known in self.values],
            handle_unknown="ignore",
            sparse_output=False,
            dtype=np.float32,
        )
        expanded: NDArray[np.float32] = encoder.fit(texts).transform(texts)
        return expanded


def fit_encoding(features: pd.DataFrame, *, training: Indices | None = None, path: Path | str) -> TableEncoding:
    """Return how a table becomes numbers: what its columns are, their medians, means, deviations and values.

    Args:
        features: (n, ...) rows, the target left out.
        training: rows that all of it is taken from; all rows where left out.
        path: the file, for messages.

    Raises:
        DataError: as ``number_and_category_columns`` raises, or a column with too many categories.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, categories = number_and_category_columns(features, path)
    rows = np.arange(len(features)) if training is None else training
    medians = origins = means = deviations = np.zeros(0)
    if numbers:
        floats = _as_floats(features[numbers])[rows]
        # A column without any value is kept, as zeros: the number of columns then depends on the file alone.
        imputer = SimpleImputer(strategy="median", keep_empty_features=True).fit(floats)
        filled = imputer.transform(floats)
        medians = np.nan_to_num(imputer.statistics_)
        # The mean of a constant as large as a time stamp is off by its rounding; from one of its own values it is zero.
        origins = filled[0].copy()
        scaler = StandardScaler().fit(filled - origins)
        means, deviations = scaler.mean_, scaler.scale_
    values: tuple[tuple[str, ...], ...] = ()
    if categories:
        texts = _as_texts(features[categories])
        for name, column in zip(categories, texts.T, strict=True):
            if (count := len(set(column))) > MOST_CATEGORIES:
                raise DataError(
                    f"a text column has at most {MOST_CATEGORIES} different values (got {count} in column {name!r} of"
                    f" {path}); leave the column out or group its values"
                )
        values = tuple(tuple(known) for known in OneHotEncoder().fit(texts[rows]).categories_)
    return TableEncoding(tuple(numbers), tuple(categories), medians, origins, means, deviations, values)


def _are_numbers(column: pd.Series) -> bool:
    """Tell whether a column of objects holds numbers, and nothing else that is not missing."""
    from pandas.api import types

    return types.infer_dtype(column, skipna=True) in ("integer", "floating", "mixed-integer-float")


def _as_floats(columns: pd.DataFrame) -> NDArray[np.float64]:
    objects = [name for name in columns.columns if columns[name].dtype == object]
    if objects:
        # Of objects pandas takes none but its own for missing.
        columns = columns.assign(**{name: columns[name].where(columns[name].notna(), np.nan) for name in objects})
    return columns.to_numpy(dtype=np.float64, na_value=np.nan)


def _as_texts(columns: pd.DataFrame) -> NDArray[Any]:
    texts: NDArray[Any] = columns.astype("string").fillna("").to_numpy(dtype=object)
    return texts
