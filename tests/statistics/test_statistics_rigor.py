"""Corrections, ranks, effects, profiles and power against published values and numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ladle.errors import InputError, MissingExtraError
from ladle.statistics import (
    adjusted_p_values,
    bootstrap_interval,
    friedman,
    paired_effect,
    paired_p_values,
    performance_profiles,
    power_of_paired_test,
    seeds_needed,
)

pytest.importorskip("statsmodels")
pytest.importorskip("scikit_posthocs")


def test_holm_by_hand() -> None:
    # Sorted: .01, .02, .03, .04 times 4, 3, 2, 1, never falling.
    values = [0.03, 0.01, 0.04, 0.02]
    assert adjusted_p_values(values, method="holm") == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_benjamini_and_hochberg_by_hand() -> None:
    # Sorted: .01, .02, .03, .5 times 4/1, 4/2, 4/3, 4/4, never rising from the back.
    assert adjusted_p_values([0.5, 0.01, 0.03, 0.02], method="benjamini-hochberg") == pytest.approx(
        [0.5, 0.04, 0.04, 0.04]
    )


def test_no_test_counts_as_none_and_stays_none() -> None:
    values = np.array([[0.01, np.nan], [0.04, np.nan]])
    adjusted = adjusted_p_values(values)
    assert adjusted[:, 0] == pytest.approx([0.02, 0.04])
    assert np.isnan(adjusted[:, 1]).all()
    assert np.isnan(adjusted_p_values([np.nan])).all()


def test_what_is_no_p_value_is_refused() -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        adjusted_p_values([1.5])
    with pytest.raises(InputError, match="holm, benjamini-hochberg"):
        adjusted_p_values([0.5], method="bonferroni")  # type: ignore[arg-type]


def test_pairs_are_tested_in_every_round() -> None:
    accuracies = np.random.default_rng(0).random((3, 2, 5))
    found = paired_p_values(accuracies)
    assert np.isnan(found[np.arange(3), np.arange(3)]).all()
    for first, second in ((0, 1), (0, 2), (1, 2)):
        for number in range(2):
            expected = scipy.stats.ttest_rel(accuracies[first, number], accuracies[second, number]).pvalue
            assert found[first, second, number] == pytest.approx(expected)
            assert found[second, first, number] == found[first, second, number]
    with pytest.raises(InputError, match="at least two seeds"):
        paired_p_values(accuracies[..., :1])


# Demšar (2006), table 6: AUC of four variants of a tree learner on 14 data sets.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def test_ranks_as_published() -> None:
    found = friedman(DEMSAR)
    assert found.mean_ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert found.critical_difference == pytest.approx(1.25, abs=5e-3)
    assert friedman(DEMSAR, alpha=0.10).critical_difference == pytest.approx(1.12, abs=5e-3)
    # His 9.28 leaves the ties out; corrected for them it is larger.
    assert found.statistic == pytest.approx(scipy.stats.friedmanchisquare(*DEMSAR.T).statistic)
    assert 9.28 < found.statistic < 10.5
    # A pair differs at 0.05 exactly where its mean ranks are further apart than the critical difference.
    apart = np.abs(found.mean_ranks[:, None] - found.mean_ranks) > found.critical_difference
    assert ((found.p_values < 0.05) == apart).all()


def test_methods_that_are_all_equal_share_a_rank() -> None:
    found = friedman(np.ones((4, 3)))
    assert found.mean_ranks.tolist() == [2.0, 2.0, 2.0]
    assert (found.p_value, found.statistic) == (1.0, 0.0)
    for scores in (np.ones((1, 3)), np.ones((4, 2))):
        with pytest.raises(InputError, match="two data sets and three methods"):
            friedman(scores)
    with pytest.raises(InputError, match=r"^alpha must lie strictly between 0 and 1 \(got alpha=1\.0\)"):
        friedman(np.ones((4, 3)), alpha=1.0)


def test_a_paired_effect_is_that_of_the_t_test() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=7), rng.normal(size=7)
    found = paired_effect(first, second)
    expected = scipy.stats.ttest_rel(first, second)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.difference == pytest.approx((first - second).mean())
    assert found.standardized == pytest.approx(expected.statistic / np.sqrt(7))
    # Two seeds: one degree of freedom, whose quantile is tan(0.475 π).
    two = paired_effect([1.0, 3.0], [0.0, 0.0])
    assert (two.low, two.high) == pytest.approx((2 - np.tan(0.475 * np.pi), 2 + np.tan(0.475 * np.pi)))
    one = paired_effect([0.5], [0.25])
    assert (one.difference, one.low, one.high) == (0.25, -np.inf, np.inf)
    with pytest.raises(InputError, match="pair them by seed"):
        paired_effect([1.0, 2.0], [1.0])


def test_a_bootstrap_interval_lies_within_the_values_and_repeats() -> None:
    values = np.random.default_rng(2).random(5)
    low, high = bootstrap_interval(values)
    assert values.min() <= low < values.mean() < high <= values.max()
    assert bootstrap_interval(values) == (low, high)
    few = [bootstrap_interval(values, resamples=20, seed=seed) for seed in (0, 1)]
    assert bootstrap_interval(values, resamples=20) == few[0] != few[1]
    assert few[0] != (low, high)
    assert bootstrap_interval([0.3, 0.3]) == (0.3, 0.3)
    with pytest.raises(InputError, match="at least two"):
        bootstrap_interval([0.3])


def test_a_bootstrap_interval_covers_as_often_as_it_says_with_many_seeds() -> None:
    rng = np.random.default_rng(3)
    covered = [
        low <= 0.0 <= high for low, high in (bootstrap_interval(rng.normal(size=40), resamples=500) for _ in range(300))
    ]
    assert 0.88 < np.mean(covered) < 0.98


def test_profiles_by_hand() -> None:
    costs = [[1.0, 2.0, np.inf], [4.0, 2.0, 2.0], [np.inf, np.inf, np.inf]]
    found = performance_profiles(costs, [1.0, 2.0, 100.0])
    third = 1 / 3
    assert found[0] == pytest.approx([third, 2 * third, 2 * third])
    assert found[1] == pytest.approx([third, 2 * third, 2 * third])
    assert found[2] == pytest.approx([third, third, third])
    with pytest.raises(InputError, match="positive"):
        performance_profiles([[0.0, 1.0]], [1.0])
    with pytest.raises(InputError, match="at least 1"):
        performance_profiles([[1.0, 1.0]], [0.5])
    # A problem of weight 2 counts as that problem twice.
    weighted = performance_profiles(costs, [1.0, 2.0], weights=[2.0, 1.0, 1.0])
    assert weighted == pytest.approx(performance_profiles([costs[0], *costs], [1.0, 2.0]))
    for weights in ([1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 1.0, np.nan]):
        with pytest.raises(InputError, match=r"weights are positive numbers, one a problem \(got shape"):
            performance_profiles(costs, [1.0], weights=weights)


def test_power_as_published() -> None:
    # Cohen's tables and the common programs: d_z = 0.5 needs 34 pairs, 0.8 needs 15, 0.2 needs 199.
    for size, pairs in ((0.5, 34), (0.8, 15), (0.2, 199)):
        assert seeds_needed(size, 1.0) == pairs
    assert power_of_paired_test(0.5, 1.0, 34) == pytest.approx(0.808, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(difference=st.floats(0.002, 0.2), deviation=st.floats(0.001, 0.1))
def test_one_seed_less_would_not_do(difference: float, deviation: float) -> None:
    seeds = seeds_needed(difference, deviation)
    assert power_of_paired_test(difference, deviation, seeds) >= 0.8
    if seeds > 2:
        assert power_of_paired_test(difference, deviation, seeds - 1) < 0.8


def test_power_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="difference of 0"):
        seeds_needed(0.0, 1.0)
    with pytest.raises(InputError, match="deviation above 0"):
        seeds_needed(0.1, 0.0)
    with pytest.raises(InputError, match="two seeds"):
        power_of_paired_test(0.1, 0.1, 1)


@pytest.mark.parametrize(("power", "alpha"), [(0.06, 0.05), (0.2, 0.1), (0.11, 0.1)])
def test_power_little_above_the_level_needs_no_more_seeds_than_it_must(power: float, alpha: float) -> None:
    # There the other side of the test helps, and the guess by the normal law may be too high.
    seeds = seeds_needed(0.1, 1.0, alpha=alpha, power=power)
    assert seeds == next(n for n in range(2, 9999) if power_of_paired_test(0.1, 1.0, n, alpha=alpha) >= power)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for module in ("statsmodels.stats.multitest", "scikit_posthocs"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"correcting p-values .*ladle\[results\]"):
        adjusted_p_values(np.array([0.1, 0.2]))
    with pytest.raises(MissingExtraError, match=r"ranking methods .*ladle\[results\]"):
        friedman(np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 1.0]]))
