"""The content of arrays as one hash: tells whether a stored run still has the data it began with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ladle.typing import Inputs, ModelInputs


def fingerprint_of(inputs: ModelInputs) -> str:
    """Return a SHA-256 in hexadecimal over the inputs of a pool, the same on every machine.

    Inputs by name come out the same in any order.

    Cost: one pass over the arrays, about a second a gigabyte.
    """
    if isinstance(inputs, Mapping):
        return digest_of("", sorted(inputs.items()))
    if isinstance(inputs, tuple):
        return digest_of("", [(str(place), part) for place, part in enumerate(inputs)])
    return digest_of("", [("inputs", inputs)])


def digest_of(heading: str, parts: Iterable[tuple[str, Inputs]]) -> str:
    """Return a SHA-256 in hexadecimal over a heading and named arrays."""
    digest = hashlib.sha256(heading.encode())
    for name, inputs in parts:
        for array in _arrays(inputs):
            digest.update(f"|{name} {array.dtype.kind} {array.shape}|".encode())
            # Index types of a csr matrix depend on its size and on SciPy; byte order on the machine.
            wide = f"<f{array.itemsize}" if array.dtype.kind == "f" else "<i8"
            digest.update(np.ascontiguousarray(array, dtype=wide).data)
    return digest.hexdigest()


def _arrays(inputs: Inputs) -> Iterator[NDArray[Any]]:
    if isinstance(inputs, Tensor):
        yield inputs.cpu().numpy()
        return
    if not inputs.has_canonical_format:
        # One matrix has many csr forms; equal content has to come out equal.
        inputs = inputs.copy()
        inputs.sum_duplicates()
    yield np.array(inputs.shape)
    yield from (inputs.data, inputs.indices, inputs.indptr)
