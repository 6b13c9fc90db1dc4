"""What a person says in words and numbers: experiment files, and the settings of a labeling project."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fuzz.material import Material, refused, scratch_folder
from ladle.experiments import experiment_from, read_experiment
from ladle.labeling import LabelingProject, Source

_TOML = b"""name = "letters"
strategies = ["random", "grad"]
seeds = 2

[data]
name = "table"
path = "letters.csv"
target = "class"
pool_size = 100
validation = 0.1

[model]
name = "mlp"
hidden = [16, 8]

[schedule]
initial = 10
batch = 5
rounds = 3

[training]
epochs = 2
batch_size = 8
learning_rate = [0.01, 0.1]
momentum = 0.9
"""
_OTHERS = (
    b"a = " + b"[" * 3000,
    b'"a\\u0000" = 1979-05-27T07:32:00Z\n',
    b"x = inf\ny = nan\nz = 0x7fffffffffffffffff\n",
)


def check(data: bytes) -> None:
    """Read an experiment from a broken file or with strange values, or open a project with strange settings."""
    material = Material(data)
    match material.whole(0, 2):
        case 0:
            path = scratch_folder() / "experiment.toml"
            path.write_bytes(material.broken(_TOML, *_OTHERS))
            config = refused(lambda: read_experiment(path))
        case 1:
            table = _strange_table(material)
            config = refused(lambda: experiment_from(table, folder=material.one_of((None, Path("there")))))
        case _:
            _project(material)
            return
    if config is not None:
        assert len(config.identity) == 64
        assert json.loads(json.dumps(config.protocol())) == config.protocol()
        assert config.schedule.labeled[0] >= 1


def _strange_table(material: Material) -> dict[str, Any]:
    table = tomllib.loads(_TOML.decode())
    for _ in range(material.whole(1, 3)):
        section = material.one_of([table, *(part for part in table.values() if isinstance(part, dict))])
        key = material.one_of([*section, "unknown"])
        if material.rarely():
            section.pop(key, None)
        else:
            section[key] = material.strange()
    return table


def _project(material: Material) -> None:
    """A project that is refused must leave nothing behind that keeps the next one from opening."""
    store = f"sqlite:///{scratch_folder()}/project.db"
    for file in scratch_folder().glob("project.db*"):
        file.unlink()
    given: dict[str, Any] = {"classes": ["cat", "dog"], "control": 0.2, "strategy": "margin", "model": "mlp"}
    for _ in range(material.whole(1, 2)):
        given[material.one_of(sorted(given))] = material.strange()
    project = refused(lambda: LabelingProject(_source(), store=store, **given))
    if project is None:
        project = refused(lambda: LabelingProject(_source(), store=store, classes=["cat", "dog"]))
        assert project is not None, f"a project cannot be opened after {given}"
    with project:
        assert len(project.classes) >= 2
        answers = {material.one_of(("0", "1", "7", "")): material.one_of((*project.classes, "skip", "no class"))}
        told = refused(lambda: project.ingest(answers))
        assert told is None or sum(told) == 1


@cache
def _source() -> Source:
    names = tuple(map(str, range(4)))
    rows = torch.from_numpy(np.arange(8, dtype=np.float32).reshape(4, 2))
    return Source("embeddings", Path("rows.npy"), names, names, rows, "mlp")
