"""The bound against numbers worked by hand, its simplification against the bound itself, and the fitted contraction."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ladle.errors import InputError
from ladle.statistics import (
    BoundConstants,
    contraction,
    contraction_factor,
    discrepancy_sum,
    generalization_bound,
    simplified_bound,
)

CONSTANTS = BoundConstants(eta=2.0, delta=0.05, examples=100, subset=20, dimension=50)


def test_the_bound_by_hand() -> None:
    # Weights (0.1 / 0.5)² = 0.04 and (0.2 / 0.5)² = 0.16 on squares 9 and 4.
    assert discrepancy_sum([3.0, 2.0], [0.1, 0.2], 0.5) == pytest.approx(0.04 * 9 + 0.16 * 4)
    c_eta = 1 / (1 - exp(-2))
    expected = 2.0 * c_eta * 0.3 + (c_eta * log(20) + 3) / 80 + c_eta * log(50 * 2) / 80 * 1.0
    assert generalization_bound(CONSTANTS, 0.3, [3.0, 2.0], [0.1, 0.2], 0.5) == pytest.approx(expected)
    assert contraction_factor([0.1, 0.2, 0.1], 0.5, start=2, steps=3) == pytest.approx(2 * 0.16)
    simple = 2.0 * c_eta * 0.3 + (c_eta * log(20) + 3) / 80 + c_eta * log(50 * 3) / 80 * 2 * 0.16 * 9
    assert simplified_bound(CONSTANTS, 0.3, 3.0, [0.1, 0.2, 0.1], 0.5, start=2, steps=3) == pytest.approx(simple)


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.floats(0.0, 10.0), min_size=1, max_size=12),
    seed=st.integers(0, 999),
)
def test_the_simplified_bound_is_never_below_under_assumption_1(values: list[float], seed: int) -> None:
    discrepancies = sorted(values, reverse=True)
    rng = np.random.default_rng(seed)
    sizes, units = rng.uniform(0.01, 1, len(values)), rng.uniform(0.01, 1, len(values))
    whole = generalization_bound(CONSTANTS, 0.1, discrepancies, sizes, units)
    simple = simplified_bound(CONSTANTS, 0.1, discrepancies[0], sizes, units, start=1, steps=len(values))
    assert simple >= whole * (1 - 1e-12)


def test_a_geometric_sequence_gives_its_rate() -> None:
    found = contraction(5.0 * 0.93 ** np.arange(40))
    assert found.rate == pytest.approx(0.93)
    assert (found.start, found.violations.tolist()) == (0, [])
    # Discrepancies below 1 count as much as others; zeros have no logarithm.
    assert contraction([*(0.5 * 0.93 ** np.arange(15)), 0.0]).rate == pytest.approx(0.93)


def test_violations_are_found_and_the_fit_begins_after_the_last() -> None:
    values = np.concatenate([[4.0, 5.0, 3.0], 3.5 * 0.9 ** np.arange(20)])
    found = contraction(values)
    assert found.violations.tolist() == [1, 3]
    assert found.start == 3
    assert found.rate == pytest.approx(0.9)
    # A violation so late that nothing would be left to fit: all epochs are taken.
    late = contraction([*(0.9 ** np.arange(20)), 1.0])
    assert (late.start, late.violations.tolist()) == (0, [20])
    assert np.isnan(contraction([0.0, 0.0]).rate)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="m < n"):
        BoundConstants(1.0, 0.1, examples=10, subset=10, dimension=1)
    with pytest.raises(InputError, match="eta is above 0"):
        BoundConstants(0.0, 0.1, examples=10, subset=5, dimension=1)
    with pytest.raises(InputError, match=r"^delta must"):
        BoundConstants(1.0, 1.5, examples=10, subset=5, dimension=1)
    with pytest.raises(InputError, match="step_sizes"):
        discrepancy_sum([1.0, 2.0], [0.1, 0.1, 0.1], 1.0)
    with pytest.raises(InputError, match="precisions"):
        discrepancy_sum([1.0, 2.0], 0.1, 0.0)
    for wrong in ([-1.0], [], [[1.0, 2.0]]):
        with pytest.raises(InputError, match="at least 0"):
            discrepancy_sum(wrong, 0.1, 1.0)
    with pytest.raises(InputError, match="empirical risk"):
        generalization_bound(CONSTANTS, -0.1, [1.0], 0.1, 1.0)
    with pytest.raises(InputError, match="t_0"):
        contraction_factor(0.1, 1.0, start=0, steps=3)
    with pytest.raises(InputError, match="two epochs"):
        contraction([1.0])
