"""The summary table on arrays small enough to work out by hand."""

from __future__ import annotations

import math
from dataclasses import astuple, replace

import numpy as np
import pytest
from report_cases import CATALOG, from_accuracies, made_up

from ladle.errors import InputError
from ladle.reports.analysis import analyze
from ladle.reports.orderings import areas
from ladle.reports.tables import (
    format_timing,
    rows_of,
    summary_columns,
    summary_rows,
    summary_table,
    timing_rows,
)

# Two seeds, labels 100, 200, 300, 400. Seed by seed margin gains 0.2 in round 1, 0.1 in round 2, none at the end.
RANDOM = [[0.2, 0.4], [0.3, 0.5], [0.5, 0.7], [0.6, 0.8]]
MARGIN = [[0.2, 0.4], [0.5, 0.7], [0.6, 0.8], [0.6, 0.8]]


def test_rows_worked_out_by_hand() -> None:
    margin, random = summary_rows(from_accuracies([RANDOM, MARGIN]))

    assert (margin.strategy, random.strategy) == ("margin", "random")  # the higher area first
    # The end: 0.6 and 0.8 have mean 0.7 and standard deviation √0.02.
    assert margin.final_accuracy == pytest.approx(0.7)
    assert margin.final_accuracy_std == pytest.approx(math.sqrt(0.02))
    # Areas over labels 100 to 400: ((0.2+0.5)/2 + (0.5+0.6)/2 + (0.6+0.6)/2)/3 = 0.5 and 0.2 more.
    assert margin.area == pytest.approx((0.5 + 0.7) / 2)
    assert margin.area_std == pytest.approx(math.sqrt(0.02))
    assert random.area == pytest.approx((0.4 + 0.6) / 2)
    # Random ends at 0.7 with 400 labels; margin's mean is 0.7 with 300.
    assert margin.target == random.target == pytest.approx(0.7)
    assert margin.labels_to_target == pytest.approx(300)
    assert random.labels_to_target == pytest.approx(400)
    assert margin.label_ratio == pytest.approx(4 / 3)
    assert random.label_ratio == 1
    # Both seeds agree, so every resample does.
    assert (margin.labels_low, margin.labels_high) == pytest.approx((300, 300))
    assert (margin.label_ratio_low, margin.label_ratio_high) == pytest.approx((4 / 3, 4 / 3))
    # Constant differences win rounds 1 and 2 of 3; the diagonal counts: columns (0 + 2/3)/2 and 0.
    assert random.loss_score == pytest.approx(1 / 3)
    assert margin.loss_score == 0
    assert (random.acquisition_seconds, margin.acquisition_seconds) == (1.0, 2.0)
    assert margin.budget == 400

    headings, cells = summary_table([margin, random])
    assert headings[3] == "Labels to 70.0%"
    assert cells[0] == ("margin", "70.00 ± 14.14", "60.00 ± 14.14", "300", "75%", "0", "2.00 s")


def test_the_initial_evaluation_moves_no_test_and_all_areas_alike() -> None:
    results = made_up(("random", "margin", "grad"), gains=(0, 0.02, 0.04))
    other = results.accuracies.copy()
    other[:, 0] = np.random.default_rng(1).uniform(0, 0.3, other[:, 0].shape)
    assert not np.array_equal(other, results.accuracies)
    for before, after in zip(summary_rows(results), summary_rows(replace(results, accuracies=other)), strict=True):
        assert before.loss_score == after.loss_score
    # One labeled set and one model for all strategies: the way to the first batch counts for each of them the same.
    alike = results.accuracies.copy()
    alike[:, 0] -= 0.3
    moved = [
        before.area - after.area
        for before, after in zip(summary_rows(results), summary_rows(replace(results, accuracies=alike)), strict=True)
        if before.area is not None and after.area is not None
    ]
    assert moved == pytest.approx([0.3 / 2 / 6] * 3)


def test_the_report_and_the_page_of_results_have_one_area() -> None:
    results = made_up(CATALOG)
    found = areas(results)
    for row in summary_rows(results):
        assert row.area == pytest.approx(float(found[row.strategy].mean()))


def test_rows_fall_by_area_and_equals_keep_catalog_order() -> None:
    rows = summary_rows(made_up(CATALOG[:8], gains=(0, -0.03, 0.05, 0, 0.02, 0.03, -0.01, 0.04), noise=1e-6))
    areas = [row.area for row in rows if row.area is not None]
    assert areas == sorted(areas, reverse=True)
    assert [row.strategy for row in rows[:4]] == ["margin", "k-center", "grad", "egl"]
    same = from_accuracies([RANDOM] * 3, ("random", "entropy", "badge"))
    assert [row.strategy for row in summary_rows(same)] == ["random", "entropy", "badge"]


def test_without_random_there_is_no_target_and_the_report_says_why() -> None:
    results = from_accuracies([RANDOM, MARGIN], ("entropy", "margin"))
    for row in summary_rows(results):
        assert row.target is row.labels_to_target is row.labels_low is row.label_ratio is row.label_ratio_low is None
        assert row.loss_score is not None
    assert any("random was not run" in note for note in analyze(results).notes)
    headings, cells = summary_table(summary_rows(results))
    assert headings[3] == "Labels to target"
    assert cells[0][3:5] == ("–", "–")


def test_one_seed_has_no_deviation_no_interval_and_no_test() -> None:
    results = from_accuracies(np.array([RANDOM, MARGIN])[:, :, :1])
    margin, random = summary_rows(results)
    for row in (margin, random):
        assert row.final_accuracy_std is row.area_std is row.labels_low is row.label_ratio_high is None
        assert row.loss_score is None
    assert margin.labels_to_target == pytest.approx(300)
    assert any(note.startswith("One seed") for note in analyze(results).notes)
    assert summary_table([margin])[1][0] == ("margin", "60.00", "50.00", "300", "75%", "–", "2.00 s")


def test_only_the_initial_evaluation() -> None:
    results = from_accuracies(np.array([RANDOM, MARGIN])[:, :1])
    rows = summary_rows(results)
    assert [row.strategy for row in rows] == ["random", "margin"]
    assert summary_table(rows)[1][0] == ("random", "30.00 ± 14.14", "–", "–", "–", "–", "–")
    assert any("only the initial evaluation" in note for note in analyze(results).notes)


def test_a_target_nobody_reaches_is_shown_as_more_than_the_budget() -> None:
    worse = np.array(RANDOM) - [[0], [0.2], [0.2], [0.2]]
    row = summary_rows(from_accuracies([RANDOM, worse.tolist()]))[1]
    assert row.strategy == "margin"
    assert row.labels_to_target == math.inf
    assert row.label_ratio == 0
    assert summary_table([row])[1][0][3:5] == (">400", ">100%")


def test_no_number_is_ever_nan() -> None:
    for seeds in (1, 2, 5):
        for evaluations in (1, 2, 4, 9):
            for row in summary_rows(made_up(evaluations=evaluations, seeds=seeds, noise=0.02)):
                assert not any(isinstance(value, float) and math.isnan(value) for value in astuple(row))
            cells = summary_table(summary_rows(made_up(evaluations=evaluations, seeds=seeds)))[1]
            assert not any("nan" in cell or cell == "inf" for line in cells for cell in line[1:])


def test_an_initial_set_of_no_labels_is_only_left_out_of_the_ratio() -> None:
    margin = summary_rows(from_accuracies([RANDOM, MARGIN], labeled=(0, 100, 200, 300)))[0]
    assert margin.labels_to_target == pytest.approx(200)
    assert margin.label_ratio == pytest.approx(1.5)


def test_columns_describe_the_cells_and_narrow_ones_fit_a_terminal() -> None:
    rows = summary_rows(made_up())
    headings, cells = summary_table(rows)
    assert headings == tuple(column.heading for column in summary_columns(rows))
    assert all(column.explanation.endswith(".") for column in summary_columns(rows))
    assert {len(line) for line in cells} == {len(headings)}
    assert [line[0] for line in cells] == [row.strategy for row in rows]
    assert {line[0] for line in cells} == set(CATALOG)

    short, short_cells = summary_table(rows, narrow=True)
    assert [heading.replace("\n", " ") for heading in short] == [headings[place] for place in (0, 1, 2, 3, 5)]
    widths = [
        max(*(len(line[column]) for line in short_cells), *map(len, heading.split("\n")))
        for column, heading in enumerate(short)
    ]
    assert sum(widths) + 3 * len(widths) + 1 <= 84  # a box's lines and blanks; 80 but for very wide intervals


def test_rows_of_no_strategy_have_columns_still() -> None:
    assert summary_table([])[1] == []
    assert len(summary_columns([])) == len(summary_table([])[0])


def test_timing_leaves_out_the_round_that_picks_nothing() -> None:
    random, margin = timing_rows(from_accuracies([RANDOM, MARGIN]))
    assert random.acquisition == (1.0, 1.0, 1.0)
    assert (margin.acquisition, margin.training) == ((2.0, 2.0, 2.0), (2.0, 2.0, 2.0))
    assert format_timing(margin) == ("margin", "2.00 s (2.00 s to 2.00 s)", "2.00 s (2.00 s to 2.00 s)")
    (only,) = timing_rows(from_accuracies([[[0.5]]], ("random",)))
    assert format_timing(only) == ("random", "–", "2.00 s (2.00 s to 2.00 s)")


def test_a_pause_in_one_round_does_not_move_the_times() -> None:
    results = from_accuracies([RANDOM, MARGIN])
    slept = results.acquisition_seconds.copy()
    slept[1, 0, 0] = 3600
    paused = replace(results, acquisition_seconds=slept)
    assert timing_rows(paused) == timing_rows(results)
    assert summary_rows(paused) == summary_rows(results)


def test_arrays_that_do_not_fit_are_refused_in_one_line() -> None:
    good = from_accuracies([RANDOM, MARGIN])
    wrong = good.accuracies.copy()
    wrong[0, 1, 0] = np.nan
    for broken, rule in (
        (replace(good, strategies=("random",)), "accuracies must be"),
        (replace(good, strategies=("margin", "margin")), "strategies must be distinct"),
        (replace(good, training_seconds=good.training_seconds[:, 1:]), "training_seconds must be"),
        (replace(good, accuracies=wrong), "accuracies must be finite"),
        (replace(good, seeds=(), accuracies=good.accuracies[:, :, :0]), "needs a strategy, a round and a seed"),
        (replace(good, labeled=np.array([100, 300, 200, 400])), "strictly increasing"),
    ):
        with pytest.raises(InputError, match=rule) as error:
            summary_rows(broken)
        assert "\n" not in str(error.value)
        assert "(got" in str(error.value)


def test_unfinished_runs_are_named() -> None:
    analysis = analyze(from_accuracies([RANDOM], ("random",), unfinished=1))
    assert any("1 stored run is left out" in note for note in analysis.notes)
    assert rows_of(analysis)[0].loss_score is None  # one strategy has nobody to lose against
