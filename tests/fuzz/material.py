"""What a target makes its input from: choices read off bytes, valid files to break, and the one way to be refused."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ladle.errors import LadleError

T = TypeVar("T")

_MOST_BREAKS = 4
#: Lengths and counts as a hostile header has them: nothing, minus one, the last number of a type, far too much.
_LENGTHS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 10**12, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
#: Values that no reader expects where it looks for another kind.
_STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    2,
    10**30,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "a\x00b",
    "\ud800",
    "\u2028",
    "mlp",
    "0",
    [],
    [[]],
    [1, "a"],
    {},
    {"a": {}},
)
_NUMBERS = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, 1e-8, 1e-30, 1e-300, 1e4, 65504.0, 65520.0, 1e10, -1e15, 1e16, 1e20, 3e38, -3e38),
    *(1e39, 1e150, 1e200, 1.7e308, -1.7e308, float("nan"), float("inf"), float("-inf")),
)


class Material:
    """Choices read off bytes from the front; once they are used up, every choice is the first."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def take(self, count: int) -> bytes:
        """Return the next bytes, fewer at the end."""
        taken = self._data[self._place : self._place + count]
        self._place += len(taken)
        return taken

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        size = max(1, ((high - low).bit_length() + 7) // 8)
        return low + int.from_bytes(self.take(size), "little") % (high - low + 1)

    def one_of(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.whole(0, len(options) - 1)]

    def rarely(self) -> bool:
        """Return true one time in eight."""
        return self.whole(0, 7) == 7

    def number(self) -> float:
        """Return a small multiple of an eighth, or, one time in eight, a number that breaks arithmetic."""
        return self.one_of(_NUMBERS) if self.rarely() else self.whole(-128, 127) / 8

    def strange(self) -> Any:
        """Return a value that is not what was asked for."""
        return self.one_of(_STRANGE)

    def broken(self, whole: bytes, *others: bytes) -> bytes:
        """Return a valid file with up to four breaks: cut, flipped, overwritten, spliced with another, or repeated."""
        content = bytearray(whole)
        for _ in range(self.whole(0, _MOST_BREAKS)):
            place = self.whole(0, 0xFFFFFF) % (len(content) + 1)
            match self.whole(0, 6):
                case 0:
                    del content[place:]
                case 1:
                    del content[place : place + self.whole(1, 64)]
                case 2 if place < len(content):
                    content[place] ^= 1 << self.whole(0, 7)
                case 3:
                    written = self.take(self.whole(1, 8))
                    content[place : place + len(written)] = written
                case 4:
                    size, order = self.one_of((1, 2, 4, 8)), self.one_of(("little", "big"))
                    length = self.one_of(_LENGTHS) % (1 << 8 * size)
                    content[place : place + size] = length.to_bytes(size, order)  # type: ignore[arg-type]
                case 5:
                    other = self.one_of((whole, *others))
                    begin = self.whole(0, 0xFFFFFF) % (len(other) + 1)
                    content[place:place] = other[begin : begin + self.whole(1, 256)]
                case _:
                    content[place:place] = self.take(self.whole(1, 16)) * self.whole(1, 64)
        return bytes(content)


def refused(action: Callable[[], T]) -> T | None:
    """Return what an action gives; None where it is refused as it should be: an error of Ladle, which is one line.

    Anything else that it raises is a defect, and goes through.
    """
    try:
        return action()
    except LadleError as error:
        message = str(error)
        assert "(got " in message, f"a message says what came (got {message!r})"
        return None


@cache
def scratch_folder() -> Path:
    """Return a folder of this process's own, made once and removed with it."""
    folder = tempfile.mkdtemp(prefix="ladle-fuzz-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
