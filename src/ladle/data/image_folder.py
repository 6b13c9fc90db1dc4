"""A user's folder of images, one folder a class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ladle.data.config import DEFAULT_TEST, DataConfig
from ladle.data.images import DEFAULT_IMAGE_SIZE, is_grey, read_image, stack_images
from ladle.data.pool import Pool
from ladle.data.splits import split_training, split_whole
from ladle.errors import ConfigError, DataError
from ladle.typing import Indices

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")


def load_image_folder_pool(config: DataConfig) -> Pool:
    """Load ``path/<class>/*``, or ``path/train/<class>/*`` and ``path/test/<class>/*`` where both exist.

    The classes are the folders' names in alphabetical order. Images are resized to squares of 32 pixels, or of
    ``image_size``, and normalised with mean and deviation 0.5; they keep one channel where all of them are grey. Hidden
    files and files of other kinds are passed over, folders inside a class are not entered. Without a test folder the
    test split is drawn from all images, with every class in proportion.

    Args:
        config: its ``path`` is the folder; its ``test`` fraction stays at the default where there is a test folder.

    Returns:
        A pool named after the folder.

    Raises:
        DataError: a folder that is missing, has fewer than two classes or a class without images; a test class that
            train does not have; an image that cannot be decoded; too few images to split.
        ConfigError: a test fraction beside a test folder, or a pool larger than the images left.

    Cost: every image's header, and the decoding of those in the pool, in validation or in test.
    """
    if config.path is None:
        raise ConfigError(f"an image folder needs path (got path={config.path!r}); name the folder")
    root = Path(config.path).expanduser()
    if not root.is_dir():
        raise DataError(
            f"path is a folder of images (got path={config.path!r}, no folder under {Path.cwd()}); correct path"
        )
    train, test = root / "train", root / "test"
    if _folders(train) and _folders(test):
        if config.test != DEFAULT_TEST:
            raise ConfigError(f"{root} has its own test folder (got test={config.test!r}); omit test")
        listing, held_out = _listing(train), _listing(test)
        test_labels = _numbered_alike(held_out, listing, root)
        pool, validation = split_training(
            listing.labels, validation=config.validation, pool_size=config.pool_size, seed=config.split_seed
        )
        test_files, everything = held_out.files, listing.files + held_out.files
    else:
        listing = _listing(root)
        split = split_whole(
            listing.labels,
            test=config.test,
            validation=config.validation,
            pool_size=config.pool_size,
            seed=config.split_seed,
        )
        pool, validation = split.pool, split.validation
        test_labels = listing.labels[split.test]
        test_files, everything = _at(listing.files, split.test), listing.files
    size = config.image_size or DEFAULT_IMAGE_SIZE
    # Asked of every file, so that the number of channels does not hang on which images are drawn.
    grey = all(is_grey(file) for file in everything)
    return Pool(
        name=root.resolve().name,
        modality="image",
        inputs=_decode(_at(listing.files, pool), size, grey=grey),
        labels=torch.from_numpy(listing.labels[pool]),
        validation_inputs=_decode(_at(listing.files, validation), size, grey=grey),
        validation_labels=torch.from_numpy(listing.labels[validation]),
        test_inputs=_decode(test_files, size, grey=grey),
        test_labels=torch.from_numpy(test_labels),
        classes=listing.classes,
    )


@dataclass(frozen=True)
class _Listing:
    """Image files of one folder of class folders, with the number of each one's class."""

    classes: tuple[str, ...]
    files: tuple[Path, ...]
    labels: NDArray[np.int64]


def _listing(root: Path) -> _Listing:
    folders = _folders(root)
    if len(folders) < 2:
        names = ", ".join(repr(folder.name) for folder in folders) or "none"
        raise DataError(
            f"an image folder holds one folder a class, two at least (got {names} in {root}); add class folders"
        )
    files: list[Path] = []
    labels: list[int] = []
    for number, folder in enumerate(folders):
        images = [file for file in _visible(folder) if file.suffix.lower() in SUFFIXES and file.is_file()]
        if not images:
            raise DataError(
                f"a class folder holds images that end in {', '.join(SUFFIXES)} (got none in {folder}); add some, or"
                " move the folder away"
            )
        files += images
        labels += [number] * len(images)
    return _Listing(tuple(folder.name for folder in folders), tuple(files), np.array(labels, dtype=np.int64))


def _numbered_alike(test: _Listing, train: _Listing, root: Path) -> NDArray[np.int64]:
    """Return the test labels in train's numbering: a class may be absent from test, but not from train."""
    unknown = sorted(set(test.classes) - set(train.classes))
    if unknown:
        raise DataError(
            f"train has every class that test has (got {', '.join(map(repr, unknown))} in test alone, in {root});"
            " move some of their images to train"
        )
    number = np.array([train.classes.index(name) for name in test.classes], dtype=np.int64)
    return number[test.labels]


def _visible(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _folders(root: Path) -> list[Path]:
    return [entry for entry in _visible(root) if entry.is_dir()] if root.is_dir() else []


def _at(files: tuple[Path, ...], positions: Indices) -> tuple[Path, ...]:
    return tuple(files[position] for position in positions)


def _decode(files: tuple[Path, ...], size: int, *, grey: bool) -> Tensor:
    return stack_images((read_image(file, str(file)) for file in files), len(files), size=size, grey=grey)
