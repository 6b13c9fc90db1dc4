"""Images: files that are cut or spliced, claim a billion pixels, or are of another kind than their name says."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fuzz.material import Material, refused, scratch_folder
from ladle.data import DataConfig, load_pool, read_image, stack_images
from ladle.labeling import open_source

#: The first so many of ``_images`` are of kinds that are read.
_READABLE = 14
_SIDES = (0, 1, 3, 1000, 32768, 100_000, 0x7FFFFFFF, 0xFFFFFFFF)


def check(data: bytes) -> None:
    """Read one broken image by itself, among others to label, or in a folder of classes."""
    material = Material(data)
    content = _claiming(material) if material.rarely() else material.broken(material.one_of(_images()), *_images())
    ending = material.one_of((".png", ".jpg", ".gif", ".webp", ".bmp"))
    folder = _folder(content, ending)
    match material.whole(0, 2):
        case 0:
            pixels = refused(lambda: _read(folder / "a" / f"broken{ending}", material))
        case 1:
            source = refused(lambda: open_source(folder))
            pixels = None if source is None else torch.as_tensor(source.inputs)
        case _:
            pool = refused(
                lambda: load_pool(DataConfig("image-folder", path=str(folder), image_size=4, test=0.25, validation=0.3))
            )
            pixels = None if pool is None else torch.as_tensor(pool.inputs)
    if content in _images()[:_READABLE]:
        assert pixels is not None, "an image that is whole is read"
    if pixels is not None:
        assert pixels.dtype == torch.float32
        assert -1 <= float(pixels.min()) <= float(pixels.max()) <= 1


def _read(path: Path, material: Material) -> torch.Tensor:
    grey = bool(material.whole(0, 1))
    return stack_images([read_image(path, str(path))], 1, size=material.whole(1, 40), grey=grey)


def _folder(content: bytes, ending: str) -> Path:
    """Return a folder of two classes with the image among six that are whole."""
    folder = scratch_folder() / "images"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            (folder / name / f"{number}.png").write_bytes(_images()[0])
    (folder / "a" / f"broken{ending}").write_bytes(content)
    return folder


def _claiming(material: Material) -> bytes:
    """Return a PNG whose header, with the right checksum, claims any size and kind."""
    header = struct.pack(
        ">IIBBBBB",
        *(material.one_of(_SIDES), material.one_of(_SIDES)),
        *(material.one_of((1, 8, 16, 3)), material.whole(0, 7), 0, 0, material.whole(0, 2)),
    )
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(material.whole(0, 4096)))), (b"IEND", b"")]
    if material.rarely():
        chunks.insert(1, (b"zTXt", b"a\x00\x00" + zlib.compress(bytes(1 << 22))))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@cache
def _images() -> tuple[bytes, ...]:
    pixels = np.arange(6 * 5 * 3, dtype=np.uint8).reshape(5, 6, 3) * 2
    color = Image.fromarray(pixels)
    rotated = Image.Exif()
    rotated[0x0112] = 6
    frames = [color, color.rotate(90)]
    contents = [
        *(_encoded(color, kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP")),
        _encoded(color.convert("L"), "PNG"),
        _encoded(color.convert("RGBA"), "PNG"),
        _encoded(color.convert("P"), "PNG", transparency=0),
        _encoded(color.convert("1"), "PNG"),
        _encoded(color.convert("LA"), "PNG"),
        _encoded(Image.fromarray(pixels[..., 0].astype(np.uint16) * 257), "PNG"),
        _encoded(color.convert("CMYK"), "JPEG"),
        _encoded(color, "JPEG", exif=rotated),
        _encoded(color, "GIF", save_all=True, append_images=frames),
        _encoded(color, "TIFF"),
        _encoded(color, "PPM"),
        _encoded(color, "ICO"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
    ]
    return tuple(contents)


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
