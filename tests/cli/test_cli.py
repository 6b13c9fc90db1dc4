"""The command line as a newcomer meets it: what works, and what a wrong use says."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import ladle
from ladle.cli.selecting import _Bar
from ladle.engines import Copying, Progress
from ladle.strategies import CATALOG

Call = Callable[..., tuple[int, str, str]]

TABLE = """
name = "letters"
strategies = ["random", "margin", "grad"]
seeds = 2
[data]
name = "table"
path = "letters.csv"
target = "class"
[model]
name = "mlp"
hidden = [16]
[schedule]
initial = 10
batch = 10
rounds = 2
[training]
epochs = 5
"""


@pytest.fixture
def arrays(tmp_path: Path) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(60, 5)).astype(np.float32)
    logits = (features @ generator.normal(size=(5, 3))).astype(np.float32)
    labeled, labels = np.arange(0, 20, 2), generator.integers(0, 3, 10)
    np.save(tmp_path / "features.npy", features)
    np.save(tmp_path / "logits.npy", logits)
    pd.DataFrame({"index": labeled, "label": labels}).to_csv(tmp_path / "labeled.csv", index=False)
    return {"features": features, "logits": logits, "labeled": labeled, "labels": labels}


def words_for(folder: Path, **options: Any) -> list[str]:
    chosen = {
        "features": folder / "features.npy",
        "logits": folder / "logits.npy",
        "labeled": folder / "labeled.csv",
        "budget": 7,
        "out": folder / "batch.csv",
        **options,
    }
    return ["select", *(word for key, value in chosen.items() for word in (f"--{key}", str(value)))]


def read_batch(folder: Path) -> list[dict[str, str]]:
    with (folder / "batch.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("strategy", ladle.list_strategies())
def test_select_picks_what_the_library_picks(strategy: str, arrays: dict[str, Any], tmp_path: Path, call: Call) -> None:
    code, out, _ = call(*words_for(tmp_path, strategy=strategy, seed=3))
    assert code == 0
    assert "7 of 50 unlabeled examples" in out
    rows = read_batch(tmp_path)
    assert [int(row["index"]) for row in rows] == ladle.select(strategy, **arrays, budget=7, seed=3).tolist()
    assert [int(row["rank"]) for row in rows] == list(range(1, 8))
    if "score" in rows[0]:
        scores = ladle.score(strategy, **arrays)
        assert [np.float32(row["score"]) for row in rows] == [scores[int(row["index"])] for row in rows]
    else:
        assert not CATALOG[strategy].is_score


@pytest.mark.parametrize("lists", [False, True])
def test_select_reads_parquet(lists: bool, arrays: dict[str, Any], tmp_path: Path, call: Call) -> None:
    frame = pd.DataFrame(arrays["features"], columns=[f"f{i}" for i in range(5)])
    if lists:
        frame = pd.DataFrame({"embedding": arrays["features"].tolist()})
    frame.to_parquet(tmp_path / "features.parquet")
    code, _, _ = call(*words_for(tmp_path, features=tmp_path / "features.parquet", strategy="k-center"))
    assert code == 0
    picks = [int(row["index"]) for row in read_batch(tmp_path)]
    assert picks == ladle.select("k-center", **arrays, budget=7).tolist()


def test_select_says_what_it_expects_copies_included(
    arrays: dict[str, Any], tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    pd.DataFrame(arrays["features"]).rename(columns=str).to_parquet(tmp_path / "features.parquet")
    monkeypatch.setattr("ladle.cli.selecting._WORTH_A_WORD", 0)
    words = words_for(tmp_path, features=tmp_path / "features.parquet", strategy="badge", scratch=tmp_path / "copies")
    _, out, _ = call(*words)
    expected = r"about \d+ passes over the pool, .* to read, \d+ s, up to .* of memory \(cap 4\.0 GiB\)\.\n"
    assert re.search(rf"^Expected: 1 KiB to copy, \d+ s; then {expected}", out, re.MULTILINE)
    # The second time the copies are there.
    assert re.search(rf"^Expected: {expected}", call(*words)[1], re.MULTILINE)
    monkeypatch.setattr("ladle.cli.selecting._WORTH_A_WORD", np.inf)
    assert "Expected" not in call(*words)[1]


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ([Copying(250, 1000, 60.0)], ["copying", "25 %"]),
        ([Copying(1000, 1000, 60.0), Progress(2, 4, 500, 1000)], ["pass 2 of about 4", "38 %"]),
        ([Progress(1, 1, 500, 1000)], ["scoring", "50 %"]),
    ],
)
def test_the_bar_shows_copying_and_passes(told: list[Copying | Progress], seen: list[str]) -> None:
    written = io.StringIO()
    with _Bar(Console(file=written, force_terminal=True, width=100)) as bar:
        for one in told:
            if isinstance(one, Copying):
                bar.show_copying(one)
            else:
                bar.show(one)
    assert all(words in written.getvalue() for words in seen)


def test_select_reads_shards_within_its_memory(arrays: dict[str, Any], tmp_path: Path, call: Call) -> None:
    for name in ("features", "logits"):
        (tmp_path / name).mkdir()
        # Ten shards and more: part-10 comes after part-2.
        for number, part in enumerate(np.array_split(arrays[name], 12)):
            np.save(tmp_path / name / f"part-{number}.npy", part)
    options = {"features": tmp_path / "features" / "*.npy", "logits": tmp_path / "logits", "strategy": "badge"}
    code, out, _ = call(*words_for(tmp_path, **options, memory="2GiB"))
    assert code == 0
    picks = [int(row["index"]) for row in read_batch(tmp_path)]
    assert picks == ladle.select("badge", **arrays, budget=7).tolist()
    assert "7 of 50 unlabeled examples picked by badge" in out
    code, _, error = call(*words_for(tmp_path, **options, memory="1MiB"))
    assert code == 2
    assert "the memory cap must hold the program, 10 labeled rows" in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "gard"}, "unknown strategy (got 'gard'); did you mean 'grad'?"),
        ({"budget": 51}, "got budget=51, unlabeled=50"),
        ({"budget": 0}, "got budget=0"),
        ({"features": "nowhere.npy"}, "got none at nowhere.npy"),
        ({"labeled": "nowhere.csv"}, "nowhere.csv"),
        ({"features": "labeled.csv"}, "must be .npy or .parquet"),
        ({"out": "no/such/folder/batch.csv"}, "name another place"),
    ],
)
def test_select_used_wrongly_says_so_in_one_line(
    options: dict[str, Any],
    message: str,
    arrays: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Call,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, error = call(*words_for(tmp_path, **options))
    assert code == 2
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "batch.csv").exists()


@pytest.mark.parametrize("out", ["no/such/folder/batch.csv", "."])
def test_a_place_that_cannot_be_written_is_told_before_selecting(
    out: str, arrays: dict[str, Any], tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ladle.engines.select_from_shards", lambda *_given, **_named: pytest.fail("selected"))
    code, _, error = call(*words_for(tmp_path, out=tmp_path / out))
    assert code == 2
    assert "name another place" in error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("row,label\n1,2\n", "needs the columns index and label"),
        ("index,label\n1,cat\n", "line 2"),
        ("index,label\n1\n", "must be integers"),
        ("", "needs the columns"),
        ("index,label\n1,0\n1,0\n", "1 twice"),
        ("index,label\n1,3\n", "from 0 to 2 (got 3)"),
        ("index,label\n60,0\n", "from 0 to 59 (got 60)"),
    ],
)
def test_labels_that_break_a_rule(text: str, message: str, arrays: dict[str, Any], tmp_path: Path, call: Call) -> None:
    (tmp_path / "labeled.csv").write_text(text)
    code, _, error = call(*words_for(tmp_path))
    assert code == 2
    assert message in error


def test_matrices_that_break_a_rule(arrays: dict[str, Any], tmp_path: Path, call: Call) -> None:
    broken = tmp_path / "broken.npy"
    wrong: list[tuple[Any, str]] = [
        (b"\x93NUMPY truncated", "must hold an array"),
        (np.zeros(5), "two axes"),
        (np.array([["a", "b"]]), "two axes of numbers"),
        (np.full((60, 5), np.nan), "NaN or infinity in row 0"),
        (np.zeros((59, 5)), "features=59, logits=60"),
        (np.array([[{}]], dtype=object), "two axes of numbers"),
    ]
    for content, message in wrong:
        if isinstance(content, bytes):
            broken.write_bytes(content)
        else:
            np.save(broken, content)
        code, _, error = call(*words_for(tmp_path, features=broken))
        assert code == 2
        assert message in error
    parquet = tmp_path / "broken.parquet"
    parquet.write_bytes(b"PAR1 not really")
    assert "must be readable" in call(*words_for(tmp_path, features=parquet))[2]
    pd.DataFrame({"name": ["a"]}).to_parquet(parquet)
    assert "every column must be numeric (got 'name'" in call(*words_for(tmp_path, features=parquet))[2]
    pd.DataFrame({"rows": [[1.0]] * 59 + [[1.0, 2.0]]}).to_parquet(parquet)
    assert "equally many numbers" in call(*words_for(tmp_path, features=parquet))[2]


def test_a_table_goes_from_file_to_report(tmp_path: Path, call: Call) -> None:
    generator = np.random.default_rng(1)
    frame = pd.DataFrame({"size": generator.normal(size=200), "colour": generator.choice(["red", "blue"], 200)})
    frame["class"] = np.where(frame["size"] + (frame["colour"] == "red") > 0.5, "big", "small")
    frame.to_csv(tmp_path / "letters.csv", index=False)
    (tmp_path / "letters.toml").write_text(TABLE)
    store = f"sqlite:///{tmp_path}/letters.db"
    code, out, _ = call("run", tmp_path / "letters.toml", "--store", store, "--workers", "1", "--seeds", "3")
    assert code == 0
    assert "3 strategies × 3 seeds, 10 to 30 labels" in out
    assert all(name in out for name in ("random", "margin", "grad", "±"))
    code, out, _ = call("report", "--store", store, "--out", tmp_path / "out")
    assert code == 0
    assert "index.html" in out
    curves = pd.read_csv(tmp_path / "out" / "learning_curves.csv")
    assert len(curves) == 3 * 3 * 3
    assert (tmp_path / "out" / "penalty_matrix.csv").exists()
    assert "letters" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "quickstat"], "did you mean 'quickstart'?"),
        (["run", "missing.toml"], "missing.toml"),
        (["run", "quickstart", "--seeds", "0"], "seeds must be"),
        (["run", "quickstart", "--workers", "0"], "workers must be at least 1"),
        (["run", "quickstart", "--device", "tpu"], "cpu or cuda"),
        (["run", "quickstart", "--store", "ladle.db"], "for a file write sqlite:///ladle.db"),
        (["run", "quickstart", "--data-home", "/nowhere"], "/nowhere"),
        (["report", "--store", "sqlite:////nowhere/x.db"], "no such file"),
        (["report", "--store", "sqlite:///empty.db"], "run"),
    ],
)
def test_used_wrongly_it_says_so_in_one_line(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, error = call(*words)
    assert code == 2
    assert message in error
    assert error.count("\n") == 1


def test_lists(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LADLE_DATA_HOME", raising=False)
    code, out, _ = call("strategies")
    assert code == 0
    assert all(name in out for name in ladle.list_strategies())
    code, out, _ = call("datasets")
    assert code == 0
    assert all(name in out for name in ("digits", "20newsgroups", "table", "mnist", "cifar10", "image-folder"))
    assert "bundled" in out


@pytest.mark.parametrize("command", [[], ["run"], ["report"], ["select"], ["strategies"], ["datasets"]])
def test_help_teaches(command: list[str], call: Call) -> None:
    code, out, _ = call(*command, "--help")
    assert code == 0
    assert "Usage" in out


def test_it_tells_its_version(call: Call) -> None:
    assert call("--version") == (0, f"ladle {ladle.__version__}\n", "")


def test_an_unknown_command_is_wrong_use(call: Call) -> None:
    assert call("ron")[0] == 2


def test_the_console_command_is_installed() -> None:
    found = subprocess.run([Path(sys.executable).parent / "ladle", "strategies"], capture_output=True, check=True)
    assert b"grad" in found.stdout
