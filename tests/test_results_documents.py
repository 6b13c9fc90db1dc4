"""What the documents say of our runs is what the saved runs say: pages are made anew, and prose is held to them."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from ladle.adapters.active_learner import ActiveLearner
from ladle.experiments import ExperimentResults, ExperimentStore, load_experiments, suite
from ladle.reports.analysis import ALPHA
from ladle.reports.experiment_sets import mean_areas, of_seeds_enough, problem_areas, with_shared_strategies
from ladle.reports.figures import paper_contests, paper_figures
from ladle.reports.formats import counted
from ladle.reports.orderings import areas, outcome
from ladle.reports.results.recommendation import (
    by_rank,
    first_without,
    future_work_by_rank,
    leaders,
    mean_ranks,
    ranking_of,
)
from ladle.reports.results.results_files import results_document
from ladle.session.database import opened_database
from ladle.statistics import paired_effect
from ladle.strategies import catalog

pytest.importorskip("statsmodels")
pytest.importorskip("scikit_posthocs")

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
#: What prose calls the experiments.
IN_WORDS = {
    "digits": "digits",
    "isolet-1560": "ISOLET",
    "cifar10-lenet-100": "CIFAR-10 in batches of 100",
    "cifar10-lenet-500": "CIFAR-10 in batches of 500",
    "cifar10-lenet-1000": "CIFAR-10 in batches of 1,000",
    "poker-hand-uci": "poker hands",
}


class Saved:
    """The saved runs, read once: as the page of results takes them, and those that decide something."""

    def __init__(self) -> None:
        with opened_database(None) as engine:
            load_experiments(engine, RESULTS)
            stored = ExperimentStore(engine)
            self.standing = {config.name: stored.standing(config) for config in suite("evidence")}
            self.experiments = stored.results()
        self.deciding = with_shared_strategies(of_seeds_enough(self.experiments))


@pytest.fixture(scope="module")
def saved() -> Saved:
    return Saved()


def read(document: str) -> str:
    """A document in one line, so that sentences are found whatever their line breaks."""
    return " ".join((ROOT / document).read_text().split())


@pytest.fixture(scope="module")
def page() -> str:
    return read("docs/which-strategy.md")


def test_the_page_of_results_is_what_make_results_writes(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    # Pictures are left out: their numbers and places are in the text, and drawing takes a minute.
    for module in (paper_figures, paper_contests):
        for name in [name for name in vars(module) if name.endswith("_figure")]:
            monkeypatch.setattr(module, name, lambda *_, **__: Figure())
    document = results_document(saved.experiments, RESULTS, standing=saved.standing)
    written = (ROOT / "docs" / "results.md").read_text()
    assert document.text.splitlines() == written.splitlines(), "docs/results.md is stale: run 'make results'"
    assert set(document.pictures) == {path.name for path in (ROOT / "docs" / "results").glob("figure-*.png")}


def table_below(document: str, words: str) -> dict[str, list[str]]:
    """Read the first table below some words: the cells of a row by its first."""
    after = (ROOT / document).read_text().split(words, maxsplit=1)[1].splitlines()
    lines = itertools.takewhile(
        lambda line: line.startswith("|"), itertools.dropwhile(lambda line: line[:1] != "|", after)
    )
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize(
    ("here", "there"), [("## The evidence", "Against random (bold"), ("## How many labels", "The labels random needs")]
)
def test_the_page_on_strategies_has_the_tables_of_the_results(here: str, there: str, saved: Saved) -> None:
    results, shown = table_below("docs/results.md", there), table_below("docs/which-strategy.md", here)
    assert [name for name in catalog.CATALOG if name not in shown] == ["random"]
    assert {one.name for one in saved.deciding} == set(IN_WORDS), "a new experiment needs a column on the page"
    ranks = mean_ranks(saved.deciding)
    for column, name in enumerate(results["experiment"]):
        if name != "random":
            *cells, last = shown[name] if len(shown[name]) > len(IN_WORDS) else [*shown[name], ""]
            assert cells == [results[experiment][column] for experiment in IN_WORDS]
            assert last in ("", f"{ranks[name]:.1f}")


def test_the_page_counts_experiments_and_seeds_as_they_are(page: str, saved: Saved) -> None:
    seeds = " or ".join(counted(count, "", "").strip() for count in sorted({len(one.seeds) for one in saved.deciding}))
    experiments = counted(len(saved.deciding), "experiment", "experiments")
    assert f"**{experiments}, {seeds} seeds each**" in page
    assert f"there are {seeds}." in page
    intervals = len(saved.deciding) * (len(saved.deciding[0].strategies) - 1)
    assert f"The {'sixty' if intervals == 60 else intervals} intervals are not corrected" in page


def test_the_page_has_the_tests_of_ranks(page: str, saved: Saved) -> None:
    ranking = ranking_of(saved.deciding)
    assert ranking is not None
    assert f"(Friedman's test: p = {ranking.p_value:.3f})" in page
    assert ranking.p_value < ALPHA, "the page says that the strategies are not all alike"
    names = saved.deciding[0].strategies
    ((first, second),) = [
        (names[a], names[b]) for a, b in itertools.combinations(range(len(names)), 2) if ranking.p_values[a, b] < ALPHA
    ]
    assert f"but only `{first}` and `{second}` differ beyond doubt" in page
    assert (
        f"when they are {ranking.critical_difference:.1f} apart, and only those of `{first}` and `{second}` are" in page
    )


def test_the_page_names_the_best_and_what_they_hang_on(page: str, saved: Saved) -> None:
    ranks = mean_ranks(saved.deciding)
    first, second = by_rank(saved.deciding)[:2]
    assert leaders(ranks) == [first]
    whole = counted(len(ranks), "", "").strip()
    assert f"**Take `{first}` or `{second}`.** They have the best mean ranks of {whole} " in page
    assert f" of {whole} ({ranks[first]:.1f} and {ranks[second]:.1f})" in page
    assert f"`random` has {ranks['random']:.1f}" in page
    without = {IN_WORDS.get(name, "CIFAR-10"): found for name, found in first_without(saved.deciding).items()}
    moved = {words: found for words, found in without.items() if first not in leaders(found)}
    for words, found in moved.items():
        (leader,) = leaders(found)
        place = sorted(found, key=lambda name: found[name]).index(first)
        assert (
            f"without {words} it would be `{leader}`, and `{first}` {('second', 'third', 'fourth')[place - 1]}" in page
        )
    assert page.count("it would be") == len(moved)


def test_the_page_says_how_the_default_of_the_product_stands_to_badge(page: str, saved: Saved) -> None:
    learner = inspect.signature(ActiveLearner).parameters["strategy"].default
    assert learner == "margin"
    assert f"**`{learner}` is what you get unless you say otherwise**" in page
    told = outcome(saved.deciding, "margin", "badge")
    whole, level = (counted(number, "", "").strip() for number in (len(saved.deciding), len(told.unclear)))
    (better,), (worse,) = told.better, told.worse
    assert (
        f"By area the two are not told apart in {level} of {whole} experiments; `margin` is better in one "
        f"({IN_WORDS[better]}) and `badge` in one ({IN_WORDS[worse]})"
    ) in page


def test_the_page_says_of_grad_what_the_runs_do(page: str, saved: Saved) -> None:
    whole = counted(len(saved.deciding), "", "").strip()
    random, *rivals = (outcome(saved.deciding, "grad", name) for name in ("random", "margin", "badge"))
    margin, badge = (counted(len(rival.worse), "", "").strip() for rival in rivals)
    assert not any(rival.better for rival in rivals), "the page says that grad is never the best"
    assert (
        f"Better than random in {counted(len(random.better), '', '').strip()} of {whole} and worse in "
        f"{counted(len(random.worse), '', '').strip()}, it is behind `margin` in {margin} and behind `badge` in all "
        f"{badge}"
    ) in page
    assert badge == whole
    best, second, _ = future_work_by_rank(saved.deciding)
    against = [outcome(saved.deciding, name, "grad") for name in (best, second)]
    assert not any(one.worse for one in against)
    first_wins, second_wins = (counted(len(one.better), "", "").strip() for one in against)
    assert (
        f"take `{best}`: its mean rank is {mean_ranks(saved.deciding)[best]:.1f}, and it is better than `grad` in "
        f"{first_wins} of {whole}, where `{second}` is in {second_wins}; both are worse in none"
    ) in page


def test_the_page_says_of_poor_models_and_k_center_what_the_runs_do(page: str, saved: Saved) -> None:
    found: Mapping[str, ExperimentResults] = {one.name: one for one in saved.deciding}
    poker = areas(found["poker-hand-uci"])
    cifar = [areas(one) for name, one in found.items() if name.startswith("cifar10-lenet-")]
    on_the_way = sorted(100 * float(one["random"].mean()) for one in cifar)
    assert f"({on_the_way[0]:.0f} to {on_the_way[-1]:.0f} % accuracy on the way)" in page
    assert f"({100 * poker['random'].mean():.0f} % on the way" in page
    for one in (*cifar, poker):
        assert not any(paired_effect(one[name], one["random"]).low > 0 for name in one), "none is better than random"
    behind = [{name for name in one if paired_effect(one["random"], one[name]).low > 0} for one in cifar]
    assert f"{counted(len(set.intersection(*behind)), '', '').strip()} of ten were worse with all three" in page
    level = [name for name in by_rank(saved.deciding) if name != "random" and any(name not in one for one in behind)]
    told = ", ".join(f"`{name}`" for name in level[:-1]) + f" and `{level[-1]}`"
    assert f"{told} were not told apart from it with at least one" in page
    strategies = saved.deciding[0].strategies
    means = {name: mean_areas([one])[0] for name, one in found.items()}
    assert strategies[int(means["digits"].argmax())] == "k-center"
    last = [
        name for name in found if name.startswith("cifar10") and strategies[int(means[name].argmin())] == "k-center"
    ]
    assert sorted(last) == ["cifar10-lenet-1000", "cifar10-lenet-500"]
    assert "in batches of 500 and 1,000, the worst on CIFAR-10" in page
    places = (-problem_areas(saved.deciding)).argsort(axis=1).argsort(axis=1)
    swing = dict(zip(strategies, np.ptp(places, axis=0), strict=True))
    assert max(swing, key=lambda name: (name != "random", swing[name])) == "k-center"
    assert swing["random"] > swing["k-center"]


@pytest.mark.parametrize("document", ["docs/which-strategy.md", "docs/how-to/paper.md"])
def test_seeds_that_a_difference_takes_are_those_of_the_results(document: str) -> None:
    rows = table_below("docs/results.md", "## How many seeds it takes")
    numbers = [row for name, row in rows.items() if name not in ("experiment", "---")]
    text = read(document)
    for column, words in ((3, "{} to {} (?:seeds|in one round)"), (6, "{} to {} for the area")):
        seeds = [int(row[column]) for row in numbers]
        if document.endswith("paper.md") or column == 3:
            assert re.search(words.format(min(seeds), max(seeds)), text)


def test_the_concepts_say_of_the_runs_what_they_are(saved: Saved) -> None:
    against = [outcome(saved.deciding, name, "grad") for name in future_work_by_rank(saved.deciding)]
    assert "each of the three is better than `grad` in some and worse in none" in read("docs/concepts/batches.md")
    assert all(one.better and not one.worse for one in against)
    random, margin, badge = (outcome(saved.deciding, "grad", name) for name in ("random", "margin", "badge"))
    assert ("better than random in some and worse in others, and never better than margin or BADGE") in read(
        "docs/concepts/discrepancy.md"
    )
    assert random.better
    assert random.worse
    assert not margin.better
    assert not badge.better
