"""The active learner keeps scikit-learn's manners, asks as ``select`` does, and starts without any label."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import ladle
from ladle.adapters import estimator_outputs
from ladle.errors import BudgetError, InputError, UnknownNameError
from ladle.selectors import farthest_first, k_means_plus_plus, uniform
from ladle.sklearn import ActiveLearner
from ladle.strategies import list_strategies


@pytest.fixture(scope="module")
def digits() -> tuple[NDArray[Any], NDArray[Any]]:
    inputs, labels = load_digits(return_X_y=True)
    return inputs[:400] / 16, labels[:400]


def test_it_is_an_estimator_like_any_other() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks give it data on which solvers do not converge
        check_estimator(ActiveLearner(LogisticRegression()))


@pytest.mark.parametrize("strategy", list_strategies())
@pytest.mark.parametrize("names", [False, True])
def test_it_asks_for_what_select_picks(strategy: str, names: bool, digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits
    # Classes need not be numbers from 0.
    given = np.array([f"digit {label}" for label in labels]) if names else labels
    learner = ActiveLearner(LogisticRegression(max_iter=300), strategy=strategy, random_state=5)
    learner.teach(inputs[:50], given[:50])
    picks = learner.query(inputs[50:], 7)
    outputs = estimator_outputs(learner.estimator_, inputs)
    assert outputs.loss is not None
    expected = ladle.select(
        strategy,
        features=outputs.features,
        logits=outputs.logits,
        labeled=np.arange(50),
        labels=labels[:50],
        budget=7,
        seed=np.random.default_rng([5, 0]),
        loss=outputs.loss,
        bias=outputs.bias,
    )
    assert (picks + 50).tolist() == expected.tolist()


def test_the_loop_learns_and_repeats(digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits
    histories = []
    for _ in range(2):
        learner = ActiveLearner(LogisticRegression(max_iter=300), strategy="badge", random_state=1)
        left = np.arange(300)
        history: list[int] = []
        while len(history) < 80:
            picks = left[learner.query(inputs[left], 10)]
            learner.teach(inputs[picks], labels[picks])
            history += picks.tolist()
            left = np.setdiff1d(left, picks)
        histories.append(history)
        assert learner.queries_ == 8
        assert learner.score(inputs[300:], labels[300:]) > 0.85
    assert histories[0] == histories[1]
    assert len(set(histories[0])) == 80


def test_it_starts_without_labels_and_goes_on_with_one_class(digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits
    learner = ActiveLearner(LogisticRegression(), strategy="grad")
    first = learner.query(inputs, 5)
    assert first.tolist() == farthest_first(inputs, np.empty(0, dtype=np.int64), 5).tolist()
    zeros = np.flatnonzero(labels == 0)[:3]
    learner.teach(inputs[zeros], labels[zeros])
    assert not hasattr(learner, "estimator_")
    rest = np.setdiff1d(np.arange(400), zeros)
    # Far from what is labeled, although one class fits no model.
    expected = farthest_first(np.concatenate([inputs[zeros], inputs[rest]]), np.arange(3), 4)
    assert (learner.query(inputs[rest], 4) + 3).tolist() == expected.tolist()
    none = np.empty(0, dtype=np.int64)
    drawn = ActiveLearner(LogisticRegression(), cold_start="k-means++").query(inputs, 6)
    expected = k_means_plus_plus(inputs, none, 6, generator=np.random.default_rng([0, 0]), first="uniform")
    assert drawn.tolist() == expected.tolist()
    expected = uniform(400, none, 6, generator=np.random.default_rng([0, 0]))
    # A strategy that needs no model needs no cold start either.
    for strategy, cold in (("grad", "random"), ("random", "k-center")):
        learner = ActiveLearner(LogisticRegression(), strategy=strategy, cold_start=cold)
        assert learner.query(inputs, 6).tolist() == expected.tolist()
    with pytest.raises(UnknownNameError, match="unknown cold start"):
        ActiveLearner(cold_start="warm").query(inputs, 1)


def test_texts_through_a_pipeline() -> None:
    texts = [f"{word} {other}" for word in ("cats purr", "dogs bark", "cows moo") for other in "abcdefghij"]
    kinds = np.repeat(["cat", "dog", "cow"], 10)
    pipeline = make_pipeline(
        TfidfVectorizer(token_pattern=r"\w+"), TruncatedSVD(5, random_state=0), LogisticRegression()
    )
    learner = ActiveLearner(pipeline, strategy="grad")
    first = learner.query(texts, 3)
    learner.teach([texts[i] for i in first], kinds[first])
    assert len(set(kinds[first])) == 3  # far from each other in what the pipeline makes of them
    left = [i for i in range(30) if i not in first.tolist()]
    picks = learner.query([texts[i] for i in left], 4)
    assert len(set(picks.tolist())) == 4
    assert learner.predict(["cows moo again"])[0] == "cow"
    with pytest.raises(InputError, match="cold_start='random'"):
        ActiveLearner(RandomForestClassifier()).query(texts, 2)


@pytest.mark.parametrize("kind", ["sparse", "frame"])
def test_inputs_stay_what_they_are(kind: str, digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits
    given: Any = scipy.sparse.csr_matrix(inputs) if kind == "sparse" else pd.DataFrame(inputs).add_prefix("pixel")
    plain = ActiveLearner(LogisticRegression(max_iter=300), strategy="grad").teach(inputs[:60], labels[:60])
    other = ActiveLearner(LogisticRegression(max_iter=300), strategy="grad").teach(given[:60], labels[:60])
    assert plain.query(inputs[60:], 5).tolist() == other.query(given[60:], 5).tolist()
    other.teach(given[60:70], labels[60:70])
    assert type(other.labeled_inputs_) is type(given)
    assert len(ActiveLearner(LogisticRegression()).query(given, 3)) == 3


def test_it_is_cloned_nested_and_validated_like_others(digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits
    learner = ActiveLearner(make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)), strategy="entropy")
    learner.teach(inputs[:50], labels[:50])
    fresh = clone(learner)
    assert not hasattr(fresh, "labeled_inputs_")
    assert fresh.get_params()["estimator__logisticregression__max_iter"] == 300
    fresh.set_params(strategy="margin", estimator__logisticregression__C=0.1)
    assert fresh.strategy == "margin"
    assert cross_val_score(make_pipeline(StandardScaler(), fresh), inputs, labels, cv=2).mean() > 0.7


def test_a_network_asks_by_its_gradients_and_a_forest_cannot(digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits
    network = ActiveLearner(MLPClassifier((16,), max_iter=20, tol=1.0, random_state=0), strategy="grad")
    assert len(network.teach(inputs[:60], labels[:60]).query(inputs[60:], 5)) == 5
    forest = ActiveLearner(RandomForestClassifier(10, random_state=0), strategy="grad").teach(inputs[:60], labels[:60])
    with pytest.raises(InputError, match=r"'grad' takes gradients.*RandomForestClassifier"):
        forest.query(inputs[60:], 5)
    assert len(forest.set_params(strategy="entropy").query(inputs[60:], 5)) == 5


def test_wrong_calls_are_one_line(digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits
    learner = ActiveLearner(LogisticRegression(max_iter=300)).teach(inputs[:50], labels[:50])
    with pytest.raises(BudgetError):
        learner.query(inputs[50:60], 11)
    with pytest.raises(InputError, match="one to one"):
        learner.teach(inputs[:3], labels[:2])
    with pytest.raises(UnknownNameError, match="margin"):
        learner.set_params(strategy="margni").query(inputs, 1)
