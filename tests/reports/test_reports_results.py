"""The page of results says what the stored numbers say, whichever way they fall, and draws every figure."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from report_cases import CATALOG, made_up
from result_cases import GEOMETRY, SHIFT, experiment

from ladle.errors import InputError, UnknownNameError
from ladle.experiments import ExperimentResults
from ladle.reports import figure_bytes, write_results
from ladle.reports.claims.claimed_contraction import LEVEL
from ladle.reports.claims.claimed_costs import FACTOR_TOLERANCE
from ladle.reports.claims.claimed_curves import CONVERGED, SATURATED
from ladle.reports.claims.claimed_geometry import LEAST_AUROC
from ladle.reports.claims.claimed_orderings import COMPARED
from ladle.reports.claims.claims_section import rules
from ladle.reports.experiment_sets import (
    problem_means,
    problems_of,
    with_chosen,
    with_only,
    with_shared_strategies,
)
from ladle.reports.figures.files import freeze_layout
from ladle.reports.figures.paper_contests import contests_among
from ladle.reports.figures.rank_figures import critical_difference_figure, indistinct_groups, performance_profile_figure
from ladle.reports.figures.stored_figures import STORED_FIGURES
from ladle.reports.figures.style import WIDTHS, Width
from ladle.reports.orderings import accuracy_by
from ladle.reports.results.captions import TITLES, caption, figures_section
from ladle.reports.results.recommendation import (
    default_strategy,
    first_without,
    future_work_by_rank,
    in_short,
    mean_ranks,
)
from ladle.reports.results.results_page import results_page
from ladle.reports.results.results_tables import rank_sentence
from ladle.statistics import friedman

pytest.importorskip("statsmodels")
pytest.importorskip("scikit_posthocs")


def test_the_summary_says_what_speaks_against_the_default_and_when_grad_is_right() -> None:
    names = ("random", "margin", "grad", "badge", "grad-volume")

    def text(*gains: tuple[float, ...]) -> str:
        return in_short(
            [experiment(f"e{k}", f"data {k}", "mlp", one, names, noise=1e-4, seed=k) for k, one in enumerate(gains)]
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


def three(*gains: tuple[float, ...]) -> list[ExperimentResults]:
    """Experiments of random, margin and badge, by what they gain."""
    names = ("random", "margin", "badge")
    return [experiment(f"e{k}", f"data {k}", "mlp", one, names, noise=1e-4, seed=k) for k, one in enumerate(gains)]


def test_the_summary_says_what_would_be_first_without_each_experiment() -> None:
    steady = in_short(three((0.0, 0.1, 0.2), (0.0, 0.2, 0.1), (0.1, 0.0, 0.2)))
    assert (
        "The default stays first, or shares the first place, without any. With one left out, first by mean rank is: "
        "without e0 `badge`; without e1 `badge`; without e2 `margin` and `badge`."
    ) in steady
    hanging = three((0.2, 0.1, 0.3), (0.0, 0.2, 0.1), (0.0, 0.2, 0.1), (0.0, 0.1, 0.2))
    assert "Recommended default: **`badge`**" in in_short(hanging)
    assert (
        "The default hangs on which experiments there are. With one left out, first by mean rank is: "
        "without e0 `margin` (badge second); without e1 `badge`;"
    ) in in_short(hanging)
    assert first_without(hanging)["e0"] == mean_ranks(hanging[1:])
    assert "left out, first" not in in_short(hanging[:1])


@pytest.mark.parametrize(
    ("gaps", "said"),
    [
        ([(-0.04, -0.01), (-0.04, -0.01)], "while labels are few."),
        ([(-0.08, -0.01), (0.00, -0.01)], "while labels are few; in b it is the other way round."),
        ([(-0.04, -0.03), (-0.04, -0.03)], None),  # not clearly more
        ([(-0.04, 0.03), (-0.04, 0.03)], None),  # it turns around: not a cost that wears off alone
        ([(0.04, 0.01), (0.04, 0.01)], None),  # costs nothing
        ([(0.0, 0.0), (0.0, 0.0)], None),
        ([(-0.01, -0.04), (-0.01, -0.04)], None),
    ],
)
def test_what_grad_costs_early_is_said_only_where_it_is_clearly_more(
    gaps: list[tuple[float, float]], said: str | None
) -> None:
    names = ("random", "margin", "grad")
    experiments = []
    for name, (early, late) in zip("ab", gaps, strict=True):
        accuracies = np.full((3, 7, 2), 0.5)
        accuracies[2, 1:4] += early
        accuracies[2, 4:] += late
        experiments.append(replace(made_up(names, seeds=2), name=name, accuracies=accuracies))
    text = in_short(experiments)
    sentence = "On average most of what it costs, it costs "
    assert sentence + said in text if said else sentence not in text
    assert f"{100 * gaps[0][0]:+.1f} / {100 * gaps[0][1]:+.1f} in a, " in text


def test_the_best_of_the_future_work_is_named_with_what_it_stands_against() -> None:
    names = ("random", "grad", "badge", "grad-cosine", "grad-volume", "grad-d2")

    def some(*gains: tuple[float, ...]) -> list[ExperimentResults]:
        return [experiment(f"e{k}", f"data {k}", "mlp", one, names, noise=1e-4, seed=k) for k, one in enumerate(gains)]

    clear = some((0.0, 0.02, 0.05, 0.03, 0.06, 0.04), (0.0, 0.02, 0.05, 0.03, 0.06, 0.04))
    assert (
        "Of the paper's future work take `grad-volume`, by mean rank (grad-volume 1.0, grad-d2 3.0, grad-cosine 4.0; "
        "of equals the larger mean area goes first); against grad-d2: better in 2 of 2 (e0, e1); against badge: better"
    ) in in_short(clear)
    # Equal ranks: the larger area.
    level = some((0.0, 0.02, 0.05, 0.01, 0.06, 0.04), (0.0, 0.02, 0.05, 0.01, 0.04, 0.09))
    assert future_work_by_rank(level) == ["grad-d2", "grad-volume", "grad-cosine"]
    assert "future work take" not in in_short([with_only(one, ("random", "grad")) for one in clear])


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
    experiments = [experiment(str(n), f"data {n}", "mlp", gains, noise=1e-6, seed=n) for n in range(3)]
    assert mean_ranks(experiments) == dict(zip(COMPARED, (5.0, 4.0, 3.0, 2.0, 1.0), strict=True))
    assert default_strategy(experiments) == "k-center"


def test_a_data_set_with_a_network_counts_once_in_ranks_however_many_schedules_it_has() -> None:
    names = ("random", "margin", "badge")

    def one(name: str, data: str, model: str, *gains: float, of: tuple[str, ...] = names) -> ExperimentResults:
        return experiment(name, data, model, gains, of, noise=1e-6, seed=len(name))

    a, b = one("a", "digits", "mlp", 0.0, 0.1, 0.2), one("bb", "isolet", "mlp", 0.0, 0.1, 0.2)
    # Margin is ahead in two of three schedules by little, behind in the third by much: behind on average.
    schedules = [one("ccc", "cifar10", "lenet", 0.1, 0.06, 0.05), one("dddd", "cifar10", "lenet", 0.1, 0.06, 0.05)]
    schedules.append(one("eeeee", "cifar10", "lenet", 0.1, 0.0, 0.09))
    every = [a, *schedules, b]
    assert problems_of(every) == [[0], [1, 2, 3], [4]]
    assert problem_means(every, [1.0, 2.0, 3.0, 7.0, 5.0]).tolist() == [1.0, 4.0, 5.0]
    assert mean_ranks(every) == {"random": pytest.approx(7 / 3), "margin": pytest.approx(7 / 3), "badge": 4 / 3}
    assert list(first_without(every)) == ["a", "ccc, dddd and eeeee", "bb"]
    assert first_without(every)["ccc, dddd and eeeee"] == mean_ranks([a, b])
    text = in_short(every)
    assert "the mean ranks of 3 strategies over three problems are: badge 1.3, " in text
    assert "counts once, by the mean of its experiments: ccc, dddd and eeeee." in text
    assert "over three problems (five experiments) Friedman's test" in text
    assert "counts once" not in in_short([a, b])
    assert rank_sentence(every).startswith("Over three problems (five experiments), ranks by mean area")
    assert "Problems of one data set" not in rank_sentence(every)
    assert "Problems of one data set are not independent" in rank_sentence([a, one("v", "digits", "vgg16", 0, 1e-3, 0)])
    # Schedules alone are one problem: there is nothing to rank over.
    assert rank_sentence(schedules).startswith("Too little for a Friedman test")
    assert "There is too little for a test of ranks" in in_short(schedules)
    with pytest.raises(InputError, match="at least two data sets"):
        STORED_FIGURES["ranks"](schedules)
    # As many schedules more of one problem move neither ranks nor profiles.
    for name in ("ranks", "profiles"):
        _, once = STORED_FIGURES[name]([a, schedules[0], b])
        _, thrice = STORED_FIGURES[name]([a, *[replace(schedules[0], identity=str(k)) for k in range(3)], b])
        assert "counts once" in caption(name, thrice)
        assert "counts once" not in caption(name, once)
        for key in ("mean_ranks", "p_value", "best_share", "within_1.5"):
            assert thrice.get(key) == (pytest.approx(once[key]) if key in once else None)


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
    # Every threshold that a verdict rests on stands where verdicts are explained.
    stated = page.split("How verdicts fall.")[1].split("\n## ")[0]
    for threshold in (
        f"AUROC is above {LEAST_AUROC};",
        f"below {100 * CONVERGED:.0f} % of its largest",
        f"within {100 * FACTOR_TOLERANCE:.0f} % of it",
        f"less than {100 * LEVEL:.0f} % of the whole fall",
        f"less than {100 * SATURATED:.0f} % of the whole rise",
        "close within two points",
        "fall of one point or more",
        "fewer than three significant tests, or on tests of fewer than two experiments",
    ):
        assert threshold in stated
    assert "Here that holds for digits (a data set the paper does not have)." in stated
    assert "in none of the experiments do they overlap" in stated
    for line in page.splitlines():
        if line.startswith("| "):
            assert line.endswith(" |")


@pytest.mark.parametrize(
    ("rounds", "said"),
    [
        (2, "short has 2 in all, so that rounds 1 and 2 count as both"),
        (4, "short has 4 in all, so that rounds 2 and 3 count as both"),
        (5, "short has 5 in all, so that round 3 counts as both"),
    ],
)
def test_rounds_that_are_early_and_late_are_named(rounds: int, said: str) -> None:
    short = experiment("short", "cifar10", "lenet", (0.0,) * 5, evaluations=rounds + 1)
    long = experiment("long", "cifar10", "lenet", (0.0,) * 5)
    (rule,) = [rule for rule in rules([short, long]) if rule.startswith("Early and late")]
    assert said in rule
    assert "long" not in rule
    # The same rounds are what the numbers are made of.
    late = accuracy_by(short, "late")["grad"]
    assert late == pytest.approx(short.accuracies[2, 1:][-3:].mean(axis=0))


def test_an_experiment_of_few_seeds_has_no_part_in_ranks_and_profiles() -> None:
    gains = (0.0, 0.02, 0.04, 0.01, 0.03)
    whole = [experiment(name, name, "mlp", gains, seed=place) for place, name in enumerate(("one", "two"))]
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
    assert list(numbers["experiments"]) == ["digits", "isolet"]
    assert len(curves[""].axes) == 2
    assert numbers["experiments"]["digits"]["mean_accuracy"]["grad"][-1] == pytest.approx(
        float(experiments[0].accuracies[2, -1].mean())
    )
    assert list(STORED_FIGURES["4"](experiments)[1]["experiments"]) == ["cifar10-vgg16-1000"]
    assert list(STORED_FIGURES["7-9"](experiments)[1]["experiments"]) == ["cifar10-lenet-1000"]
    assert set(STORED_FIGURES["10"](experiments)[1]) == {"mlp", "lenet", "vgg16"}
    with pytest.raises(InputError, match="text or tables"):
        STORED_FIGURES["3"](experiments[1:2])
    with pytest.raises(InputError, match="two seeds"):
        STORED_FIGURES["5"]([experiment("one", "digits", "mlp", gains, seeds=1)])


def test_members_of_a_figure_that_are_not_there_are_named() -> None:
    gains = (0.0, 0.02, 0.01, 0.05, 0.04)
    experiments = [
        experiment("isolet-1560", "isolet-1560", "mlp", gains),
        experiment("cifar10-vgg16-1000", "cifar10", "vgg16", gains),
        experiment("cifar10-lenet-1000", "cifar10", "lenet", gains),
    ]
    _, numbers = STORED_FIGURES["3"](experiments)
    assert numbers["absent"] == ["20newsgroups", "pokerhand"]
    assert caption("3", numbers).endswith("Not in the store: 20newsgroups, pokerhand.")
    _, numbers = STORED_FIGURES["4"](experiments)
    assert len(numbers["absent"]) == 5
    assert "cifar10 with resnet18" in numbers["absent"]
    _, numbers = STORED_FIGURES["7-9"](experiments)
    assert len(numbers["absent"]) == 8
    assert "cifar10 with lenet" not in numbers["absent"]
    whole = [experiment(name, name, "mlp", gains) for name in ("20newsgroups", "isolet", "poker-hand-uci")]
    assert "Not in the store" not in caption("3", STORED_FIGURES["3"](whole)[1])


def test_the_caption_of_curves_says_whose_bands_there_are() -> None:
    gains = tuple(np.linspace(0, 0.1, len(CATALOG)))
    text = caption("3", STORED_FIGURES["3"]([experiment("isolet", "isolet", "mlp", gains, CATALOG)])[1])
    assert "of random, grad and the best by area (grad-d2 in isolet)." in text
    assert "Each panel has one family of strategies" in text
    three = experiment("isolet", "isolet", "mlp", gains[:3], CATALOG[:3])
    assert "The bands are one standard deviation. Accuracy" in caption("3", STORED_FIGURES["3"]([three])[1])
    hasty = experiment("isolet", "isolet", "mlp", gains, CATALOG, seeds=1)
    assert "band" not in caption("3", STORED_FIGURES["3"]([hasty])[1])


def test_who_beats_whom_is_corrected_over_those_that_the_paper_compares() -> None:
    gains = tuple(np.linspace(0, 0.1, len(CATALOG)))
    experiments = [
        experiment("digits", "digits", "mlp", gains, CATALOG),
        experiment("cifar10-lenet-1000", "cifar10", "lenet", gains, CATALOG, seed=1),
        experiment("isolet", "isolet", "mlp", (0.0,) * 11, CATALOG, noise=0.0),
    ]
    drawn = contests_among(experiments, COMPARED)
    figures, numbers = drawn["5"]
    assert list(figures) == ["penalty", "loss", "all-11-penalty", "all-11-loss"]
    assert (numbers["all"]["strategies"], numbers["all"]["pairs"]) == (list(COMPARED), 10)
    assert numbers["all-11"]["pairs"] == 55
    assert numbers["all"] == STORED_FIGURES["5"](with_chosen(experiments, COMPARED))[1]["all"]
    text = caption("5", numbers)
    assert "Compared are 5 strategies, 10 pairs: random, entropy, grad, badge and k-center." in text
    assert "compare all 11 strategies; corrected over 55 pairs" in text
    section = figures_section({"5": [("all-11-loss", "one.png")]}, {"5": numbers}, {})
    assert "Drawn by `ladle figure 5 --strategies random,entropy,grad,badge,k-center`." in section
    assert "![Who beats whom, over all experiments (all 11 strategies): loss scores](one.png)" in section


def test_no_experiments_and_no_silence_are_drawn_twice() -> None:
    gains = (0.0, 0.02, 0.01, 0.05, 0.04)
    experiments = [
        experiment("digits", "digits", "mlp", gains),
        experiment("cifar10-lenet-1000", "cifar10", "lenet", gains, seed=1),
        experiment("isolet", "isolet", "mlp", (0.0,) * 5, noise=0.0),
    ]
    drawn = contests_among(experiments, COMPARED)
    assert list(drawn["5"][0]) == ["penalty", "loss"]  # there are no others to compare
    assert list(drawn["10"][0]) == ["lenet-penalty", "lenet-loss", "mlp-penalty", "mlp-loss"]
    assert list(drawn["11"][0]) == ["digits-penalty", "digits-loss"]
    text = caption("11", drawn["11"][1])
    assert "cifar10 (the same experiments as lenet in figure 10)" in text
    assert "isolet (no pair differs significantly in any round)" in text
    assert list(STORED_FIGURES["11"](experiments)[0])[:2] == ["cifar10-penalty", "cifar10-loss"]  # alone, it has all
    # One experiment alone: figure 5 has it, and the others have no picture but say why.
    alone = contests_among(experiments[:1], COMPARED)
    assert (alone["10"][0], alone["11"][0]) == ({}, {})
    section = figures_section({"10": []}, {"10": alone["10"][1]}, {})
    assert "### Figure 10: Who beats whom, by network\n\nA cell tells" in section
    assert "Without a picture: mlp (the same experiments as figure 5)." in section
    # That nothing is significant over all experiments is a result, and drawn.
    assert list(contests_among(experiments[2:], COMPARED)["5"][0]) == ["penalty", "loss"]


def test_strategies_are_chosen_by_names_that_exist() -> None:
    whole, part = made_up(CATALOG), made_up(("random", "badge"), seed=1)
    chosen = with_chosen([whole, part], ["grad", "random", "grad"])
    assert [one.strategies for one in chosen] == [("grad", "random"), ("random",)]
    assert with_chosen([whole, part], ["grad"])[0].strategies == ("grad",)
    assert len(with_chosen([whole, part], ["grad"])) == 1
    with pytest.raises(UnknownNameError, match=r"got 'bagde'.*there are random, entropy, margin"):
        with_chosen([whole, part], ["random", "bagde"])
    # Strategies that the paper compares and nobody ran are passed over; with one left, all are compared.
    assert contests_among([made_up(("random", "margin", "badge"))], COMPARED)["5"][1]["all"]["pairs"] == 1
    assert contests_among([made_up(("random", "margin", "mine"))], COMPARED)["5"][1]["all"]["pairs"] == 3


def test_groups_that_are_not_told_apart_are_the_largest_ones() -> None:
    assert indistinct_groups(np.array([1.0, 1.5, 2.0, 3.5]), 1.0) == [(1.0, 2.0)]
    assert indistinct_groups(np.array([3.0, 1.0, 2.0]), 1.0) == [(1.0, 2.0), (2.0, 3.0)]
    assert indistinct_groups(np.array([1.0, 3.0]), 1.0) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [3, 5, 11])
def test_the_title_of_ranks_stands_clear_of_what_is_below(count: int, width: Width) -> None:
    ranking, over = friedman(np.random.default_rng(0).random((4, count))), "four problems (twelve experiments)"
    figure = freeze_layout(critical_difference_figure(CATALOG[:count], ranking, over, width=width))
    (title,) = figure.texts
    highest = max(text.get_window_extent().y1 for text in figure.axes[0].texts)
    assert title.get_window_extent().y0 > highest
    assert title.get_window_extent().y1 <= figure.canvas.get_width_height()[1]
    assert 0 <= title.get_window_extent().x0 < title.get_window_extent().x1 <= figure.canvas.get_width_height()[0]


@pytest.mark.parametrize("count", [3, 11])
def test_nothing_is_cut_off_in_the_rank_figures(count: int) -> None:
    names = [*CATALOG[:10], "a-recipe-with-a-very-long-name-that-somebody-gave-it"][-count:]
    ranking = friedman(np.random.default_rng(0).random((4, count)))
    profiles = performance_profile_figure(names, np.linspace(1, 2, 5), np.full((count, 5), 0.5), 4)
    narrow = (
        critical_difference_figure(names, ranking, "four experiments", width="column"),
        performance_profile_figure(names, np.linspace(1, 2, 5), np.full((count, 5), 0.5), 4, width="column"),
    )
    for figure in (critical_difference_figure(names, ranking, "four experiments"), profiles, *narrow):
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
