"""The two public doors: kinds, types, seeds, what is left alone, and answers worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ladle.errors import BudgetError, InputError
from ladle.gradients import FactoredGradients, cross_entropy, loss_by_autograd
from ladle.selectors import farthest_first, k_means_plus_plus, top, uniform
from ladle.strategies import (
    CATALOG,
    Strategy,
    embedding_strategy,
    find_strategy,
    list_strategies,
    pool_outputs_from,
    score,
    score_strategy,
    select,
)
from ladle.testing import Problem, make_problem

SCORES = [name for name, entry in CATALOG.items() if entry.is_score]
ALL = list_strategies()


@pytest.fixture
def problem() -> Problem:
    return make_problem(np.random.default_rng(11), examples=30, features=4, classes=3, labeled=6, budget=5)


def as_torch(problem: Problem) -> dict[str, Any]:
    return {name: torch.from_numpy(array) for name, array in problem.arrays().items()}


def test_the_catalog_is_the_one_designed() -> None:
    assert ALL[:8] == ["random", "entropy", "margin", "least-confidence", "egl", "grad", "badge", "k-center"]
    assert [entry.name for entry in CATALOG.values()] == ALL
    assert SCORES[:5] == ["entropy", "margin", "least-confidence", "egl", "grad"]
    assert all(entry.summary for entry in CATALOG.values())


@pytest.mark.parametrize("name", ALL)
def test_numpy_and_torch_pick_the_same_as_int64_numpy(name: str, problem: Problem) -> None:
    from_numpy = select(name, **problem.arrays(), budget=5)
    from_torch = select(name, **as_torch(problem), budget=5)
    assert isinstance(from_numpy, np.ndarray)
    assert isinstance(from_torch, np.ndarray)
    assert from_numpy.dtype == from_torch.dtype == np.int64
    assert from_numpy.tolist() == from_torch.tolist()


@pytest.mark.parametrize("name", SCORES)
def test_scores_cover_the_whole_pool_in_the_kind_given(name: str, problem: Problem) -> None:
    from_numpy, from_torch = score(name, **problem.arrays()), score(name, **as_torch(problem))
    assert isinstance(from_numpy, np.ndarray)
    assert isinstance(from_torch, Tensor)
    assert from_numpy.shape == (30,)
    assert np.array_equal(from_numpy, from_torch.numpy())


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize(
    ("of_features", "of_logits", "expected"),
    [
        (np.float32, np.float32, np.float32),
        (np.float64, np.float32, np.float64),
        (np.float32, np.float64, np.float64),
        (np.float16, np.float16, np.float32),
        (np.float16, np.float64, np.float64),
    ],
)
def test_the_wider_floating_type_comes_back(
    name: str, of_features: Any, of_logits: Any, expected: Any, problem: Problem
) -> None:
    arrays = problem.arrays()
    arrays["features"], arrays["logits"] = arrays["features"].astype(of_features), arrays["logits"].astype(of_logits)
    assert score(name, **arrays).dtype == expected


@pytest.mark.parametrize("name", ALL)
def test_lists_views_and_read_only_arrays_pick_the_same(name: str, problem: Problem) -> None:
    expected = select(name, **problem.arrays(), budget=5).tolist()
    lists: dict[str, Any] = problem.arrays()
    lists["labeled"], lists["labels"] = lists["labeled"].tolist(), lists["labels"].tolist()
    assert select(name, **lists, budget=5).tolist() == expected
    frozen = problem.arrays()
    for array in frozen.values():
        array.setflags(write=False)
    assert select(name, **frozen, budget=5).tolist() == expected
    strided = problem.arrays()
    for key in ("features", "logits"):
        wide = np.repeat(strided[key], 2, axis=1)[::-1].copy()
        strided[key] = wide[::-1, ::2]
    assert not strided["features"].flags.c_contiguous
    assert select(name, **strided, budget=5).tolist() == expected


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("loss", ["cross-entropy", "squared-error", "user's own"])
def test_tensors_are_left_as_found_in_every_mode_of_autograd(name: str, loss: str, problem: Problem) -> None:
    own = loss_by_autograd("own", lambda z, y: torch.nn.functional.cross_entropy(z, y, reduction="none").square())
    named: Any = own if loss == "user's own" else loss
    expected = select(name, **as_torch(problem), budget=5, loss=named).tolist()
    leaves = as_torch(problem)
    for key in ("features", "logits"):
        leaves[key].requires_grad_()
    with torch.inference_mode():
        # Made in inference mode: such tensors may neither be written to nor kept by autograd.
        inference = {key: tensor.clone() for key, tensor in as_torch(problem).items()}
        assert select(name, **inference, budget=5, loss=named).tolist() == expected
        assert select(name, **leaves, budget=5, loss=named).tolist() == expected
    assert select(name, **inference, budget=5, loss=named).tolist() == expected
    assert select(name, **leaves, budget=5, loss=named).tolist() == expected
    for key, array in problem.arrays().items():
        assert np.array_equal(inference[key].numpy(), array)
        assert np.array_equal(leaves[key].detach().numpy(), array)
        assert leaves[key].grad is None


@pytest.mark.parametrize("name", SCORES)
def test_scores_carry_no_gradient(name: str, problem: Problem) -> None:
    leaves = as_torch(problem)
    leaves["features"].requires_grad_()
    assert not score(name, **leaves).requires_grad


@pytest.mark.parametrize("name", ["random", "badge", "grad-d2"])
def test_seeds_decide_the_draw(name: str, problem: Problem) -> None:
    def picks(seed: Any) -> list[int]:
        chosen: list[int] = select(name, **problem.arrays(), budget=5, seed=seed).tolist()
        return chosen

    assert picks(3) == picks(3) == picks(np.int64(3)) == picks(np.random.default_rng(3))
    assert len({tuple(picks(seed)) for seed in range(10)}) > 5
    generator = np.random.default_rng(3)
    assert picks(generator) == picks(3)
    assert picks(generator) != picks(3)  # it went on from where it was
    assert picks(0) == select(name, **problem.arrays(), budget=5).tolist()


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("random", "badge", "grad-d2")])
def test_other_strategies_ignore_the_seed(name: str, problem: Problem) -> None:
    assert len({tuple(select(name, **problem.arrays(), budget=5, seed=seed)) for seed in range(5)}) == 1


def test_strategies_are_their_scores_and_embeddings_and_selectors(problem: Problem) -> None:
    features, logits, labeled = problem.features, problem.logits, problem.labeled
    for name in SCORES:
        expected = top(score(name, **problem.arrays()), labeled, 5)
        assert select(name, **problem.arrays(), budget=5).tolist() == expected.tolist()
    assert select("k-center", **problem.arrays(), budget=5).tolist() == farthest_first(features, labeled, 5).tolist()
    drawn = uniform(30, labeled, 5, generator=np.random.default_rng(7))
    assert select("random", **problem.arrays(), budget=5, seed=7).tolist() == drawn.tolist()
    z = torch.from_numpy(logits)
    gradients = FactoredGradients(cross_entropy.residuals(z, z.argmax(dim=1)), torch.from_numpy(features))
    seeded = k_means_plus_plus(gradients, labeled, 5, generator=np.random.default_rng(7))
    assert select("badge", **problem.arrays(), budget=5, seed=7).tolist() == seeded.tolist()


def hand_made() -> dict[str, Any]:
    """Five examples, two classes, one feature; p of the first class is 1/2, 3/4, 1/4, 3/4, 9/10."""
    # log(1/3) need not be -log(3) to the last bit, and 2 and 3 are to tie.
    odds = np.array([0.0, 1.0, -1.0, 1.0, 2.0]) * np.log(3.0)
    return {
        "features": np.array([[0.0], [1.0], [1.0], [-2.0], [10.0]]),
        "logits": np.column_stack([odds / 2, -odds / 2]),
        "labeled": np.array([1]),
        "labels": np.array([0]),
    }


def test_scores_worked_by_hand() -> None:
    doubt = np.array([1 / 2, 1 / 4, 1 / 4, 1 / 4, 1 / 10])  # 1 - p of the likelier class
    arrays = hand_made()
    np.testing.assert_allclose(score("least-confidence", **arrays), doubt, rtol=1e-12)
    np.testing.assert_allclose(score("margin", **arrays), 2 * doubt - 1, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        score("entropy", **arrays), -doubt * np.log(doubt) - (1 - doubt) * np.log(1 - doubt), rtol=1e-12
    )
    # Under a label of probability p the residual is (1 - p)(-1, 1): |r| = √2 (1 - p), times |(h, 1)|.
    reach = np.sqrt(np.array([1, 2, 2, 5, 101]))
    np.testing.assert_allclose(score("egl", **arrays), 2 * np.sqrt(2) * doubt * (1 - doubt) * reach, rtol=1e-12)
    without_bias = np.abs(arrays["features"][:, 0])
    np.testing.assert_allclose(
        score("egl", **arrays, bias=False), 2 * np.sqrt(2) * doubt * (1 - doubt) * without_bias, rtol=1e-12
    )


def test_the_discrepancy_worked_by_hand() -> None:
    # The labeled gradient is ¼(-1, 1) ⊗ (1, 1). A candidate's is doubt · ±(-1, 1) ⊗ (h, 1), minus where its likelier
    # class is the second. So |ḡ - g|² = 2 |¼(1, 1) ∓ doubt (h, 1)|², halved by m / (m + 1) = 1/2 in length.
    differences = np.array(
        [
            [0.25 - 0.5 * 0.0, 0.25 - 0.5],
            [0.0, 0.0],
            [0.25 + 0.25, 0.25 + 0.25],
            [0.25 + 0.25 * 2.0, 0.25 - 0.25],
            [0.25 - 0.1 * 10.0, 0.25 - 0.1],
        ]
    )
    expected = np.sqrt(2 * (differences**2).sum(axis=1)) / 2
    np.testing.assert_allclose(score("grad", **hand_made()), expected, rtol=1e-12, atol=1e-15)
    without_bias = np.sqrt(2 * differences[:, 0] ** 2) / 2
    np.testing.assert_allclose(score("grad", **hand_made(), bias=False), without_bias, rtol=1e-12, atol=1e-15)


def test_picks_worked_by_hand() -> None:
    # Least doubt last; 2 and 3 tie in doubt, so the lower index comes first.
    for name in ("entropy", "margin", "least-confidence"):
        assert select(name, **hand_made(), budget=4).tolist() == [0, 2, 3, 4]
    # doubt (1 - doubt) |(h, 1)|: 1/4, √2 3/16, √5 3/16, √101 9/100.
    assert select("egl", **hand_made(), budget=4).tolist() == [4, 3, 2, 0]
    # Lengths of the differences above: √2/4, √2/2, 3/4, √(0.5625 + 0.0225).
    assert select("grad", **hand_made(), budget=4).tolist() == [4, 3, 2, 0]
    # From 1: 10 lies 9 away; then -2 (3 away); then 0 (1 away); then the twin of the labeled one.
    assert select("k-center", **hand_made(), budget=4).tolist() == [4, 3, 0, 2]
    # The longest pseudo-labeled gradient comes first: doubt √2 |(h, 1)| is largest for 4.
    assert select("badge", **hand_made(), budget=1).tolist() == [4]


def test_without_a_bias_the_longest_gradient_is_another() -> None:
    # √2 doubt |h| is largest for 4, with 1 and √2/2; with a bias, √2/2 |(0, 1)| of row 0 would come before row 2.
    arrays = {**hand_made(), "features": np.array([[0.0], [1.0], [1.0], [0.1], [0.1]])}
    assert select("badge", **arrays, budget=1).tolist() == [0]
    assert select("badge", **arrays, budget=1, bias=False).tolist() == [2]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ["grad-cosine", "grad-volume", "grad-d2"])
def test_batches_by_gradient_start_from_the_distance_to_the_mean_labeled_gradient(
    name: str, bias: bool, problem: Problem
) -> None:
    view = CATALOG[name].view(pool_outputs_from(**problem.arrays(), bias=bias))
    z, h, labeled = torch.from_numpy(problem.logits), torch.from_numpy(problem.features), problem.labeled
    gradients = FactoredGradients(cross_entropy.residuals(z, z.argmax(dim=1)), h, bias).materialize()
    known = cross_entropy.residuals(z[labeled], torch.from_numpy(problem.labels))
    mean = FactoredGradients(known, h[labeled], bias).materialize().mean(dim=0)
    torch.testing.assert_close(view.squared, (gradients - mean).square().sum(dim=(1, 2)))
    torch.testing.assert_close(view.squared_norms(), gradients.square().sum(dim=(1, 2)))


def test_grad_d2_draws_its_first_row_by_the_squared_distance_to_the_mean_labeled_gradient() -> None:
    arrays = hand_made()
    weights = score("grad", **arrays) ** 2
    weights[1] = 0.0  # labeled
    expected = weights / weights.sum()
    draws = [int(select("grad-d2", **arrays, budget=1, seed=seed)[0]) for seed in range(2000)]
    found = np.bincount(draws, minlength=5) / 2000
    assert (np.abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / 2000) + 1e-12).all()


def test_multi_label_worked_by_hand() -> None:
    # Residuals of the mean over two outputs: (σ(z) - y) / 2. The labeled example is ((¾ - 0), (½ - 1)) / 2.
    logits = np.array([[np.log(3.0), 0.0], [np.log(3.0), 0.0], [0.0, -np.log(3.0)]])
    features, labels = np.array([[1.0], [2.0], [0.0]]), np.array([[0, 1]])
    mean = np.array([[0.75], [-0.5]]) / 2
    candidates = [  # outputs above zero are pseudo-labeled 1
        np.array([[-0.25], [0.5]]) / 2 * 1.0,
        np.array([[-0.25], [0.5]]) / 2 * 2.0,
        np.array([[0.5], [0.25]]) / 2 * 0.0,
    ]
    expected = [np.linalg.norm(mean - candidate) / 2 for candidate in candidates]
    scores = score(
        "grad",
        features=features,
        logits=logits,
        labeled=[0],
        labels=labels,
        loss="binary-cross-entropy",
        bias=False,
    )
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


@pytest.mark.parametrize("labels", [[[0, 1, 1]], [[False, True, True]], [[0.0, 1.0, 1.0]], torch.tensor([[0, 1, 1]])])
def test_multi_label_labels_may_be_of_any_type(labels: Any) -> None:
    own = loss_by_autograd(
        "own",
        lambda z, y: torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none").sum(dim=1),
        multi_label=True,
    )
    rng = np.random.default_rng(0)
    known: dict[str, Any] = {"features": rng.normal(size=(6, 2)), "logits": rng.normal(size=(6, 3)), "labeled": [2]}
    summed = score("grad", **known, labels=labels, loss=own)
    averaged = score("grad", **known, labels=labels, loss="binary-cross-entropy")
    np.testing.assert_allclose(summed, 3 * averaged, rtol=1e-12)
    assert np.array_equal(averaged, score("grad", **known, labels=[[0, 1, 1]], loss="binary-cross-entropy"))


def test_a_strategy_of_ones_own_goes_through_the_same_doors(problem: Problem) -> None:
    norms = score_strategy("norm", lambda outputs: outputs.features.norm(dim=1), "the longest features")
    lengths = np.linalg.norm(problem.features, axis=1)
    np.testing.assert_allclose(score(norms, **problem.arrays()), lengths)
    expected = problem.unlabeled[np.argsort(-lengths[problem.unlabeled])][:5]
    assert select(norms, **problem.arrays(), budget=5).tolist() == expected.tolist()
    cover = embedding_strategy(
        "cover",
        lambda outputs: outputs.logits,
        lambda view, labeled, budget, *, generator: farthest_first(view, labeled, budget),
        "cover",
    )
    covered = farthest_first(problem.logits, problem.labeled, 5)
    assert select(cover, **problem.arrays(), budget=5).tolist() == covered.tolist()
    assert find_strategy(cover) is cover


def a_view(outputs: Any) -> Tensor:
    return torch.zeros(len(outputs))


@pytest.mark.parametrize("named", ["needs_labels", "row_wise", "needs_gradients", "single_label"])
def test_a_strategy_of_ones_own_has_what_it_was_made_with_and_no_more(named: str) -> None:
    plain = score_strategy("own", a_view, "a line", "a paper")
    assert (plain.name, plain.view, plain.summary, plain.source) == ("own", a_view, "a line", "a paper")
    assert score_strategy("own", a_view, "a line").source == ""
    flags = {"needs_labels", "row_wise", "needs_gradients", "single_label"}
    given: dict[str, Any] = {named: True}
    made = score_strategy("own", a_view, "a line", **given)
    assert {flag for flag in flags if getattr(made, flag)} == {named}
    assert made.is_score
    if named != "single_label":
        embedded = embedding_strategy("own", a_view, k_means_plus_plus, "a line", "a paper", **given)
        assert (embedded.name, embedded.view, embedded.selector) == ("own", a_view, k_means_plus_plus)
        assert (embedded.summary, embedded.source) == ("a line", "a paper")
        assert embedding_strategy("own", a_view, k_means_plus_plus, "a line").source == ""
        assert {flag for flag in (*flags, "is_score") if getattr(embedded, flag)} == {named}


def test_all_strategies_are_listed_in_the_order_of_the_catalog() -> None:
    assert list_strategies() == list(CATALOG)


@pytest.mark.parametrize("name", ALL)
def test_closed_rows_are_not_picked_and_all_others_may_be(name: str, problem: Problem) -> None:
    outputs = pool_outputs_from(**problem.arrays())
    closed = problem.unlabeled[::3]
    picks = CATALOG[name].select(outputs, 24 - len(closed), generator=np.random.default_rng(0), closed=closed)
    assert sorted(picks) == np.setdiff1d(problem.unlabeled, closed).tolist()


def test_closed_rows_cover_what_lies_around_them() -> None:
    # Without it, 4 would come first; its twin is being labeled, so that -2 lies farthest from what is covered.
    arrays = hand_made()
    for key in ("features", "logits"):
        arrays[key] = np.concatenate([arrays[key], arrays[key][-1:]])
    outputs = pool_outputs_from(**arrays)
    picks = CATALOG["k-center"].select(outputs, 3, generator=np.random.default_rng(0), closed=np.array([5]))
    assert picks.tolist() == [3, 0, 2]


@pytest.mark.parametrize("name", [name for name, entry in CATALOG.items() if not entry.needs_labels])
@pytest.mark.parametrize("empty", [[], np.empty(0), np.empty(0, dtype=np.int64), torch.empty(0, dtype=torch.int64)])
def test_nothing_labeled_is_fine_for_most(name: str, empty: Any, problem: Problem) -> None:
    arrays: dict[str, Any] = {**problem.arrays(), "labeled": empty, "labels": empty}
    assert len(set(select(name, **arrays, budget=30).tolist())) == 30


def test_nothing_is_looked_at_before_the_budget_is_checked(problem: Problem) -> None:
    def never(outputs: Any) -> Tensor:
        raise AssertionError("the pool was scored for nothing")

    lazy = score_strategy("lazy", never, "is never reached")
    for budget in (0, 25, 2.5):
        wrong: Any = budget
        with pytest.raises(BudgetError):
            select(lazy, **problem.arrays(), budget=wrong)


def test_a_strategy_without_scores_says_which_have_them(problem: Problem) -> None:
    with pytest.raises(InputError, match=r"'badge' picks without scores \(got score\); use select, or one of entropy,"):
        score("badge", **problem.arrays())


def test_strategies_are_values(problem: Problem) -> None:
    with pytest.raises(AttributeError):
        CATALOG["grad"].name = "other"  # type: ignore[misc]
    assert isinstance(CATALOG["grad"], Strategy)
