"""A pool in a folder, opened without reading it: worker processes then share its pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from ladle.data.pool import Pool
from ladle.errors import DataError, LadleError, reason_of
from ladle.files import cannot_write
from ladle.typing import Inputs

_HEADER = "pool.json"
_VERSION = 1


def save_pool(pool: Pool, directory: Path | str) -> None:
    """Write a pool as ``.npy`` files and a small ``pool.json``, which comes last and makes the folder valid.

    Args:
        pool: any pool; a csr matrix is written as its three arrays.
        directory: a new or empty folder.

    Raises:
        DataError: the folder is in use, so that other processes may have its files open, or the disk is full.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise DataError(f"a pool is saved to an empty folder (got {folder} with files in it); choose another folder")
    try:
        _write(pool, folder)
    except OSError as error:
        for file in folder.iterdir():  # it was empty, and is to be again for the next try
            file.unlink()
        raise cannot_write(folder, error) from error


def _write(pool: Pool, folder: Path) -> None:
    shapes: dict[str, list[int] | None] = {}
    for part, (inputs, labels) in pool.parts().items():
        shapes[part] = None if isinstance(inputs, Tensor) else [int(length) for length in inputs.shape]
        for name, array in (*_arrays(inputs), ("labels", labels.numpy())):
            np.save(folder / f"{part}_{name}.npy", array, allow_pickle=False)
    header = {
        "version": _VERSION,
        "name": pool.name,
        "modality": pool.modality,
        "classes": list(pool.classes),
        "csr_shapes": shapes,
    }
    (folder / _HEADER).write_text(json.dumps(header), encoding="utf-8")


def open_pool(directory: Path | str) -> Pool:
    """Open a saved pool; its pages are read when they are touched, and shared by all processes that open it.

    The arrays are mapped copy-on-write: writing to them changes this process's copy, never the files. Of a sparse pool
    the places of its numbers are read once, since a wrong one would reach outside of the arrays.

    Raises:
        DataError: no pool there, one of another version, or a damaged one.
    """
    folder = Path(directory)
    try:
        header = json.loads((folder / _HEADER).read_text(encoding="utf-8"))
        _check_version(header["version"], folder)
        shapes = header["csr_shapes"]
        _check_names(header["name"], header["modality"], *header["classes"])
        return Pool(
            name=header["name"],
            modality=header["modality"],
            inputs=_open_inputs(folder, "pool", shapes["pool"]),
            labels=_open_tensor(folder, "pool", "labels"),
            validation_inputs=_open_inputs(folder, "validation", shapes["validation"]),
            validation_labels=_open_tensor(folder, "validation", "labels"),
            test_inputs=_open_inputs(folder, "test", shapes["test"]),
            test_labels=_open_tensor(folder, "test", "labels"),
            classes=tuple(header["classes"]),
        )
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"a saved pool has a {_HEADER} and .npy files (got {error}); save it anew") from error
    except LadleError as error:
        raise DataError(f"a saved pool can be read (got {folder}: {error}); save it anew") from error
    # What the parsers of JSON and of array headers raise has no common base.
    except Exception as error:
        raise DataError(f"a saved pool can be read (got {folder}: {reason_of(error)}); save it anew") from error


def _check_version(version: object, folder: Path) -> None:
    if version != _VERSION:
        raise DataError(f"a saved pool has version {_VERSION} (got version {version} in {folder}); save it anew")


def _check_names(*names: object) -> None:
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{name!r} where a name is")


def _arrays(inputs: Inputs) -> list[tuple[str, NDArray[Any]]]:
    if isinstance(inputs, Tensor):
        return [("inputs", inputs.numpy())]
    return [("data", inputs.data), ("indices", inputs.indices), ("indptr", inputs.indptr)]


def _open_inputs(folder: Path, part: str, csr_shape: list[int] | None) -> Inputs:
    if csr_shape is None:
        return _open_tensor(folder, part, "inputs")
    data, indices, indptr = (_open(folder, part, name) for name in ("data", "indices", "indptr"))
    rows, columns = csr_shape
    matrix = scipy.sparse.csr_matrix((data, indices, indptr), shape=(rows, columns), copy=False)
    # SciPy reads and writes wherever the indices say, which is elsewhere in memory if they are wrong.
    matrix.check_format(full_check=True)
    # Where the last row ends at 0, SciPy takes the matrix for an empty one, and looks no further.
    if (matrix.indptr[1:] < matrix.indptr[:-1]).any():
        raise ValueError("a row that ends before it begins")
    return matrix


def _open_tensor(folder: Path, part: str, name: str) -> Tensor:
    return torch.from_numpy(_open(folder, part, name))


def _open(folder: Path, part: str, name: str) -> NDArray[Any]:
    # Neither archives nor pickles are read, as np.load might.
    array: NDArray[Any] = np.lib.format.open_memmap(folder / f"{part}_{name}.npy", mode="c")
    return np.asarray(array)
