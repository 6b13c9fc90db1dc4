"""Image data sets of the hub through the ``datasets`` package: from a mirror in the data home, else from the hub."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ladle.data.config import DataConfig
from ladle.data.images import DEFAULT_IMAGE_SIZE, read_image, stack_images
from ladle.data.pool import Pool
from ladle.data.splits import split_training
from ladle.errors import DataError, MissingExtraError, reason_of
from ladle.typing import Indices

#: Encoded images in memory at once.
_BATCH = 1000
_SECONDS_TO_ANSWER = 10.0
# A label beyond this is no class number, and would take as much memory to count.
_MOST_CLASSES = 1 << 20


@dataclass(frozen=True)
class HubImages:
    """An image data set of the hub with an official split into training and test.

    Attributes:
        repository: its name on the hub, ``organisation/name``.
        image_column: encoded images.
        label_column: class numbers, with their names where the repository has them.
        grey: one channel in place of three.
        rows: official size of all splits used together.
        configuration: of the repository, where it has several.
        training: splits that together are the training part.
    """

    repository: str
    image_column: str
    label_column: str
    grey: bool
    rows: int
    configuration: str | None = None
    training: tuple[str, ...] = ("train",)


MNIST = HubImages("ylecun/mnist", image_column="image", label_column="label", grey=True, rows=70_000)
CIFAR10 = HubImages("uoft-cs/cifar10", image_column="img", label_column="label", grey=False, rows=60_000)
STL10 = HubImages("tanganke/stl10", image_column="image", label_column="label", grey=False, rows=13_000)
GTSRB = HubImages("tanganke/gtsrb", image_column="image", label_column="label", grey=False, rows=39_270)
SVHN = HubImages(
    "ufldl-stanford/svhn",
    image_column="image",
    label_column="label",
    grey=False,
    rows=99_289,
    configuration="cropped_digits",
)
CINIC10 = HubImages(
    "flwrlabs/cinic10",
    image_column="image",
    label_column="label",
    grey=False,
    rows=270_000,
    training=("train", "validation"),
)


def load_hub_pool(source: HubImages, config: DataConfig, data_home: Path | None = None) -> Pool:
    """Load the official splits as squares of 32 pixels, normalised with mean and deviation 0.5.

    The validation split is taken from the official training split. Only images that end up in the pool, in validation
    or in test are decoded.

    Args:
        source: the data set.
        config: its pool size, validation fraction and image size.
        data_home: a folder whose ``hub/organisation/name`` holds the repository's Parquet files; without it the hub is
            asked, and the ``datasets`` package keeps what it downloads in its own cache. What cannot be read there is
            fetched again, once.

    Returns:
        A pool named after the configuration; where the mirror holds a part of the data set only, the number of its rows
        is added: ``mnist-5000``.

    Raises:
        MissingExtraError: the ``datasets`` package is not installed.
        DataError: neither at hand nor to be downloaded, or damaged.
        ConfigError: a pool larger than the rows left.

    Cost: CIFAR-10 about 0.2 ms an image; beyond the pool itself, the mirror's files once more on disk for the while.
    Reference: the paper, section 4.3.
    """
    if find_spec("datasets") is None:
        raise MissingExtraError.needs(f"data set {config.name!r}", "hub")
    mirror = hub_mirror(source, data_home)
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        cache = None
        if mirror is not None:
            # The package converts Parquet to Arrow files: never beside the mirror, and not for good.
            cache = stack.enter_context(TemporaryDirectory(prefix="ladle-hub-", ignore_cleanup_errors=True))
        train, test = _open(source, mirror, cache, data_home)
        labels, test_labels = _class_numbers(train, source), _class_numbers(test, source)
        pool, validation = split_training(
            labels, validation=config.validation, pool_size=config.pool_size, seed=config.split_seed
        )
        size = config.image_size or DEFAULT_IMAGE_SIZE
        whole = len(train) + len(test)
        return Pool(
            name=config.name if whole == source.rows else f"{config.name}-{whole}",
            modality="image",
            inputs=_decode(train, pool, source, size),
            labels=torch.from_numpy(labels[pool]),
            validation_inputs=_decode(train, validation, source, size),
            validation_labels=torch.from_numpy(labels[validation]),
            test_inputs=_decode(test, np.arange(len(test)), source, size),
            test_labels=torch.from_numpy(test_labels),
            classes=_class_names(train, source, labels),
        )


def hub_mirror(source: HubImages, data_home: Path | None) -> Path | None:
    """Return the data home's copy of the repository, or None where there is none."""
    if data_home is None:
        return None
    mirror = data_home / "hub" / source.repository
    return mirror if next(mirror.rglob("*.parquet"), None) is not None else None


def hub_at_hand(source: HubImages, data_home: Path | None) -> bool:
    """Tell whether loading needs no network: in the data home, or in the cache of the ``datasets`` package."""
    if hub_mirror(source, data_home) is not None:
        return True
    return _kept_at(source).is_dir()


def _kept_at(source: HubImages) -> Path:
    """Return where the ``datasets`` package keeps what it has made of a repository."""
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    cache = Path(os.environ.get("HF_DATASETS_CACHE") or home / "datasets").expanduser()
    return cache / source.repository.replace("/", "___")


def _open(source: HubImages, mirror: Path | None, cache: str | None, data_home: Path | None) -> tuple[Any, Any]:
    """Return the two official splits, as data sets of the ``datasets`` package."""
    import datasets

    if mirror is None and Path(source.repository).exists():
        # The package would take a folder of this name for the repository.
        raise DataError(
            f"{source.repository} is loaded from the hub (got a folder of that name in the working directory, which"
            " would be read in its place); work in another folder, or name a data home with --data-home"
        )
    try:
        splits = _load(source, mirror, cache)
    except DataError:
        raise
    # Its failures share no base class: network, hub, Arrow, its own.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if mirror is None:
            raise DataError(
                f"{source.repository} is downloaded on first use, and that failed (got {reason}); run once with a"
                f" network, or elsewhere 'hf download --repo-type dataset {source.repository} --local-dir"
                f" {_place(source, data_home)}"
            ) from error
        raise DataError(f"a mirror can be read (got {mirror}: {reason}); download its Parquet files anew") from error
    where = source.repository if mirror is None else mirror
    needed = (*source.training, "test")
    for split in needed:
        if split not in splits:
            raise DataError(
                f"{where} has the splits {', '.join(needed[:-1])} and test (got {', '.join(splits)}); download it anew"
            )
        missing = {source.image_column, source.label_column} - set(splits[split].column_names)
        if missing:
            raise DataError(
                f"{where} has the columns {source.image_column!r} and {source.label_column!r} (got"
                f" {', '.join(splits[split].column_names)} in {split}); download it anew"
            )
    training = [splits[name] for name in source.training]
    return training[0] if len(training) == 1 else datasets.concatenate_datasets(training), splits["test"]


def _load(source: HubImages, mirror: Path | None, cache: str | None) -> Any:
    """Return all splits that are needed; of a mirror those that its files are named after."""
    import datasets

    if mirror is None:
        if hub_at_hand(source, None):
            return _load_kept(source)
        _knock(source)
        return datasets.load_dataset(source.repository, source.configuration)
    if source.configuration is None:
        return datasets.load_dataset(str(mirror), cache_dir=cache)
    # Without the repository's card the package cannot tell configurations apart: only this one's folder is read.
    folder = mirror / source.configuration
    return datasets.load_dataset(str(folder if folder.is_dir() else mirror), cache_dir=cache)


def _load_kept(source: HubImages) -> Any:
    """Return what is kept of the hub's; where that cannot be read, it is fetched again once."""
    import datasets

    try:
        return datasets.load_dataset(source.repository, source.configuration)
    # Files that a kill or a full disk cut short raise errors of Arrow, of JSON and of the system.
    except Exception as damaged:
        try:
            _knock(source)
            return datasets.load_dataset(
                source.repository, source.configuration, download_mode=datasets.DownloadMode.FORCE_REDOWNLOAD
            )
        except Exception as error:
            raise DataError(
                f"{source.repository} is read from {_kept_at(source)}, or fetched again (got {reason_of(damaged)}, and "
                f"then {reason_of(error)}); run once with a network, or remove that folder first if there was one"
            ) from error


def _knock(source: HubImages) -> None:
    """Ask the hub once whether it is there: the package itself would try for half a minute before it gives up."""
    import datasets
    from huggingface_hub import HfApi

    HfApi(endpoint=datasets.config.HF_ENDPOINT).dataset_info(source.repository, timeout=_SECONDS_TO_ANSWER)


def _place(source: HubImages, data_home: Path | None) -> str:
    if data_home is not None:
        return f"{data_home / 'hub' / source.repository}'"
    return f"DIR/hub/{source.repository}', and name DIR with --data-home or LADLE_DATA_HOME"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the progress bars and retry messages of the hub's packages off the screen, and leave both as they were."""
    from datasets import utils as datasets_utils
    from huggingface_hub import utils as hub_utils

    log = logging.getLogger("huggingface_hub")
    level = log.level
    shown = [package for package in (datasets_utils, hub_utils) if not package.are_progress_bars_disabled()]
    log.setLevel(logging.ERROR)
    for package in shown:
        package.disable_progress_bars()
    try:
        yield
    finally:
        log.setLevel(level)
        for package in shown:
            package.enable_progress_bars()


def _decode(split: Any, positions: Indices, source: HubImages, size: int) -> Tensor:
    return stack_images(_images(split, positions, source), positions.size, size=size, grey=source.grey)


def _images(split: Any, positions: Indices, source: HubImages) -> Iterator[Image.Image]:
    from pyarrow import types

    # As Arrow, so that a batch of encoded images is all that exists at a time.
    arrow = split.with_format("arrow")
    for start in range(0, positions.size, _BATCH):
        batch = positions[start : start + _BATCH]
        column = arrow[batch].column(source.image_column).combine_chunks()
        if not types.is_struct(column.type) or column.type.get_field_index("bytes") < 0:
            raise DataError(
                f"{source.image_column!r} of {source.repository} holds encoded images (got {column.type}); download it "
                "anew"
            )
        encoded = column.field("bytes")
        for position, content in zip(batch, encoded, strict=True):
            yield read_image(io.BytesIO(content.as_py() or b""), f"row {position} of {source.repository}")


def _class_numbers(split: Any, source: HubImages) -> NDArray[np.int64]:
    try:
        labels = np.asarray(split.with_format("numpy")[source.label_column][:])
        if labels.dtype.kind not in "iu" or labels.min(initial=0) < 0 or labels.max(initial=0) >= _MOST_CLASSES:
            raise ValueError(f"{labels.dtype} from {labels.min()} to {labels.max()}")  # noqa: TRY301
        return labels.astype(np.int64)
    # Arrow's failures and those of conversion share no base class.
    except Exception as error:
        raise DataError(
            f"{source.label_column!r} of {source.repository} holds class numbers from 0 (got {reason_of(error)}); "
            "download it anew"
        ) from error


def _class_names(split: Any, source: HubImages, labels: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the names the repository gives its classes, else their numbers."""
    names = getattr(split.features[source.label_column], "names", None)
    return tuple(names) if names else tuple(str(number) for number in range(int(labels.max()) + 1))
