"""The active learner keeps scikit-learn's manners, asks as ``select`` does, and starts without any label."""

from __future__ import annotations

import pickle
from collections.abc import Callable
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
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import ladle
from ladle.adapters import estimator_outputs
from ladle.errors import BudgetError, InputError, UnknownNameError
from ladle.selectors import farthest_first, k_means_plus_plus, uniform
from ladle.sklearn import ActiveLearner
from ladle.strategies import list_strategies, score_strategy


@pytest.fixture(scope="module")
def digits() -> tuple[NDArray[Any], NDArray[Any]]:
    inputs, labels = load_digits(return_X_y=True)
    return inputs[:400] / 16, labels[:400]


@pytest.mark.filterwarnings("ignore")  # the checks give it data on which solvers do not converge
@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [
        ActiveLearner(),
        ActiveLearner(make_pipeline(StandardScaler(), LogisticRegression()), strategy="badge"),
        ActiveLearner(SGDClassifier(random_state=0), strategy="grad", random_state=None),
        ActiveLearner(RandomForestClassifier(5, random_state=0), cold_start="random"),
    ]
)
def test_it_is_an_estimator_like_any_other(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


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
    again = pickle.loads(pickle.dumps(learner))
    assert again.query(inputs[50:], 5).tolist() == learner.query(inputs[50:], 5).tolist()
    own = score_strategy("first", lambda outputs: -outputs.features[:, 0], "the smallest first feature")
    assert clone(ActiveLearner(strategy=own)).teach(inputs[:50], labels[:50]).query(inputs[50:], 3).shape == (3,)


def test_what_the_estimator_can_the_learner_can() -> None:
    assert hasattr(ActiveLearner(), "predict_proba")
    assert hasattr(ActiveLearner(), "decision_function")
    assert not hasattr(ActiveLearner(RandomForestClassifier()), "decision_function")
    assert not hasattr(ActiveLearner(SGDClassifier()), "predict_proba")


def test_random_states_of_every_kind(digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    inputs, labels = digits

    def picked(state: Any) -> list[list[int]]:
        learner = ActiveLearner(GaussianNB(), strategy="random", random_state=state)
        learner.teach(inputs[:50], labels[:50])
        return [learner.query(inputs[50:], 6).tolist() for _ in range(2)]

    for state in (7, np.int64(7), np.random.RandomState(7)):
        first, second = picked(state)
        assert first != second
    assert picked(7) == picked(np.int64(7))
    assert picked(np.random.RandomState(7)) == picked(np.random.RandomState(7))
    assert picked(None) != picked(None)
    with pytest.raises(ValueError, match="cannot be used to seed"):
        picked("seven")


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
