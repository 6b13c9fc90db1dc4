"""Batches and labels as files of other tools, and a folder of images sorted by class."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ladle.errors import ConfigError, DataError
from ladle.files import written_whole
from ladle.labeling.sources import Source

_KINDS = (".csv", ".jsonl", ".parquet")
_FORBIDDEN = '/\\\0<>:"|?*'


def check_kind(kind: str) -> None:
    """Raise for a kind of file that is not written, before there is anything to write.

    Raises:
        ConfigError: anything but ".csv", ".jsonl" or ".parquet".
    """
    if kind not in _KINDS:
        raise ConfigError(f"a file is written as {', '.join(_KINDS)} (got {kind or 'no ending'}); name one of these")


def rows_as(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], kind: str) -> bytes:
    """Return rows as the content of a file.

    Args:
        rows: one mapping each, with these columns.
        columns: in the order in which the file has them.
        kind: ".csv", ".jsonl" or ".parquet".

    Raises:
        ConfigError: another kind of file.
    """
    check_kind(kind)
    if kind == ".csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()
    if kind == ".jsonl":
        return "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows).encode()
    import pandas as pd

    content = io.BytesIO()
    pd.DataFrame(list(rows), columns=list(columns)).to_parquet(content, index=False)
    return content.getvalue()


def labels_as(labels: Mapping[str, str], kind: str) -> bytes:
    """Return labels as the content of a file with the columns id and label; see ``rows_as``."""
    return rows_as([{"id": name, "label": label} for name, label in labels.items()], ("id", "label"), kind)


def copy_by_class(source: Source, labels: Mapping[str, str], folder: Path) -> int:
    """Copy labeled images into a folder for each class, as ``name = "image-folder"`` and other tools read them.

    Args:
        source: a folder of images.
        labels: class of each image by its name.
        folder: where to; made if it is not there. An image that is there already is written again.

    Returns:
        How many images were copied.

    Raises:
        ConfigError: a source that is no folder of images.
        DataError: a class whose name cannot be a folder's, or a disk that is full.
    """
    if source.kind != "images":
        raise ConfigError(f"only images are sorted into folders (got {source.kind}); export a file, as in labels.csv")
    for label in set(labels.values()):
        if not _names_a_folder(label):
            raise DataError(f"a class that becomes a folder has a folder's name (got {label!r}); export labels.csv")
    for name, label in labels.items():
        # A path within the source stays one, with its folders in the name: images of one name do not meet.
        target = folder / label / name.replace("/", "__")
        target.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(target) as partial:
            shutil.copyfile(source.path / name, partial)
    return len(labels)


def _names_a_folder(label: str) -> bool:
    # Whoever labels may add a class: its name is not to lead out of the folder.
    return label not in (".", "..") and not any(letter in _FORBIDDEN for letter in label)
