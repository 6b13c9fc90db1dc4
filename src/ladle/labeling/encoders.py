"""Embeddings of texts and images by an encoder somebody else has trained: sentence-transformers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ladle.data import read_image
from ladle.errors import ConfigError, DataError, MissingExtraError, reason_of
from ladle.files import written_whole

_PREFIX = "sentence-transformers:"
_PICKLED = {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"}
# What is encoded, and kept, at once: about half a minute of texts on two cores, so that a stop loses no more.
_CHUNK = 256


def check_encoder(name: str) -> str:
    """Return what stands behind ``sentence-transformers:``: a model's name on the hub, or its folder.

    Raises:
        ConfigError: another kind of encoder, or no name.
    """
    model = name.removeprefix(_PREFIX)
    if model == name or not model:
        raise ConfigError(
            f"an encoder is {_PREFIX}NAME (got {name!r}); name a model of the hub or its folder, as in "
            f"{_PREFIX}all-MiniLM-L6-v2"
        )
    return model


def encode(
    name: str,
    examples: Sequence[str],
    *,
    images: bool = False,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Return an embedding of each example.

    Args:
        name: ``sentence-transformers:NAME``, a model of the hub or its folder.
        examples: n texts, or paths of images.
        images: whether they are images; the encoder must read them then, as CLIP does.
        cache: folder that keeps what was encoded, made if there is none; None keeps nothing. A second call reads it,
            and a call that was cut off goes on where it was.
        progress: called with the examples done and n.

    Returns:
        (n, d) float32.

    Raises:
        ConfigError: another kind of encoder, or no name.
        MissingExtraError: sentence-transformers is not installed.
        DataError: no such model, one that wants code of its own or has pickled weights, one that cannot read these
            examples, an image that cannot be read, or a cache that cannot be written.

    Cost: a pass of the encoder over what is not in the cache.
    """
    model = check_encoder(name)
    loaded: list[Any] = []
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(examples), _CHUNK):
        chunk = examples[start : start + _CHUNK]
        file = None if cache is None else cache / f"{_key(model, chunk, images)}.npy"
        rows = _kept(file, len(chunk))
        if rows is None:
            if not loaded:
                loaded.append(_load(model))
            rows = _encode(loaded[0], name, chunk, images)
            _keep(file, rows)
        parts.append(rows)
        if progress:
            progress(start + len(chunk), len(examples))
    return np.concatenate(parts)


def usual_cache() -> Path:
    """Return the folder where embeddings are kept for the next time: ``ladle/embeddings`` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ladle" / "embeddings"


def _load(model: str) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ModuleNotFoundError as error:
        raise MissingExtraError.needs("an encoder", "embed") from error
    _check_weights(Path(model))
    try:
        # Code that lies beside the weights is not run, and a pickle, which may hold some, not read.
        return SentenceTransformer(model, device="cpu", trust_remote_code=False, model_kwargs={"use_safetensors": True})
    # Hub, files and architectures fail in many ways, all of them meaning the same.
    except Exception as error:
        raise DataError(
            f"an encoder is a model of sentence-transformers (got {model!r}: {reason_of(error)}); "
            "correct the name, or name a folder that has it"
        ) from error


def _check_weights(folder: Path) -> None:
    """Refuse a local model with a part whose weights are pickled only: some parts would be read all the same."""
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        # OpenVINO's weights are no pickles, and not read.
        pickled = file.suffix in _PICKLED and not file.name.startswith("openvino")
        if pickled and not any(file.parent.glob("*.safetensors")):
            raise DataError(
                f"an encoder's weights are safetensors (got {file}, a pickle, which could run anything); open it where "
                "you trust it, and save it anew with save_pretrained"
            )


def _encode(encoder: Any, name: str, chunk: Sequence[str], images: bool) -> NDArray[np.float32]:
    given: list[Any] = [read_image(Path(path), path).convert("RGB") for path in chunk] if images else list(chunk)
    try:
        rows = encoder.encode(given, show_progress_bar=False, convert_to_numpy=True)
    except Exception as error:
        what = "images" if images else "texts"
        raise DataError(f"the encoder must read {what} (got {name}: {reason_of(error)}); name one that does") from error
    return np.asarray(rows, dtype=np.float32)


def _key(model: str, chunk: Sequence[str], images: bool) -> str:
    """Return what tells this chunk under this model from all others: contents, not names."""
    digest = hashlib.sha256()
    for part in (*_identity(model), *(_bytes(example, images) for example in chunk)):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _identity(model: str) -> Iterable[bytes]:
    yield model.encode()
    folder = Path(model)
    # A model in a folder may be trained further under the same name.
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        about = file.stat()
        yield f"{file.relative_to(folder)} {about.st_size} {about.st_mtime_ns}".encode()


def _bytes(example: str, images: bool) -> bytes:
    return Path(example).read_bytes() if images else example.encode("utf-8", "surrogatepass")


def _kept(file: Path | None, count: int) -> NDArray[np.float32] | None:
    """Return the rows in a file of the cache; None where there is none, or a damaged one."""
    if file is None or not file.exists():
        return None
    try:
        rows: NDArray[np.float32] = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return rows if rows.ndim == 2 and len(rows) == count else None


def _keep(file: Path | None, rows: NDArray[np.float32]) -> None:
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(file) as partial, partial.open("wb") as stream:
        np.save(stream, rows, allow_pickle=False)
