"""A file is written whole or not at all, and only over another file."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ladle.errors import DataError
from ladle.files import check_writable, write_whole, written_whole


def test_a_write_that_breaks_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.html"
    write_whole(path, "old")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match=r"No space left on device\); make room, or name another place$"):
        write_whole(path, "new and longer")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    file, pipe = tmp_path / "file", tmp_path / "pipe"
    file.write_text("old")
    os.mkfifo(pipe)
    for path in (file, tmp_path / "new", pipe):
        check_writable(path)
    assert file.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [file, pipe]
    for path, reason in (
        (tmp_path, "Is a directory"),
        (file / "below", "Not a directory"),
        (tmp_path / "no" / "a", "No such"),
    ):
        with pytest.raises(DataError, match=rf"got {path}: {reason}.*name another place"):
            check_writable(path)


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    target.write_text("old")
    link.symlink_to(target)
    write_whole(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, "told")
    assert os.read(reader, 10) == b"told"
    os.close(reader)
    assert pipe.is_fifo()


def test_two_threads_at_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    with written_whole(path) as first:
        first.write_text("first")
        with written_whole(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: write_whole(path, str(number) * 10_000), [n % 10 for n in range(64)]))
    assert len(set(path.read_text())) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_name_is_on_the_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_whole(tmp_path / "index.html", "new")
    assert [place.parent for place in synced] == [tmp_path, tmp_path.parent]

    def refuse(_path: Path, _flags: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)
    write_whole(tmp_path / "index.html", "newer")
    assert (tmp_path / "index.html").read_text() == "newer"
