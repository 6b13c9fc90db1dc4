"""Strategies that break one rule each, on purpose; at the top level, so that another process can load them."""

from __future__ import annotations

import os
import random as python_random
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_calls = 0


def sound(*, features: Any, logits: Any, labeled: Any, labels: Any, budget: int, seed: int) -> NDArray[Any]:
    """The largest first logits, an honest strategy that the broken ones start from."""
    _refuse_too_many(logits, labeled, budget)
    scores = logits[:, 0].astype(np.float64)
    scores[labeled] = -np.inf
    return np.argsort(-scores, kind="stable")[:budget]


def sound_by_seed(*, features: Any, logits: Any, labeled: Any, labels: Any, budget: int, seed: int) -> NDArray[Any]:
    _refuse_too_many(logits, labeled, budget)
    unlabeled = np.setdiff1d(np.arange(len(logits)), labeled)
    return np.random.default_rng(seed).choice(unlabeled, size=budget, replace=False)


def _refuse_too_many(logits: Any, labeled: Any, budget: int) -> None:
    if budget > len(logits) - len(labeled):
        raise ValueError("too many")


def cuts_and_warns(**given: Any) -> NDArray[Any]:
    """All that is left where more is asked for, and says so."""
    left = len(given["logits"]) - len(given["labeled"])
    if given["budget"] > left:
        warnings.warn("cut to what is left", stacklevel=2)
    return sound(**{**given, "budget": min(given["budget"], left)})


def cuts_silently(**given: Any) -> NDArray[Any]:
    left = len(given["logits"]) - len(given["labeled"])
    return sound(**{**given, "budget": min(given["budget"], left)})


def warns_and_picks_labeled(**given: Any) -> NDArray[Any]:
    left = len(given["logits"]) - len(given["labeled"])
    if given["budget"] <= left:
        return sound(**given)
    warnings.warn("more than is left", stacklevel=2)
    return np.arange(given["budget"])


def one_too_few(**given: Any) -> NDArray[Any]:
    return sound(**given)[:-1]


def one_too_many(**given: Any) -> NDArray[Any]:
    picks = sound(**given)
    return np.append(picks, picks[:1])


def never_more_than_ten(**given: Any) -> NDArray[Any]:
    return sound(**given)[:10]


def floats(**given: Any) -> NDArray[Any]:
    return sound(**given).astype(np.float64)


def a_mask(**given: Any) -> NDArray[Any]:
    mask = np.zeros(len(given["logits"]), dtype=bool)
    mask[sound(**given)] = True
    return mask


def a_column(**given: Any) -> NDArray[Any]:
    return sound(**given).reshape(-1, 1)


def twice_the_same(**given: Any) -> NDArray[Any]:
    picks = sound(**given)
    picks[-1] = picks[0]
    return picks


def labeled_too(**given: Any) -> NDArray[Any]:
    return sound(**{**given, "labeled": given["labeled"][:0]})


def beyond_the_pool(**given: Any) -> NDArray[Any]:
    return sound(**given) + len(given["logits"])


def counted_from_the_end(**given: Any) -> NDArray[Any]:
    return sound(**given) - len(given["logits"])


def local_positions(**given: Any) -> NDArray[Any]:
    """Positions among the unlabeled, not in the pool."""
    return np.arange(given["budget"])


def forgets_the_seed(**given: Any) -> NDArray[Any]:
    return sound_by_seed(**{**given, "seed": None})


def counts_its_calls(**given: Any) -> NDArray[Any]:
    global _calls
    _calls += 1
    return sound_by_seed(**{**given, "seed": _calls})


def differs_by_process(**given: Any) -> NDArray[Any]:
    return sound_by_seed(**{**given, "seed": os.getpid()})


def depends_on_position(**given: Any) -> NDArray[Any]:
    unlabeled = np.setdiff1d(np.arange(len(given["logits"])), given["labeled"])
    return unlabeled[: given["budget"]]


def lists_by_position(**given: Any) -> NDArray[Any]:
    """The right examples, but not the first choice first."""
    return np.sort(sound(**given))


def depends_on_who_was_labeled_last(**given: Any) -> NDArray[Any]:
    logits = given["logits"] - given["logits"][given["labeled"][-1]]
    return sound(**{**given, "logits": np.abs(logits)})


def writes_into_logits(**given: Any) -> NDArray[Any]:
    picks = sound(**given)
    try:
        given["logits"][picks] -= 1.0
    except ValueError:
        given["logits"] = given["logits"].copy()
    return picks


def sorts_labeled(**given: Any) -> NDArray[Any]:
    if given["labeled"].flags.writeable:
        given["labeled"].sort()
    return sound(**given)


def needs_to_write(**given: Any) -> NDArray[Any]:
    logits = given["logits"]
    before = logits.copy()
    logits[given["labeled"]] = -np.inf
    picks = np.argsort(-logits[:, 0], kind="stable")[: given["budget"]]
    logits[:] = before
    return picks


def other_picks_when_read_only(**given: Any) -> NDArray[Any]:
    return sound(**given) if given["logits"].flags.writeable else sound_by_seed(**given)


def moves_numpy(**given: Any) -> NDArray[Any]:
    np.random.random()  # noqa: NPY002 - the defect
    return sound(**given)


def moves_python(**given: Any) -> NDArray[Any]:
    python_random.random()
    return sound(**given)


def moves_torch(**given: Any) -> NDArray[Any]:
    torch.rand(1)
    return sound(**given)


def reads_without_moving(**given: Any) -> NDArray[Any]:
    return sound_by_seed(**{**given, "seed": torch.initial_seed()})


def sets_the_global_seed(**given: Any) -> NDArray[Any]:
    np.random.seed(given["seed"])  # noqa: NPY002 - the defect
    return sound(**given)


def merges_twins(**given: Any) -> NDArray[Any]:
    """Asks for one of each kind only, and runs out of kinds."""
    _, first = np.unique(given["features"], axis=0, return_index=True)
    left = np.setdiff1d(first, given["labeled"])
    if len(left) < given["budget"]:
        return left
    return sound(**given)


def divides_by_the_spread(**given: Any) -> NDArray[Any]:
    """Takes the same row again and again where nothing tells rows apart."""
    spread = given["logits"][:, 0].std()
    return sound(**given) if spread > 1e-9 else np.repeat(sound(**given)[:1], given["budget"])


def needs_features(**given: Any) -> NDArray[Any]:
    if not given["features"].any():
        raise ZeroDivisionError("no spread")
    return sound(**given)


def needs_two_labels(**given: Any) -> NDArray[Any]:
    return sound(**given) if len(np.unique(given["labels"])) > 1 else given["labeled"][:1]


def needs_three_classes(**given: Any) -> NDArray[Any]:
    return sound(**given) if given["logits"].shape[1] > 2 else sound(**given)[::2]


def needs_a_neighbor(**given: Any) -> NDArray[Any]:
    left = len(given["logits"]) - len(given["labeled"])
    return sound(**given) if left > 1 else np.empty(0, dtype=np.int64)


def needs_double_precision(**given: Any) -> NDArray[Any]:
    return sound(**given) if given["logits"].dtype == np.float64 else np.zeros(given["budget"], dtype=np.int64)


def needs_single_precision(**given: Any) -> NDArray[Any]:
    return sound(**given) if given["logits"].dtype != np.float16 else np.zeros(given["budget"], dtype=np.int64)


def divides_by_a_squared_norm(**given: Any) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        squared = (given["features"] ** 2).sum(axis=1)
    return sound(**given) if np.isfinite(squared).all() else np.zeros(given["budget"], dtype=np.int64)


def loaded_here_only(**given: Any) -> NDArray[Any]:
    """Picklable once a test has given it its own name here, which no other process knows."""
    return sound(**given)


loaded_here_only.__qualname__ = "made_up_on_the_fly"
