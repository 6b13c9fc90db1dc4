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
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

import ladle
from ladle.experiments import experiment_from
from ladle.strategies import catalog

ROOT = Path(__file__).parents[1]


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(), flags=re.DOTALL)


def put_a_tiny_bert(folder: Path) -> None:
    """Write a model and a tokenizer where ``from_pretrained`` looks before it downloads."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film", "a"]
    BertTokenizer(vocab={word: number for number, word in enumerate(words)}).save_pretrained(folder)
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


def test_the_loop_of_the_readme_is_six_lines() -> None:
    loop, *_ = blocks("README.md", "python")
    assert len(loop[loop.index("session = ") :].strip().splitlines()) == 6


def test_the_experiment_of_the_readme_is_read() -> None:
    (text,) = blocks("README.md", "toml")
    assert experiment_from(tomllib.loads(text)).name == "letters"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text()
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not target.startswith("https://"):
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
