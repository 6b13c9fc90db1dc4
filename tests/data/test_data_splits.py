from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ladle.data import split_training, split_whole
from ladle.errors import ConfigError, DataError

Fractions = st.floats(min_value=0.1, max_value=0.6)


@st.composite
def label_arrays(draw: st.DrawFn) -> NDArray[np.int64]:
    """Classes of very different sizes, classes of one row and numbers without a row among them, in any order."""
    counts = draw(st.lists(st.one_of(st.integers(0, 2), st.integers(6, 60)), min_size=2, max_size=6))
    assume(max(counts) > 5)
    labels = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(draw(st.integers(0, 99))).permutation(labels)


@settings(max_examples=60, deadline=None)
@given(label_arrays(), Fractions, Fractions, st.integers(0, 2**40))
def test_the_three_parts_share_no_row_and_leave_none_out(
    labels: NDArray[np.int64], test: float, validation: float, seed: int
) -> None:
    try:
        split = split_whole(labels, test=test, validation=validation, seed=seed)
    except DataError:
        return
    together = np.concatenate([split.pool, split.validation, split.test])
    assert sorted(together) == list(range(labels.size))
    assert sorted(split.training) == sorted([*split.pool, *split.validation])
    assert all(part.size > 0 and part.dtype == np.int64 for part in (split.pool, split.validation, split.test))


@settings(max_examples=60, deadline=None)
@given(label_arrays(), Fractions)
def test_it_is_refused_exactly_when_a_side_cannot_have_a_row_of_each_class(
    labels: NDArray[np.int64], fraction: float
) -> None:
    counts = np.bincount(labels)
    classes, candidates = int((counts > 1).sum()), int(counts[counts > 1].sum())
    size = max(1, round(fraction * labels.size))
    possible = size >= classes and candidates - size >= classes
    try:
        pool, validation = split_training(labels, validation=fraction)
    except DataError:
        assert not possible
    else:
        assert possible
        assert (pool.size, validation.size) == (labels.size - size, size)


@settings(max_examples=40, deadline=None)
@given(label_arrays(), st.integers(0, 99))
def test_each_class_is_held_out_in_proportion(labels: NDArray[np.int64], seed: int) -> None:
    try:
        _, validation = split_training(labels, validation=0.3, seed=seed)
    except DataError:
        return
    counts = np.bincount(labels)
    held_out = np.bincount(labels[validation], minlength=counts.size)
    common = counts[counts > 1]
    share = validation.size / common.sum()
    # The largest-remainder rounding of both sides moves a class by less than two rows.
    assert np.all(np.abs(held_out - share * counts)[counts > 1] < 2)
    assert np.all(held_out[counts == 1] == 0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99), st.integers(1, 120), st.integers(1, 120))
def test_pools_of_different_sizes_are_nested_and_leave_validation_and_test_alone(seed: int, one: int, two: int) -> None:
    labels = np.arange(200) % 4
    small, large = sorted((one, two))
    first = split_whole(labels, test=0.2, validation=0.1, pool_size=small, seed=seed)
    second = split_whole(labels, test=0.2, validation=0.1, pool_size=large, seed=seed)
    assert first.pool.size == small
    assert np.array_equal(first.pool, second.pool[:small])
    assert np.array_equal(first.validation, second.validation)
    assert np.array_equal(first.test, second.test)
    assert not set(second.pool) & (set(second.validation) | set(second.test))
    assert np.array_equal(np.sort(first.training), np.setdiff1d(np.arange(200), first.test))


def test_the_seed_decides_and_nothing_else_does() -> None:
    labels = np.arange(300) % 3
    one = split_whole(labels, test=0.2, validation=0.1, pool_size=100, seed=5)
    np.random.default_rng(0).random(7)
    again = split_whole(labels, test=0.2, validation=0.1, pool_size=100, seed=5)
    other = split_whole(labels, test=0.2, validation=0.1, pool_size=100, seed=6)
    for part in ("pool", "validation", "test"):
        assert np.array_equal(getattr(one, part), getattr(again, part))
        assert not np.array_equal(np.sort(getattr(one, part)), np.sort(getattr(other, part)))


def test_the_pool_is_drawn_uniformly() -> None:
    labels = np.arange(60) % 2
    drawn = np.zeros(60)
    for seed in range(400):
        drawn[split_training(labels, validation=0.1, pool_size=27, seed=seed)[0]] += 1
    # 27 of 60 rows each time: 180 expected, with a deviation of about 10.
    assert np.all(np.abs(drawn - 180) < 45)


def test_the_pool_is_not_in_the_order_of_its_source() -> None:
    pool, _ = split_training(np.repeat([0, 1], 100), validation=0.1)
    assert 30 < np.repeat([0, 1], 100)[pool][:90].sum() < 60


def test_the_one_row_of_a_class_stays_for_the_pool() -> None:
    labels = np.array([0] * 20 + [1] * 20 + [2])
    for seed in range(20):
        assert 40 in split_whole(labels, test=0.3, validation=0.3, seed=seed).pool


@pytest.mark.parametrize(
    ("labels", "fraction", "message"),
    [
        (
            np.arange(30) % 10,
            0.2,
            r"a stratified validation split has at least one row a class on each side \(got rows=30, classes of two"
            r" rows or more=10, validation=0.2 or 6 rows\); raise validation to 0.334 or more",
        ),
        (np.arange(30) % 10, 0.9, r"validation=0.9 or 27 rows\); lower validation$"),
        (np.arange(5), 0.5, r"classes of two rows or more=0, .*; bring more rows a class$"),
        (np.array([0, 0, 0, 1, 1, 2, 2]), 0.1, r"raise validation to 0.429 or more"),
        (np.array([0, 0, 0, 1, 1, 2]), 0.1, r"raise validation to 0.334 or more"),
        (np.empty(0, dtype=np.int64), 0.1, r"got rows=0, .*; bring more rows a class$"),
    ],
)
def test_too_few_rows_are_said_with_a_remedy_that_helps(
    labels: NDArray[np.int64], fraction: float, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        split_training(labels, validation=fraction)


def test_the_fraction_that_the_message_names_is_enough() -> None:
    for rows in range(20, 60):
        labels = np.arange(rows) % 10
        try:
            split_training(labels, validation=0.05)
        except DataError as error:
            named = float(str(error).split("raise validation to ")[1].split(" ")[0])
            assert split_training(labels, validation=named)[1].size >= 10


def test_a_pool_larger_than_what_is_left_is_refused() -> None:
    labels = np.arange(100) % 2
    message = r"pool_size is at most .* \(got pool_size=91, left=90\); lower pool_size or omit it"
    with pytest.raises(ConfigError, match=message):
        split_training(labels, validation=0.1, pool_size=91)
    assert split_training(labels, validation=0.1, pool_size=90)[0].size == 90
