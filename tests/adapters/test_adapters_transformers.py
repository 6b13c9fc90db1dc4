"""Sequence classifiers of transformers, tiny and randomly initialised, in one pass and in a session."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import (
    BatchEncoding,
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

import ladle
from ladle.errors import InputError
from ladle.models import TrainingConfig, find_last_layer, pool_outputs
from ladle.session.seeds import Purpose, derived_seed
from reference.autograd import discrepancies_through_a_model

# Weights larger than usual: a network this small learns little from those it is usually given.
TINY: dict[str, Any] = {
    "vocab_size": 40,
    "num_labels": 3,
    "max_position_embeddings": 16,
    "initializer_range": 0.2,
}
LAYERS: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
SOME = TrainingConfig(epochs=15, learning_rate=0.02)


def bert() -> nn.Module:
    return BertForSequenceClassification(BertConfig(**TINY, **LAYERS))


def roberta() -> nn.Module:
    return RobertaForSequenceClassification(RobertaConfig(**TINY, **LAYERS))


def distilbert() -> nn.Module:
    return DistilBertForSequenceClassification(DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32, **TINY))


def texts(count: int) -> tuple[BatchEncoding, np.ndarray[Any, Any]]:
    """Token ids of unequal length, padded as a tokenizer does; the class is the one of the first word."""
    rng = np.random.default_rng(count)
    labels = rng.integers(0, 3, count)
    ids = rng.integers(10, 40, size=(count, 9))
    ids[:, 0], ids[:, 1] = 2, 5 + labels
    mask = (np.arange(9) < rng.integers(4, 10, count)[:, None]).astype(np.int64)
    tokens = {"input_ids": torch.from_numpy(ids * mask), "attention_mask": torch.from_numpy(mask)}
    return BatchEncoding(tokens), labels


@pytest.mark.parametrize("build", [bert, roberta, distilbert])
def test_features_and_logits_are_the_models_own(build: Any) -> None:
    tokens, _ = texts(11)
    model = build().eval()
    passed = pool_outputs(model, tokens, batch_size=4)
    with torch.no_grad():
        torch.testing.assert_close(passed.logits, model(**tokens).logits)
        torch.testing.assert_close(find_last_layer(model)(passed.features), passed.logits)
        if build is bert:
            torch.testing.assert_close(passed.features, model.bert(**tokens).pooler_output)


@pytest.mark.parametrize("build", [bert, roberta, distilbert])
def test_the_discrepancy_is_the_one_of_autograd_through_the_model(build: Any) -> None:
    tokens, labels = texts(6)
    model = build().double().eval()
    labeled, known = [0, 2, 5], torch.from_numpy(labels[[0, 2, 5]])
    passed = pool_outputs(model, tokens)
    found = ladle.score("grad", features=passed.features, logits=passed.logits, labeled=labeled, labels=known)

    def logits_of(rows: list[int]) -> Tensor:
        logits: Tensor = model(**{name: part[rows] for name, part in tokens.items()}).logits
        return logits

    loss = partial(nn.functional.cross_entropy, reduction="none")
    expected = discrepancies_through_a_model(find_last_layer(model), logits_of, 6, labeled, known, loss)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("strategy", ["grad", "badge", "margin"])
def test_a_session_asks_by_it_and_goes_on_where_it_was(strategy: str, tmp_path: Path) -> None:
    tokens, labels = texts(150)
    torch.manual_seed(0)
    model, url = bert(), f"sqlite:///{tmp_path}/x.db"

    def opened() -> ladle.Session:
        return ladle.Session(tokens, model, strategy=strategy, training=SOME, store=url)

    for _ in range(3):
        with opened() as session:
            batch = session.ask(20)
            session.tell(batch, labels[batch])
    with opened() as session:
        picks = session.ask(10)
        with torch.no_grad():
            trained: Any = session.model
            features, logits = trained.bert(**tokens).pooler_output, trained(**tokens).logits
        expected = ladle.select(
            strategy,
            features=features,
            logits=logits,
            labeled=session.labeled,
            labels=session.labels,
            budget=10,
            seed=np.random.default_rng(derived_seed(0, Purpose.SELECTION, 3)),
        )
        assert picks.tolist() == expected.tolist()
        others, answers = texts(90)
        assert session.evaluate(others, answers) > 0.6  # a third by chance


def test_a_head_on_every_token_is_told_in_one_line() -> None:
    tokens, _ = texts(5)
    sizes: dict[str, Any] = {
        "n_positions": 16,
        "n_embd": 16,
        "n_layer": 1,
        "n_head": 2,
        "pad_token_id": 0,
        "num_labels": 3,
    }
    gpt2 = GPT2ForSequenceClassification(GPT2Config(vocab_size=40, **sizes))
    with pytest.raises(InputError, match=r"got \(5, 3\) from the model, \(5, 9, 3\) from the layer"):
        pool_outputs(gpt2, tokens)
