"""``ladle figure``, ``ladle results`` and the suites of ``ladle run``, as someone types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ladle.data import DataConfig
from ladle.errors import DataError
from ladle.experiments import ExperimentConfig, ScheduleConfig, experiment_from, run_experiment, suites
from ladle.models import ModelConfig, TrainingConfig
from ladle.session import open_database

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/ladle.db"
    for width in (8, 16):
        config = experiment_from(
            {
                "name": f"digits-{width}",
                "strategies": ["random", "margin", "grad"],
                "seeds": 3,
                "data": {"name": "digits"},
                "model": {"name": "mlp", "hidden": [width]},
                "schedule": {"initial": 20, "batch": 20, "rounds": 2},
                "training": {"epochs": 4, "learning_rate": 0.05},
            }
        )
        run_experiment(config, store=url, workers=1)
    return url


def test_a_stored_figure_comes_with_its_numbers(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    code, out, _ = call("figure", "5", "--store", store, "--out", str(tmp_path))
    assert code == 0
    assert "figure-5-penalty.png" in out
    assert json.loads((tmp_path / "figure-5.json").read_text())["all"]["experiments"] == ["digits-8", "digits-16"]
    for name in ("figure-5-penalty.png", "figure-5-loss.pdf"):
        assert (tmp_path / name).stat().st_size > 1000


def test_figures_of_chosen_strategies(store: str, tmp_path: Path, call: Call) -> None:
    code, _, _ = call("figure", "5", "--store", store, "--out", str(tmp_path), "--strategies", "grad, random")
    assert code == 0
    numbers = json.loads((tmp_path / "figure-5.json").read_text())["all"]
    assert (numbers["strategies"], numbers["pairs"]) == (["grad", "random"], 1)
    wrong = {
        ("5", "--strategies", "grad,bagde"): "got 'bagde'); there are random, margin, grad",
        ("10", "--strategies", "grad"): "two strategies",
        ("1", "--strategies", "grad"): "figure 1 reads none",
    }
    for words, message in wrong.items():
        code, _, err = call("figure", *words, "--store", store, "--out", str(tmp_path))
        assert code == 2
        assert message in err
        assert err.count("\n") == 1


def test_wrong_figures_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    nowhere, empty = (f"sqlite:///{tmp_path}/{name}.db" for name in ("nowhere", "empty"))
    open_database(empty).dispose()
    wrong = {
        ("figure", "geometry"): "full-vs-last",
        ("figure", "5", "--store", empty): "results load",
        ("figure", "5", "--store", nowhere): "no such file",
        ("report", "--store", nowhere): "no such file",
    }
    for words, message in wrong.items():
        code, _, err = call(*words, "--out", str(tmp_path))
        assert code == 2
        assert message in err
        assert err.count("\n") == 1
    assert not (tmp_path / "nowhere.db").exists()


def test_results_are_saved_loaded_and_written_up(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    pytest.importorskip("scikit_posthocs")
    saved, copy = tmp_path / "saved", f"sqlite:///{tmp_path}/copy.db"
    assert call("results", "save", str(saved), "--store", store)[0] == 0
    code, out, _ = call("results", "load", str(saved), "--store", copy)
    assert code == 0
    assert "digits-16" in out
    code, out, _ = call("results", "page", str(saved), "--docs", str(tmp_path / "docs"))
    assert code == 0
    assert "Recommended default" in (tmp_path / "docs" / "results.md").read_text()
    code, _, err = call("results", "load", str(tmp_path / "docs"), "--store", copy)
    assert (code, err.count("\n")) == (2, 1)


def small_suite() -> list[ExperimentConfig]:
    def one(name: str, data: str) -> ExperimentConfig:
        return ExperimentConfig(
            name=name,
            strategies=("random", "grad"),
            seeds=1,
            data=DataConfig(data),
            model=ModelConfig("mlp", hidden=(8,)),
            schedule=ScheduleConfig(10, 10, 1),
            training=TrainingConfig(epochs=2),
            learning_rates=(0.01,),
        )

    return [one("first", "digits"), one("far", "pokerhand"), one("also-far", "pokerhand")]


def test_a_suite_says_what_it_costs_runs_what_it_can_and_names_what_it_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setitem(suites._SUITES, "small", small_suite)
    asked: list[str] = []
    real = __import__("ladle.data", fromlist=["load_pool"]).load_pool

    def load(config: DataConfig, **named: object) -> object:
        asked.append(config.name)
        if config.name == "pokerhand":
            raise DataError("pokerhand is out of reach (got no network); put it into the data home")
        return real(config, **named)

    monkeypatch.setattr("ladle.data.load_pool", load)
    url = f"sqlite:///{tmp_path}/suite.db"
    code, out, err = call("run", "small", "--estimate", "--store", url)
    assert code == 2
    assert "first" in out
    assert "in all" in out
    assert "pokerhand is out of reach" in out
    assert "got no data for far, also-far" in err
    assert asked == ["digits", "pokerhand"]  # said once, and the network asked once
    code, out, err = call("run", "small", "--store", url, "--workers", "1")
    assert code == 2
    assert "first, 1 seeds" in out
    assert "got no data for far, also-far" in err
    code, out, _ = call("run", "small/first", "--store", url, "--estimate")
    assert code == 0
    assert " 0 " in out
    # One experiment of a suite says what it costs as well, and is refused in one line.
    code, out, _ = call("run", "small/first", "--store", url, "--workers", "1")
    assert (code, "left to do" in out) == (0, True)
    code, out, err = call("run", "small/far", "--store", url)
    assert (code, out, err) == (2, "", "ladle: pokerhand is out of reach (got no network); put it into the data home\n")


@pytest.mark.parametrize(("option", "message"), [("--workers=0", "at least 1"), ("--device=tpu", "cpu or cuda")])
def test_an_estimate_too_names_a_machine_that_cannot_be(option: str, message: str, tmp_path: Path, call: Call) -> None:
    code, _, err = call("run", "quickstart", "--estimate", option, "--store", f"sqlite:///{tmp_path}/none.db")
    assert (code, err.count("\n")) == (2, 1)
    assert message in err
    assert not (tmp_path / "none.db").exists()
