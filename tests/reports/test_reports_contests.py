"""Section 4.5 is decided by significant tests, and by none where they are too few."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from report_cases import CATALOG, made_up
from result_cases import experiment

from ladle.reports.analysis import contests
from ladle.reports.claims.claimed_contests import Tally, contest_claims, extreme, more_wins, tallies, third
from ladle.reports.claims.claimed_orderings import COMPARED


def tally(*experiments: dict[tuple[str, str], int], rounds: int = 10) -> Tally:
    """Tests of experiments of so many rounds, by (winner, loser); all others are zero."""
    return Tally(
        COMPARED,
        (rounds,) * len(experiments),
        tuple({(a, b): wins.get((a, b), 0) for a, b in product(COMPARED, repeat=2)} for wins in experiments),
    )


#: The others lose to BADGE three times.
CLEAR = {("badge", "random"): 3, ("badge", "entropy"): 3, ("badge", "k-center"): 3}


@pytest.mark.parametrize(
    ("found", "expected", "hangs"),
    [
        (tally(CLEAR, CLEAR), "reproduced", "6 significant tests in 2 of two experiments, badge no significant test"),
        (tally(CLEAR, {}), "undecided", "3 significant tests in 1 of two experiments"),
        (
            tally(
                {("badge", "random"): 3, ("badge", "entropy"): 3, ("badge", "k-center"): 1},
                CLEAR | {("badge", "k-center"): 1},
            ),
            "undecided",
            "hang on two tests: k-center lost 2 significant tests in 2 of two experiments",
        ),
        (
            tally({("random", "grad"): 3, ("random", "badge"): 3}, {("random", "grad"): 3, ("random", "badge"): 3}),
            "not reproduced",
            "hang on six tests",
        ),
        (
            tally({("random", "grad"): 9, ("random", "badge"): 1}, {("random", "grad"): 9, ("random", "badge"): 1}),
            "undecided",
            "badge lost 2",
        ),
        (tally(CLEAR | {("badge", "grad"): 7}, CLEAR), "mixed", "loss scores: badge 0.00"),
        (tally({}, {}), "undecided", "no significant test"),
    ],
)
def test_loss_scores_decide_by_three_tests_in_two_experiments(found: Tally, expected: str, hangs: str) -> None:
    verdict, number = extreme(found, ("grad", "badge"), 1)
    assert verdict == expected
    assert hangs in number


def test_who_loses_most_is_asked_in_the_same_way() -> None:
    lost = {("badge", name): 4 for name in ("random", "entropy")} | {("badge", "k-center"): 1}
    assert extreme(tally(lost, lost), ("entropy", "random"), -1)[0] == "reproduced"
    assert extreme(tally(lost, {}), ("entropy", "random"), -1)[0] == "undecided"
    assert extreme(tally(lost, lost), ("grad", "badge"), -1)[0] == "not reproduced"
    assert extreme(tally(lost, lost), ("entropy", "badge"), -1)[0] == "mixed"


def test_a_lead_hangs_on_the_tests_that_make_it_and_not_on_all_that_were_lost() -> None:
    both = {("k-center", name): 4 for name in ("random", "badge")}
    found = tally(both, both | {("k-center", "random"): 5})
    verdict, number = extreme(found, ("random",), -1)
    assert verdict == "undecided"
    assert "hang on one test: random lost 9 significant tests in 2 of two experiments, badge 8" in number


def test_tests_of_short_experiments_weigh_more_and_equal_shares_are_equal() -> None:
    wins = tally({("grad", "entropy"): 1}, {("grad", "entropy"): 1}).wins
    found = Tally(COMPARED, (3, 6), wins)
    assert found.loss["entropy"] == Fraction(1, 10)
    assert found.hangs_on([0, 1], [1, 0]) == 1
    assert Tally(COMPARED, (3, 6), wins).share([1, 2]) == Tally(COMPARED, (3, 6), wins).share([2, 0])
    assert found.hangs_on([1, 0], [0, 2]) == 0


@pytest.mark.parametrize(
    ("won", "lost", "expected"),
    [
        ((2, 2), (0, 0), "reproduced"),
        ((0, 0), (2, 2), "not reproduced"),
        ((0, 0), (1, 0), "undecided"),
        ((9, 0), (0, 0), "undecided"),  # one experiment
        ((5, 5), (4, 4), "undecided"),  # hangs on two
        ((2, 2), (2, 2), "mixed"),
        ((0, 0), (0, 0), "undecided"),
    ],
)
def test_two_strategies_are_held_against_each_other_by_tests(
    won: tuple[int, int], lost: tuple[int, int], expected: str
) -> None:
    found = tally(*({("grad", "entropy"): a, ("entropy", "grad"): b} for a, b in zip(won, lost, strict=True)))
    assert more_wins(found, "grad", "entropy")[0] == expected


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ((8, 7, 0, 1, 4), "reproduced"),
        ((8, 4, 0, 1, 4), "mixed"),
        ((8, 7, 5, 1, 4), "mixed"),
        ((8, 7, 5, 6, 0), "not reproduced"),
        ((1, 2, 3, 0, 9), "not reproduced"),
        ((5, 5, 3, 3, 4), "undecided"),
    ],
)
def test_the_third_of_five_is_intermediate(losses: tuple[int, ...], expected: str) -> None:
    # All are lost to grad, and those of grad to BADGE.
    one = {("badge" if name == "grad" else "grad", name): count for name, count in zip(COMPARED, losses, strict=True)}
    assert third(tally(one, one), "k-center")[0] == expected


def test_tallies_are_the_penalty_matrices_in_whole_tests() -> None:
    experiments = [made_up(CATALOG, seed=seed, evaluations=rounds) for seed, rounds in enumerate((5, 9, 14))]
    matrices = contests(experiments)
    found = tallies(experiments)
    assert list(found) == list(matrices) == ["all", "early", "late"]
    for view, contest in matrices.items():
        whole = found[view]
        assert contest.penalty.any()
        for i, first in enumerate(CATALOG):
            assert float(whole.loss[first]) == pytest.approx(contest.loss[i])
            for j, second in enumerate(CATALOG):
                assert float(whole.share(whole.won(first, second))) == pytest.approx(contest.penalty[i, j])
    assert found["all"].rounds == (4, 8, 13)
    assert found["late"].rounds == (3, 3, 3)


def test_short_experiments_have_no_early_and_late_claims() -> None:
    gains = (0.0, 0.0, 0.10, 0.08, 0.04)
    short = [experiment(str(seed), "cifar10", "lenet", gains, evaluations=4, seed=seed) for seed in range(2)]
    claims = {claim.text: claim.verdict for claim in contest_claims(short)}
    assert {verdict for text, verdict in claims.items() if "early" in text or "late" in text} == {"not run"}
    assert claims["grad beats entropy more often than entropy beats grad"] == "reproduced"
    assert np.all([claim.verdict == "not run" for claim in contest_claims([])])
