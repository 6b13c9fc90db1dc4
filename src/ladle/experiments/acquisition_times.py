"""How long each strategy takes to pick a batch, round by round, from outputs cached within the round (table 2)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ladle.data import Pool
from ladle.errors import ConfigError
from ladle.experiments.network import network_for
from ladle.gradients import cross_entropy
from ladle.models import ModelConfig, TrainingConfig, pool_outputs
from ladle.session import Session
from ladle.strategies import PoolOutputs, find_strategy

#: The rows of the paper's table 2, in its order.
PAPER_STRATEGIES = ("entropy", "grad", "badge", "k-center")
_GOES_ON_WITH = "grad"


@dataclass(frozen=True)
class AcquisitionTime:
    """One selection that was timed.

    Attributes:
        model: the network's name.
        round: from 1.
        labeled: labels in hand.
        strategy: what selected.
        outputs_seconds: the forward pass over the pool, the same for all strategies of a round.
        selection_seconds: (repeats,) times from outputs to picks.
    """

    model: str
    round: int
    labeled: int
    strategy: str
    outputs_seconds: float
    selection_seconds: tuple[float, ...]


def acquisition_times(
    pool: Pool,
    model: str,
    *,
    strategies: Sequence[str] = PAPER_STRATEGIES,
    rounds: int = 5,
    batch: int = 500,
    initial: int = 500,
    training: TrainingConfig | None = None,
    seed: int = 0,
    repeats: int = 3,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> list[AcquisitionTime]:
    """Time every strategy on the outputs of the same model, in the rounds of a real session.

    A round: train on the labels so far, pass the pool through the model once, time every strategy on these outputs, and
    go on with what ``grad`` picked. Selection covers everything from cached features and logits to the batch.

    Args:
        pool: with the true labels, which the oracle gives.
        model: name of a network.
        strategies: what to time.
        rounds: how many; the paper takes five.
        batch: labels asked for in a round.
        initial: labels drawn uniformly to begin with.
        training: how the model is trained between rounds; times hardly depend on how well.
        seed: of the session.
        repeats: times every selection is repeated.
        on_progress: called with what is done next, steps done and all steps.

    Returns:
        A row for each round and strategy.

    Raises:
        ConfigError: more labels than the pool has, or fewer than one round or repeat.
        UnknownNameError: an unknown strategy or model.
    """
    if rounds < 1 or repeats < 1:
        raise ConfigError(f"rounds and repeats must be at least 1 (got rounds={rounds}, repeats={repeats}); raise them")
    if initial + rounds * batch > len(pool):
        raise ConfigError(
            f"the rounds cannot ask for more labels than the pool has (got {initial} + {rounds} × {batch}, "
            f"pool={len(pool)}); lower the batch"
        )
    chosen = [find_strategy(name) for name in strategies]
    tell = on_progress or _ignore
    found: list[AcquisitionTime] = []
    oracle = pool.labels.numpy()
    steps, step = rounds * (2 + len(chosen)), 0
    with Session(
        pool.inputs, network_for(ModelConfig(model), pool), strategy="random", training=training, seed=seed
    ) as session:
        picks = session.ask(initial)
        for number in range(1, rounds + 1):
            session.tell(picks, oracle[picks])
            tell(f"round {number}: training", step, steps)
            network = session.model
            tell(f"round {number}: forward pass", step + 1, steps)
            started = time.perf_counter()
            passed = pool_outputs(network, pool.inputs)
            outputs_seconds = time.perf_counter() - started
            labels = torch.from_numpy(session.labels)
            outputs = PoolOutputs(passed.features, passed.logits, session.labeled, labels, cross_entropy, passed.bias)
            for place, strategy in enumerate(chosen):
                tell(f"round {number}: {strategy.name}", step + 2 + place, steps)
                seconds = []
                for repeat in range(repeats):
                    generator = np.random.default_rng([seed, number, repeat])
                    started = time.perf_counter()
                    strategy.select(outputs, batch, generator=generator)
                    seconds.append(time.perf_counter() - started)
                found.append(
                    AcquisitionTime(model, number, len(session.labeled), strategy.name, outputs_seconds, tuple(seconds))
                )
            step += 2 + len(chosen)
            picks = find_strategy(_GOES_ON_WITH).select(outputs, batch, generator=np.random.default_rng(seed))
    tell("done", steps, steps)
    return found


def _ignore(_stage: str, _done: int, _total: int) -> None:
    """Do without progress."""
