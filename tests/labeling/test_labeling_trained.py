"""A trained model goes into a file and comes back, reading new examples as its source did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

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


def labeled(source: Source, labels: list[str], store: str = "sqlite://") -> LabelingProject:
    project = LabelingProject(source, classes=("a", "b"), store=store, training=QUICK)
    project.ingest(dict(zip(source.ids[:20], labels, strict=False)))
    return project


@pytest.mark.parametrize("make", [images, texts, embeddings])
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


def test_what_cannot_be_saved_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("width,height\n" + "\n".join(f"{number},{number % 5}" for number in range(20)))
    path = tmp_path / "model.safetensors"
    with LabelingProject(open_source(table), classes=("a", "b"), store="sqlite://") as project:  # noqa: SIM117
        with pytest.raises(ConfigError, match="got a table"):
            save_trained(project, path)
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
