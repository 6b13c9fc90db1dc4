"""Which files a matrix in shards consists of, and in what order."""

from __future__ import annotations

import glob
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ladle.errors import DataError

_KINDS = (".npy", ".parquet")


@dataclass(frozen=True)
class SourceFile:
    """A file, here or elsewhere.

    Attributes:
        name: path or URL, for messages.
        identity: what tells it from all other files: its absolute path, or its place on another filesystem.
        local: its absolute path if it lies on a local disk.
        filesystem: the pyarrow filesystem that holds it otherwise.
        path: its path there.
        size: bytes.
        changed: when it was changed, in nanoseconds; 0 where that is not known.
    """

    name: str
    identity: str
    local: Path | None
    filesystem: Any
    path: str
    size: int
    changed: int

    @property
    def kind(self) -> str:
        """``.npy`` or ``.parquet``."""
        return _kind(self.path)

    def open(self) -> Any:
        """Return the bytes, as a file that can be read from any position.

        Raises:
            OSError: a file that is gone or may not be read.
        """
        if self.local is not None:
            return self.local.open("rb")
        return self.filesystem.open_input_file(self.path)


def find_shards(source: str | Path | Sequence[str | Path], name: str, filesystem: Any = None) -> list[SourceFile]:
    """Return the files of a matrix in order.

    Args:
        source: a file, a folder, a pattern, a URL, or a list of these.
        name: what the matrix is called in messages.
        filesystem: the pyarrow filesystem that paths are in; without it they are local, or URLs.

    Raises:
        DataError: nothing there, a file of another kind, or a folder with both kinds.
    """
    sources = [source] if isinstance(source, str | Path) else list(source)
    files = [file for one in sources for file in _files_of(one, name, filesystem)]
    if not files:
        raise DataError(f"{name} must be in .npy or .parquet files (got an empty list); name one at least")
    return files


def natural_order(path: str) -> tuple[list[tuple[int, int, str]], str]:
    """Return a key that sorts names as people do: numbers within them by value, so that 2 comes before 10."""
    # Every second piece of the split is a number. The name itself comes last: 02 and 2 have the same value.
    pieces = enumerate(re.split(r"([0-9]+)", path))
    return [(0, int(piece), "") if place % 2 else (1, 0, piece) for place, piece in pieces], path


def _files_of(source: str | Path, name: str, filesystem: Any) -> list[SourceFile]:
    text = str(source)
    if filesystem is not None:
        return _in_filesystem(filesystem, text, text, "", name)
    if isinstance(source, Path) or "://" not in text:
        return _local(Path(source).expanduser(), name)
    if text.startswith("file://"):
        return _local(Path(unquote(text.removeprefix("file://").removeprefix("localhost"))), name)
    return _from_url(text, name)


def _local(path: Path, name: str) -> list[SourceFile]:
    if path.is_file():
        found = [str(path)]
    elif path.is_dir():
        found = [str(file) for file in path.iterdir() if _kind(file.name) in _KINDS and file.is_file()]
    else:
        found = [file for file in glob.glob(str(path), recursive=True) if Path(file).is_file()]  # noqa: PTH207
    files = []
    for file in _in_order(found, str(path), name):
        try:
            status = Path(file).stat()
        except OSError as error:
            raise DataError(f"{name} must be files that can be read (got {file}: {error}); check the path") from error
        absolute = Path(file).absolute()
        files.append(SourceFile(file, str(absolute), absolute, None, file, status.st_size, status.st_mtime_ns))
    return files


def _from_url(url: str, name: str) -> list[SourceFile]:
    from pyarrow import ArrowException
    from pyarrow.fs import FileSystem

    try:
        filesystem, path = FileSystem.from_uri(url)
    except (ArrowException, OSError, ValueError, ImportError) as error:
        # A URL may hold a key: it stays out of messages, and out of the names of copies, which outlive a key.
        key = urlsplit(url).netloc.rpartition("@")[0]
        shown, reason = (text.replace(f"{key}@", "") if key else text for text in (url, str(error)))
        raise DataError(
            f"{name} must lie where pyarrow can read (got {shown}: {reason}); check URL and access"
        ) from error
    parts = urlsplit(url)
    shown = f"{parts.scheme}://{path.lstrip('/')}"
    return _in_filesystem(filesystem, path, shown, f"{parts.netloc.rpartition('@')[2]}?{parts.query}", name)


def _in_filesystem(filesystem: Any, path: str, shown: str, server: str, name: str) -> list[SourceFile]:
    from pyarrow import ArrowException
    from pyarrow.fs import FileSelector, FileType, LocalFileSystem

    if isinstance(filesystem, LocalFileSystem):
        return _local(Path(path), name)
    try:
        (info,) = filesystem.get_file_info([path])
        if info.type == FileType.File:
            infos = [info]
        elif info.type == FileType.Directory:
            infos = [one for one in filesystem.get_file_info(FileSelector(path)) if _kind(one.path) in _KINDS]
        elif "*" in posixpath.basename(path):
            around = FileSelector(posixpath.dirname(path), allow_not_found=True)
            pattern = posixpath.basename(path)
            infos = [one for one in filesystem.get_file_info(around) if fnmatchcase(one.base_name, pattern)]
        else:
            infos = []
    except (ArrowException, OSError, ValueError) as error:
        raise DataError(f"{name} must lie where pyarrow can read (got {shown}: {error}); check access") from error
    by_path = {one.path: one for one in infos if one.type == FileType.File}
    scheme = f"{shown.split('://')[0]}://" if "://" in shown else ""
    place = f"{filesystem.type_name} {getattr(filesystem, 'base_path', '')} {server}"
    return [
        SourceFile(
            f"{scheme}{found.lstrip('/') if scheme else found}",
            f"{place} {found}",
            None,
            filesystem,
            found,
            by_path[found].size or 0,
            by_path[found].mtime_ns or 0,
        )
        for found in _in_order(list(by_path), shown, name)
    ]


def _in_order(paths: list[str], where: str, name: str) -> list[str]:
    if not paths:
        raise DataError(f"{name} must be in .npy or .parquet files (got none at {where}); check the path")
    for path in paths:
        if _kind(path) not in _KINDS:
            raise DataError(f"{name} must be .npy or .parquet (got {path}); convert with numpy.save")
    kinds = {_kind(path) for path in paths}
    if len(kinds) > 1:
        raise DataError(
            f"{name} must be shards of one kind (got {' and '.join(sorted(kinds))} at {where}); name one by a pattern"
        )
    return sorted(paths, key=natural_order)


def _kind(path: str) -> str:
    return Path(path).suffix.lower()
