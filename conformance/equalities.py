"""Two ways to the same picks, on many generated problems: ours against other libraries', ours against the long way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import of_ladle
import of_modal
import of_scikit_activeml
import of_small_text
import torch
from given import Answers, unlabeled_of
from scipy.special import softmax
from skactiveml import pool
from small_text.integrations.pytorch.query_strategies.strategies import BADGE
from written_out import WRITTEN_OUT

from ladle.gradients import FactoredGradients, cross_entropy
from ladle.selectors import as_embedding
from ladle.selectors.distances import pairwise_squared_distances
from ladle.testing import Problem, make_problem

PROBLEMS = 50
REMARKS = [
    "scikit-activeml's `Badge` weighs a row by its squared distance to the nearest pick or to the origin, whichever is "
    "less; k-means++ knows no origin. Known there as issue 588, and fixed since 1.0.1 by pull request 590.",
    "small-text's `BADGE` is the one that its errata call incorrect: in 1.4.1 it looks at -p ⊗ h where the gradient is "
    "(p - e) ⊗ h, and at h alone for two classes.",
]


@dataclass(frozen=True)
class Equality:
    """What is held against what.

    Attributes:
        ours: the strategy of Ladle.
        theirs: what it is held against.
        compared: what has to be the same, in words.
        same: whether it is, on one problem with one seed.
        differs: whether it is known not to be, for a reason in ``REMARKS``.
    """

    ours: str
    theirs: str
    compared: str
    same: Callable[[Problem, int], bool]
    differs: bool = False


def problems() -> Iterator[tuple[Problem, int]]:
    """Yield problems of all sizes, with a seed each; a third of the unlabeled is asked for at most."""
    for seed in range(PROBLEMS):
        generator = np.random.default_rng(seed)
        examples, labeled = int(generator.integers(30, 150)), int(generator.integers(1, 15))
        yield (
            make_problem(
                generator,
                examples=examples,
                features=int(generator.integers(2, 15)),
                classes=int(generator.integers(2, 8)),
                labeled=labeled,
                budget=int(generator.integers(2, (examples - labeled) // 3)),
            ),
            seed,
        )


def in_order(ours: Any, theirs: Any) -> Callable[[Problem, int], bool]:
    """Return whether two strategies pick the same in the same order."""
    return lambda problem, seed: np.array_equal(_picks(ours, problem, seed), _picks(theirs, problem, seed))


def as_sets(ours: Any, theirs: Any) -> Callable[[Problem, int], bool]:
    """Return whether two strategies pick the same in any order."""
    return lambda problem, seed: set(_picks(ours, problem, seed)) == set(_picks(theirs, problem, seed))


def same_weights(problem: Problem, seed: int, *, origin: bool) -> bool:
    """Return whether scikit-activeml's BADGE draws each pick with the probabilities that follow from our gradients.

    Args:
        problem: where they pick.
        seed: of their draws.
        origin: whether the origin counts as a center beside the picks.
    """
    y = np.full(len(problem.features), np.nan)
    y[problem.labeled] = problem.labels
    answers = Answers.of(problem.features, problem.logits)
    given = of_scikit_activeml.Given(answers, classes=np.arange(problem.logits.shape[1]))
    picks, weights = pool.Badge(random_state=seed).query(
        problem.features, y, given, fit_clf=False, batch_size=problem.budget, return_utilities=True
    )
    gradients = _gradients(problem)
    norms = gradients.squared_norms().numpy()
    squared = pairwise_squared_distances(as_embedding(gradients.materialize().flatten(1)))
    for step, row in enumerate(weights):
        centers = [squared[:, picks[:step]].min(axis=1)] if step else []
        nearest = np.min([*centers, norms] if origin or not step else centers, axis=0)
        # A picked row weighs its rounded distance to itself, so that the sums are those of the open ones.
        open_rows = np.setdiff1d(problem.unlabeled, picks[:step])
        expected, found = nearest[open_rows], row[open_rows]
        if not np.allclose(found / found.sum(), expected / expected.sum(), rtol=1e-6, atol=1e-9):
            return False
    return int(picks[0]) == int(problem.unlabeled[norms[problem.unlabeled].argmax()])


def same_embedding(problem: Problem, seed: int) -> bool:  # noqa: ARG001 - nothing is drawn
    """Return whether small-text's BADGE looks at the gradients."""
    rows = unlabeled_of(problem.logits, problem.labeled)
    probabilities = softmax(problem.logits, axis=1)[rows]
    try:
        theirs = BADGE(problem.logits.shape[1]).get_badge_embeddings(problem.features[rows], probabilities)
    except IndexError:
        return False
    ours = _gradients(problem).materialize().flatten(1).numpy()[rows]
    return theirs.shape == ours.shape and np.allclose(theirs, ours)


def _gradients(problem: Problem) -> FactoredGradients:
    residuals = cross_entropy.pseudo_residuals(torch.from_numpy(problem.logits))
    return FactoredGradients(residuals, torch.from_numpy(problem.features), bias=False)


def _picks(select: Any, problem: Problem, seed: int) -> list[int]:
    return [int(pick) for pick in select(**problem.arrays(), budget=problem.budget, seed=seed)]


def _list() -> Iterator[Equality]:
    ladle, activeml, text, modal = (
        module.STRATEGIES for module in (of_ladle, of_scikit_activeml, of_small_text, of_modal)
    )
    names = {
        "entropy": ("entropy", "PredictionEntropy", "entropy_sampling"),
        "margin": ("margin_sampling", "BreakingTies", "margin_sampling"),
        "least-confidence": ("least_confident", "LeastConfidence", "uncertainty_sampling"),
    }
    for ours, (one, two, three) in names.items():
        other = f"UncertaintySampling, {one}"
        yield Equality(ours, f"scikit-activeml `{other}`", "picks in order", in_order(ladle[ours], activeml[other]))
        yield Equality(ours, f"small-text `{two}`", "picks in any order", as_sets(ladle[ours], text[two]))
        yield Equality(ours, f"modAL `{three}`", "picks in any order", as_sets(ladle[ours], modal[three]))
    k_center, other = ladle["k-center"], "GreedyCoreset, not normalized"
    yield Equality("k-center", "scikit-activeml `CoreSet`", "picks in order", in_order(k_center, activeml["CoreSet"]))
    yield Equality("k-center", f"small-text `{other}`", "picks in order", in_order(k_center, text[other]))
    for origin, words in ((False, ""), (True, ", the origin a center too")):
        compared = f"probabilities of every draw, without bias{words}"
        yield Equality(
            "badge", "scikit-activeml `Badge`", compared, partial(same_weights, origin=origin), differs=not origin
        )
    yield Equality("badge", "small-text `BADGE`", "gradients, without bias", same_embedding, differs=True)
    for name, long_way in WRITTEN_OUT.items():
        yield Equality(name, "gradients written out", "picks in order", in_order(ladle[name], long_way))


EQUALITIES = list(_list())
