"""A trained model goes into a file and comes back, reading new examples as its source did."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.datasets import load_digits

from ladle.data import read_table
from ladle.errors import ConfigError, DataError, InputError, SessionError
from ladle.labeling import LabelingProject, Source, load_trained, open_source, save_trained
from ladle.models import TrainingConfig

QUICK = TrainingConfig(epochs=20, learning_rate=0.05)


def images(folder: Path) -> tuple[Source, list[str]]:
    folder.mkdir()
    pixels, labels = load_digits(n_class=2, return_X_y=True)
    for number in range(30):
        square = (pixels[number].reshape(8, 8) * 15).astype(np.uint8)
        Image.fromarray(square).save(folder / f"{number:02d}.png")
    return open_source(folder), [("a", "b")[label] for label in labels[:30]]


def texts(folder: Path) -> tuple[Source, list[str]]:
    folder.mkdir()
    labels = ["ab"[number % 2] for number in range(30)]
    rows = [f"{'apple pear' if label == 'a' else 'wheel engine'} number{number}" for number, label in enumerate(labels)]
    (folder / "texts.csv").write_text("text\n" + "\n".join(rows))
    return open_source(folder / "texts.csv"), labels


def embeddings(folder: Path) -> tuple[Source, list[str]]:
    folder.mkdir()
    rows = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    np.save(folder / "rows.npy", rows)
    return open_source(folder / "rows.npy"), ["ab"[int(row[0] > 0)] for row in rows]


def table(folder: Path) -> tuple[Source, list[str]]:
    folder.mkdir()
    labels = ["ab"[number % 2] for number in range(30)]
    rows = [
        f"item{number},{number if number % 5 else ''},{'round' if label == 'a' else 'flat'},{number % 3 == 0},7"
        for number, label in enumerate(labels)
    ]
    (folder / "table.csv").write_text("id,width,form,sold,constant\n" + "\n".join(rows))
    return open_source(folder / "table.csv"), labels


def labeled(source: Source, labels: list[str], store: str = "sqlite://") -> LabelingProject:
    project = LabelingProject(source, classes=("a", "b"), store=store, training=QUICK)
    project.ingest(dict(zip(source.ids[:20], labels, strict=False)))
    return project


@pytest.mark.parametrize("make", [images, texts, table, embeddings])
def test_a_model_comes_back_and_answers_as_before(
    make: Callable[[Path], tuple[Source, list[str]]], tmp_path: Path
) -> None:
    source, labels = make(tmp_path / "given")
    path = tmp_path / "model.safetensors"
    with labeled(source, labels) as project:
        save_trained(project, path)
        expected = torch.softmax(project.session.outputs().logits, dim=1).numpy()
        guesses = project.guesses()
    trained = load_trained(path)
    assert (trained.kind, trained.classes) == (source.kind, ("a", "b"))
    new: Any = {
        "images": [source.path / name for name in source.ids],
        "texts": source.shown,
        "table": source.path,
        "embeddings": np.load(source.path) if source.kind == "embeddings" else None,
    }[source.kind]
    names, probabilities = trained.predict(new)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5, atol=1e-6)
    assert list(guesses) == list(source.ids[20:])
    assert [guess for guess, _ in guesses.values()] == names[20:]
    with pytest.raises(InputError, match="at least one example"):
        trained.predict([])


def test_words_never_seen_are_passed_over(tmp_path: Path) -> None:
    source, labels = texts(tmp_path / "given")
    with labeled(source, labels) as project:
        save_trained(project, tmp_path / "model.safetensors")
    names, _ = load_trained(tmp_path / "model.safetensors").predict(["apple zebra", "engine of a wheel"])
    assert names == ["a", "b"]


def saved_table_model(folder: Path) -> Path:
    source, labels = table(folder / "given")
    path = folder / "model.safetensors"
    with labeled(source, labels) as project:
        save_trained(project, path)
    return path


def test_a_row_is_encoded_as_in_training_whatever_else_is_in_the_table(tmp_path: Path) -> None:
    trained = load_trained(saved_table_model(tmp_path))
    whole = read_table(tmp_path / "given" / "table.csv")
    _, expected = trained.predict(whole)
    others = pd.DataFrame({"new": [1, 2], "constant": 7, "sold": True, "form": ["round", "flat"], "width": [3, 900]})
    alone = whole.iloc[[4]].drop(columns="id").sample(frac=1, axis=1, random_state=0)
    _, probabilities = trained.predict(pd.concat([others, alone]))
    np.testing.assert_allclose(probabilities[2], expected[4], rtol=1e-5)
    names, _ = trained.predict(alone)
    assert names == ["a"]


def test_a_value_never_seen_is_none_of_the_known_and_a_missing_one_is_as_in_training(tmp_path: Path) -> None:
    reader = load_trained(saved_table_model(tmp_path)).reader
    rows = pd.DataFrame({"width": [np.nan, np.nan], "form": ["oval", None], "sold": [None, True], "constant": [7, 7]})
    encoded = reader.encode(rows, path="rows")
    assert reader.values == (("flat", "round"), ("False", "True"))
    np.testing.assert_array_equal(encoded[:, 2:], [[0, 0, 0, 0], [0, 0, 0, 1]])
    widths = read_table(tmp_path / "given" / "table.csv")["width"]
    filled = widths.fillna(widths.median())
    np.testing.assert_allclose(encoded[:, 0], (widths.median() - filled.mean()) / filled.std(ddof=0), rtol=1e-5)


def test_rows_that_are_not_of_the_table_are_refused(tmp_path: Path) -> None:
    trained = load_trained(saved_table_model(tmp_path))
    right = pd.DataFrame({"width": [1.0], "form": ["flat"], "sold": [True], "constant": [7]})
    for changed, message in (
        (right.drop(columns=["form", "sold"]), r"without 'form', one of 2 missing"),
        (right.assign(form=1), r"got int64 for the categories of column 'form' .* dtype=\{'form': str\}"),
        (right.assign(width="wide"), "for the numbers of column 'width'"),
        (right.assign(width=True), "got bool for the numbers of column 'width'"),
        (right.assign(width=np.inf), "got inf in column 'width'"),
        (right.assign(width=pd.Timestamp("2020-01-01")), "got datetime64"),
        (pd.concat([right, right[["form"]]], axis=1), "got 'form' twice"),
        (right.to_numpy(), "come as one .got ndarray"),
        (right.iloc[:0], "at least one example"),
    ):
        with pytest.raises((DataError, InputError), match=message) as caught:
            trained.predict(changed)
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="the table is a file"):
        trained.predict(tmp_path / "none.csv")
    assert trained.predict(right.assign(width=None, form=None))[0]


def test_numbers_that_lie_in_objects_are_numbers(tmp_path: Path) -> None:
    trained = load_trained(saved_table_model(tmp_path))
    whole = read_table(tmp_path / "given" / "table.csv")
    _, expected = trained.predict(whole)
    _, alone = trained.predict(whole.iloc[4].to_frame().T)
    np.testing.assert_allclose(alone[0], expected[4], rtol=1e-5)
    objects = whole.assign(width=whole["width"].astype(object).where(whole["width"].notna(), pd.NA))
    np.testing.assert_allclose(trained.predict(objects)[1], expected, rtol=1e-5)


def test_a_column_of_text_is_text_in_a_file_where_all_of_it_is_digits(tmp_path: Path) -> None:
    source = tmp_path / "codes.csv"
    source.write_text("size,code\n" + "\n".join(f"{row},{('1', '02', 'B3')[row % 3]}" for row in range(30)))
    with labeled(open_source(source), ["ab"[row % 3 == 1] for row in range(30)]) as project:
        save_trained(project, tmp_path / "model.safetensors")
    trained = load_trained(tmp_path / "model.safetensors")
    (tmp_path / "new.csv").write_text("code,size\n 02,1\n02,?\n1,2\n")
    names, probabilities = trained.predict(tmp_path / "new.csv")
    assert names == ["b", "b", "a"]
    frame = pd.read_csv(tmp_path / "new.csv", dtype={"code": str}, na_values="?", skipinitialspace=True)
    np.testing.assert_array_equal(trained.predict(frame)[1], probabilities)


@pytest.mark.parametrize("make", [images, texts])
def test_what_is_no_list_of_texts_is_refused(make: Callable[[Path], tuple[Source, list[str]]], tmp_path: Path) -> None:
    source, labels = make(tmp_path / "given")
    with labeled(source, labels) as project:
        save_trained(project, tmp_path / "model.safetensors")
    trained = load_trained(tmp_path / "model.safetensors")
    for wrong in (pd.DataFrame({"text": ["apple"]}), ["apple", None], ["apple", " "], "apple", [], None, 5):
        with pytest.raises(InputError) as caught:
            trained.predict(wrong)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)


def test_embeddings_come_as_an_array_a_column_or_a_file_and_are_refused_otherwise(tmp_path: Path) -> None:
    source, labels = embeddings(tmp_path / "given")
    with labeled(source, labels) as project:
        save_trained(project, tmp_path / "model.safetensors")
    trained = load_trained(tmp_path / "model.safetensors")
    rows = np.load(source.path)
    expected = trained.predict(rows)[1]
    frame = pd.DataFrame({"id": range(30), "vector": list(rows)})
    frame.to_parquet(tmp_path / "rows.parquet")
    for given in (source.path, tmp_path / "rows.parquet", frame["vector"], rows.tolist(), torch.from_numpy(rows)):
        np.testing.assert_allclose(trained.predict(given)[1], expected, rtol=1e-6)  # type: ignore[arg-type]
    broken = rows.copy()
    broken[3, 1] = np.nan
    wrongs: list[tuple[Any, str]] = [
        (rows[:, :3], r"wide as those the model was trained on, 4 \(got shape \(30, 3\)\)"),
        (rows[0], r"got shape \(4,\)"),
        (rows[None], r"got shape \(1, 30, 4\)"),
        ([[1.0, 2.0], [1.0]], "one row of numbers each"),
        (["apple"], "one row of numbers each"),
        (broken, "too large in row 3"),
        (rows.astype(np.float64) * 1e300, "too large in row 0"),
        (np.full((1, 4), 3e38), "too large in row 0|got NaN for example 0"),
        (rows[:0], "at least one example"),
        (iter(rows), "have a length"),
    ]
    for given, message in wrongs:
        with pytest.raises(InputError, match=message) as caught:
            trained.predict(given)
        assert "\n" not in str(caught.value)
    frame.assign(more=1).to_parquet(tmp_path / "more.parquet")
    with pytest.raises(DataError, match="got 2 columns"):
        trained.predict(tmp_path / "more.parquet")


def test_one_text_is_not_taken_for_a_list_of_letters(tmp_path: Path) -> None:
    source, labels = texts(tmp_path / "given")
    with labeled(source, labels) as project:
        save_trained(project, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="texts come as a list"):
        load_trained(tmp_path / "model.safetensors").predict("apple")


def test_a_table_s_file_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    path = saved_table_model(tmp_path)
    ones = torch.ones(2, dtype=torch.float64)
    for changed, message in (
        ({"numbers": ["width"]}, "for 1 finite float64"),
        ({"numbers": ["width", "width"]}, "distinct names"),
        ({"numbers": ["width", "form"]}, "of numbers and of categories"),
        ({"numbers": [1, 2]}, "distinct names"),
        ({"categories": ["form"]}, "without their values"),
        ({"values": [["flat", "round"], []]}, "without their values"),
        ({"values": [["flat", "round"], ["True"]]}, "5 encoded columns for 6"),
        ({"values": None}, "without their values"),
        ({"weights": {"table.deviations": ones * 0}}, "a deviation of 0"),
        ({"weights": {"table.means": ones * torch.nan}}, "finite float64"),
        ({"weights": {"table.medians": ones.float()}}, "finite float64"),
        ({"example_shape": [6, 1]}, "example_shape="),
        ({"kind": "embeddings"}, "the weights fit the network"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            load_trained(rewritten(path, **changed))
        assert "\n" not in str(caught.value)


def test_labels_of_no_class_save_no_model(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with LabelingProject(embeddings(tmp_path / "given")[0], classes=("a", "b"), store="sqlite://") as project:  # noqa: SIM117
        with pytest.raises(SessionError, match="got labels of 0"):
            save_trained(project, path)
    assert not path.exists()


@pytest.mark.parametrize("content", [None, b"", b"no safetensors at all", b"\x80\x04\x95 a pickle"])
def test_a_file_that_holds_something_else_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match="ladle export"):
        load_trained(path)


def rewritten(path: Path, weights: dict[str, torch.Tensor] | None = None, **changed: Any) -> Path:
    """Write the model's file again with other things in it."""
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["ladle"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    target = path.with_name("changed.safetensors")
    save_file(tensors | (weights or {}), target, metadata={"ladle": json.dumps(about | changed)})
    return target


def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    source, labels = embeddings(tmp_path / "given")
    path = tmp_path / "model.safetensors"
    with labeled(source, labels) as project:
        save_trained(project, path)
    first = next(name for name in load_trained(path).network.state_dict())
    for changed, message in (
        ({"scale": 1e300}, "scale="),
        ({"kind": "sounds"}, "kind='sounds'"),
        ({"kind": "table"}, "table.medians"),
        ({"classes": ["a"]}, "classes="),
        ({"classes": ["a", "b", "c"]}, "the weights fit the network"),
        ({"example_shape": [0]}, "example_shape="),
        ({"example_shape": [10**9]}, "the weights fit the network"),
        ({"example_shape": [10**30]}, "the weights fit the network"),
        ({"version": [1]}, r"got \[1\]"),
        ({"kind": "texts"}, "vocabulary"),
        ({"weights": {first: torch.full((512, 4), torch.nan)}}, "NaN or infinity"),
        ({"weights": {"other": torch.zeros(2)}}, "other of shape"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            load_trained(rewritten(path, **changed))
        assert "\n" not in str(caught.value)


def test_a_file_imports_nothing_unless_its_network_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "imported_for_a_file.py").write_text(
        "from torch import nn\n\ndef build(classes, example_shape):\n    return nn.Linear(example_shape[0], classes)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    source, labels = embeddings(tmp_path / "given")
    path, name = tmp_path / "model.safetensors", "imported_for_a_file:build"
    with LabelingProject(source, classes=("a", "b"), store="sqlite://", training=QUICK, model=name) as project:
        project.ingest(dict(zip(source.ids[:20], labels, strict=False)))
        save_trained(project, path)
    del sys.modules["imported_for_a_file"]
    for model in (None, "other:build"):
        with pytest.raises(ConfigError, match=r"if you trust that code, pass model='imported_for_a_file:build'"):
            load_trained(path, model=model)
    assert "imported_for_a_file" not in sys.modules
    assert isinstance(load_trained(path, model=name).network, torch.nn.Linear)
