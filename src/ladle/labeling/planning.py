"""The next batch of a labeling project: what the strategy picks, and a control arm that is drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ladle.labeling.receipts import Receipt, receipts
from ladle.session import Asked, Session
from ladle.strategies import is_cold

_RANDOM = "random"


@dataclass(frozen=True)
class Plan:
    """A batch that was picked and is not recorded yet.

    Attributes:
        events: what to record: the control arm, if there is one, and the batch.
        guesses: what the model says of each example of the control arm.
        receipts: why each example was picked; none before there is a model.
        labeled: labels in hand when it was planned.
    """

    events: tuple[Asked, ...]
    guesses: Mapping[int, int]
    receipts: Mapping[int, Receipt]
    labeled: int


def plan_batch(
    session: Session, budget: int, *, control: float, progress: Callable[[int, int], None] | None = None
) -> Plan:
    """Pick a batch and its control arm; nothing is recorded.

    While fewer than two classes have a label there is nothing to learn from, and the whole batch is random.

    Args:
        session: where the labeling stands.
        budget: how many to pick; what is left where that is fewer.
        control: share of the batch that is drawn at random, 0 to below 1.
        progress: called after each epoch of the training with the epochs done and the epochs in all.

    Raises:
        BudgetError: a budget below 1, or nothing left to pick.
        SessionError: the training diverged.

    Cost: one training, one pass over all examples and one selection.
    """
    state = session.state
    if is_cold(state.labels):
        return plan_at_random(session, budget)
    count = _count(session, budget)
    session.fit(progress)
    outputs = session.outputs()
    drawn = min(count, round(control * count))
    arm = (session.plan(drawn, strategy=_RANDOM),) if drawn else ()
    chosen = (session.plan(count - drawn, outputs=outputs, after=arm),) if count > drawn else ()
    guesses = {place: int(outputs.logits[place].argmax()) for event in arm for place in event.indices.tolist()}
    picks = [place for event in (*arm, *chosen) for place in event.indices.tolist()]
    closed = np.concatenate([state.pending, state.skipped])
    score = session.strategy.view(outputs) if session.strategy.is_score else None
    return Plan((*arm, *chosen), guesses, receipts(outputs, picks, closed, score), len(state.labeled))


def plan_at_random(session: Session, budget: int) -> Plan:
    """Draw a batch uniformly without a model: where there is none yet, or where its training failed.

    Args:
        session: where the labeling stands.
        budget: how many to draw; what is left where that is fewer.

    Raises:
        BudgetError: a budget below 1, or nothing left to pick.
    """
    event = session.plan(_count(session, budget), strategy=_RANDOM)
    return Plan((event,), {}, {}, len(session.labeled))


def _count(session: Session, budget: int) -> int:
    """Return the budget, or what is left to pick where that is fewer and not nothing."""
    state = session.state
    free = len(session) - len(state.labeled) - len(state.pending) - len(state.skipped)
    return min(budget, free) if free else budget
