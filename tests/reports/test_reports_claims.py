"""Each claim of the paper falls as the numbers have it, and no number decides more than it can."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from report_cases import from_accuracies
from result_cases import GEOMETRY, SHIFT, experiment

from ladle.experiments import ExperimentResults
from ladle.reports.claims.claim import Claim, is_the_papers
from ladle.reports.claims.claimed_orderings import COMPARED
from ladle.reports.claims.claims import claims
from ladle.reports.orderings import Part, Verdict, judge, outcome


def verdicts(found: list[Claim]) -> dict[str, str]:
    return {claim.text: claim.verdict for claim in found}


def test_a_world_as_the_paper_says_reproduces_it() -> None:
    # random, entropy, grad, badge, k-center: the gain at the end over random.
    good = (0.0, 0.0, 0.10, 0.08, 0.04)
    experiments = [
        experiment("20newsgroups", "20newsgroups", "mlp", good),
        experiment("cifar10-vgg16-1000", "cifar10", "vgg16", good),
    ]
    figures = {"1": GEOMETRY, "2": SHIFT}
    found = verdicts(claims(experiments, figures, {}))
    for text, verdict in found.items():
        if text.startswith(
            ("20 Newsgroups: grad", "cifar10, vgg16: grad", "grad and BADGE", "grad beats", "out of dist")
        ):
            assert verdict == "reproduced", text


def test_a_world_the_other_way_round_does_not() -> None:
    bad = (0.10, 0.08, 0.0, 0.02, 0.04)
    experiments = [
        experiment("20newsgroups", "20newsgroups", "mlp", bad),
        experiment("cifar10-vgg16-1000", "cifar10", "vgg16", bad),
    ]
    found = verdicts(claims(experiments, {"2": SHIFT | {"auroc": 0.4}}, {}))
    for text, verdict in found.items():
        if text.startswith(
            ("20 Newsgroups: grad", "cifar10, vgg16: grad", "grad and BADGE", "grad beats", "out of dist")
        ):
            assert verdict == "not reproduced", text


def test_what_was_not_run_is_said_to_be() -> None:
    assert set(verdicts(claims([], {}, {})).values()) == {"not run"}


def test_numbers_of_a_claim_are_those_of_the_runs() -> None:
    accuracies = np.full((5, 3, 4), 0.5)
    accuracies[2] += 0.25
    found = replace(
        from_accuracies(accuracies, COMPARED),
        config={"data": {"name": "20newsgroups"}, "model": {"name": "mlp"}},
        name="20newsgroups",
    )
    (claim,) = [one for one in claims([found], {}, {}) if one.text.startswith("20 Newsgroups: grad")]
    assert claim.verdict == "mixed"  # BADGE and k-center are not ahead
    assert claim.number.startswith("20newsgroups, area under the curve in %: grad 75.00, random 50.00")
    assert claim.number.endswith("2 of 6 differences as claimed, 2 of them beyond the interval")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1 + 2.0**-k for k in range(30)], "reproduced"),
        ([30.0 - k for k in range(30)], "mixed"),  # falls to the end: nothing levels off
        ([1 + 2.0**-k for k in range(27)] + [1.0, 1.1, 1.0], "mixed"),
        ([1.0, 2.0, 3.0], "not reproduced"),
        ([1.0, 0.5, 1.0], "not reproduced"),
    ],
)
def test_a_discrepancy_that_falls_and_levels_off_is_told_from_others(values: list[float], expected: str) -> None:
    figure = {"20newsgroups": {"discrepancies": values, "rate": 0.9, "violations": []}}
    found = verdicts(claims([], {"6": figure}, {}))
    assert found["20 Newsgroups: the discrepancy decreases over training and levels off (figure 6)"] == expected


def test_all_seeds_of_a_curve_are_judged() -> None:
    falls: dict[str, Any] = {"discrepancies": [1 + 2.0**-k for k in range(30)], "rate": 0.9, "violations": []}
    rises: dict[str, Any] = {"discrepancies": [1.0 + k for k in range(30)], "rate": 1.1, "violations": [1]}

    def claim(*seeds: dict[str, Any]) -> Claim:
        figure = {"gisette": {**seeds[0], "others": list(seeds[1:]), "losses": [2.0, 0.5]}}
        return next(one for one in claims([], {"6": figure}, {}) if one.text.startswith("Gisette"))

    assert claim(falls, falls).verdict == "reproduced"
    assert claim(rises, rises).verdict == "not reproduced"
    assert claim(falls, rises).verdict == claim(rises, falls).verdict == "mixed"
    assert "while the loss goes from 2.0000 to 0.5000; another seed: from 1 over 1" in claim(falls, rises).number


@pytest.mark.parametrize(("violations", "expected"), [(0, "mixed"), (3, "reproduced"), (15, "mixed")])
def test_a_curve_that_is_broken_now_and_then_breaks_in_some_epochs_and_not_in_most(
    violations: int, expected: str
) -> None:
    values = [30.0 - k for k in range(30)]
    figure = {"german-credit": {"discrepancies": values, "rate": 0.9, "violations": list(range(violations))}}
    found = verdicts(claims([], {"6": figure}, {}))
    assert found["German Credit: decreasing, with occasional epochs that violate monotony (figure 6)"] == expected


def behind(gaps: list[list[float]], name: str = "one") -> ExperimentResults:
    """An experiment of grad and entropy: by seed, how far grad is ahead of entropy in all rounds."""
    accuracies = np.full((2, 3, len(gaps[0])), 0.5)
    accuracies[0, 1:] += np.asarray(gaps)
    return replace(from_accuracies(accuracies, ("grad", "entropy")), name=name)


@pytest.mark.parametrize(
    ("gaps", "verdict"),
    [
        ([0.10, 0.11, 0.09], "reproduced"),
        ([0.10, -0.09, 0.02], "mixed"),  # ahead in the mean, by no more than chance
        ([-0.10, 0.09, -0.02], "not reproduced"),
        ([-0.10, -0.11, -0.09], "not reproduced"),
    ],
)
def test_a_claim_needs_its_means_and_one_interval(gaps: list[float], verdict: str) -> None:
    part: Part
    for part in ("area", "early", "late"):
        found, number = judge([behind([gaps, gaps])], [("grad", "entropy")], part)
        assert found == verdict
        assert ("against it beyond the interval: entropy over grad" in number) == (gaps[2] == -0.09)
    # One experiment for it beyond chance and one against it beyond chance: neither.
    ahead, back = behind([[0.10, 0.11, 0.09]] * 2, "ahead"), behind([[-0.10, -0.11, -0.09]] * 2, "back")
    assert judge([ahead, back], [("grad", "entropy")], "area")[0] == "mixed"
    told = outcome([ahead, back, behind([[0.1, -0.09, 0.02]] * 2, "open")], "grad", "entropy")
    assert str(told) == "better in 1 of 3 (ahead), worse in 1 (back), not told apart in 1 (open)"
    assert str(outcome([back], "grad", "entropy")) == "worse in 1 of 1 (back)"


def test_curves_that_have_to_meet_reproduce_nothing() -> None:
    accuracies = np.full((5, 4, 3), 0.5)
    accuracies[:, 1] += np.arange(5)[:, None] / 10
    found = replace(
        from_accuracies(accuracies, COMPARED, labeled=[100, 200, 300, 400]),
        config={"data": {"name": "isolet"}, "model": {"name": "mlp"}},
    )
    text = "ISOLET: differences are most visible in early to middle rounds, then the curves converge"
    assert verdicts(claims([replace(found, data={"pool": 1000})], {}, {}))[text] == "reproduced"
    assert verdicts(claims([replace(found, data={"pool": 410})], {}, {}))[text] == "mixed"


def test_times_within_their_spread_are_in_no_order() -> None:
    def rows(*seconds: tuple[float, float]) -> dict[str, Any]:
        names = ("entropy", "grad", "badge", "k-center")
        return {name: {"selection": list(s), "with_forward": list(s)} for name, s in zip(names, seconds, strict=True)}

    def verdict(*seconds: tuple[float, float]) -> list[Verdict]:
        found = claims([], {}, {"models": {"lenet": rows(*seconds)}})
        return [claim.verdict for claim in found if claim.section == "4.6"][:2]

    assert verdict((1.0, 0.1), (2.4, 0.1), (3.0, 0.1), (3.5, 0.1)) == ["reproduced", "reproduced"]
    assert verdict((1.0, 0.1), (1.0, 0.1), (3.3, 4.0), (3.0, 4.0)) == ["mixed", "not reproduced"]
    assert verdict((1.0, 0.1), (0.5, 0.1), (3.0, 0.1), (3.5, 0.1)) == ["not reproduced", "not reproduced"]


def test_times_of_two_networks_make_one_claim() -> None:
    def rows(*seconds: float) -> dict[str, Any]:
        names = ("entropy", "grad", "badge", "k-center")
        return {name: {"selection": [s, 0.1], "with_forward": [s, 0.1]} for name, s in zip(names, seconds, strict=True)}

    models = {"lenet": rows(1.0, 2.3, 3.0, 4.0), "resnet18": rows(1.0, 1.1, 3.0, 4.0)}
    order, factor, _ = (claim for claim in claims([], {}, {"models": models}) if claim.section == "4.6")
    assert (order.verdict, factor.verdict) == ("reproduced", "mixed")
    assert factor.number.startswith("lenet: 2.300 ×, the pass over the pool counted; resnet18: 1.100 ×")


@pytest.mark.parametrize(("late", "expected"), [(3.0, "reproduced"), (1.0, "not reproduced")])
def test_the_growth_of_k_center_is_read_from_the_runs(late: float, expected: str) -> None:
    found = experiment("cifar10-lenet-1000", "cifar10", "lenet", (0.0,) * 5)
    seconds = np.ones_like(found.selection_seconds)
    seconds[COMPARED.index("k-center")] = np.linspace(2, late, seconds.shape[1])[:, None] + np.arange(5) / 100
    seconds[:, 1, 0] = 3600.0  # a machine that slept for an hour
    seconds[:, -1] = np.nan
    claim = claims([replace(found, selection_seconds=seconds)], {}, {})[-4]
    assert (claim.text, claim.verdict) == ("k-center can cost more as the labeled set grows", expected)
    assert ("cifar10-lenet-1000 2.20 s with" in claim.number) == (expected == "reproduced")


DRAWS: dict[str, dict[str, list[float]]] = {
    "ahead": {"grad": [2.0, 2.1, 2.2], "entropy": [1.0, 1.0, 1.1]},
    "open, ahead": {"grad": [2.0, 0.9, 1.2], "entropy": [1.0, 1.0, 1.0]},
    "open, behind": {"grad": [1.0, 0.0, 1.1], "entropy": [1.0, 1.0, 1.0]},
    "behind": {"grad": [0.5, 0.4, 0.5], "entropy": [1.0, 1.0, 1.0]},
}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (("ahead", "ahead", "ahead"), "reproduced"),
        (("ahead", "ahead", "open, ahead"), "mixed"),
        (("ahead", "behind", "behind"), "mixed"),
        (("open, ahead", "open, ahead", "open, ahead"), "mixed"),
        (("open, ahead", "open, ahead", "behind"), "not reproduced"),
        (("open, behind", "open, behind", "open, behind"), "not reproduced"),
        (("behind", "behind", "behind"), "not reproduced"),
    ],
)
def test_dispersion_is_judged_over_draws(sizes: tuple[str, str, str], expected: str) -> None:
    values = {
        f"{name}, {size}": DRAWS[kind][name]
        for size, kind in zip((10, 20, 40), sizes, strict=True)
        for name in ("grad", "entropy")
    }
    figure: dict[str, Any] = GEOMETRY | {"seeds": 3, "dispersions": {"gradient space": values, "input space": values}}
    for claim in claims([], {"1": figure}, {})[1:3]:
        assert claim.verdict == expected
        assert "over 3 draws of mnist-5000: B = 10: " in claim.number
        if sizes[0] == "ahead":
            assert "B = 10: +1.07 [+0.92, +1.21], larger in 3 of 3" in claim.number


def test_one_draw_reproduces_nothing() -> None:
    gradients, inputs = claims([], {"1": GEOMETRY}, {})[1:3]
    assert (gradients.verdict, inputs.verdict) == ("mixed", "not reproduced")
    assert gradients.number.startswith("dispersion of one draw of mnist-5000")


def on_parts_of_the_data(gains: tuple[float, ...]) -> list[ExperimentResults]:
    return [
        experiment("digits", "digits", "mlp", gains),
        experiment("poker-hand-uci", "poker-hand-uci", "mlp", gains, seed=1),
        experiment("cifar10-lenet-1000", "cifar10", "lenet", gains, seed=2),
    ]


def test_other_data_than_the_paper_s_reproduce_nothing() -> None:
    found = claims(on_parts_of_the_data((0.0, 0.02, 0.10, 0.08, 0.04)), {}, {})
    assert "reproduced" not in {claim.verdict for claim in found if claim.section in ("1", "4.4", "4.5")}
    lowest = next(claim for claim in found if claim.text.startswith("grad and BADGE have the lowest loss scores of"))
    reason = "; at best mixed, since the data of digits and poker-hand-uci are not the paper's"
    assert lowest.verdict == "mixed"
    assert lowest.number.endswith(reason)
    # What is not reproduced stays so, and the reader learns on which data.
    other = claims(on_parts_of_the_data((0.10, 0.08, 0.0, 0.02, 0.04)), {}, {})
    trailing = next(claim for claim in other if claim.text.startswith("OpenML 155: random trails"))
    assert trailing.verdict == "not reproduced"
    assert trailing.number.endswith("; not the paper's data: poker-hand-uci")


def test_a_setting_is_the_paper_s_by_data_network_and_pool() -> None:
    def one(data: str, model: str, **more: Any) -> ExperimentResults:
        found = experiment("one", data, model, (0.0,) * 5)
        return replace(found, config={**found.config, "data": {"name": data, **more}})

    for data in ("20newsgroups", "isolet", "pokerhand"):
        assert is_the_papers(one(data, "mlp"))
        assert not is_the_papers(one(data, "mlp", pool_size=1000))
    for data in ("cifar10", "stl10", "cinic10", "gtsrb", "svhn"):
        assert is_the_papers(one(data, "vgg16", pool_size=None))
        assert not is_the_papers(one(data, "mlp"))
    assert is_the_papers(one("cifar10", "lenet", pool_size=25_000))
    assert not is_the_papers(one("cifar10", "lenet", pool_size=24_999))
    for data in ("digits", "isolet-1560", "poker-hand-uci", "mnist", "table"):
        assert not is_the_papers(one(data, "mlp"))


def test_runs_on_the_whole_data_decide_before_those_on_a_part() -> None:
    good, bad = (0.0, 0.10, 0.04, 0.12, 0.04), (0.12, 0.0, 0.04, 0.0, 0.04)
    whole = experiment("pokerhand", "pokerhand", "mlp", good)
    part = experiment("poker-hand-uci", "poker-hand-uci", "mlp", bad)
    text = "OpenML 155: BADGE and entropy are ahead of the others in early rounds"
    assert verdicts(claims([part, whole], {}, {}))[text] == "reproduced"
    assert verdicts(claims([part], {}, {}))[text] == "not reproduced"
