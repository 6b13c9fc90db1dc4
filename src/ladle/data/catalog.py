"""The data sets there are: one explicit dict, and what is built from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from ladle.data.config import DataConfig
from ladle.data.digits import load_digits_pool
from ladle.data.home import resolve_data_home
from ladle.data.hub_images import (
    CIFAR10,
    CINIC10,
    GTSRB,
    MNIST,
    STL10,
    SVHN,
    HubImages,
    hub_at_hand,
    load_hub_pool,
)
from ladle.data.image_folder import load_image_folder_pool
from ladle.data.newsgroups import load_newsgroups_pool, newsgroups_at_hand
from ladle.data.openml_tables import (
    GERMAN_CREDIT,
    GISETTE,
    ISOLET,
    ISOLET_1560,
    POKER_HAND_UCI,
    POKERHAND,
    OpenMLTable,
    load_openml_pool,
    table_at_hand,
)
from ladle.data.pool import Modality, Pool
from ladle.data.table import load_table_pool

Availability: TypeAlias = Literal["bundled", "at hand", "fetched on first use", "your file"]


@dataclass(frozen=True)
class DatasetEntry:
    """One data set of the catalog.

    Attributes:
        name: as in `DataConfig`.
        summary: one line.
        modality: what kind of model reads it.
        size: rows, columns and classes, in words.
        license: as far as its publisher states one.
        source: where it comes from.
        load: from a configuration and the data home, which is None where there is none, to a pool.
        fetched: it comes over the network, unless the data home or an earlier download has it.
        availability: from the data home to where the data would come from now; looks at files, never at the network.
    """

    name: str
    summary: str
    modality: Modality
    size: str
    license: str
    source: str
    load: Callable[[DataConfig, Path | None], Pool]
    fetched: bool
    availability: Callable[[Path | None], Availability]


@dataclass(frozen=True)
class DatasetStatus:
    """One line of ``ladle datasets``: an entry of the catalog and where its data would come from now."""

    name: str
    summary: str
    modality: Modality
    size: str
    license: str
    source: str
    availability: Availability


def load_pool(config: DataConfig, *, data_home: Path | str | None = None) -> Pool:
    """Load a data set and split it.

    Args:
        config: which data set, and how to split it.
        data_home: a folder of mirrors, read before anything is downloaded; None means ``LADLE_DATA_HOME``, where set.

    Returns:
        The pool with its validation and test splits; equal for equal configurations and equal data.

    Raises:
        UnknownNameError: from `DataConfig` already, for a name the catalog does not have.
        DataError: data that is missing, damaged or out of reach; a data home that does not exist.
        ConfigError: options that this data cannot fulfil.
        MissingExtraError: an optional package that is not installed.
    """
    entry = DATASETS[config.name]
    # A stale variable must not stand in the way of data that never needed it; a wrong option is said at once.
    home = resolve_data_home(data_home) if data_home is not None or entry.fetched else None
    return entry.load(config, home)


def dataset_status(data_home: Path | None = None) -> list[DatasetStatus]:
    """Tell, for every data set, where its data would come from now; files are looked for, the network is not touched.

    Args:
        data_home: as `resolve_data_home` gives it.
    """
    return [
        DatasetStatus(
            name=entry.name,
            summary=entry.summary,
            modality=entry.modality,
            size=entry.size,
            license=entry.license,
            source=entry.source,
            availability=entry.availability(data_home),
        )
        for entry in DATASETS.values()
    ]


def _without_home(load: Callable[[DataConfig], Pool]) -> Callable[[DataConfig, Path | None], Pool]:
    return lambda config, _: load(config)


def _fetched(at_hand: Callable[[Path | None], bool]) -> Callable[[Path | None], Availability]:
    return lambda data_home: "at hand" if at_hand(data_home) else "fetched on first use"


def _hub_entry(name: str, source: HubImages, *, summary: str, size: str, terms: str) -> DatasetEntry:
    return DatasetEntry(
        name=name,
        summary=summary,
        modality="image",
        size=size,
        license=terms,
        source=f"{source.repository} on the Hugging Face hub",
        load=lambda config, data_home: load_hub_pool(source, config, data_home),
        fetched=True,
        availability=_fetched(lambda data_home: hub_at_hand(source, data_home)),
    )


def _table_entry(source: OpenMLTable, *, summary: str, size: str, terms: str, origin: str) -> DatasetEntry:
    part = source.number is None

    def availability(data_home: Path | None) -> Availability:
        if table_at_hand(source, data_home):
            return "at hand"
        return "your file" if part else "fetched on first use"

    return DatasetEntry(
        name=source.name,
        summary=summary,
        modality="table",
        size=size,
        license=terms,
        source=origin,
        load=lambda config, data_home: load_openml_pool(source, config, data_home),
        fetched=True,
        availability=availability,
    )


_ENTRIES = (
    DatasetEntry(
        name="digits",
        summary="handwritten digits, small and always there",
        modality="image",
        size="1,797 grey images of 8 × 8, 10 classes",
        license="CC BY 4.0",
        source="UCI optical recognition of handwritten digits (test part), in scikit-learn",
        load=_without_home(load_digits_pool),
        fetched=False,
        availability=lambda _: "bundled",
    ),
    DatasetEntry(
        name="20newsgroups",
        summary="posts of 20 discussion groups as TF-IDF rows",
        modality="text",
        size="11,314 training and 7,532 test posts, about 101,000 columns, 20 classes",
        license="not stated; the posts are their authors'",
        source="Lang (1995), by-date version, through scikit-learn",
        load=load_newsgroups_pool,
        fetched=True,
        availability=_fetched(newsgroups_at_hand),
    ),
    DatasetEntry(
        name="table",
        summary="your table: CSV, TSV or Parquet with a column of classes",
        modality="table",
        size="as your file",
        license="as your file",
        source="your file",
        load=_without_home(load_table_pool),
        fetched=False,
        availability=lambda _: "your file",
    ),
    _hub_entry(
        "mnist",
        MNIST,
        summary="handwritten digits",
        size="60,000 training and 10,000 test grey images of 28 × 28, 10 classes",
        terms="MIT, by its hub page",
    ),
    _hub_entry(
        "cifar10",
        CIFAR10,
        summary="photographs of animals and vehicles",
        size="50,000 training and 10,000 test colour images of 32 × 32, 10 classes",
        terms="not stated",
    ),
    _hub_entry(
        "stl10",
        STL10,
        summary="photographs of animals and vehicles, shrunk from 96 pixels",
        size="5,000 training and 8,000 test colour images of 96 × 96, 10 classes",
        terms="not stated",
    ),
    _hub_entry(
        "cinic10",
        CINIC10,
        summary="CIFAR-10 and ImageNet photographs of the same ten classes; train and validation are the source",
        size="180,000 training and 90,000 test colour images of 32 × 32, 10 classes",
        terms="CC BY 4.0, by its hub page",
    ),
    _hub_entry(
        "gtsrb",
        GTSRB,
        summary="German traffic signs",
        size="26,640 training and 12,630 test colour images of many sizes, 43 classes",
        terms="not stated",
    ),
    _hub_entry(
        "svhn",
        SVHN,
        summary="house numbers, one digit an image; the split extra is left out",
        size="73,257 training and 26,032 test colour images of 32 × 32, 10 classes",
        terms="non-commercial use only",
    ),
    _table_entry(
        ISOLET,
        summary="spoken letters",
        size="7,797 rows of 617 features, 26 classes",
        terms="CC BY 4.0, by UCI",
        origin="OpenML 300",
    ),
    _table_entry(
        ISOLET_1560,
        summary="a fifth of ISOLET, from a data home only",
        size="1,560 rows of 617 features, 26 classes",
        terms="CC BY 4.0, by UCI",
        origin="tabular/isolet_1560.parquet of the data home",
    ),
    _table_entry(
        POKERHAND,
        summary="poker hands, normalised (pokerhand-normalized)",
        size="829,201 rows of 10 features, 10 classes",
        terms="CC BY 4.0, by UCI",
        origin="OpenML 155",
    ),
    _table_entry(
        POKER_HAND_UCI,
        summary="the training file of UCI's poker hands, from a data home only",
        size="25,008 rows of 10 features, 10 classes",
        terms="CC BY 4.0, by UCI",
        origin="tabular/poker_hand_uci_train.csv of the data home",
    ),
    _table_entry(
        GERMAN_CREDIT,
        summary="credit applications, good or bad (appendix A)",
        size="1,000 rows of 20 mixed columns, 2 classes",
        terms="CC BY 4.0, by UCI",
        origin="OpenML 31",
    ),
    _table_entry(
        GISETTE,
        summary="digits four and nine among probes (appendix A)",
        size="7,000 rows of 5,000 features, 2 classes",
        terms="CC BY 4.0, by UCI",
        origin="OpenML 41026",
    ),
    DatasetEntry(
        name="image-folder",
        summary="your images: one folder a class",
        modality="image",
        size="as your files",
        license="as your files",
        source="your files",
        load=_without_home(load_image_folder_pool),
        fetched=False,
        availability=lambda _: "your file",
    ),
)

#: Every data set, by name.
DATASETS: dict[str, DatasetEntry] = {entry.name: entry for entry in _ENTRIES}
