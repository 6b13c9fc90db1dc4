"""What the paper says of the shape of curves is read off curves that were made to have it, and not off others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from report_cases import from_accuracies

from ladle.experiments import ExperimentResults
from ladle.reports.claims.claimed_curves import (
    SHAPES,
    close_mostly,
    close_throughout,
    converges,
    entropys_lag_narrows,
    gap_grows,
    grad_catches_up,
    informed_saturate,
    k_center_dips,
    middle_matters_most,
    random_tracks_badge,
    shape_claims,
)
from ladle.reports.claims.claimed_orderings import COMPARED, SUBJECTS

#: Seeds differ by hundredths of a point in ways of their own, so that intervals are narrow and not empty.
NOISE = np.random.default_rng(0).normal(0, 1e-4, (5, 10, 4))


def curves(*rounds: Sequence[float], noise: float = 1.0) -> ExperimentResults:
    """An experiment from the accuracies of the paper's five at each evaluation."""
    values = np.array(rounds).T[:, :, None] + noise * NOISE[:, : len(rounds)]
    values[:, 0] = values[0, 0]
    found = from_accuracies(values, COMPARED)
    return replace(found, config={"data": {"name": "cifar10"}, "model": {"name": "resnet18"}}, data={"pool": 25_000})


def level(value: float, *gaps: float) -> list[float]:
    """The five at one evaluation: random has the value, the others the value and a gap."""
    return [value, *(value + gap for gap in gaps)]


FLAT = level(0.5, 0.0, 0.0, 0.0, 0.0)
APART = level(0.5, 0.1, 0.1, 0.1, 0.1)


def test_a_gap_that_grows_is_told_from_one_that_closes() -> None:
    growing, closing = [FLAT, *[FLAT] * 3, *[APART] * 3], [FLAT, *[APART] * 3, *[FLAT] * 3]
    assert gap_grows(curves(*growing))[0] == "reproduced"
    assert gap_grows(curves(*closing))[0] == "not reproduced"
    assert gap_grows(curves(*growing, noise=1000))[0] != "reproduced"
    assert (converges(curves(*growing))[0], converges(curves(*closing))[0]) == ("not reproduced", "reproduced")


def test_the_middle_third_is_held_against_both_others() -> None:
    hill = [FLAT, *[FLAT] * 3, *[APART] * 3, *[FLAT] * 3]
    assert middle_matters_most(curves(*hill))[0] == "reproduced"
    assert middle_matters_most(curves(FLAT, *[APART] * 3, *[FLAT] * 3, *[APART] * 3))[0] == "not reproduced"
    # Larger than the first third, smaller than the last.
    rising = [FLAT, *[FLAT] * 3, *[level(0.5, 0.05, 0.05, 0.05, 0.05)] * 3, *[APART] * 3]
    assert middle_matters_most(curves(*rising))[0] == "mixed"


def test_saturation_needs_curves_that_meet_and_stop_rising() -> None:
    rise = [level(value, 0.0, 0.0, 0.0, 0.05) for value in (0.2, 0.4, 0.5, 0.55, 0.58, 0.59, 0.6, 0.6, 0.6)]
    assert informed_saturate(curves(*rise))[0] == "reproduced"
    straight = [level(0.1 * step, 0.0, 0.0, 0.0, 0.05) for step in range(9)]
    assert informed_saturate(curves(*straight))[0] == "mixed"
    apart = [level(value, 0.0, 0.03, 0.06, 0.09) for value in (0.2, 0.4, 0.5, 0.55, 0.58, 0.59, 0.6, 0.6, 0.6)]
    assert informed_saturate(curves(*apart))[0] == "mixed"
    assert informed_saturate(curves(*(level(0.1 * step, 0.0, 0.03, 0.06, 0.09) for step in range(9))))[0] == (
        "not reproduced"
    )
    falling, number = informed_saturate(curves(*(level(0.9 - 0.1 * step, 0.0, 0.0, 0.0, 0.0) for step in range(9))))
    assert falling == "mixed"
    assert "inf" not in number


@pytest.mark.parametrize(
    ("apart", "throughout", "mostly"),
    [(0, "reproduced", "reproduced"), (2, "mixed", "reproduced"), (3,) + ("not reproduced",) * 2],
)
def test_close_is_counted_by_rounds(apart: int, throughout: str, mostly: str) -> None:
    found = curves(FLAT, *[APART] * apart, *[level(0.5, 0.015, 0.0, 0.0, 0.0)] * (6 - apart))
    assert close_throughout(found)[0] == throughout
    verdict, number = close_mostly(found)
    assert verdict == mostly
    assert f"all within 2.0 points in {6 - apart} of 6 rounds" in number


def test_grad_catches_up_and_entropys_lag_narrows() -> None:
    low_grad, low_entropy = level(0.5, 0.0, -0.05, 0.0, 0.0), level(0.5, -0.05, 0.0, 0.0, 0.0)
    assert grad_catches_up(curves(FLAT, *[low_grad] * 3, *[FLAT] * 3))[0] == "reproduced"
    assert grad_catches_up(curves(FLAT, *[FLAT] * 3, *[low_grad] * 3))[0] == "not reproduced"
    assert entropys_lag_narrows(curves(FLAT, *[low_entropy] * 3, *[FLAT] * 3))[0] == "reproduced"
    assert entropys_lag_narrows(curves(FLAT, *[FLAT] * 3, *[low_entropy] * 3))[0] == "not reproduced"


@pytest.mark.parametrize(
    ("gap", "noise", "expected"),
    [(0.01, 1.0, "reproduced"), (-0.01, 1.0, "reproduced"), (0.01, 200.0, "mixed"), (0.03, 1.0, "not reproduced")],
)
def test_two_curves_track_where_their_whole_interval_is_small(gap: float, noise: float, expected: str) -> None:
    found = curves(*[level(0.5, 0.0, 0.0, gap, 0.0)] * 7, noise=noise)
    assert random_tracks_badge(found)[0] == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((0.2, 0.3, 0.4, 0.35, 0.45, 0.5), "reproduced"),
        ((0.2, 0.3, 0.4, 0.395, 0.45, 0.5), "not reproduced"),
        ((0.2, 0.3, 0.5, 0.35, 0.45, 0.49), "mixed"),  # does not come back
        ((0.2, 0.3, 0.35, 0.4, 0.45, 0.5), "not reproduced"),
    ],
)
def test_a_dip_goes_down_and_comes_back(path: tuple[float, ...], expected: str) -> None:
    verdict, number = k_center_dips(curves(*([0.1] * 4 + [value] for value in (0.1, *path))))
    assert verdict == expected
    assert ("from 400 to 500 labels, and comes back" in number) == (expected == "reproduced")


def test_every_sentence_is_not_run_undecided_or_judged() -> None:
    assert {claim.verdict for claim in shape_claims([])} == {"not run"}
    assert {shape.text.partition(":")[0] for shape in SHAPES} <= set(SUBJECTS)
    flat = curves(*[FLAT] * 7)
    told = {claim.text: claim for claim in shape_claims([flat])}
    assert told["cifar10, resnet18: methods are tightly clustered in most rounds"].verdict == "reproduced"
    short = {claim.text: claim.verdict for claim in shape_claims([curves(FLAT, FLAT, FLAT)])}
    assert short["cifar10, resnet18: methods are tightly clustered in most rounds"] == "undecided"
    # Of two schedules one says so and one does not.
    other = curves(FLAT, *[APART] * 6)
    both = {claim.text: claim.verdict for claim in shape_claims([flat, other])}
    assert both["cifar10, resnet18: methods are tightly clustered in most rounds"] == "mixed"
