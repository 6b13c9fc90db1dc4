"""Code that stands in the documents runs."""

from __future__ import annotations

import os
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

import ladle
from ladle.experiments import experiment_from
from ladle.labeling import LabelingProject, open_source, save_trained
from ladle.strategies import catalog

ROOT = Path(__file__).parents[1]
#: The pages with Python that runs, each from top to bottom; architecture.md has a test of its own.
PAGES = [
    page
    for page in sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
    if "```python" in (ROOT / page).read_text() and page != "docs/architecture.md"
]


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(), flags=re.DOTALL)


def put_a_tiny_bert(folder: Path) -> None:
    """Write a model and a tokenizer where ``from_pretrained`` looks before it downloads."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film", "a"]
    folder.mkdir()
    vocabulary = folder / "words.txt"
    vocabulary.write_text("\n".join(words))
    BertTokenizer(str(vocabulary)).save_pretrained(folder)
    layers: dict[str, Any] = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    BertForSequenceClassification(BertConfig(vocab_size=len(words), **layers)).save_pretrained(folder)


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code = blocks("README.md", "python")
    assert len(code) == 4
    put_a_tiny_bert(tmp_path / "bert-base-uncased")
    lines = [f"a {kind} film" for kind in ("good", "bad")] * 30
    (tmp_path / "texts.csv").write_text("\n".join(["text", *lines]))
    script = tmp_path / "readme.py"
    script.write_text("\n".join(code))
    values: dict[str, Any] = runpy.run_path(str(script))
    lines = capsys.readouterr().out.split("\n")
    assert lines[0].startswith("20 0.")
    assert float(lines[4].split()[1]) > 0.8
    assert len(values["reviews"]) == 60
    assert len(values["batch"]) == 10
    assert values["scores"].shape == (1000,)


def put_trained_models(folder: Path, page: str) -> None:
    """Write what `ladle export --out model.safetensors` would, where a page has it from a person's labels."""
    labels = ["zero", "one"] * 2
    if page == "docs/how-to/label-images.md":
        place = folder / "labeled"
        place.mkdir()
        for number in range(4):
            Image.new("RGB", (32, 32), (255 * (number % 2),) * 3).save(place / f"{number}.png")
        Image.new("RGB", (32, 32)).save(folder / "new.jpg")
    elif page == "docs/quickstart.md":
        place = folder / "labeled.csv"
        place.write_text("text\n" + "fine words\nfree prize\n" * 2)
    elif page == "docs/how-to/label-table.md":
        (folder / "first.py").write_text(blocks(page, "python")[0])
        labels = [*runpy.run_path(str(folder / "first.py"))["known"][:60]]
        place = folder / "wines.csv"
    else:
        return
    with LabelingProject(open_source(place), classes=sorted(set(labels)), store="sqlite://") as project:
        project.ingest(dict(zip(project.source.ids, labels, strict=False)))
        save_trained(project, folder / "model.safetensors")


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_the_site_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put_a_tiny_bert(tmp_path / "bert-base-uncased")
    (tmp_path / "texts.csv").write_text("\n".join(["text", *[f"a {kind} film" for kind in ("good", "bad")] * 30]))
    put_trained_models(tmp_path, page)
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks(page, "python")))
    values = runpy.run_path(str(script))
    if page == "docs/concepts/batches.md":
        assert len({int(pick) // 4 for pick in values["picks"]}) > 4
    if page == "docs/how-to/label-table.md":
        assert (values["known"][140:] == values["names"]).mean() > 0.9
    if "session" in values and page != "docs/how-to/parquet.md":
        assert len(values["session"].labeled) >= 20


def test_the_experiment_of_the_how_to_is_read() -> None:
    (text,) = blocks("docs/how-to/paper.md", "toml")
    assert experiment_from(tomllib.loads(text)).name == "digits-small"


def test_every_page_has_its_place_on_the_site() -> None:
    # Read as text: mkdocs and its loader are in an extra of their own.
    named = set(re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), flags=re.MULTILINE))
    assert named == {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}


def test_the_loop_of_the_readme_is_six_lines() -> None:
    loop, *_ = blocks("README.md", "python")
    assert len(loop[loop.index("session = ") :].strip().splitlines()) == 6


def test_the_experiment_of_the_readme_is_read() -> None:
    (text,) = blocks("README.md", "toml")
    assert experiment_from(tomllib.loads(text)).name == "letters"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", *PAGES])
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text()
    for target in re.findall(r"\]\(([^)]+)\)", text):
        target = target.partition("#")[0]
        if target and not target.startswith("https://"):
            assert os.path.exists(ROOT / Path(document).parent / target), target  # noqa: PTH110


def test_the_strategies_of_the_architecture_page_keep_the_contract() -> None:
    score, embedding, _ = blocks("docs/architecture.md", "python")[:3]
    names: dict[str, Any] = {**vars(torch), **vars(catalog), "torch": torch}
    function, line = score.split("\n\n")
    exec(function, names)
    for text in (line.split("#")[0], embedding):
        strategy = eval(text.strip().rstrip(","), names)
        outputs: dict[str, Any] = {"features": np.eye(6), "logits": np.eye(6)[:, :3], "labeled": [0], "labels": [0]}
        assert len(set(ladle.select(strategy, **outputs, budget=5).tolist())) == 5
