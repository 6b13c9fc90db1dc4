"""Test, validation and pool: the splits of the paper's section 4.3, as positions.

Three independent random streams come from the one split seed, so the validation split does not depend on the size of
the pool, and pools of different sizes are nested: the smaller is the beginning of the larger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ladle.errors import ConfigError, DataError
from ladle.typing import Indices

_TEST_STREAM, _VALIDATION_STREAM, _POOL_STREAM = range(3)


@dataclass(frozen=True)
class Split:
    """Disjoint positions in one source.

    Attributes:
        pool: (n,) rows of the pool, in the pool's order.
        validation: (v,) rows for choosing the learning rate.
        test: (t,) rows for the reported accuracy.
        training: every row outside of test, in ascending order: what preprocessing may be fitted on. It holds the pool,
            the validation rows and whatever subsampling left out.
    """

    pool: Indices
    validation: Indices
    test: Indices
    training: Indices


def split_whole(
    labels: NDArray[Any], *, test: float, validation: float, pool_size: int | None = None, seed: int = 0
) -> Split:
    """Split a source without an official test split: stratified test, then validation, then the pool.

    Args:
        labels: (n,) class numbers.
        test: fraction of the n rows.
        validation: fraction of the rows that test leaves.
        pool_size: rows kept in the pool, drawn uniformly; None keeps all.
        seed: the split seed, 0 or more.

    Returns:
        Positions in ``labels``.

    Raises:
        DataError: too few rows for a stratified split.
        ConfigError: a pool larger than what is left.

    Cost: O(n log n).
    """
    training, held_out = _hold_out(labels, test, part="test", seed=_stream(seed, _TEST_STREAM))
    pool, validating = split_training(labels[training], validation=validation, pool_size=pool_size, seed=seed)
    return Split(pool=training[pool], validation=training[validating], test=held_out, training=training)


def split_training(
    labels: NDArray[Any], *, validation: float, pool_size: int | None = None, seed: int = 0
) -> tuple[Indices, Indices]:
    """Split a training source into pool and validation, stratified; the pool is shuffled and then cut to size.

    Args:
        labels: (n,) class numbers of the training source.
        validation: fraction of the n rows.
        pool_size: rows kept in the pool, drawn uniformly; None keeps all.
        seed: the split seed, 0 or more.

    Returns:
        Positions in ``labels``: the pool in the pool's order, and the validation split.

    Raises:
        DataError: too few rows for a stratified split.
        ConfigError: a pool larger than what is left.

    Cost: O(n log n).
    """
    left, validating = _hold_out(labels, validation, part="validation", seed=_stream(seed, _VALIDATION_STREAM))
    if pool_size is not None and pool_size > left.size:
        raise ConfigError(
            f"pool_size is at most the training rows that validation leaves (got pool_size={pool_size},"
            f" left={left.size}); lower pool_size or omit it"
        )
    shuffled = np.random.default_rng(_stream(seed, _POOL_STREAM)).permutation(left)
    return shuffled[:pool_size], validating


def _hold_out(labels: NDArray[Any], fraction: float, *, part: str, seed: int) -> tuple[Indices, Indices]:
    """Return the rows kept, ascending, and the rows held out, with each class in proportion as far as whole rows allow.

    The one row of a class that has no second cannot be on both sides: it is kept, so that the pool loses no class.
    """
    from sklearn.model_selection import train_test_split

    counts = np.bincount(labels)
    candidates = np.flatnonzero(counts[labels] >= 2)
    classes = int((counts >= 2).sum())
    size = max(1, round(fraction * labels.size))
    if classes == 0 or candidates.size < 2 * classes or min(size, candidates.size - size) < classes:
        raise DataError(_too_few(part, fraction, labels.size, classes, size, candidates.size))
    _, held_out = train_test_split(candidates, test_size=size, stratify=labels[candidates], random_state=seed)
    return np.setdiff1d(np.arange(labels.size), held_out, assume_unique=True), held_out


def _too_few(part: str, fraction: float, rows: int, classes: int, size: int, candidates: int) -> str:
    rule = f"a stratified {part} split has at least one row a class on each side"
    came = f"got rows={rows}, classes of two rows or more={classes}, {part}={fraction} or {size} rows"
    if candidates >= 2 * classes > 0:
        if size >= classes:
            return f"{rule} ({came}); lower {part}"
        least = math.ceil(1000 * classes / rows) / 1000
        if candidates - round(least * rows) >= classes:
            return f"{rule} ({came}); raise {part} to {least} or more"
    return f"{rule} ({came}); bring more rows a class"


def _stream(seed: int, stream: int) -> int:
    return int(np.random.SeedSequence(seed).generate_state(3)[stream])
