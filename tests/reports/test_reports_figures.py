"""Figures: everything that was measured is drawn, in its own color, and nothing is cut off or left behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from report_cases import CATALOG, LONG_NAMES, from_accuracies, made_up

from ladle.errors import InputError
from ladle.experiments.results import ExperimentResults
from ladle.reports.analysis import contests
from ladle.reports.figures.curve_figures import difference_figure, learning_curve_figure
from ladle.reports.figures.curve_grid_figure import curve_grid_figure
from ladle.reports.figures.curve_panels import MOST_CURVES, CurveGroup, banded, best_by_area, curve_groups
from ladle.reports.figures.files import FigureKind, figure_bytes, freeze_layout
from ladle.reports.figures.label_axis import label_ticks
from ladle.reports.figures.labels import figure_label, text_width
from ladle.reports.figures.penalty_figures import loss_score_figure, penalty_figure, silent_sentence
from ladle.reports.figures.style import COLUMN_WIDTH, FULL_WIDTH, WIDTHS, Width, paper_style, strategy_styles

EXTRA = ("our-own", "mine")


def all_figures(results: ExperimentResults, widths: Sequence[Width]) -> Iterator[Figure]:
    found = contests([results])
    for width in widths:
        yield learning_curve_figure(results, width=width)
        difference = difference_figure(results, width=width)
        if difference is not None:
            yield difference
        if found:
            yield penalty_figure(results.strategies, found, width=width)
            yield loss_score_figure(results.strategies, found, width=width)


CASES: dict[str, tuple[ExperimentResults, Sequence[Width]]] = {
    "eight": (made_up(), ("full",)),
    "twelve": (made_up((*CATALOG, *EXTRA), evaluations=5), ("column",)),
    "long names": (made_up(LONG_NAMES, evaluations=5), ("column",)),
    "long names, wide": (made_up(LONG_NAMES[:3], evaluations=3), ("full",)),
    "forty rounds": (made_up(("random", "grad"), evaluations=40), ("column",)),
    "four strategies": (made_up(CATALOG[:4], gains=(0.08, 0, 0.01, 0.02)), ("full",)),
    "one seed": (made_up(("random", "grad", "badge"), seeds=1), ("column",)),
    "one round": (made_up(("random", "grad", "badge"), evaluations=1), ("column",)),
    "only random": (made_up(("random",)), ("column",)),
    "no random": (made_up(("entropy", "grad")), ("full",)),
    "identical": (from_accuracies(np.full((3, 5, 2), 0.7), ("random", "grad", "badge")), ("column",)),
    "all wrong": (from_accuracies(np.zeros((2, 5, 2))), ("column",)),
    "all right": (from_accuracies(np.ones((2, 4, 2))), ("column",)),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_cut_off(case: str) -> None:
    results, widths = CASES[case]
    for figure in all_figures(results, widths):
        freeze_layout(figure)
        with paper_style():
            drawn = figure.get_tightbbox()  # of everything that is drawn, texts and ticks included
        width, height = figure.get_size_inches()
        assert drawn.x0 >= -0.01
        assert drawn.y0 >= -0.01
        assert drawn.x1 <= width + 0.01
        assert drawn.y1 <= height + 0.01
        # Neither is much paper left empty.
        assert drawn.width > 0.9 * width
        assert drawn.height > 0.9 * height


def test_learning_curves_draw_every_mean_and_bands_for_a_few() -> None:
    results = made_up()
    panels = learning_curve_figure(results).axes
    assert [axes.get_title() for axes in panels] == ["Uncertainty", "Gradients and features", "Variants of grad"]
    drawn = [str(line.get_label()) for axes in panels for line in axes.get_lines()]
    assert set(drawn) == set(CATALOG)
    assert all(drawn.count(name) == (3 if name in ("random", "grad") else 1) for name in CATALOG)
    best = best_by_area(results)
    assert banded(results) == {"random", "grad", best}
    for axes in panels:
        lines = {str(line.get_label()): line for line in axes.get_lines()}
        assert len(lines) <= MOST_CURVES
        for name, line in lines.items():
            np.testing.assert_array_equal(line.get_xdata(), results.labeled)
            np.testing.assert_array_equal(
                line.get_ydata(), results.accuracies[results.strategies.index(name)].mean(axis=-1)
            )
        assert len(axes.collections) == len(banded(results) & set(lines))
        assert max(lines.values(), key=lambda line: line.get_zorder()) is lines["grad"]
        assert min(lines.values(), key=lambda line: line.get_zorder()) is lines["random"]
        assert axes.get_ylim() == panels[0].get_ylim()
    of_grad = results.strategies.index("grad")
    top = results.accuracies[of_grad, -1].mean() + results.accuracies[of_grad, -1].std(ddof=1)
    edges = [np.asarray(path.vertices)[:, 1] for band in panels[0].collections for path in band.get_paths()]
    assert sum(bool(np.isclose(edge, top).any()) for edge in edges) == 1
    assert "Test accuracy" in [text.get_text() for text in learning_curve_figure(results).texts]


def test_few_curves_share_one_panel_and_all_have_bands() -> None:
    results = made_up(("random", "margin", "grad"))
    (axes,) = learning_curve_figure(results).axes
    assert len(axes.collections) == len(axes.get_lines()) == 3
    (axes,) = learning_curve_figure(made_up(CATALOG[:6])).axes
    assert len(axes.collections) in (2, 3)  # random and grad, and the best where it is neither


def test_strategies_are_shared_out_to_panels_that_can_be_read() -> None:
    assert [group.strategies for group in curve_groups(("grad", "mine"))] == [("grad", "mine")]
    mine = [f"mine-{number}" for number in range(9)]
    groups = curve_groups(("random", "margin", *mine))
    assert groups[0] == CurveGroup("Uncertainty", ("random", "margin"))
    assert [group.title for group in groups[1:]] == ["Others"] * 3
    assert [name for group in groups[1:] for name in group.strategies if name != "random"] == mine
    for strategies in (CATALOG, (*CATALOG, *EXTRA), tuple(mine)):
        groups = curve_groups(strategies)
        assert {name for group in groups for name in group.strategies} == set(strategies)
        assert max(len(group.strategies) for group in groups) <= MOST_CURVES


@pytest.mark.parametrize(
    ("labeled", "expected"),
    [
        (range(1000, 5001, 1000), [1000, 2000, 3000, 4000, 5000]),
        (range(100, 4001, 100), [1000, 2000, 3000, 4000]),
        (range(20, 301, 20), [100, 200, 300]),
        ((64, 128, 256, 512), [128, 256, 512]),
        ((7, 14, 21), [7, 14, 21]),
        ((10, 20), [10, 20]),
        ((50,), [50]),
    ],
)
def test_ticks_stand_at_evaluations(labeled: Sequence[int], expected: list[int]) -> None:
    assert label_ticks(np.array(labeled), 5) == expected


@pytest.mark.parametrize("most", [3, 4, 7])
def test_ticks_are_few_and_apart(most: int) -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        labeled = np.cumsum(generator.integers(1, 50, generator.integers(1, 40)))
        ticks = label_ticks(labeled, most)
        assert set(ticks) <= set(labeled.tolist())
        assert 1 <= len(ticks) <= most
        assert ticks == sorted(set(ticks))


def test_a_grid_has_a_row_of_families_for_each_experiment() -> None:
    figure = curve_grid_figure([made_up(name="one"), made_up(name="two", seed=1)])
    assert len(figure.axes) == 6
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == [
        "one\nTest accuracy (5 seeds)",
        "two\nTest accuracy (5 seeds)",
    ]
    assert [axes.get_title() for axes in figure.axes[3:]] == ["", "", ""]  # as in the row above
    few = curve_grid_figure([made_up(("random", "grad"), name="one"), made_up(("random", "badge"), seeds=1)])
    assert [axes.get_title() for axes in few.axes] == ["one (5 seeds)", "made up (1 seed)"]
    (legend,) = few.legends
    assert [text.get_text() for text in legend.get_texts()] == ["random", "grad", "badge"]


def test_one_seed_has_no_bands() -> None:
    results = made_up(seeds=1)
    assert not any(axes.collections for axes in learning_curve_figure(results).axes)
    difference = difference_figure(results)
    assert difference is not None
    assert not any(axes.collections for axes in difference.axes)


def test_differences_are_paired_by_seed() -> None:
    results = made_up(("random", "margin", "grad"), noise=0.05)
    figure = difference_figure(results)
    assert figure is not None
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes}
    assert list(panels) == ["margin", "grad"]
    differences = 100 * (results.accuracies[2] - results.accuracies[0])
    (line,) = [line for line in panels["grad"].get_lines() if line.get_label() == "grad"]
    np.testing.assert_allclose(np.asarray(line.get_ydata()), differences.mean(axis=-1))
    (band,) = panels["grad"].collections
    heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
    # The spread of differences, not the difference of spreads: what all strategies share of a seed has gone.
    expected = (differences.mean(axis=-1) + differences.std(axis=-1, ddof=1)).max()
    assert np.isclose(heights.max(), expected)


@pytest.mark.parametrize("strategies", [("random",), ("entropy", "margin")])
def test_no_difference_without_something_to_compare(strategies: tuple[str, ...]) -> None:
    assert difference_figure(made_up(strategies)) is None
    assert difference_figure(made_up(evaluations=1)) is None


def test_a_strategy_has_one_color_in_all_figures() -> None:
    results = made_up((*CATALOG, *EXTRA), evaluations=5)
    styles = strategy_styles(results.strategies)
    curves = {str(line.get_label()): line for axes in learning_curve_figure(results).axes for line in axes.get_lines()}
    difference = difference_figure(results)
    assert difference is not None
    panels = {str(line.get_label()): line for axes in difference.axes for line in axes.get_lines()}
    found = contests([results])
    bars = loss_score_figure(results.strategies, found)
    order = np.argsort(found["all"].loss, kind="stable")
    for name in results.strategies:
        assert same_color(curves[name].get_color(), styles[name].color)
        assert curves[name].get_marker() == styles[name].marker
        if name != "random":
            assert same_color(panels[name].get_color(), styles[name].color)
            assert panels[name].get_marker() == styles[name].marker
        place = [results.strategies[k] for k in order].index(name)
        for axes in bars.axes:
            assert same_color(axes.patches[place].get_facecolor(), styles[name].color)


def test_loss_bars_are_the_scores_in_one_order_for_all_views() -> None:
    results = made_up(CATALOG[:4], gains=(0, 0.02, 0.04, 0.03))
    found = contests([results])
    figure = loss_score_figure(results.strategies, found)
    order = np.argsort(found["all"].loss, kind="stable")
    assert len(figure.axes) == len(found) == 3
    for axes, contest in zip(figure.axes, found.values(), strict=True):
        bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
        assert [bar.get_width() for bar in bars] == contest.loss[order].tolist()
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == [results.strategies[place] for place in order]
    assert figure.axes[0].yaxis_inverted()
    assert all("lower is better" in axes.get_xlabel() for axes in figure.axes)


@pytest.mark.parametrize("width", ["full", "column"])
def test_every_entry_of_the_matrix_is_written_in_its_cell(width: Width) -> None:
    results = made_up(CATALOG[:4], gains=(0, 0.02, 0.04, 0.03))
    found = contests([results])
    figure = penalty_figure(results.strategies, found, width=width)
    for axes, contest in zip(figure.axes, found.values(), strict=True):
        cells = {text.get_position(): text.get_text() for text in axes.texts}
        assert len(cells) == 4 * 3
        for (column, row), shown_text in cells.items():
            value = contest.penalty[int(row), int(column)]
            assert float(shown_text) == pytest.approx(value, abs=0.005)
    for axes in figure.axes:
        assert axes.get_xlabel() == "Loser"
        assert [label.get_text() for label in axes.get_xticklabels()] == list(results.strategies)
    assert figure.axes[0].get_ylabel() == "Winner"
    assert [axes.get_title() for axes in figure.axes] == ["All rounds", "First 3 rounds", "Last 3 rounds"]


def test_eleven_strategies_stand_in_one_row_and_twenty_in_one_column() -> None:
    for count, rows in ((11, 1), (20, 3)):
        results = made_up([f"mine-{number}" for number in range(count)], gains=np.linspace(0, 0.1, count).tolist())
        figure = freeze_layout(penalty_figure(results.strategies, contests([results])))
        assert len({round(axes.get_position().y0, 3) for axes in figure.axes}) == rows
        assert len(figure.axes) == 3


def test_views_without_a_significant_difference_are_told_and_not_drawn() -> None:
    accuracies = made_up(("random", "grad"), gains=(0, 0.05)).accuracies.copy()
    accuracies[:, -3:] = accuracies[:1, -3:]
    results = from_accuracies(accuracies, ("random", "grad"))
    found = contests([results])
    for width in WIDTHS:
        for figure in (
            penalty_figure(results.strategies, found, width=width),
            loss_score_figure(results.strategies, found, width=width),
        ):
            assert [axes.get_title() for axes in figure.axes] == ["All rounds", "First 3 rounds"]
            assert any("in the last 3 rounds." in text.get_text().replace("\n", " ") for text in figure.texts)
    silent = contests([from_accuracies(np.full((3, 5, 2), 0.7), ("random", "grad", "badge"))])
    (axes,) = penalty_figure(("random", "grad", "badge"), silent).axes
    assert axes.get_title() == "All rounds"
    assert silent_sentence(silent) == "No pair differs significantly in any round."


def test_views_that_would_repeat_all_rounds_are_left_out() -> None:
    assert list(contests([made_up(evaluations=4)])) == ["all"]
    assert list(contests([made_up(evaluations=5)])) == ["all", "early", "late"]
    assert list(contests([made_up(evaluations=2), made_up(evaluations=5)])) == ["all", "early", "late"]
    assert contests([made_up(seeds=1), made_up(evaluations=1), made_up(("grad",))]) == {}


def test_contests_add_up_over_experiments() -> None:
    one, two, silent = made_up(seed=1), made_up(seed=2), made_up(seeds=1)
    together = contests([one, silent, two])
    for view, contest in together.items():
        expected = contests([one])[view].penalty + contests([two])[view].penalty
        np.testing.assert_allclose(contest.penalty, expected)
        np.testing.assert_allclose(contest.loss, expected.mean(axis=0))


def test_figures_of_tests_need_a_contest() -> None:
    with pytest.raises(InputError, match="needs a contest"):
        penalty_figure(("random", "grad"), {})
    with pytest.raises(InputError, match="needs a contest"):
        loss_score_figure(("random", "grad"), {})


def test_the_legend_stands_outside_of_the_axes() -> None:
    sizes: dict[Width, float] = {"full": FULL_WIDTH, "column": COLUMN_WIDTH}
    for width, inches in sizes.items():
        figure = freeze_layout(learning_curve_figure(made_up(), width=width))
        assert figure.get_size_inches()[0] == inches
        (legend,) = figure.legends
        assert all(legend.get_window_extent().y0 >= axes.get_window_extent().y1 for axes in figure.axes)
        assert [text.get_text() for text in legend.get_texts()] == list(CATALOG)


def test_the_same_figure_gives_the_same_bytes() -> None:
    results = made_up(("random", "grad"), evaluations=3)
    starts: dict[FigureKind, bytes] = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}
    for kind, start in starts.items():
        first, second = (figure_bytes(learning_curve_figure(results), kind) for _ in range(2))
        assert first == second
        assert first.startswith(start)


def settings() -> dict[str, object]:
    """Return matplotlib's settings; the backend is left out, since reading it imports pyplot."""
    return {key: mpl.rcParams[key] for key in mpl.rcParams if key != "backend"}


def test_nothing_is_left_in_the_global_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it now is an error
    before = settings()
    for figure in all_figures(made_up(("random", "grad"), evaluations=5), ("column",)):
        assert figure_bytes(figure, "svg")
        assert figure_bytes(figure, "png")
    assert settings() == before


def test_labels_are_short_one_line_and_in_the_font() -> None:
    assert figure_label("grad") == "grad"
    assert figure_label("two\nlines  and\tmore") == "two lines and more"
    assert figure_label("語x") == "?x"
    assert figure_label("_hidden") == " _hidden"
    assert figure_label("") == " "
    long = figure_label("a-recipe-with-a-very-long-name", 12)
    assert long == "a-reci…-name"
    assert len(long) == 12
    assert text_width("n" * 10, 7) == pytest.approx(10 * text_width("n", 7))
