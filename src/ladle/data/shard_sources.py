"""Which files a matrix in shards consists of, and in what order."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ladle.errors import DataError

_KINDS = (".npy", ".parquet")


@dataclass(frozen=True)
class SourceFile:
    """A file, here or elsewhere.

    Attributes:
        name: path or URL, for messages.
        local: its path if it lies on a local disk.
        filesystem: the pyarrow filesystem that holds it otherwise.
        path: its path there.
        size: bytes.
        changed: when it was changed, in nanoseconds; 0 where that is not known.
    """

    name: str
    local: Path | None
    filesystem: Any
    path: str
    size: int
    changed: int

    @property
    def kind(self) -> str:
        """``.npy`` or ``.parquet``."""
        return Path(self.path).suffix


def find_shards(source: str | Path | Sequence[str | Path], name: str) -> list[SourceFile]:
    """Return the files of a matrix in order.

    Args:
        source: a file, a folder, a pattern, a URL, or a list of these.
        name: what the matrix is called in messages.

    Raises:
        DataError: nothing there, a file of another kind, or a folder with both kinds.
    """
    sources = [source] if isinstance(source, str | Path) else list(source)
    files = [file for one in sources for file in _files_of(one, name)]
    if not files:
        raise DataError(f"{name} must be in .npy or .parquet files (got none: {source}); check the path")
    return files


def natural_order(path: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts names as people do: numbers within them by value."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", path)]


def _files_of(source: str | Path, name: str) -> list[SourceFile]:
    if isinstance(source, str) and "://" in source and not source.startswith("file://"):
        return _remote(source, name)
    path = Path(str(source).removeprefix("file://")).expanduser()
    if path.is_file():
        found = [path]
    elif path.is_dir():
        found = _one_kind([str(file) for file in path.iterdir() if file.suffix in _KINDS], str(path), name)
    else:
        found = _one_kind([file for file in glob.glob(str(path)) if Path(file).is_file()], str(path), name)  # noqa: PTH207
    files = []
    for file in found:
        if file.suffix not in _KINDS:
            raise DataError(f"{name} must be .npy or .parquet (got {file}); convert with numpy.save")
        status = file.stat()
        files.append(SourceFile(str(file), file, None, str(file), status.st_size, status.st_mtime_ns))
    return files


def _one_kind(paths: list[str], where: str, name: str) -> list[Path]:
    if not paths:
        raise DataError(f"{name} must be in .npy or .parquet files (got none at {where}); check the path")
    kinds = {Path(path).suffix for path in paths}
    if len(kinds) > 1:
        raise DataError(
            f"{name} must be shards of one kind (got {' and '.join(sorted(kinds))} at {where}); name one by a pattern"
        )
    return [Path(path) for path in sorted(paths, key=natural_order)]


def _remote(url: str, name: str) -> list[SourceFile]:
    from pyarrow import ArrowException
    from pyarrow.fs import FileSelector, FileSystem, FileType

    try:
        filesystem, path = FileSystem.from_uri(url)
        (info,) = filesystem.get_file_info([path])
        if info.type == FileType.Directory:
            infos = [one for one in filesystem.get_file_info(FileSelector(path)) if one.extension in ("npy", "parquet")]
        else:
            infos = [info] if info.type == FileType.File else []
    except (ArrowException, OSError, ValueError) as error:
        raise DataError(f"{name} must lie where pyarrow can read (got {url}: {error}); check URL and access") from error
    paths = {one.path: one for one in infos}
    return [
        SourceFile(
            f"{url.split('://')[0]}://{path}",
            None,
            filesystem,
            str(path),
            paths[str(path)].size,
            paths[str(path)].mtime_ns or 0,
        )
        for path in _one_kind(list(paths), url, name)
    ]
