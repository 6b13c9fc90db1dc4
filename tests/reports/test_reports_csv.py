"""What is read back from the CSV files equals what was measured."""

from __future__ import annotations

import csv
from io import StringIO

import numpy as np
import pandas as pd
from report_cases import LONG_NAMES, from_accuracies, made_up

from ladle.reports.analysis import analyze
from ladle.reports.csv_files import learning_curves_csv, penalty_matrix_csv, summary_csv
from ladle.reports.tables import summary_rows


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_learning_curves_come_back_exactly() -> None:
    first = made_up(LONG_NAMES, evaluations=4, seeds=3, name='a "quoted", name\nof two lines')
    second = made_up(("random", "grad"), evaluations=2, seeds=1, identity="fedcba")
    lines = read(learning_curves_csv([first, second]))
    for results in (first, second):
        mine = [line for line in lines if line["identity"] == results.identity]
        shape = results.accuracies.shape
        assert len(mine) == results.accuracies.size
        assert {line["experiment"] for line in mine} == {results.name}
        for number, line in enumerate(mine):
            strategy, seed, evaluation = np.unravel_index(number, (shape[0], shape[2], shape[1]))
            place = (strategy, evaluation, seed)
            assert line["strategy"] == results.strategies[strategy]
            assert int(line["seed"]) == results.seeds[seed]
            assert int(line["round"]) == evaluation
            assert int(line["labeled"]) == results.labeled[evaluation]
            assert float(line["accuracy"]) == results.accuracies[place]
            assert float(line["training_seconds"]) == results.training_seconds[place]
            if evaluation == shape[1] - 1:
                assert line["acquisition_seconds"] == ""
            else:
                assert float(line["acquisition_seconds"]) == results.acquisition_seconds[place]


def test_learning_curves_read_as_a_table() -> None:
    results = made_up(("random", "grad"), evaluations=3, seeds=2)
    table = pd.read_csv(StringIO(learning_curves_csv([results])))
    assert list(table.columns) == [
        "experiment",
        "identity",
        "strategy",
        "seed",
        "round",
        "labeled",
        "accuracy",
        "training_seconds",
        "acquisition_seconds",
    ]
    again = table.set_index(["strategy", "round", "seed"])["accuracy"].loc["grad"].to_numpy().reshape(2, 3).T
    np.testing.assert_allclose(again, results.accuracies[1], rtol=1e-14)  # pandas may miss the last digit
    assert table["acquisition_seconds"].isna().sum() == 2 * 2


def test_penalty_matrix_in_long_form_is_the_matrix() -> None:
    analysis = analyze(made_up(("random", "margin", "grad"), gains=(0, 0.03, 0.06)))
    lines = read(penalty_matrix_csv([analysis, analyze(made_up(seeds=1))]))  # one seed has no tests and no lines
    assert len(lines) == 3 * 3 * 2
    for line in lines:
        winner = analysis.results.strategies.index(line["winner"])
        loser = analysis.results.strategies.index(line["loser"])
        assert winner != loser
        contest = next(contest for view, contest in analysis.contests.items() if view == line["rounds"])
        assert float(line["penalty"]) == contest.penalty[winner, loser]
    assert any(float(line["penalty"]) > 0 for line in lines)
    assert {line["rounds"] for line in lines} == {"all", "early", "late"}


def test_summary_is_the_rows() -> None:
    results = made_up(("random", "margin", "grad"), gains=(0, 0.05, -0.3))
    lines = read(summary_csv([analyze(results)]))
    for line, row in zip(lines, summary_rows(results), strict=True):
        assert line.pop("experiment") == results.name
        assert line.pop("identity") == results.identity
        assert line.pop("strategy") == row.strategy
        for key, value in line.items():
            assert float(value) == getattr(row, key)
    assert lines[-1]["labels_to_target"] == "inf"


def test_what_cannot_be_had_is_an_empty_cell() -> None:
    one_seed = from_accuracies([[[0.5], [0.6]], [[0.5], [0.7]]], ("entropy", "margin"))
    for line in read(summary_csv([analyze(one_seed)])):
        for key in ("final_accuracy_std", "area_std", "target", "labels_to_target", "label_ratio", "loss_score"):
            assert line[key] == ""
    assert "nan" not in summary_csv([analyze(one_seed)]) + learning_curves_csv([one_seed])
