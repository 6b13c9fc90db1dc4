"""A strategy: what it looks at, and the selector that picks from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from ladle.errors import InputError
from ladle.gradients import ResidualLoss
from ladle.selectors import top, unlabeled_indices
from ladle.strategies.outputs import PoolOutputs
from ladle.typing import Embedding, Indices, Scores


class Selector(Protocol):
    """Picks rows from what a strategy looked at."""

    def __call__(self, view: Any, labeled: Indices, budget: int, /, *, generator: np.random.Generator) -> Indices:
        """Return (budget,) distinct unlabeled whole-pool indices in pick order."""
        ...


@dataclass(frozen=True)
class Strategy:
    """A recipe: one view of the pool (a score or an embedding) plus a selector.

    Make one with ``score_strategy`` or ``embedding_strategy``.

    Attributes:
        name: how it is called, stored and drawn.
        view: what it looks at, from the model's outputs.
        selector: what picks from that.
        summary: one line for people.
        source: where it was published.
        is_score: whether the view is one number an example, higher meaning "ask first".
        needs_labels: whether it is undefined while nothing is labeled.
        needs_model: whether it looks at the model's outputs at all; if not, no pass over the pool is made for it.
        row_wise: whether its view of a row depends on that row and the labeled ones alone, and its selector takes
            ``selectors.Passes``: then it also runs on pools in shards and on clusters.
        needs_gradients: whether its view takes gradients, so that a model must have a loss that reaches its outputs
            through residuals; a model that gives probabilities alone will not do.
        single_label: whether its view takes the logits for those of one class out of C, which a multi-label model's are
            not.
    """

    name: str
    view: Callable[[PoolOutputs], Any]
    selector: Selector
    summary: str
    source: str = ""
    is_score: bool = False
    needs_labels: bool = False
    needs_model: bool = True
    row_wise: bool = False
    needs_gradients: bool = False
    single_label: bool = False

    def check_loss(self, loss: ResidualLoss) -> None:
        """Raise unless the strategy has a meaning for models of this loss.

        Raises:
            InputError: a multi-label loss, and a strategy that takes an example to be of one class.
        """
        if self.single_label and loss.multi_label:
            raise InputError(
                f"{self.name!r} takes an example to be of one class (got the multi-label loss {loss}); take grad, "
                "badge, k-center or random"
            )

    def select(
        self,
        outputs: PoolOutputs,
        budget: int,
        *,
        generator: np.random.Generator,
        closed: Indices | None = None,
    ) -> Indices:
        """Return (budget,) distinct unlabeled whole-pool indices in pick order.

        Args:
            outputs: of the whole pool.
            budget: how many.
            generator: of the draws, where there are any.
            closed: (k,) indices without a label that must not be picked either, such as those that somebody is
                labeling now; what covers the pool takes them for covered.

        Raises:
            BudgetError: a budget that cannot be met; before the pool is looked at.
        """
        taken = outputs.labeled if closed is None else np.union1d(outputs.labeled, closed)
        unlabeled_indices(len(outputs), taken, budget)
        return self.selector(self.view(outputs), taken, budget, generator=generator)


def score_strategy(
    name: str,
    score: Callable[[PoolOutputs], Scores],
    summary: str,
    source: str = "",
    *,
    needs_labels: bool = False,
    row_wise: bool = False,
    needs_gradients: bool = False,
    single_label: bool = False,
) -> Strategy:
    """Make the strategy that asks for the highest scores (top-b).

    Args:
        name: how it is called.
        score: outputs of the whole pool -> (n,), higher meaning "ask first".
        summary: one line for people.
        source: where it was published.
        needs_labels: whether the score is undefined while nothing is labeled.
        row_wise: whether the score of a row depends on that row and the labeled ones alone.
        needs_gradients: whether the score takes gradients of the loss.
        single_label: whether it takes the logits for those of one class out of C.
    """
    return Strategy(
        name,
        score,
        _top,
        summary,
        source,
        is_score=True,
        needs_labels=needs_labels,
        row_wise=row_wise,
        needs_gradients=needs_gradients,
        single_label=single_label,
    )


def embedding_strategy(
    name: str,
    embed: Callable[[PoolOutputs], Embedding | Tensor],
    selector: Selector,
    summary: str,
    source: str = "",
    *,
    needs_labels: bool = False,
    row_wise: bool = False,
    needs_gradients: bool = False,
) -> Strategy:
    """Make the strategy that runs a selector on an embedding of the pool.

    Args:
        name: how it is called.
        embed: outputs of the whole pool -> n rows with inner products; a plain (n, d) tensor will do.
        selector: e.g. one of ``ladle.selectors``.
        summary: one line for people.
        source: where it was published.
        needs_labels: whether the embedding is undefined while nothing is labeled.
        row_wise: whether a row of the embedding depends on that row and the labeled ones alone, and the selector is
            one of ``ladle.selectors`` or goes through ``selectors.Passes`` itself.
        needs_gradients: whether the embedding takes gradients of the loss.
    """
    return Strategy(
        name,
        embed,
        selector,
        summary,
        source,
        needs_labels=needs_labels,
        row_wise=row_wise,
        needs_gradients=needs_gradients,
    )


def _top(view: Scores, labeled: Indices, budget: int, *, generator: np.random.Generator) -> Indices:  # noqa: ARG001
    return top(view, labeled, budget)
