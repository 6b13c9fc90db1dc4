"""A network of the user's own, by import path: what it is given, and what is said when it is not there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from ladle.errors import ConfigError, UnknownNameError
from ladle.experiments import experiment_from, run_experiment
from ladle.models import ModelConfig, build_model

SOURCE = """
from torch import nn

class Both(nn.Module):
    def __init__(self, example_shape, classes, width=32):
        super().__init__()
        size = 1
        for axis in example_shape:
            size *= axis
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(size, width), nn.ReLU(), nn.Linear(width, classes))

    def forward(self, inputs):
        return self.layers(inputs)

def fixed():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

def asks_for_more(classes, depth):
    return nn.Linear(1, classes)

def no_module(classes):
    return classes

class Outer:
    inner = staticmethod(fixed)

number = 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "their_models.py").write_text(SOURCE)
    (tmp_path / "their_broken_models.py").write_text("import nothing_of_this_name")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "their_models", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ["Both", "fixed", "Outer.inner"])
def test_it_is_built_anew_by_every_call_with_what_it_takes(name: str) -> None:
    build = build_model(f"their_models:{name}", example_shape=(1, 8, 8), classes=10)
    first, second = build(), build()
    assert first is not second
    assert first(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("their_models:", "module:callable"),
        (":build", "module:callable"),
        ("no_such_module:build", "can be imported"),
        ("their_broken_models:build", "nothing_of_this_name"),
        ("their_models:nothing", "not callable"),
        ("their_models:number", "not callable"),
        ("their_models:asks_for_more", r"got depth without a default"),
        ("their_models:no_module", "returns a torch module"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(path: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        build_model(path, example_shape=(4,), classes=2)
    assert "\n" not in str(caught.value)


def test_a_misspelled_name_of_the_catalog_is_still_told() -> None:
    with pytest.raises(UnknownNameError, match="lenet"):
        ModelConfig("lenett")


def test_an_experiment_runs_with_it(folder: Path) -> None:
    config = experiment_from(
        {
            "name": "theirs",
            "strategies": ["random", "grad"],
            "seeds": 1,
            "data": {"name": "digits"},
            "model": {"name": "their_models:Both"},
            "schedule": {"initial": 20, "batch": 20, "rounds": 1},
            "training": {"epochs": 20, "learning_rate": 0.05},
        }
    )
    results = run_experiment(config, store=f"sqlite:///{folder}/theirs.db", workers=1)
    assert results.accuracies.shape == (2, 2, 1)
    assert (results.accuracies > 0.15).all()
