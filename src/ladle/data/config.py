"""What a user says about a data set: which one, and how it is split."""

from __future__ import annotations

from dataclasses import dataclass

from ladle.errors import ConfigError, UnknownNameError

#: The paper's test fraction, for data sets that bring no test split of their own.
DEFAULT_TEST = 0.2


@dataclass(frozen=True)
class Options:
    """The options of `DataConfig` that a data set takes; the splits' sizes and seed go with every one.

    Attributes:
        path: a file or folder of the user's, required where it is taken.
        target: a column of that file, required where it is taken.
        image_size: pixels a side.
        test: the test fraction; not taken where there is an official test split.
    """

    path: bool = False
    target: bool = False
    image_size: bool = False
    test: bool = False


#: What each data set takes; the catalog has an entry for each of these names.
OPTIONS: dict[str, Options] = {
    "digits": Options(image_size=True, test=True),
    "20newsgroups": Options(),
    "table": Options(path=True, target=True, test=True),
    "mnist": Options(image_size=True),
    "cifar10": Options(image_size=True),
    "stl10": Options(image_size=True),
    "cinic10": Options(image_size=True),
    "gtsrb": Options(image_size=True),
    "svhn": Options(image_size=True),
    "isolet": Options(test=True),
    "isolet-1560": Options(test=True),
    "pokerhand": Options(test=True),
    "poker-hand-uci": Options(test=True),
    "german-credit": Options(test=True),
    "gisette": Options(test=True),
    "image-folder": Options(path=True, image_size=True, test=True),
}


@dataclass(frozen=True)
class DataConfig:
    """A data set and its splits; equal configurations give equal pools.

    Attributes:
        name: a name of the catalog.
        path: the user's table file or image folder, relative to the working directory; only for those two.
        target: the table's column that holds the classes; only for a table.
        pool_size: rows of the pool after uniform subsampling; None keeps all that validation and test leave.
        validation: fraction of the training part that becomes the validation split, strictly between 0 and 1.
        test: fraction of all rows that becomes the test split, strictly between 0 and 1; left at its default where
            the data set has an official test split.
        image_size: images become squares of this many pixels a side; None means the data set's own default.
        split_seed: decides every split, apart from the seed of a run; 0 or more.

    Raises:
        UnknownNameError: a name the catalog does not have.
        ConfigError: an option that is missing, out of range, or that this data set does not take.
    """

    name: str
    path: str | None = None
    target: str | None = None
    pool_size: int | None = None
    validation: float = 0.1
    test: float = DEFAULT_TEST
    image_size: int | None = None
    split_seed: int = 0

    def __post_init__(self) -> None:
        if self.name not in OPTIONS:
            raise UnknownNameError.among("data set", self.name, OPTIONS)
        options = OPTIONS[self.name]
        _check_text(self.name, "path", self.path, taken=options.path)
        _check_text(self.name, "target", self.target, taken=options.target)
        if self.image_size is not None and not options.image_size:
            raise ConfigError(
                f"data set {self.name!r} has no images (got image_size={self.image_size!r}); omit image_size"
            )
        if not options.test and self.test != DEFAULT_TEST:
            raise ConfigError(f"data set {self.name!r} has an official test split (got test={self.test!r}); omit test")
        _check_whole_number("pool_size", self.pool_size, least=1)
        _check_whole_number("image_size", self.image_size, least=1)
        _check_whole_number("split_seed", self.split_seed, least=0)
        _check_fraction("validation", self.validation)
        _check_fraction("test", self.test)


def _check_text(name: str, option: str, value: str | None, *, taken: bool) -> None:
    if value is not None and not taken:
        takers = " and ".join(repr(other) for other, options in OPTIONS.items() if getattr(options, option))
        raise ConfigError(f"{option} is for {takers} only (got {option}={value!r} with {name!r}); omit {option}")
    if taken and (not isinstance(value, str) or not value):
        raise ConfigError(f"data set {name!r} needs {option} (got {option}={value!r}); say {option}='...'")


def _check_whole_number(option: str, value: int | None, *, least: int) -> None:
    if value is None:
        return
    # A bool is an int to Python, but image_size=true in a file is a slip.
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(f"{option} is a whole number from {least} up (got {option}={value!r}); correct {option}")


def _check_fraction(option: str, value: float) -> None:
    if not isinstance(value, int | float) or not 0 < value < 1:
        raise ConfigError(f"{option} is a fraction strictly between 0 and 1 (got {option}={value!r}); use 0.1, say")
