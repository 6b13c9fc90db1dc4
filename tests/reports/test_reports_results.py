"""The page of results says what the stored numbers say, whichever way they fall, and draws every figure."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_cases import CATALOG, from_accuracies, made_up

from ladle.errors import InputError
from ladle.experiments import ExperimentResults
from ladle.reports import figure_bytes, write_results
from ladle.reports.captions import TITLES, caption, figures_section
from ladle.reports.claimed_orderings import COMPARED
from ladle.reports.claims import Claim, claims
from ladle.reports.files import freeze_layout
from ladle.reports.orderings import Part, judge, outcome
from ladle.reports.paper_figures import STORED_FIGURES, with_only, with_shared_strategies
from ladle.reports.rank_figures import critical_difference_figure, indistinct_groups, performance_profile_figure
from ladle.reports.recommendation import default_strategy, in_short, mean_ranks
from ladle.reports.results_page import results_page
from ladle.statistics import friedman

pytest.importorskip("statsmodels")
pytest.importorskip("scikit_posthocs")

GEOMETRY: dict[str, Any] = {
    "data": "mnist-5000",
    "test_accuracy": 0.333,
    "dispersion": {
        "gradient space": {
            f"{name}, {size}": 2.0 if name == "grad" else 1.0 for name in ("grad", "entropy") for size in (10, 20, 40)
        },
        "input space": {
            f"{name}, {size}": 1.0 if name == "grad" else 2.0 for name in ("grad", "entropy") for size in (10, 20, 40)
        },
    },
}
SHIFT: dict[str, Any] = {
    "inside": "cifar10",
    "outside": "svhn",
    "model": "lenet",
    "auroc": 0.7,
    "entropy_auroc": 0.6,
    "test_accuracy": 0.5,
}


def experiment(
    name: str, data: str, model: str, gains: tuple[float, ...], strategies: tuple[str, ...] = COMPARED, **more: Any
) -> ExperimentResults:
    found = made_up(strategies, gains=gains, **more)
    config = {**found.config, "data": {"name": data}, "model": {"name": model}, "training": {"epochs": 30}}
    modality = "image" if model in ("lenet", "resnet18", "vgg16") else "table"
    return replace(
        found, name=name, identity=name, config=config, data={"pool": 1234, "classes": 10, "modality": modality}
    )


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
        if text.startswith(("20 Newsgroups: grad", "cifar10, vgg16", "grad and BADGE", "grad beats", "out of dist")):
            assert verdict == "reproduced", text
    assert found["grad's picks are more dispersed than entropy's in gradient space (figure 1)"] == "reproduced"
    assert found["grad's picks are more dispersed than entropy's in input space (figure 1)"] == "not reproduced"


def test_a_world_the_other_way_round_does_not() -> None:
    bad = (0.10, 0.08, 0.0, 0.02, 0.04)
    experiments = [
        experiment("20newsgroups", "20newsgroups", "mlp", bad),
        experiment("cifar10-vgg16-1000", "cifar10", "vgg16", bad),
    ]
    found = verdicts(claims(experiments, {"2": SHIFT | {"auroc": 0.4}}, {}))
    for text, verdict in found.items():
        if text.startswith(("20 Newsgroups: grad", "cifar10, vgg16", "grad and BADGE", "grad beats", "out of dist")):
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
    [([3.0, 2.0, 1.0], "reproduced"), ([1.0, 2.0, 3.0], "not reproduced")],
)
def test_a_discrepancy_that_falls_is_told_from_one_that_grows(values: list[float], expected: str) -> None:
    figure = {"20newsgroups": {"discrepancies": values, "rate": 0.9, "violations": []}}
    found = verdicts(claims([], {"6": figure}, {}))
    assert found["20 Newsgroups: the discrepancy decreases over training and levels off (figure 6)"] == expected


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
        config={"data": {"name": "isolet-1560"}, "model": {"name": "mlp"}},
    )
    text = "ISOLET: differences are most visible in early to middle rounds, then the curves converge"
    assert verdicts(claims([replace(found, data={"pool": 1000})], {}, {}))[text] == "reproduced"
    assert verdicts(claims([replace(found, data={"pool": 410})], {}, {}))[text] == "mixed"


def test_times_within_their_spread_are_in_no_order() -> None:
    def rows(*seconds: tuple[float, float]) -> dict[str, Any]:
        names = ("entropy", "grad", "badge", "k-center")
        return {name: {"selection": list(s), "with_forward": list(s)} for name, s in zip(names, seconds, strict=True)}

    def verdict(*seconds: tuple[float, float]) -> list[str]:
        found = claims([], {}, {"models": {"lenet": rows(*seconds)}})
        return [claim.verdict for claim in found if claim.section == "4.6"]

    assert verdict((1.0, 0.1), (2.4, 0.1), (3.0, 0.1), (3.5, 0.1)) == ["reproduced", "reproduced"]
    assert verdict((1.0, 0.1), (1.0, 0.1), (3.3, 4.0), (3.0, 4.0)) == ["mixed", "not reproduced"]
    assert verdict((1.0, 0.1), (0.5, 0.1), (3.0, 0.1), (3.5, 0.1)) == ["not reproduced", "not reproduced"]


def test_the_summary_says_what_speaks_against_the_default_and_when_grad_is_right() -> None:
    names = ("random", "margin", "grad", "badge", "grad-volume")

    def text(*gains: tuple[float, ...]) -> str:
        return in_short(
            [experiment(f"e{k}", "digits", "mlp", one, names, noise=1e-4, seed=k) for k, one in enumerate(gains)]
        )

    lost = text((0.0, 0.10, 0.04, 0.05, 0.06), (0.0, 0.10, 0.04, 0.05, 0.06), (0.12, 0.10, 0.04, 0.05, 0.06))
    assert "Recommended default: **`margin`**, by mean rank" in lost
    assert "Of these experiments, better than it are random in e2." in lost
    assert "Its lead is no certain one: over three experiments Friedman's test gives p = " in lost
    assert "`grad` against random: better in 2 of 3 (e0, e1), worse in 1 (e2)." in lost
    assert "`grad` is the right choice nowhere here" in lost
    assert "`grad-volume` earns its place beside `grad`: better in 3 of 3 (e0, e1, e2); against random" in lost
    won = text((0.0, 0.02, 0.10, 0.05, 0.06), (0.0, 0.02, 0.10, 0.05, 0.06))
    assert "no strategy is better than it in any" in won
    assert "`grad` is the right choice in e0, e1 (against margin) and e0, e1 (against badge)" in won
    assert "`grad-volume` has not earned its place yet beside `grad`: worse in 2 of 2 (e0, e1)" in won


def test_every_figure_has_a_title_in_the_paper_s_order() -> None:
    paper, beyond = ["1", "2", "3", "4", "7-9", "5", "10", "11", "6"], ["bound", "full-vs-last", "ranks", "profiles"]
    assert list(TITLES) == [*paper, *beyond]
    outside = SHIFT | {"outside": "mnist-5000", "examples": 10}
    assert "The paper's other data set is SVHN" in caption("2", outside)
    section = figures_section({"2": [("", "two.png")]}, {"2": outside}, {})
    assert "Drawn by `ladle figure 2 --outside mnist`." in section
    assert "### Figures 7–9: " in section
    assert "SVHN" not in caption("2", SHIFT | {"examples": 10})


def test_reduced_experiments_keep_their_numbers() -> None:
    whole, part = made_up(CATALOG), made_up(("random", "badge", "mine"), seed=1)
    shared = with_shared_strategies([whole, part])
    assert [one.strategies for one in shared] == [("random", "badge")] * 2
    assert (shared[0].accuracies[1] == whole.accuracies[CATALOG.index("badge")]).all()
    assert with_only(whole, ("badge", "random")).strategies == ("badge", "random")


def test_ranks_and_the_default_follow_the_areas() -> None:
    gains = (0.0, 0.05, 0.1, 0.15, 0.2)
    experiments = [experiment(str(n), "digits", "mlp", gains, noise=1e-6, seed=n) for n in range(3)]
    assert mean_ranks(experiments) == dict(zip(COMPARED, (5.0, 4.0, 3.0, 2.0, 1.0), strict=True))
    assert default_strategy(experiments) == "k-center"


def test_the_page_is_whole_and_an_experiment_of_few_seeds_decides_nothing() -> None:
    gains = (0.0, 0.02, 0.01, 0.05, 0.04, 0.03, 0.07, 0.06, 0.05, 0.04, 0.08)
    experiments = [
        experiment("digits", "digits", "mlp", gains, CATALOG),
        experiment("cifar10-lenet-1000", "cifar10", "lenet", gains, CATALOG, seed=1),
        experiment("cifar10-vgg16-1000", "cifar10", "vgg16", gains[:2], CATALOG[:2], seeds=1, seed=2),
    ]
    page = results_page(
        experiments,
        {"1": GEOMETRY},
        {},
        {"1": [("", "results/figure-1.png")]},
        {"4": "no such runs"},
        {"digits": (10, 10), "20newsgroups": (3, 2200)},
    )
    for heading in ("In short", "What was run", "The paper's claims", "Accuracy", "Labels needed", "Figures"):
        assert f"## {heading}\n" in page
    assert "Over two experiments (digits, cifar10-lenet-1000; 5 seeds each), by the area under the curve" in page
    assert "| cifar10-vgg16-1000 | 1,234 | vgg16 |" in page
    assert "Recommended default" in page
    assert "nan" not in page
    assert "![Geometry of one acquisition](results/figure-1.png)" in page
    assert "### Figure 4: Learning curves, images\n\nNot drawn: no such runs." in page
    assert "Not drawn: run `ladle figure 2` and keep what it writes." in page
    assert "| 20newsgroups | 3 of 2,200 | `ladle run evidence/20newsgroups` |" in page
    assert "digits | 10 of" not in page
    for line in page.splitlines():
        if line.startswith("| "):
            assert line.endswith(" |")


def test_an_experiment_of_few_seeds_has_no_part_in_ranks_and_profiles() -> None:
    gains = (0.0, 0.02, 0.04, 0.01, 0.03)
    whole = [experiment(name, "digits", "mlp", gains, seed=place) for place, name in enumerate(("one", "two"))]
    begun = experiment("begun", "cifar10", "lenet", gains[::-1], seeds=1)
    for name in ("ranks", "profiles"):
        _, numbers = STORED_FIGURES[name]([*whole, begun])
        assert numbers["experiments"] == ["one", "two"]


def test_every_stored_figure_is_drawn_with_its_numbers() -> None:
    gains = (0.0, 0.02, 0.01, 0.05, 0.04)
    experiments = [
        experiment("digits", "digits", "mlp", gains),
        experiment("cifar10-lenet-1000", "cifar10", "lenet", gains, seed=1),
        experiment("cifar10-vgg16-1000", "cifar10", "vgg16", gains, seed=2),
        experiment("isolet", "isolet", "mlp", gains, seed=3),
    ]
    for name, draw in STORED_FIGURES.items():
        figures, numbers = draw(experiments)
        assert figures, name
        json.dumps(numbers)
        shown = {"3": "isolet", "7-9": "cifar10-lenet-1000"}.get(name, "cifar10-vgg16-1000")
        assert shown in caption(name, numbers)
        for figure in figures.values():
            assert figure_bytes(figure, "png")[:4] == b"\x89PNG"
    curves, numbers = STORED_FIGURES["3"](experiments)
    assert list(numbers) == ["digits", "isolet"]
    assert len([axes for axes in curves[""].axes if axes.get_visible()]) == 2
    assert numbers["digits"]["mean_accuracy"]["grad"][-1] == pytest.approx(
        float(experiments[0].accuracies[2, -1].mean())
    )
    assert list(STORED_FIGURES["4"](experiments)[1]) == ["cifar10-vgg16-1000"]
    assert list(STORED_FIGURES["7-9"](experiments)[1]) == ["cifar10-lenet-1000"]
    assert set(STORED_FIGURES["10"](experiments)[1]) == {"mlp", "lenet", "vgg16"}
    with pytest.raises(InputError, match="text or tables"):
        STORED_FIGURES["3"](experiments[1:2])
    with pytest.raises(InputError, match="two seeds"):
        STORED_FIGURES["5"]([experiment("one", "digits", "mlp", gains, seeds=1)])


def test_groups_that_are_not_told_apart_are_the_largest_ones() -> None:
    assert indistinct_groups(np.array([1.0, 1.5, 2.0, 3.5]), 1.0) == [(1.0, 2.0)]
    assert indistinct_groups(np.array([3.0, 1.0, 2.0]), 1.0) == [(1.0, 2.0), (2.0, 3.0)]
    assert indistinct_groups(np.array([1.0, 3.0]), 1.0) == []


@pytest.mark.parametrize("count", [3, 11])
def test_nothing_is_cut_off_in_the_rank_figures(count: int) -> None:
    names = [*CATALOG[:10], "a-recipe-with-a-very-long-name-that-somebody-gave-it"][-count:]
    ranking = friedman(np.random.default_rng(0).random((4, count)))
    profiles = performance_profile_figure(names, np.linspace(1, 2, 5), np.full((count, 5), 0.5), 4)
    for figure in (critical_difference_figure(names, ranking, 4), profiles):
        freeze_layout(figure)
        width, height = figure.canvas.get_width_height()
        texts = [text for axes in figure.axes for text in axes.texts] + [
            text for legend in figure.legends for text in legend.get_texts()
        ]
        assert texts
        for text in texts:
            box = text.get_window_extent()
            assert -1 <= box.x0 <= box.x1 <= width + 1, text.get_text()
            assert -1 <= box.y0 <= box.y1 <= height + 1, text.get_text()


def test_the_page_and_its_pictures_are_written_and_stale_ones_go(tmp_path: Path) -> None:
    (tmp_path / "saved" / "figures").mkdir(parents=True)
    (tmp_path / "saved" / "figures" / "figure-1.json").write_text(json.dumps(GEOMETRY))
    (tmp_path / "saved" / "figures" / "figure-1.png").write_bytes(b"picture")
    (tmp_path / "docs" / "results").mkdir(parents=True)
    (tmp_path / "docs" / "results" / "figure-99.png").write_bytes(b"stale")
    gains = (0.0, 0.02, 0.01, 0.05, 0.04)
    experiments = [experiment("digits", "digits", "mlp", gains), experiment("two", "isolet", "mlp", gains, seed=1)]
    page = write_results(experiments, tmp_path / "saved", tmp_path / "docs").read_text()
    pictures = {path.name for path in (tmp_path / "docs" / "results").iterdir()}
    assert "figure-99.png" not in pictures
    assert {"figure-1.png", "figure-3.png", "figure-5-penalty.png", "figure-ranks.png"} <= pictures
    assert all(f"(results/{name})" in page for name in pictures)
    with pytest.raises(InputError, match="needs a finished experiment"):
        write_results([], tmp_path / "saved", tmp_path / "docs")
