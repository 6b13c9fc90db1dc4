"""Experiment files: what is read, and what is refused before anything trains."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ladle.errors import ConfigError, LadleError, UnknownNameError
from ladle.experiments import ExperimentConfig, experiment_from, list_experiments, read_experiment
from ladle.models import TrainingConfig

LETTERS = """
name = "letters"
strategies = ["random", "entropy", "grad"]
seeds = 3
[data]
name = "table"
path = "letters.csv"
target = "class"
[model]
name = "mlp"
[schedule]
initial = 100
batch = 100
rounds = 5
[training]
epochs = 40
batch_size = 8
learning_rate = 0.01
"""


def digits(**changes: Any) -> dict[str, Any]:
    table: dict[str, Any] = {
        "name": "small",
        "strategies": ["random", "grad"],
        "seeds": 2,
        "data": {"name": "digits"},
        "model": {"name": "mlp"},
        "schedule": {"initial": 10, "batch": 5, "rounds": 3},
        "training": {"epochs": 2},
    }
    for key, value in changes.items():
        section, _, entry = key.partition("__")
        if entry:
            table[section] = {**table[section], entry: value}
        else:
            table[section] = value
    return table


def test_the_file_of_the_readme_is_read(tmp_path: Path) -> None:
    file = tmp_path / "letters.toml"
    file.write_text(LETTERS)
    config = read_experiment(file)
    assert config.strategies == ("random", "entropy", "grad")
    assert config.data.path == str(tmp_path / "letters.csv"), "relative to the file, not to where one stands"
    assert config.schedule.labeled == [100, 200, 300, 400, 500, 600]
    assert config.training.epochs == 40
    assert config.learning_rates == (0.01,)


def test_bundled_experiments_are_read_by_name() -> None:
    assert "quickstart" in list_experiments()
    for name in list_experiments():
        assert read_experiment(name).name == name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, r"no such key \(got 'colour'\)"),
        ({"data__pool": 5}, r"\[data\] has no such key \(got 'pool'\)"),
        ({"training__epoch": 5}, r"\[training\] has no such key \(got 'epoch'\).*epochs"),
        ({"schedule": {"initial": 5}}, r"\[schedule\] lacks a key.*add batch, rounds"),
        ({"schedule__batch": 0}, r"schedule.batch must be an integer of at least 1 \(got 0\)"),
        ({"schedule__rounds": 2.5}, r"schedule.rounds must be an integer of at least 0 \(got 2.5\)"),
        ({"schedule__rounds": 1 << 62}, r"schedule.rounds is at most 1,000,000"),
        ({"schedule": 3}, r"schedule must be a section"),
        ({"seeds": 0}, r"seeds must be an integer of at least 1 \(got 0\)"),
        ({"seeds": True}, r"seeds must be an integer"),
        ({"strategies": "grad"}, r"strategies must be a list of names \(got 'grad'\)"),
        ({"strategies": ["grad", "grad"]}, r"distinct"),
        ({"strategies": []}, r"at least one"),
        ({"strategies": ["entropie"]}, r"unknown strategy \(got 'entropie'\); did you mean 'entropy'"),
        ({"model__name": "lenett"}, r"unknown model \(got 'lenett'\); did you mean 'lenet'"),
        ({"data__name": "digit"}, r"unknown data set \(got 'digit'\); did you mean 'digits'"),
        ({"training__epochs": 0}, r"epochs must be an integer of at least 1"),
        ({"training__learning_rate": -1.0}, r"learning_rate must be above 0"),
        ({"training__learning_rate": []}, r"learning_rate must be a number or a list"),
        ({"training__learning_rate": [0.1, 0.1]}, r"distinct"),
        ({"training__learning_rate": [[0.1]]}, r"learning_rate must be a number or a list"),
        ({"model__hidden": 5}, r"hidden must be a list of widths \(got hidden=5\)"),
        ({"model__name": ["mlp"]}, r"model.name must be a text"),
        ({"data__name": ["digits"]}, r"data.name must be a text"),
        ({"name": " "}, r"needs a name"),
    ],
)
def test_what_breaks_a_rule_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LadleError, match=message):
        experiment_from(digits(**changes))


@pytest.mark.parametrize("text", ["name = ", "\xff\xfe"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"broken\.toml"):
        read_experiment(file)


def test_an_unknown_experiment_names_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'quickstart'"):
        read_experiment("quickstar")
    with pytest.raises(ConfigError, match=r"missing\.toml"):
        read_experiment("missing.toml")


def changed(config: ExperimentConfig) -> list[ExperimentConfig]:
    return [
        experiment_from(digits(name="other")),
        experiment_from(digits(data__split_seed=1)),
        experiment_from(digits(schedule__batch=6)),
        experiment_from(digits(training__epochs=3)),
        experiment_from(digits(training__learning_rate=[0.01, 0.1])),
        experiment_from(digits(model__hidden=[8])),
    ]


def test_the_identity_is_the_whole_protocol_and_nothing_else() -> None:
    config = experiment_from(digits())
    assert config.identity == experiment_from(digits()).identity
    assert len({config.identity, *(other.identity for other in changed(config))}) == 7
    more = dataclasses.replace(config, seeds=9, strategies=("random", "grad", "badge"))
    assert more.identity == config.identity, "more seeds and strategies go on with the runs that are there"


def test_where_a_file_lies_is_no_part_of_the_identity(tmp_path: Path) -> None:
    identities = set()
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "letters.toml"
        file.write_text(LETTERS)
        identities.add(read_experiment(file).identity)
    assert len(identities) == 1


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, 'a = "\\ud800"', "a = " + "9" * 5000])
def test_what_is_no_toml_in_other_ways_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ConfigError, match="must be TOML") as caught:
        read_experiment(tmp_path / "a.toml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [True, "0.5", None, (0.5,), float("nan"), float("inf"), 10**400])
@pytest.mark.parametrize("key", ["learning_rate", "momentum"])
def test_rates_are_numbers(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{key} must be"):
        TrainingConfig(**{key: value})
