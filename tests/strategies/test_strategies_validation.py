"""Every rule at the public doors: what is refused, with what came and the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ladle.errors import BudgetError, InputError, UnknownNameError
from ladle.strategies import list_strategies, pool_outputs_from, score, score_strategy, select

RNG = np.random.default_rng(0)
FEATURES, LOGITS = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 4))


def arguments(**changed: Any) -> dict[str, Any]:
    return {"features": FEATURES, "logits": LOGITS, "labeled": [0, 4], "labels": [3, 1], **changed}


def with_value(array: Any, row: int, value: float) -> Any:
    changed = array.copy()
    changed[row, 1] = value
    return changed


ARRAYS: list[tuple[dict[str, Any], str]] = [
    ({"features": FEATURES[0]}, r"features must have two axes, examples and columns \(got shape \(3,\)\)"),
    ({"logits": LOGITS[np.newaxis]}, r"logits must have two axes, examples and columns \(got shape \(1, 6, 4\)\)"),
    ({"features": 3.0}, r"features must have two axes.*\(got shape \(\)\)"),
    ({"features": FEATURES.astype(int)}, r"features must be floating point \(got torch.int64\); convert"),
    ({"logits": LOGITS > 0}, r"logits must be floating point \(got torch.bool\)"),
    ({"logits": LOGITS.astype(complex)}, r"logits must be floating point \(got torch.complex128\)"),
    ({"features": FEATURES.astype(object)}, r"features must be an array of numbers \(got object\); pass a NumPy"),
    ({"features": FEATURES.astype(str)}, r"features must be an array of numbers \(got <U\d+\)"),
    ({"features": [[1.0], [1.0, 2.0]]}, r"features must be an array of numbers \(got list\)"),
    ({"features": None}, r"features must be an array of numbers \(got NoneType\)"),
    ({"features": with_value(FEATURES, 2, np.nan)}, r"features must be finite \(got NaN or infinity in row 2\)"),
    ({"logits": with_value(LOGITS, 5, -np.inf)}, r"logits must be finite \(got NaN or infinity in row 5\)"),
    (
        {"features": with_value(FEATURES, 3, 1e200)},
        r"features must be shorter than 1e\+152, or their squares overflow torch.float64 \(got 1e\+200 in row 3\)",
    ),
    (
        {"features": with_value(FEATURES, 3, 1e20).astype(np.float32), "logits": LOGITS.astype(np.float32)},
        r"features must be shorter than 1e\+17, or .*\(got 1e\+20 in row 3\); rescale them, or pass float64",
    ),
    ({"features": FEATURES[:5]}, r"a row for each example of the pool \(got features=5, logits=6 rows\); pass both"),
    ({"logits": LOGITS[:, :1]}, r"at least two classes \(got 1\); for one logit z .* \[-z/2, z/2\]"),
    ({"labeled": [0, 6]}, r"labeled indices must be from 0 to 5 \(got 6\); count in the whole pool"),
    ({"labeled": [-1, 2]}, r"labeled indices must be from 0 to 5 \(got -1\)"),
    ({"labeled": [4, 4]}, r"labeled indices must be distinct \(got 4 twice\); name each once"),
    ({"labeled": [0.0, 4.0]}, r"labeled indices must be whole numbers \(got float64\); for a mask pass np.flatnonzero"),
    ({"labeled": [True, False]}, r"labeled indices must be whole numbers \(got bool\); for a mask pass np.flatnonzero"),
    ({"labeled": None}, r"labeled indices must be whole numbers \(got object\)"),
    (
        {"labels": [3]},
        r"labels must match labeled one to one, here with shape \(2,\) \(got \(1,\)\); for labels of the",
    ),
    ({"labels": [0, 1, 2, 3, 0, 1]}, r"here with shape \(2,\) \(got \(6,\)\); .* pass labels\[labeled\]"),
    ({"labels": [[3], [1]]}, r"here with shape \(2,\) \(got \(2, 1\)\)"),
    ({"labeled": [], "labels": [1]}, r"here with shape \(0,\) \(got \(1,\)\)"),
    ({"labels": [3.0, 1.0]}, r"labels must be class numbers \(got torch.float64\); encode them as integers from 0"),
    ({"labels": [True, False]}, r"labels must be class numbers \(got torch.bool\)"),
    ({"labels": [4, 0]}, r"labels must be class numbers from 0 to 3 \(got 4\)"),
    ({"labels": [0, -1]}, r"labels must be class numbers from 0 to 3 \(got -1\)"),
    ({"labels": np.array([0, 9], dtype=np.uint16)}, r"labels must be class numbers from 0 to 3 \(got 9\)"),
    ({"labels": ["cat", "dog"]}, r"labels must be an array of numbers \(got list\)"),
    ({"labels": None}, r"labels must be an array of numbers \(got NoneType\)"),
    ({"loss": "binary-cross-entropy"}, r"here with shape \(2, 4\) \(got \(2,\)\)"),
    (
        {"loss": "binary-cross-entropy", "labels": [[0, 1, 0, 2], [0, 1, 0, 0]]},
        r"labels for binary-cross-entropy must be zeros and ones \(got other values\); one column a class",
    ),
    ({"loss": torch.nn.CrossEntropyLoss()}, r"a loss is a name or a ResidualLoss \(got CrossEntropyLoss\); wrap"),
]


@pytest.mark.parametrize(("changed", "message"), ARRAYS)
def test_arrays_that_break_a_rule_are_refused_at_both_doors(changed: dict[str, Any], message: str) -> None:
    doors: list[Callable[[], Any]] = [
        lambda: select("entropy", **arguments(**changed), budget=1),
        lambda: score("entropy", **arguments(**changed)),
    ]
    for door in doors:
        with pytest.raises(InputError, match=message) as caught:
            door()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", list_strategies())
@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (0, r"from 1 to the number of unlabeled rows \(got budget=0, unlabeled=4\); ask for at least 1"),
        (5, r"from 1 to the number of unlabeled rows \(got budget=5, unlabeled=4\); ask for fewer"),
        (1.5, r"whole number \(got budget=1.5\)"),
    ],
)
def test_a_budget_that_cannot_be_met_is_refused(name: str, budget: Any, message: str) -> None:
    with pytest.raises(BudgetError, match=message):
        select(name, **arguments(), budget=budget)


@pytest.mark.parametrize("seed", [-1, 1.5, None, "7", np.random.RandomState(0)])
@pytest.mark.parametrize("name", ["random", "entropy"])
def test_anything_but_a_whole_number_or_a_generator_is_no_seed(name: str, seed: Any) -> None:
    with pytest.raises(InputError, match=r"seed must be a whole number from 0 or a NumPy Generator \(got "):
        select(name, **arguments(), budget=1, seed=seed)


def test_what_needs_labels_says_how_to_start() -> None:
    for door in (lambda: score("grad", **nothing_labeled()), lambda: select("grad", **nothing_labeled(), budget=1)):
        with pytest.raises(InputError, match=r"'grad' compares with the labeled set \(got labeled=0\); label a few"):
            door()


def nothing_labeled() -> dict[str, Any]:
    return arguments(labeled=[], labels=[])


@pytest.mark.parametrize("door", [score, lambda name, **given: select(name, **given, budget=1)])
def test_unknown_names_are_answered_with_the_likely_one(door: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown strategy \(got 'entropie'\); did you mean 'entropy'\?"):
        door("entropie", **arguments())
    with pytest.raises(UnknownNameError, match=r"unknown loss \(got 'crossentropy'\); did you mean 'cross-entropy'\?"):
        door("entropy", **arguments(loss="crossentropy"))


@pytest.mark.parametrize("strategy", [None, 3, ["grad"], torch.nn.ReLU()])
def test_what_is_no_strategy_is_refused(strategy: Any) -> None:
    with pytest.raises(InputError, match=r"a strategy is a name or a Strategy \(got .*\); make one with"):
        select(strategy, **arguments(), budget=1)


@pytest.mark.parametrize("name", ["entropy", "margin", "least-confidence", "egl"])
def test_what_takes_one_class_an_example_is_refused_for_a_multi_label_loss(name: str) -> None:
    given = arguments(loss="binary-cross-entropy", labels=[[0, 1, 0, 1], [0, 1, 0, 0]])
    for door in (lambda: score(name, **given), lambda: select(name, **given, budget=1)):
        with pytest.raises(InputError, match=rf"'{name}' takes .* \(got the multi-label loss binary-cross-entropy\)"):
            door()


@pytest.mark.parametrize("name", sorted(set(list_strategies()) - {"entropy", "margin", "least-confidence", "egl"}))
def test_all_others_take_a_multi_label_loss(name: str) -> None:
    given = arguments(loss="binary-cross-entropy", labels=[[0, 1, 0, 1], [0, 1, 0, 0]])
    assert sorted(select(name, **given, budget=4).tolist()) == [1, 2, 3, 5]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.uint64])
def test_whole_numbers_of_any_width_are_labels_and_indices(dtype: Any) -> None:
    given = arguments(labeled=np.array([0, 4], dtype=dtype), labels=np.array([3, 1], dtype=dtype))
    assert np.array_equal(score("grad", **given), score("grad", **arguments()))


def test_outputs_are_checked_once_and_gathered() -> None:
    outputs = pool_outputs_from(FEATURES.astype(np.float32), LOGITS, [4, 0], [1, 3], bias=False)
    assert len(outputs) == 6
    assert outputs.features.dtype == outputs.logits.dtype == torch.float64
    assert outputs.labeled.tolist() == outputs.labeled_rows().tolist() == [4, 0]  # in the order they were labeled
    assert outputs.labels.tolist() == [1, 3]
    assert outputs.loss.name == "cross-entropy"
    assert not outputs.bias
    assert pool_outputs_from(FEATURES, LOGITS, [4, 0], [1, 3]).bias


def test_labels_take_the_shape_and_type_their_loss_reads() -> None:
    multi = "binary-cross-entropy"
    labels = pool_outputs_from(FEATURES, LOGITS, [0, 4], [[0, 1, 0, 1], [1, 0, 0, 0]], loss=multi).labels
    assert labels.dtype == torch.float64
    none = pool_outputs_from(FEATURES, LOGITS, [], [], loss=multi).labels
    assert tuple(none.shape) == (0, 4)
    assert tuple(pool_outputs_from(FEATURES, LOGITS, [], []).labels.shape) == (0,)


def test_finite_numbers_whose_sum_overflows_are_fine() -> None:
    huge = np.full((6, 4), 3e38, dtype=np.float32)
    np.testing.assert_allclose(score("entropy", **arguments(logits=huge)), np.log(4), rtol=1e-6)


def test_opposite_infinities_do_not_cancel_unseen() -> None:
    logits = with_value(with_value(LOGITS, 1, np.inf), 3, -np.inf)
    with pytest.raises(InputError, match="infinity in row 1"):
        score("entropy", **arguments(logits=logits))


def test_an_empty_pool_has_empty_scores_and_nothing_to_pick() -> None:
    empty = arguments(features=FEATURES[:0], logits=LOGITS[:0], labeled=[], labels=[])
    assert score("egl", **empty).shape == (0,)
    with pytest.raises(BudgetError, match="got budget=1, unlabeled=0"):
        select("k-center", **empty, budget=1)


@pytest.mark.parametrize("name", ["grad", "badge", "grad-cosine", "grad-volume", "grad-d2"])
def test_gradients_that_overflow_are_refused_instead_of_picked_by(name: str) -> None:
    given = arguments(logits=with_value(LOGITS, 2, 1e200), loss="squared-error")
    with pytest.raises(
        InputError, match=r"gradients of the loss squared-error must be shorter than 1e\+152 \(got length"
    ):
        select(name, **given, budget=2)


def test_a_gradient_overflows_by_what_its_own_row_has() -> None:
    # Each alone is short enough: a residual of 1e90 beside features of 1e90 is refused where both are of one row only.
    long = FEATURES.copy()
    long[3] = 1e90
    for row, refused in ((3, True), (2, False)):
        given = arguments(features=long, logits=with_value(LOGITS, row, 1e90), loss="squared-error")
        if refused:
            with pytest.raises(InputError, match=r"shorter than 1e\+152 \(got length .* in a row\)"):
                select("badge", **given, budget=1)
        else:
            assert select("badge", **given, budget=1).tolist() in ([2], [3])


def test_expected_lengths_that_overflow_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"gradients of the loss squared-error must be shorter than .*\(got length nan"
    ):
        score("egl", **arguments(logits=with_value(LOGITS, 2, 1e200), loss="squared-error"))


def test_scores_of_ones_own_that_are_no_numbers_are_refused() -> None:
    own = score_strategy("ratio", lambda outputs: outputs.logits[:, 0].log(), "a logarithm of what may be negative")
    with pytest.raises(InputError, match=r"scores must be numbers \(got NaN for row \d\)"):
        select(own, **arguments(), budget=3)
