"""What a session asks for while there is nothing to learn from."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import Tensor, nn

import ladle
from ladle.errors import InputError, SessionError, UnknownNameError
from ladle.models import TrainingConfig
from ladle.selectors import farthest_first, k_means_plus_plus, uniform
from ladle.session import Asked
from ladle.session.seeds import Purpose, derived_seed
from ladle.typing import Indices

FEW = TrainingConfig(epochs=3)
Data = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def digits() -> Data:
    inputs, labels = load_digits(return_X_y=True)
    return (inputs[:300] / 16).astype(np.float32), labels[:300]


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))


def by_hand(name: str, rows: Any, taken: Indices, budget: int, position: int) -> Any:
    generator = np.random.default_rng(derived_seed(0, Purpose.SELECTION, position))
    if name == "random":
        return uniform(len(rows), taken, budget, generator=generator).tolist()
    if name == "k-center":
        return farthest_first(rows, taken, budget).tolist()
    return k_means_plus_plus(rows, taken, budget, generator=generator, first="uniform").tolist()


@pytest.mark.parametrize("strategy", ["grad", "badge", "entropy"])
@pytest.mark.parametrize("cold", ["random", "k-center", "k-means++"])
def test_it_picks_until_two_classes_are_labeled(cold: str, strategy: str, digits: Data) -> None:
    inputs, _ = digits
    session = ladle.Session(inputs, net, strategy=strategy, cold_start=cold, training=FEW)
    first = session.ask(5)
    assert first.tolist() == by_hand(cold, inputs, np.empty(0, dtype=np.int64), 5, position=0)
    session.tell(first[:3], [4, 4, 4])
    session.skip(first[3])
    # One class, one skipped, one awaited: none of them is asked for.
    planned = session.plan(6)
    assert planned.strategy == cold
    assert set(planned.seconds) == {"selection"}
    assert planned.indices.tolist() == by_hand(cold, inputs, np.sort(first), 6, position=1)
    session.tell(first[4], 5)
    assert session.plan(6).strategy == strategy


def test_a_strategy_named_for_one_batch_gives_way_too(digits: Data) -> None:
    session = ladle.Session(digits[0], net, cold_start="k-center")
    assert session.plan(5, strategy="badge").strategy == "k-center"
    assert session.plan(5, strategy="random").strategy == "random"
    plain = ladle.Session(digits[0], net, strategy="random", cold_start="k-center")
    expected = by_hand("random", digits[0], np.empty(0, dtype=np.int64), 5, position=0)
    assert plain.ask(5).tolist() == expected


def test_one_row_of_multi_labels_is_enough(digits: Data) -> None:
    session = ladle.Session(digits[0], net, loss="binary-cross-entropy", training=FEW)
    assert session.plan(2).strategy == "random"
    session.tell(0, np.eye(10)[3])
    assert session.plan(2).strategy == "grad"


def test_texts_start_from_their_largest_components(digits: Data) -> None:
    words = [f"{topic} {other}" for topic in ("cats purr", "dogs bark", "cows moo") for other in range(70)]
    rows = TfidfVectorizer(token_pattern=r"\w+", dtype=np.float32).fit_transform(words)
    session = ladle.Session(rows, "mlp", classes=3, cold_start="k-center")
    reduced = TruncatedSVD(64, random_state=0).fit_transform(rows)
    picks = session.ask(3)
    assert picks.tolist() == farthest_first(reduced, np.empty(0, dtype=np.int64), 3).tolist()
    assert {int(pick) // 70 for pick in picks} == {0, 1, 2}


class Summed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.last = nn.Embedding(50, 8), nn.Linear(8, 3)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        logits: Tensor = self.last((self.words(ids) * mask.unsqueeze(2)).sum(dim=1))
        return logits


def test_tokens_start_from_embeddings(digits: Data, tmp_path: Path) -> None:
    embeddings, url = digits[0][:80], f"sqlite:///{tmp_path}/x.db"
    tokens = {"ids": torch.randint(0, 50, (80, 6)), "mask": torch.ones(80, 6, dtype=torch.long)}
    build = partial(ladle.Session, tokens, Summed, cold_start="k-center", store=url)
    with build(embeddings=embeddings) as session:
        first = session.ask(7).tolist()
        assert first == farthest_first(embeddings, np.empty(0, dtype=np.int64), 7).tolist()
        (event,) = session.log.read()
        assert isinstance(event, Asked)
        assert event.strategy == "k-center"
    with build(embeddings=embeddings) as session:
        assert session.ask(7).tolist() == first
    with pytest.raises(SessionError, match="got embeddings="):
        build(embeddings=embeddings + 1)
    with pytest.raises(InputError, match=r"needs one array \(got 2 parts\); pass embeddings"):
        build()
    with pytest.raises(InputError, match=r"got embeddings=79, pool=80"):
        build(embeddings=embeddings[:79])
    with pytest.raises(InputError, match=r"got cold_start='random', which takes none"):
        ladle.Session(tokens, Summed, embeddings=embeddings)


def test_the_cold_start_is_part_of_what_a_session_is(digits: Data, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    with ladle.Session(digits[0], net, store=url):
        pass
    with pytest.raises(SessionError, match="got cold_start='k-center'"):
        ladle.Session(digits[0], net, store=url, cold_start="k-center")
    with ladle.Session(digits[0], net, store=url, cold_start="random"):
        pass
    with pytest.raises(UnknownNameError, match="unknown cold start"):
        ladle.Session(digits[0], net, cold_start="warm")
