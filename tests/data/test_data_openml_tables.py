"""The paper's tables: read from a data home in the real schema, fetched by number where there is none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ladle.data import DataConfig, dataset_status, load_pool
from ladle.data.openml_tables import GERMAN_CREDIT, GISETTE, ISOLET, POKERHAND
from ladle.errors import DataError


def letters(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, 5)), columns=[f"f{i + 1}" for i in range(5)])
    frame["class"] = [str(1 + row % 4) for row in range(rows)]
    return frame


def credit(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "checking_status": rng.choice(["<0", "0<=X<200", "no checking"], rows),
            "duration": rng.integers(4, 72, rows),
            "foreign_worker": rng.choice(["yes", "no"], rows),
            "class": ["good" if row % 3 else "bad" for row in range(rows)],
        }
    )


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_file_in_the_data_home_comes_first(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda **_: pytest.fail("the network was asked"))
    (tmp_path / "tabular").mkdir()
    path = tmp_path / "tabular" / f"isolet.{ending}"
    letters(200).to_parquet(path) if ending == "parquet" else letters(200).to_csv(path, index=False)
    pool = load_pool(DataConfig("isolet"), data_home=tmp_path)
    # A part of the data set is named after the part.
    assert pool.name == "isolet-200"
    assert len(pool.classes) == 4
    assert (len(pool), len(pool.validation_labels), len(pool.test_labels)) == (144, 16, 40)
    status = {entry.name: entry.availability for entry in dataset_status(tmp_path)}
    assert status["isolet"] == "at hand"


def test_the_whole_data_set_has_the_plain_name(tmp_path: Path) -> None:
    (tmp_path / "tabular").mkdir()
    credit(GERMAN_CREDIT.rows).to_csv(tmp_path / "tabular" / "german_credit.csv", index=False)
    pool = load_pool(DataConfig("german-credit"), data_home=tmp_path)
    assert pool.name == "german-credit"
    assert pool.classes == ("bad", "good")
    assert pool.example_shape == (6,)  # one number, three and two categories


@pytest.mark.parametrize("source", [ISOLET, POKERHAND, GERMAN_CREDIT, GISETTE])
def test_without_a_file_openml_is_asked_by_number(source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def fetch(**named: Any) -> Any:
        asked.append(named)
        frame = letters(100).rename(columns={"class": "CLASS"})
        return SimpleNamespace(frame=frame, target=frame["CLASS"])

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    pool = load_pool(DataConfig(source.name), data_home=tmp_path)
    assert pool.name == f"{source.name}-100"
    assert asked[0]["data_id"] == source.number
    assert asked[0]["data_home"] == str(tmp_path / "sklearn")


def test_what_scikit_learn_has_fetched_before_is_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "own"))
    answer = "openml/openml.org/api/v1/json/data/300.gz"
    for folder, home in ((tmp_path / "own", None), (tmp_path / "home" / "sklearn", tmp_path / "home")):
        assert {s.name: s.availability for s in dataset_status(home)}["isolet"] == "fetched on first use"
        (folder / answer).parent.mkdir(parents=True)
        (folder / answer).touch()
        assert {s.name: s.availability for s in dataset_status(home)}["isolet"] == "at hand"
        (folder / answer).unlink()


def test_out_of_reach_it_says_where_to_put_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(**_: Any) -> Any:
        raise OSError("no route\nto host")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    with pytest.raises(DataError, match=r"OpenML \(155\).*got no route\); run once with a network, or put") as caught:
        load_pool(DataConfig("pokerhand"), data_home=tmp_path)
    files = "pokerhand.parquet, .csv or .csv.gz with a column 'class'"
    assert str(caught.value).endswith(f"put {files} into {tmp_path / 'tabular'}")
    monkeypatch.delenv("LADLE_DATA_HOME", raising=False)
    with pytest.raises(DataError, match=r"into DIR/tabular, and name DIR with --data-home or LADLE_DATA_HOME$"):
        load_pool(DataConfig("gisette"))


def test_a_part_that_is_nowhere_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LADLE_DATA_HOME", raising=False)
    rule = "isolet-1560 is a part of a data set and comes from a data home only"
    files = "isolet_1560.parquet, .csv or .csv.gz with a column 'class'"
    place = tmp_path / "tabular"
    remedy = f"put {files} into DIR/tabular, and name DIR with --data-home or LADLE_DATA_HOME"
    for home, message in (
        (tmp_path, f"{rule} (got no isolet_1560 in {place}); put {files} into {place}"),
        (None, f"{rule} (got no data home); {remedy}"),
    ):
        with pytest.raises(DataError) as caught:
            load_pool(DataConfig("isolet-1560"), data_home=home)
        assert str(caught.value) == message


def test_the_parts_at_hand_are_what_they_say(data_home: Path) -> None:
    for name, columns, classes, pool_size in (
        ("isolet-1560", 617, 26, 1123),
        ("poker-hand-uci", 10, 10, 18_005),
        ("german-credit", None, 2, 720),
    ):
        status = {entry.name: entry.availability for entry in dataset_status(data_home)}
        if status[name] != "at hand":
            pytest.skip(f"no {name} in the data home")
        pool = load_pool(DataConfig(name), data_home=data_home)
        assert pool.name == name
        assert len(pool.classes) == classes
        assert columns is None or pool.example_shape == (columns,)
        assert abs(len(pool) - pool_size) <= 2
