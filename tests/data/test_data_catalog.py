from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ladle.data
from ladle.data import DATASETS, DataConfig, dataset_status, load_pool, resolve_data_home
from ladle.errors import DataError, UnknownNameError


def test_all_names_are_there() -> None:
    assert all(hasattr(ladle.data, name) for name in ladle.data.__all__)
    papers = {"20newsgroups", "isolet", "pokerhand", "cifar10", "stl10", "cinic10", "gtsrb", "svhn", "mnist"}
    assert papers | {"german-credit", "gisette"} <= set(DATASETS)
    assert {"digits", "table", "image-folder"} <= set(DATASETS)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"\(got 'digist'\); did you mean 'digits'\?"):
        load_pool(DataConfig("digist"))


def test_the_status_says_where_each_data_set_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SCIKIT_LEARN_DATA", "HF_HOME", "HF_DATASETS_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path / "none"))
    found = {status.name: status.availability for status in dataset_status(tmp_path)}
    others = {
        "digits": "bundled",
        "table": "your file",
        "image-folder": "your file",
        "isolet-1560": "your file",
        "poker-hand-uci": "your file",
    }
    assert found == {name: others.get(name, "fetched on first use") for name in DATASETS}
    for status in dataset_status(None):
        assert all((status.summary, status.size, status.license, status.source))
        assert status.modality == DATASETS[status.name].modality


def test_the_real_mirrors_are_at_hand(data_home: Path) -> None:
    found = {status.name: status.availability for status in dataset_status(data_home)}
    held = {
        "20newsgroups": data_home / "sklearn" / "20news-bydate_py3.pkz",
        "mnist": data_home / "hub" / "ylecun" / "mnist",
        "cifar10": data_home / "hub" / "uoft-cs" / "cifar10",
        "isolet-1560": data_home / "tabular" / "isolet_1560.parquet",
        "poker-hand-uci": data_home / "tabular" / "poker_hand_uci_train.csv",
        "german-credit": data_home / "tabular" / "german_credit.csv",
    }
    assert all(found[name] == "at hand" for name, place in held.items() if place.exists())


def test_the_data_home_is_the_option_else_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LADLE_DATA_HOME", raising=False)
    assert resolve_data_home() is None
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve_data_home("one") == tmp_path / "one"
    monkeypatch.setenv("LADLE_DATA_HOME", str(tmp_path / "two"))
    assert resolve_data_home() == tmp_path / "two"
    assert resolve_data_home(tmp_path / "one") == tmp_path / "one"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_data_home("~/two") == tmp_path / "two"
    monkeypatch.setenv("LADLE_DATA_HOME", "")
    assert resolve_data_home() is None


def test_a_data_home_that_is_no_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"got data home='none', no folder at {tmp_path}/none\); correct or create it"):
        resolve_data_home("none")
    monkeypatch.setenv("LADLE_DATA_HOME", "nowhere")
    with pytest.raises(DataError, match=r"got LADLE_DATA_HOME='nowhere', no folder at "):
        load_pool(DataConfig("20newsgroups"))
    assert len(load_pool(DataConfig("digits", pool_size=10))) == 10, "a stale variable harms no bundled data"
    with pytest.raises(DataError, match="got data home='none'"):
        load_pool(DataConfig("digits"), data_home="none")


def test_another_process_loads_the_same_pool_and_imports_no_other_loader_s_packages() -> None:
    code = (
        "import sys; from ladle.data import DataConfig, load_pool;"
        "print([name for name in ('pandas', 'sklearn', 'datasets', 'pyarrow') if name in sys.modules]);"
        "print(load_pool(DataConfig('digits', pool_size=50, split_seed=9)).fingerprint())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = load_pool(DataConfig("digits", pool_size=50, split_seed=9)).fingerprint()
    assert found.stdout.split("\n") == ["[]", here, ""]
