"""How far a compressed file may unfold: a small one that becomes enormous is refused before it fills the memory."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any, BinaryIO

from ladle.data.parquet_footer import count_values
from ladle.errors import DataError

#: Less than this is never refused.
_HARMLESS_BYTES = 1 << 30
#: Real tables shrink 3 to 50 times; gzip alone can shrink 1,000 times.
_MOST_TIMES = 200


def check_unfolding(name: str, stored: int, unfolded: int) -> None:
    """Make sure that a file does not become more than 200 times its size, from one GiB on.

    Args:
        name: of the file, for messages.
        stored: its size in bytes.
        unfolded: bytes that its header claims, or that have been read from it so far.

    Raises:
        DataError: it does.
    """
    if unfolded > max(_HARMLESS_BYTES, _MOST_TIMES * stored):
        raise DataError(
            f"a file unfolds to at most {_MOST_TIMES} times its size (got {name} of {stored} bytes, which becomes "
            f"{unfolded} or more); if it is yours and right, store it without compression"
        )


def check_parquet(name: str, file: BinaryIO, described: Any) -> None:
    """Make sure that a Parquet file does not claim to hold more than ``check_unfolding`` allows, at 8 bytes a value.

    Args:
        name: of the file, for messages.
        file: its bytes, readable from any position.
        described: its metadata, as pyarrow gives them.

    Raises:
        DataError: it does.
        ValueError: a footer that cannot be read.
    """
    # A row without columns, too, has an index.
    values = described.num_rows * max(1, described.num_columns)
    columns = [described.schema.column(number) for number in range(described.num_columns)]
    if any(column.max_repetition_level for column in columns):  # lists, of any length
        values = max(values, count_values(file))
    check_unfolding(name, file.seek(0, 2), 8 * values)


class GzipText(io.RawIOBase):
    """The content of a .gz file, read as far as it is no bomb.

    Args:
        path: of the file.

    Raises:
        DataError: while reading, as ``check_unfolding`` raises.
    """

    def __init__(self, path: Path) -> None:
        self._name, self._stored, self._read = str(path), path.stat().st_size, 0
        self._file = gzip.open(path)  # noqa: SIM115 - closed with this

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into a buffer, and count."""
        count = self._file.readinto(buffer)
        self._read += count
        check_unfolding(self._name, self._stored, self._read)
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
