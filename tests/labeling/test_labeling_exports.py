"""Images sorted into a folder for each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ladle.errors import ConfigError, DataError
from ladle.labeling import Source, copy_by_class, open_source

NAMES = ("a.png", "b.png", "inner/a.png")


@pytest.fixture
def photos(tmp_path: Path) -> Source:
    for shade, name in enumerate(NAMES):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4, 3), shade, dtype=np.uint8)).save(path)
    return open_source(tmp_path / "photos")


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_images_are_copied_into_a_folder_for_each_class(photos: Source, tmp_path: Path) -> None:
    of = {name: (photos.path / name).read_bytes() for name in NAMES}
    assert copy_by_class(photos, {"a.png": "cat", "inner/a.png": "cat", "b.png": "no, ..sir"}, tmp_path / "out") == 3
    wanted = {"cat/a.png": of["a.png"], "cat/inner__a.png": of["inner/a.png"], "no, ..sir/b.png": of["b.png"]}
    assert files_in(tmp_path / "out") == wanted
    # Again: what is there is written again, and the source is as it was.
    assert copy_by_class(photos, {"a.png": "cat"}, tmp_path / "out") == 1
    assert files_in(tmp_path / "out") == wanted
    assert files_in(photos.path) == of


@pytest.mark.parametrize("label", [".", "..", "../x", "../../x", "/x", "x/y", "..\\x", "C:x", "a\0b", "what?"])
def test_a_class_that_is_no_folders_name_writes_nothing(photos: Source, tmp_path: Path, label: str) -> None:
    before = files_in(tmp_path)
    with pytest.raises(DataError, match=r"has a folder's name \(got .*\); export labels\.csv"):
        copy_by_class(photos, {"a.png": "cat", "b.png": label}, tmp_path / "out")
    assert files_in(tmp_path) == before


def test_only_images_are_sorted(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("text\npurr meow\nbark fetch\n")
    with pytest.raises(ConfigError, match=r"only images are sorted into folders \(got texts\)"):
        copy_by_class(open_source(tmp_path / "texts.csv"), {"0": "x"}, tmp_path / "out")
