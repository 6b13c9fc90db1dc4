"""How far a selection over shards is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ladle.engines.plan import in_bytes, in_minutes


@dataclass(frozen=True)
class Progress:
    """How far a selection is.

    Attributes:
        pass_number: the pass under way, from 1.
        passes: passes expected, at least the one under way.
        rows_done: rows gone through in it.
        rows_total: n, the rows of the pool.
    """

    pass_number: int
    passes: int
    rows_done: int
    rows_total: int


@dataclass(frozen=True)
class Copying:
    """How far the plain copies are that a selection makes before its first pass.

    Attributes:
        bytes_done: written so far; 0 before the first is made.
        bytes_total: of all copies that have to be made.
        seconds: expected time for all, from a trial on the first rows.
    """

    bytes_done: int
    bytes_total: int
    seconds: float

    def __str__(self) -> str:
        return f"{in_bytes(self.bytes_total)} to copy, {in_minutes(self.seconds)}"


class PassCounter:
    """Counts rows and passes, and tells about them.

    Attributes:
        passes: passes begun so far.
    """

    def __init__(self, rows_total: int, expected: int, tell: Callable[[Progress], None] | None) -> None:
        self.passes = 0
        self._rows_total = rows_total
        self._expected = expected
        self._rows_done = 0
        self._tell = tell

    def count(self, rows: int) -> None:
        """Count rows gone through; a new pass begins when one is whole."""
        if self._rows_done == 0:
            self.passes += 1
        self._rows_done += rows
        if self._tell is not None:
            self._tell(Progress(self.passes, max(self._expected, self.passes), self._rows_done, self._rows_total))
        if self._rows_done >= self._rows_total:
            self._rows_done = 0


class CopyCounter:
    """Counts bytes copied, and tells about them."""

    def __init__(self, bytes_total: int, seconds: float, tell: Callable[[Copying], None] | None) -> None:
        self._copying = Copying(0, bytes_total, seconds)
        self._tell = tell

    def count(self, written: int) -> None:
        """Count bytes written."""
        self._copying = replace(self._copying, bytes_done=self._copying.bytes_done + written)
        if self._tell is not None:
            self._tell(self._copying)
