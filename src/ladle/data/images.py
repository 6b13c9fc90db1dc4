"""Decoded images to one normalised tensor, without an array of Python objects in between."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, ImageMode, ImageOps, UnidentifiedImageError
from torch import Tensor

from ladle.errors import DataError, reason_of

#: The paper's side in pixels for every image data set.
DEFAULT_IMAGE_SIZE = 32
# Pillow would try all that it knows on any file, and run another program for PostScript.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")


def stack_images(images: Iterable[Image.Image], count: int, *, size: int, grey: bool) -> Tensor:
    """Return the images as squares in one float32 tensor, normalised with mean and deviation 0.5.

    Sides that differ are stretched to the square; a transparent channel is dropped.

    Args:
        images: they are read one at a time and can be generated.
        count: how many come.
        size: pixels a side; resized bilinearly, over the whole area when shrinking.
        grey: one channel in place of three.

    Returns:
        (count, 1 or 3, size, size), from -1 (black) to 1 (white).

    Cost: the tensor plus one image.
    Reference: the paper, section 4.3.
    """
    stacked = np.empty((count, 1 if grey else 3, size, size), dtype=np.float32)
    for row, image in zip(stacked, images, strict=True):
        pixels = np.asarray(to_square(image, size, grey=grey))
        row[:] = pixels if grey else pixels.transpose(2, 0, 1)
    # In place: CIFAR-10 alone is 700 MB.
    stacked /= 127.5
    stacked -= 1.0
    return torch.from_numpy(stacked)


def read_image(file: Path | BinaryIO, where: str) -> Image.Image:
    """Return the decoded image, turned upright where its metadata says how; of an animation the first frame.

    Args:
        file: a path, or an open file of bytes.
        where: what a message calls the file.

    Raises:
        DataError: no PNG, JPEG, WebP, BMP or GIF, a damaged one, or one of more than 179 million pixels.
    """
    try:
        with _opened(file) as image:
            return ImageOps.exif_transpose(image)
    # Pillow's decoders fail in many ways (struct, zlib, SyntaxError, ...), all of them meaning the same.
    except Exception as error:
        raise _unreadable(where, error) from error


def is_grey(file: Path) -> bool:
    """Tell from an image file's header whether it has no colour channels.

    Raises:
        DataError: no image that Pillow can read.
    """
    try:
        with _opened(file) as image:
            return ImageMode.getmode(image.mode).basemode == "L"
    except Exception as error:
        raise _unreadable(str(file), error) from error


@contextmanager
def _opened(file: Path | BinaryIO) -> Iterator[Image.Image]:
    """Open an image of the kinds that are read, whatever its name ends in, of as many pixels as Pillow lets through."""
    with warnings.catch_warnings():
        # It warns from 90 million pixels on, which cameras have, and refuses twice as many.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(file, formats=_FORMATS) as image:
            yield image


def to_square(image: Image.Image, size: int, *, grey: bool) -> Image.Image:
    """Return the image with 8 bits a channel, grey or RGB, resized to a square."""
    if image.mode.startswith("I"):
        # Pillow would clip sixteen bits to white.
        image = Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8))
    if "transparency" in image.info:
        image = image.convert("RGBA")
    image = image.convert("L" if grey else "RGB")
    return image if image.size == (size, size) else image.resize((size, size), Image.Resampling.BILINEAR)


def _unreadable(where: str, error: Exception) -> DataError:
    # Pillow names an open file by its address in memory, which helps nobody.
    unknown = isinstance(error, UnidentifiedImageError)
    reason = "no known image format" if unknown else reason_of(error)
    return DataError(f"every image can be decoded (got {where}: {reason}); replace or remove it")
