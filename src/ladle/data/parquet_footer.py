"""How many numbers a Parquet file says it holds, read from its footer by hand.

pyarrow has the same number in a column's description, but ends the process where that description contradicts itself.
The footer is a Thrift struct in the compact protocol; of all its fields only a few numbers are looked at.
"""

from __future__ import annotations

from typing import Any, BinaryIO

_MAGIC = b"PAR1"
# Deeper than any footer, and far from Python's own limit.
_DEEPEST = 32
# Numbers of the fields in the format's definition, parquet.thrift.
_ROW_GROUPS, _COLUMNS, _DESCRIPTION, _VALUES = 4, 1, 3, 5
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)


def count_values(file: BinaryIO) -> int:
    """Return how many values the columns of all row groups hold together, by their own account.

    Args:
        file: the Parquet file, readable from any position.

    Raises:
        ValueError: a footer that cannot be read.

    Cost: O(size of the footer).
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - 8))
    end = file.read(8)
    length = int.from_bytes(end[:4], "little")
    if end[4:] != _MAGIC or length > size - 8:
        raise ValueError("the file does not end with a footer")
    file.seek(size - 8 - length)
    footer = _Reader(file.read(length)).struct(0)
    try:
        counts = [chunk[_DESCRIPTION][_VALUES] for group in footer[_ROW_GROUPS] for chunk in group[_COLUMNS]]
    except (LookupError, TypeError) as error:
        raise ValueError("the footer does not describe the columns") from error
    if not all(isinstance(count, int) and count >= 0 for count in counts):
        raise ValueError("the footer does not say how many values there are")
    return sum(counts)


class _Reader:
    """Thrift's compact protocol without a schema: structs as dicts by number of the field, lists and sets as lists."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self, depth: int) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        number = 0
        while head := self._bytes(1)[0]:
            number = number + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            # A field of a truth value has it in its head, an element of a list in a byte.
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _INTEGERS:
            return self._integer()
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._bytes(1)
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == _BINARY:
            return self._bytes(self._natural())
        if depth == _DEEPEST:
            raise ValueError("the footer is too deep")
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_LIST, _SET):
            return self._elements(depth + 1)
        raise ValueError(f"the footer has an unknown type {kind}")

    def _elements(self, depth: int) -> list[Any]:
        head = self._bytes(1)[0]
        count = head >> 4 if head >> 4 < 15 else self._natural()
        # An element takes a byte or more: a count that is too high ends with the bytes.
        return [self._value(head & 15, depth) for _ in range(count)]

    def _integer(self) -> int:
        natural = self._natural()
        return (natural >> 1) ^ -(natural & 1)

    def _natural(self) -> int:
        value = 0
        for shift in range(0, 64, 7):
            byte = self._bytes(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("the footer has a number of too many bytes")

    def _bytes(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise ValueError("the footer is cut short")
        self._at += count
        return found
