"""Labeling with files alone, as someone with a spreadsheet does it."""

from __future__ import annotations

import csv
import json
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ladle.labeling import Desk, LabelingProject, load_trained, open_source
from ladle.page import Listener

Call = Callable[..., tuple[int, str, str]]


WORDS = {"cat": "purr meow whisker", "dog": "bark fetch bone"}


def test_from_a_file_of_texts_to_a_file_of_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    monkeypatch.chdir(tmp_path)
    truth = {f"t{row}": ("cat", "dog")[row % 2] for row in range(40)}
    with Path("texts.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows([name, f"{WORDS[kind]} number{name}"] for name, kind in truth.items())
    assert call("status", "texts.csv")[0] == 2  # nothing has begun
    assert not Path("labels.db").exists()
    for number in range(3):
        out = "batch.jsonl" if number == 1 else "batch.csv"
        code, said, _ = call("next", "texts.csv", "--classes", "cat, dog", "--budget", "10", "--out", out)
        assert code == 0
        assert "10 to label" in said
        code, said, _ = call("next", "texts.csv", "--budget", "3", "--out", out)
        assert (code, "10 left of the last batch; once they are answered, --budget counts" in said) == (0, True)
        if number == 1:
            rows = [json.loads(line) for line in Path(out).read_text().splitlines()]
        else:
            with Path(out).open(newline="") as file:
                rows = list(csv.DictReader(file))
        assert [row["label"] for row in rows] == [""] * 10
        assert all(WORDS[truth[row["id"]]] in row["example"] for row in rows)
        for row in rows:
            row["label"] = "skip" if row is rows[0] else truth[row["id"]]
        Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        code, said, _ = call("ingest", "texts.csv", "answers.jsonl")
        assert (code, said) == (0, f"9 new labels, 1 skipped; {9 * (number + 1)} labels in all, 0 awaited\n")
    code, said, _ = call("status", "texts.csv")
    assert code == 0
    assert "27 of 40 labeled, 3 skipped" in said
    assert "drawn at random" in said
    code, said, _ = call("status", "texts.csv", "--forecast")
    assert code == 0
    # Of 27 labels nine are the first batch, and four the control arm less what was skipped.
    assert "Too early to tell whether choosing by margin saves labels" in said
    code, _, _ = call("export", "texts.csv", "--out", "all.csv")
    with Path("all.csv").open(newline="") as file:
        found = {row["id"]: row["label"] for row in csv.DictReader(file)}
    assert len(found) == 27
    assert found.items() <= truth.items()
    code, said, _ = call("export", "texts.csv", "--out", "guessed.csv", "--guesses")
    assert (code, said) == (0, "27 labels and 13 guesses: guessed.csv\n")
    with Path("guessed.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["id"]: row["label"] for row in rows if row["label"]} == found
    assert all(0.5 <= float(row["probability"]) <= 1 for row in rows if row["guess"])
    assert sum(bool(row["guess"]) for row in rows) == 13
    code, said, _ = call("export", "texts.csv", "--out", "model.safetensors")
    assert code == 0
    assert load_trained("model.safetensors").predict([WORDS["cat"]])[0] == ["cat"]
    for words, message in (
        (("export", "texts.csv", "--out", "sorted/"), "only images"),
        (("export", "texts.csv", "--out", "m.safetensors", "--guesses"), "into a table"),
        (("ingest", "texts.csv", "texts.csv"), "add label"),
        (("export", "texts.csv", "--out", "all.xlsx"), ".parquet"),
        (("next", "texts.csv", "--out", "batch.xlsx"), ".parquet"),
        (("next", "texts.csv", "--strategy", "grad"), "keeps its strategy"),
        (("status", "nowhere"), "neither"),
    ):
        code, _, error = call(*words)
        assert (code, error.count("\n")) == (2, 1), words
        assert message in error


def test_status_tells_the_forecast_and_a_hint_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    kinds = generator.integers(2, size=300)
    np.save("points.npy", kinds[:, None] * 6 - 3 + generator.normal(size=(300, 2)))
    with LabelingProject(
        open_source(Path("points.npy")), classes=("a", "b"), store="sqlite:///labels.db", control=0.5
    ) as project:
        for _ in range(6):
            project.ingest({pick.id: "ab"[kinds[int(pick.id)]] for pick in project.next(20)})
    code, said, _ = call("status", "points.npy", "--forecast")
    assert code == 0
    assert "You may want to stop: by the curve through 50 answers" in said
    assert said.count("\n") > 5
    last = said.splitlines()[-1]
    # Two clouds far apart are told apart by any labels.
    assert last.startswith(("Too early to tell", "No saving shown"))
    code, said, _ = call("status", "points.npy")
    assert said.splitlines()[-1].startswith("You may want to stop")


def test_a_page_that_cannot_be_served_leaves_no_project_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("texts.csv").write_text("text\npurr meow\nbark fetch\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for option, value, said in (
            ("--port", str(taken.getsockname()[1]), "a free port of this machine"),
            ("--port", "70000", "a free port of this machine"),
            ("--host", "no-such-host.invalid", "a free port of this machine"),
            ("--host", "x" * 70, "a free port of this machine"),
            ("--batch", "0", "got batch=0"),
            ("--overlap", "2", "got overlap=2.0"),
        ):
            code, _, error = call("label", "texts.csv", "--classes", "cat,dog", "--no-open", option, value)
            assert (code, said in error, error.count("\n")) == (2, True, 1), error
    assert not Path("labels.db").exists()


@pytest.mark.parametrize("others", [False, True])
def test_who_lets_others_in_is_warned_and_has_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call, others: bool
) -> None:
    """And without a word about it, the page is for this machine alone."""
    listeners = list[Listener]()

    def serve(desk: Desk, listener: Listener, *, on_ready: Callable[[], None]) -> None:
        listeners.append(listener)
        assert listener.socket.getsockname()[0] == ("0.0.0.0" if others else "127.0.0.1")
        on_ready()

    monkeypatch.setattr("ladle.page.serve", serve)
    monkeypatch.chdir(tmp_path)
    Path("texts.csv").write_text("text\npurr meow\nbark fetch\n")
    words = ("label", "texts.csv", "--classes", "cat,dog", "--no-open", "--port", "0")
    code, said, _ = call(*words, *(("--host", "0.0.0.0") if others else ()))
    assert (code, len(listeners)) == (0, 1)
    assert f"labeling page: {listeners[0].address} " in said
    assert ("?token=" in said) == others
    assert ("others can reach this page" in said) == ("It is not encrypted" in said) == others


def test_images_are_sorted_by_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for shade in range(4):
        Image.fromarray(np.full((4, 4, 3), 60 * shade, dtype=np.uint8)).save(f"photos/{shade}.png")
    assert call("next", "photos", "--classes", "cat,dog", "--budget", "3", "--out", "batch.csv")[0] == 0
    with Path("batch.csv").open(newline="") as file:
        asked = [row["id"] for row in csv.DictReader(file)]
    Path("answers.csv").write_text("id,label\n" + "".join(f"{name},cat\n" for name in asked))
    assert call("ingest", "photos", "answers.csv")[0] == 0
    code, said, _ = call("export", "photos", "--out", "sorted/")
    assert (code, said.strip()) == (0, "3 labels: sorted")
    found = {path: path.read_bytes() for path in Path("sorted").rglob("*.png")}
    assert found == {Path("sorted/cat") / name: (Path("photos") / name).read_bytes() for name in asked}


def test_a_model_that_does_not_fit_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    monkeypatch.chdir(tmp_path)
    Path("texts.csv").write_text("text\npurr meow\nbark fetch\n")
    begin = ("next", "texts.csv", "--classes", "cat,dog", "--budget", "1")
    assert "unknown model" in call(*begin, "--model", "nope")[2]
    assert "lenet takes" in call(*begin, "--model", "lenet")[2]
    assert call(*begin)[0] == 0


def test_a_class_is_printed_as_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    monkeypatch.chdir(tmp_path)
    Path("texts.csv").write_text("text\npurr meow\nbark fetch\n")
    assert call("next", "texts.csv", "--classes", "[/red],[bold]dog", "--budget", "1")[0] == 0
    code, said, _ = call("status", "texts.csv")
    assert (code, "[/red] 0, [bold]dog 0" in said) == (0, True)
