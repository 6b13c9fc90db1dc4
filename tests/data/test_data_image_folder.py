from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ladle.data import DataConfig, Pool, load_pool, read_image, split_whole
from ladle.errors import ConfigError, DataError

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def load(path: Path, **options: Any) -> Pool:
    return load_pool(DataConfig("image-folder", path=str(path), **options))


def paint(file: Path, colour: Any, mode: str = "RGB", size: tuple[int, int] = (6, 5)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(file)


def folders(root: Path, count: int = 10, **colours: Any) -> Path:
    for name, colour in (colours or {"blue": BLUE, "red": RED}).items():
        for number in range(count):
            paint(root / name / f"{number}.png", colour)
    return root


def tensor(inputs: object) -> Tensor:
    assert isinstance(inputs, Tensor)
    return inputs


def test_each_folder_is_a_class_of_squares_from_minus_one_to_one(tmp_path: Path) -> None:
    pool = load(folders(tmp_path / "colours"))
    assert (pool.name, pool.modality, pool.classes) == ("colours", "image", ("blue", "red"))
    assert pool.example_shape == (3, 32, 32)
    assert (len(pool), len(pool.validation_labels), len(pool.test_labels)) == (14, 2, 4)
    expected = {0: [-1.0, -1.0, 1.0], 1: [1.0, -1.0, -1.0]}
    for inputs, labels in pool.parts().values():
        for image, label in zip(tensor(inputs), labels.tolist(), strict=True):
            assert image.dtype == torch.float32
            assert torch.equal(image, torch.tensor(expected[label]).view(3, 1, 1).expand(3, 32, 32))


def test_a_train_and_a_test_folder_are_the_official_split(tmp_path: Path) -> None:
    folders(tmp_path / "train", blue=BLUE, green=GREEN, red=RED)
    folders(tmp_path / "test", count=3, red=RED, blue=BLUE)
    folders(tmp_path / "extra", count=1)
    pool = load(tmp_path, image_size=4)
    assert (pool.classes, pool.example_shape) == (("blue", "green", "red"), (3, 4, 4))
    assert pool.test_labels.tolist() == [0, 0, 0, 2, 2, 2]
    assert tensor(pool.test_inputs)[:, 0, 0, 0].tolist() == [-1, -1, -1, 1, 1, 1]
    assert (len(pool), len(pool.validation_labels)) == (27, 3)
    with pytest.raises(ConfigError, match=r"has its own test folder \(got test=0.3\); omit test"):
        load(tmp_path, test=0.3)
    folders(tmp_path / "test", count=1, yellow=RED)
    with pytest.raises(
        DataError, match=r"train has every class that test has \(got 'yellow' in test alone, in .*\); move"
    ):
        load(tmp_path)


def test_grey_stays_grey_only_where_all_images_are(tmp_path: Path) -> None:
    for number in range(10):
        paint(tmp_path / "dark" / f"{number}.png", 51, mode="L")
        paint(tmp_path / "light" / f"{number}.png", 60000, mode="I;16")
    pool = load(tmp_path, image_size=2)
    assert pool.example_shape == (1, 2, 2)
    values = {label: sorted(set(tensor(pool.inputs)[pool.labels == label].flatten().tolist())) for label in (0, 1)}
    assert values[0] == pytest.approx([51 / 127.5 - 1])
    assert values[1] == pytest.approx([60000 // 257 / 127.5 - 1])
    paint(tmp_path / "light" / "colourful.jpg", RED)
    # Also where the one in colour is not drawn.
    assert load(tmp_path, image_size=2, pool_size=1, split_seed=1).example_shape == (3, 2, 2)


def test_every_kind_of_file_is_read_and_others_are_passed_over(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for suffix in ("png", "jpg", "JPEG", "webp", "bmp", "gif"):
            paint(tmp_path / name / f"one.{suffix}", RED)
        (tmp_path / name / "notes.txt").write_text("no image")
        (tmp_path / name / ".hidden.png").write_text("no image")
        (tmp_path / name / "inner.png").mkdir()
    (tmp_path / ".cache").mkdir()
    (tmp_path / "readme.md").write_text("no class")
    pool = load(tmp_path, test=0.4, validation=0.4)
    assert sum(len(labels) for _, labels in pool.parts().values()) == 12
    assert tensor(pool.inputs)[:, 0].min() > 0.9
    assert tensor(pool.inputs)[:, 1:].max() < -0.9


def test_palettes_transparency_and_upright_photographs(tmp_path: Path) -> None:
    for number in range(4):
        for name in ("a", "b"):
            image = Image.new("P", (4, 4), 1)
            image.putpalette([0, 0, 0, *GREEN])
            image.info["transparency"] = b"\x00\x80"
            file = tmp_path / name / f"{number}.png"
            file.parent.mkdir(exist_ok=True)
            image.save(file)
    pool = load(tmp_path, image_size=4, test=0.3, validation=0.4)
    assert tensor(pool.inputs)[0, :, 0, 0].tolist() == [-1, 1, -1]

    lying = Image.new("RGB", (4, 4), RED)
    lying.paste(BLUE, (0, 0, 4, 2))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    for file in tmp_path.rglob("*.png"):
        lying.save(file, exif=exif)
    upright = tensor(load(tmp_path, image_size=4, test=0.3, validation=0.4).inputs)[0]
    assert upright[2, :, 3].tolist() == upright[0, :, 0].tolist() == [1, 1, 1, 1]


def test_only_what_is_drawn_is_decoded(tmp_path: Path) -> None:
    files = sorted(folders(tmp_path, count=40).rglob("*.png"))
    pool = load(tmp_path, pool_size=5)
    split = split_whole(np.repeat([0, 1], 40), test=0.2, validation=0.1, pool_size=5)
    for position in set(split.training) - set(split.pool) - set(split.validation):
        # The header is whole, the pixels are not.
        files[position].write_bytes(files[position].read_bytes()[:-30])
    assert load(tmp_path, pool_size=5).fingerprint() == pool.fingerprint()
    with pytest.raises(DataError, match=r"every image can be decoded \(got .*png: .*\); replace or remove it"):
        load(tmp_path)


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    folders(tmp_path)
    (tmp_path / "red" / "3.png").write_text("no image")
    message = r"every image can be decoded \(got .*red/3.png: no known image format\); replace or remove it"
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_a_folder_without_classes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"got path='zoo', no folder under {tmp_path}\); correct path"):
        load(Path("zoo"))
    with pytest.raises(DataError, match=r"two at least \(got none in .*\); add class folders"):
        load(tmp_path)
    paint(tmp_path / "cat" / "1.png", RED)
    with pytest.raises(DataError, match=r"two at least \(got 'cat' in .*\); add class folders"):
        load(tmp_path)
    (tmp_path / "dog").mkdir()
    with pytest.raises(DataError, match=r"a class folder holds images that end in .png, .* \(got none in .*dog\); add"):
        load(tmp_path)


def test_a_relative_path_is_the_working_directory_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders(tmp_path / "colours")
    monkeypatch.chdir(tmp_path)
    pool = load(Path("colours"))
    monkeypatch.chdir(tmp_path / "colours")
    assert load(Path()).fingerprint() == pool.fingerprint()
    assert load(Path()).name == "colours"


def test_images_come_out_as_one_by_one(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(6):
            pixels = generator.integers(0, 256, size=(9, 7, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    pool = load(tmp_path, image_size=5, test=0.3, validation=0.4)
    expected = set()
    for file in tmp_path.rglob("*.png"):
        small = np.asarray(Image.open(file).resize((5, 5), Image.Resampling.BILINEAR), dtype=np.float64)
        expected.add(tuple(np.round((small / 255 - 0.5) / 0.5, 4).transpose(2, 0, 1).ravel()))
    images = torch.cat([tensor(inputs) for inputs, _ in pool.parts().values()])
    assert {tuple(np.round(image.double().numpy(), 4).ravel()) for image in images} == expected


@pytest.mark.parametrize(("side", "message"), [(100_000, "exceeds limit"), (0x7FFFFFFF, "exceeds limit")])
def test_an_image_of_billions_of_pixels_is_refused_by_its_header(side: int, message: str, tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(64))), (b"IEND", b""))
        )
    )
    with pytest.raises(DataError, match=message):
        read_image(path, str(path))


def test_a_large_photograph_is_read_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    for side, read in ((6, True), (7, False)):  # up to twice the number that Pillow warns of
        path = tmp_path / f"{side}.png"
        Image.new("RGB", (side, side)).save(path)
        if read:
            assert read_image(path, str(path)).size == (side, side)
        else:
            with pytest.raises(DataError, match="exceeds limit of 40 pixels"):
                read_image(path, str(path))


@pytest.mark.parametrize("kind", ["TIFF", "PPM", "ICO", "EPS"])
def test_other_kinds_are_not_read_whatever_their_name_ends_in(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.new("RGB", (4, 4)).save(path, kind)
    with pytest.raises(DataError, match="no known image format"):
        read_image(path, str(path))
