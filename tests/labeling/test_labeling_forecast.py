"""The forecast: what it reads off known curves, what it trains on, and that it leaves a project as it is."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from ladle.labeling import (
    Forecast,
    LabelingProject,
    Measured,
    Snapshot,
    Source,
    cross_validate,
    forecast_saving,
    read_forecast,
)
from ladle.labeling.cross_validation import _covariance, _trials
from ladle.models import TrainingConfig, build_model, evaluate, train
from ladle.statistics import LearningCurve

CLASSES = tuple(f"digit {number}" for number in range(10))
QUICK = TrainingConfig(epochs=4, learning_rate=0.05)


@pytest.fixture(scope="module")
def digits() -> tuple[Source, dict[str, str]]:
    inputs, labels = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(labels))[:200]
    ids = tuple(f"n{row}" for row in range(200))
    source = Source("embeddings", Path("digits.npy"), ids, ids, torch.from_numpy(inputs[rows] / 16).float(), "mlp")
    return source, {name: CLASSES[label] for name, label in zip(ids, labels[rows], strict=True)}


def labeled(source: Source, truth: dict[str, str], batches: int, **options: object) -> LabelingProject:
    settings = {"classes": CLASSES, "training": QUICK, "store": "sqlite://"} | options
    project = LabelingProject(source, **settings)  # type: ignore[arg-type]
    for _ in range(batches):
        project.ingest({pick.id: truth[pick.id] for pick in project.next(20)})
    return project


def measured(growth: float, deviation: float) -> Measured:
    """Return accuracies that lie on a known curve, so that 400 labels are worth 400·20^growth random ones."""
    sizes, chosen = np.array([16.0, 26, 40, 64, 190, 390]), np.arange(6) >= 4
    worth = sizes * np.where(chosen, (sizes / 20) ** growth, 1)
    accuracies = LearningCurve(0.1, 0.95, 40, 1.1).accuracy(worth)
    return Measured(sizes, chosen, accuracies, deviation**2 * np.eye(6))


def read(found: Measured) -> Forecast:
    return read_forecast(found, labeled=400, drawn=100, start=20, classes=10, strategy="margin", seed=0)


def test_a_known_saving_is_read_and_said() -> None:
    forecast = read(measured(0.3, 0.001))
    assert forecast.saving == pytest.approx(20**0.3, rel=0.15)
    assert forecast.low is not None
    assert forecast.high is not None
    assert 1.2 < forecast.low < 20**0.3 < forecast.high
    assert forecast.verdict == "saves"
    assert forecast.accuracy == pytest.approx(measured(0.3, 0.001).accuracies[-1])
    assert forecast.sentence() == (
        "Choosing by margin saves labels: for the accuracy that 400 labels gave, random labeling would need about "
        f"{forecast.saving:.1f} × as many labels ({forecast.low:.1f} to {forecast.high:.1f}, right four times in five)."
    )


def test_where_choosing_costs_labels_it_says_so() -> None:
    forecast = read(measured(-0.3, 0.001))
    assert forecast.verdict == "costs"
    assert forecast.saving == pytest.approx(20**-0.3, rel=0.15)
    assert "does not help here" in forecast.sentence()


def test_an_interval_with_one_in_it_claims_no_saving() -> None:
    forecast = read(measured(0.0, 0.004))
    assert forecast.verdict == "even"
    assert forecast.sentence().startswith("No saving shown")


def test_what_says_little_gets_no_number() -> None:
    forecast = read(measured(0.3, 0.2))
    assert forecast.verdict == "too early"
    assert forecast.low is not None
    assert forecast.high is not None
    assert forecast.high > 3 * forecast.low
    assert "×" not in forecast.sentence()
    assert "more will tell" in forecast.sentence()


def test_no_model_is_asked_about_what_it_has_seen() -> None:
    drawn = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 19, 24, 29, 34, 39])
    trials = _trials(drawn, 40, np.random.default_rng(0))
    asked = np.zeros((40, 6), dtype=int)
    for trial in trials:
        assert not set(trial.train) & set(trial.test)
        assert len(set(trial.train)) == len(trial.train)
        asked[trial.test, trial.column] += 1
        if trial.column < 4:
            assert set(trial.train) <= set(drawn)
        elif trial.column == 4:
            assert set(trial.train) == set(range(20)) - set(trial.test)
        else:
            assert set(trial.train) == set(range(40)) - set(trial.test)
    assert (asked[drawn] == [2, 2, 2, 2, 1, 1]).all()
    assert asked.sum() == 10 * len(drawn)
    nested = [set(trial.train) for trial in trials[:4]]
    assert nested[0] < nested[1] < nested[2] < nested[3]


def test_the_covariance_is_that_of_means_drawn_anew() -> None:
    generator = np.random.default_rng(0)
    hard = generator.random(300)[:, None]
    shares = (generator.random((300, 3)) > hard * [0.9, 0.6, 0.3]).astype(float)
    means = [shares[generator.integers(300, size=300)].mean(axis=0) for _ in range(4000)]
    assert _covariance(shares) == pytest.approx(np.cov(np.array(means), rowvar=False), rel=0.25, abs=2e-5)
    assert np.diag(_covariance(np.ones((30, 2)))).min() > 0


def test_a_forecast_repeats_and_leaves_the_project_as_it_is(digits: tuple[Source, dict[str, str]]) -> None:
    source, truth = digits
    with labeled(source, truth, 4) as project, labeled(source, truth, 4) as other:
        steps: list[tuple[int, int]] = []
        before = (len(project.session.log.read()), project.status())
        first = project.forecast(progress=lambda done, total: steps.append((done, total)))
        assert (len(project.session.log.read()), project.status()) == before
        assert steps == [(done, 50) for done in range(1, 51)]
        assert (first.labeled, first.drawn, first.strategy) == (80, 32, "margin")
        assert first.saving is not None
        assert first.accuracy_low is not None
        assert first.accuracy is not None
        assert first.accuracy_high is not None
        assert first.accuracy_low < first.accuracy < first.accuracy_high
        # In another process it is the same: all that it takes is in the snapshot.
        assert forecast_saving(pickle.loads(pickle.dumps(other.snapshot()))) == first
        assert [pick.id for pick in project.next(20)] == [pick.id for pick in other.next(20)]


def test_the_measured_accuracies_are_those_on_examples_never_seen() -> None:
    inputs, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    rows, numbers = torch.from_numpy(inputs[order] / 16).float(), labels[order].astype(np.int64)
    build = build_model("mlp", example_shape=(64,), classes=10)
    training = TrainingConfig(epochs=15, learning_rate=0.05)
    everyone = np.ones(150, dtype=bool)
    found = cross_validate(Snapshot(rows[:150], numbers[:150], everyone, 30, 10, "random", build, training, seed=0))
    assert found.sizes.tolist() == pytest.approx([30, 48, 76, 120, 60, 120])
    assert found.chosen.tolist() == [False] * 4 + [True] * 2
    for column, size in enumerate((30, 48, 76, 120, 60, 120)):
        true = [
            evaluate(
                train(
                    build, rows[start : start + size], torch.from_numpy(numbers[start : start + size]), training, seed=1
                ),
                rows[800:],
                numbers[800:],
            )
            for start in (0, 200, 400)
        ]
        # 150 answers have a deviation of 0.03, and the labels' luck is as much.
        assert found.accuracies[column] == pytest.approx(np.mean(true), abs=0.13)
    assert (np.diff(found.accuracies[:4]) > 0).all()


def test_drawn_are_the_first_batch_and_the_control_arm(digits: tuple[Source, dict[str, str]]) -> None:
    source, truth = digits
    with labeled(source, truth, 0, strategy="random") as project:
        wanted: list[str] = []
        for number in range(3):
            batch = project.next(20)
            wanted += [pick.id for pick in batch if pick.control or not number]
            project.ingest({pick.id: truth[pick.id] for pick in batch})
        snapshot = project.snapshot()
        names = [source.ids[place] for place in project.session.labeled]
    assert {name for name, drawn in zip(names, snapshot.drawn, strict=True) if drawn} == set(wanted)
    assert (len(wanted), snapshot.start, snapshot.strategy) == (28, 20, "random")


def test_what_is_missing_is_said_and_nothing_is_trained(digits: tuple[Source, dict[str, str]]) -> None:
    source, truth = digits

    def refuse() -> torch.nn.Module:
        raise AssertionError("trained")

    def said(snapshot: Snapshot) -> str:
        forecast = forecast_saving(replace(snapshot, build=refuse))
        assert (forecast.verdict, forecast.saving) == ("too early", None)
        return forecast.sentence()

    with labeled(source, truth, 1) as project:
        assert "no control arm yet" in said(project.snapshot())
        project.ingest({pick.id: truth[pick.id] for pick in project.next(20)})
        assert "24 of the 40 labels were drawn at random, and it takes 30" in said(project.snapshot())
    with labeled(source, truth, 0) as project:
        project.ingest({name: truth[name] for name in source.ids[:60]})
        project.ingest({pick.id: truth[pick.id] for pick in project.next(20)})
        assert "not drawn at random" in said(project.snapshot())
    with labeled(source, truth, 0) as project:
        for count in (40, 20):
            project.ingest({pick.id: truth[pick.id] for pick in project.next(count)})
        assert "60 labels, and it takes twice the 40" in said(project.snapshot())
