"""The paired t-test against scipy's, published values, and the two limits the formula does not have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import t as student
from scipy.stats import ttest_rel

from ladle.statistics.paired_t_test import paired_t_test


def test_student_sleep_data() -> None:
    # Student (1908) on the data of Cushny and Peebles: R prints t = -4.0621, df = 9, p-value = 0.002833.
    first = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])

    mean, p_value = paired_t_test(first, second)

    assert mean == pytest.approx(-1.58)
    assert p_value == pytest.approx(0.002833, abs=5e-7)
    assert student.isf(float(p_value) / 2, 9) == pytest.approx(4.0621, abs=5e-5)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_equals_scipy_test_by_test(data: st.DataObject) -> None:
    rows = data.draw(st.integers(0, 4))
    seeds = data.draw(st.integers(2, 7))
    counts = st.lists(st.integers(0, 50), min_size=seeds, max_size=seeds)
    first = np.array([data.draw(counts) for _ in range(rows)]).reshape(rows, seeds) / 50
    second = np.array([data.draw(counts) for _ in range(rows)]).reshape(rows, seeds) / 50

    means, p_values = paired_t_test(first, second)

    assert means.shape == p_values.shape == (rows,)
    for row in range(rows):
        whole = np.rint(50 * first[row]) - np.rint(50 * second[row])
        assert means[row] == pytest.approx(whole.mean() / 50, abs=1e-15)
        if (whole == 0).all():
            assert p_values[row] == 1.0
        elif (whole == whole[0]).all():
            assert p_values[row] == 0.0
        else:
            assert p_values[row] == pytest.approx(ttest_rel(first[row], second[row]).pvalue, rel=1e-9)


@given(
    total=st.integers(2, 100_000),
    shift=st.integers(1, 50),
    counts=st.lists(st.integers(0, 100_000), min_size=2, max_size=6),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@settings(max_examples=100, deadline=None)
def test_one_difference_on_every_seed_is_certain(
    total: int, shift: int, counts: list[int], dtype: type[np.floating]
) -> None:
    # float32 cannot tell a difference of one in 100,000 from rounding when the accuracies are much larger than it.
    total = min(total, 1000) if dtype is np.float32 else total
    lower = (np.array(counts) % total / total).astype(dtype)
    higher = ((np.array(counts) % total + shift) / total).astype(dtype)

    mean, p_value = paired_t_test(higher, lower)

    assert mean > 0
    assert p_value == 0.0
    assert paired_t_test(lower, higher)[1] == 0.0


def test_rounding_makes_no_difference() -> None:
    higher, lower = np.array([0.3, 0.8, 0.5]), np.array([0.2, 0.7, 0.4])
    assert len(set(higher - lower)) > 1
    assert paired_t_test(higher, lower)[1] == 0.0

    twice, once = np.array([0.1 + 0.2, 0.1 + 0.2, 0.7 + 0.1]), np.array([0.3, 0.3, 0.8])
    assert (twice != once).any()
    assert paired_t_test(twice, once)[1] == 1.0


@pytest.mark.parametrize("level", [0.5, 100.0])
def test_identical_is_no_evidence(level: float) -> None:
    values = np.full((2, 5), level)
    mean, p_values = paired_t_test(values, values.copy())
    assert p_values.tolist() == [1.0, 1.0]
    assert mean.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("scale", [1e-250, 1e-9, 1.0, 1e100])
def test_scale_does_not_matter(scale: float) -> None:
    first: NDArray[np.float64] = np.array([1.0, 3.0, 2.0, 5.0])
    second = np.zeros(4)
    assert paired_t_test(scale * first, second)[1] == pytest.approx(ttest_rel(first, second).pvalue, rel=1e-12)
