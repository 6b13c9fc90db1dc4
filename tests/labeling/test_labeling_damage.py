"""A labeling project whose rows are not as they were written: one line says which."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from ladle.cli.main import main
from ladle.errors import StoreError
from ladle.labeling import LabelingProject, Source, open_source
from ladle.session import open_database


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source of twenty examples, and a store with answers, guesses and receipts."""
    folder = tmp_path_factory.mktemp("made")
    np.save(folder / "pool.npy", np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32))
    source = open_source(folder / "pool.npy")
    store = f"sqlite:///{folder}/labels.db"
    with LabelingProject(source, classes=["a", "b"], control=0.5, store=store) as project:
        for place in (3, 4, 5):
            project.answer(place, "ab"[place % 2], "ada")
        project.answer(6, "skip", "ada")
        project.answer(3, "a", "ben")
        project.next(4)
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> str:
    shutil.copyfile(made / "labels.db", tmp_path / "labels.db")
    return f"sqlite:///{tmp_path}/labels.db"


@pytest.fixture
def source(made: Path) -> Source:
    return open_source(made / "pool.npy")


def edit(store: str, statement: str, **values: Any) -> None:
    engine = open_database(store)
    with engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount > 0
    engine.dispose()


def use(source: Source, store: str, do: Callable[[LabelingProject], object]) -> object:
    with LabelingProject(source, store=store) as project:
        return do(project)


def receipts_of(project: LabelingProject) -> list[object]:
    return [project.receipt(place) for place in range(20)]


@pytest.mark.parametrize(
    ("statement", "do", "reason"),
    [
        ("UPDATE projects SET classes = '[\"a\"]'", LabelingProject.status, "project 'labels' in"),
        ("UPDATE projects SET classes = '{}'", LabelingProject.status, "classes {}"),
        ("UPDATE projects SET classes = 'a,b'", LabelingProject.status, "Expecting value"),
        ("UPDATE projects SET control = 7", LabelingProject.status, "a control arm of 7.0"),
        ("UPDATE projects SET strategy = x'00ff'", LabelingProject.status, "a name that is b'"),
        ("UPDATE projects SET created_at = 'now'", LabelingProject.status, "isoformat"),
        ("UPDATE control_guesses SET guess = 'a'", LabelingProject.status, "the control arm in"),
        ("UPDATE control_guesses SET example = example + 20", LabelingProject.status, "guess"),
        ("UPDATE answers SET label = NULL WHERE kind = 'label'", LabelingProject.opinions, "an answer in"),
        ("UPDATE answers SET kind = 'other'", LabelingProject.opinions, "'other' 1 to example 3"),
        ("UPDATE answers SET example = 20", LabelingProject.opinions, "to example 20"),
        ("UPDATE answers SET label = NULL", lambda one: one.take_back("ada", 3), "'label' None to example 3"),
        ("UPDATE receipts SET payload = '{}'", receipts_of, "the receipt of example"),
        ("UPDATE receipts SET payload = 'x'", receipts_of, "Expecting value"),
    ],
)
def test_a_damaged_row_is_named(
    source: Source, store: str, statement: str, do: Callable[[LabelingProject], object], reason: str
) -> None:
    use(source, store, receipts_of)
    edit(store, statement)
    with pytest.raises(StoreError) as caught:
        use(source, store, do)
    assert reason in str(caught.value)
    assert store in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"passed_over": 20},
        {"nearest": [[3, 2]]},
        {"nearest": [[20, 1]]},
        {"likeliest": [[2, 0.5]]},
        {"likeliest": [[0, "a half"]]},
        {"likeliest": [[0]]},
        {"size": None},
        {"more": 1},
    ],
)
def test_a_receipt_that_is_none_is_named(source: Source, store: str, change: dict[str, Any]) -> None:
    found = next(one for one in receipts_of(LabelingProject(source, store=store)) if one is not None)
    assert isinstance(found, dict)
    edit(store, "UPDATE receipts SET payload = :payload", payload=json.dumps(found | change))
    with pytest.raises(StoreError, match="the receipt of example"):
        use(source, store, receipts_of)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("{}", "told with {}"),
        ("[]", "told with []"),
        ("no JSON", "Expecting value"),
        ('{"indices": [999999], "labels": [0]}', "index 999999 in a pool of 20"),
        ('{"indices": [3], "labels": [2]}', "label 2 with classes=2"),
    ],
)
def test_the_command_line_says_it_in_one_line(
    made: Path,
    store: str,
    payload: str,
    reason: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    edit(store, "UPDATE events SET payload = :payload WHERE sequence = 0", payload=payload)
    monkeypatch.setattr("sys.argv", ["ladle", "status", str(made / "pool.npy"), "--store", store])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert f"ladle: a store holds what Ladle wrote (got event 0 of 'labels' in {store}: {reason}" in said.err
