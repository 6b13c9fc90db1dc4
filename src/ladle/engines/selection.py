"""Select a batch from a pool that lies in shards, on this machine or on a cluster: the same picks either way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ladle.engines.local import local_passes, local_scores
from ladle.engines.opening import Source, find_outputs
from ladle.engines.plan import Plan, bytes_of, plan_selection
from ladle.engines.progress import CopyCounter, Copying, PassCounter, Progress
from ladle.engines.views import ShardedOutputs
from ladle.errors import InputError
from ladle.gradients import ResidualLoss
from ladle.selectors import unlabeled_indices
from ladle.strategies import PoolOutputs, Strategy, find_strategy
from ladle.typing import Indices

EngineName = Literal["local", "ray"]


@dataclass(frozen=True)
class Selection:
    """What a selection over shards gave.

    Attributes:
        picks: (budget,) whole-pool indices in pick order.
        scores: (budget,) their scores, for strategies that have any.
        unlabeled: how many they were picked from.
        passes: passes made over the pool.
        plan: what was expected of it.
    """

    picks: Indices
    scores: NDArray[np.floating[Any]] | None
    unlabeled: int
    passes: int
    plan: Plan


def select_from_shards(
    strategy: str | Strategy,
    *,
    features: Source,
    logits: Source,
    labeled: Any,
    labels: Any,
    budget: int,
    seed: int = 0,
    loss: str | ResidualLoss = "cross-entropy",
    bias: bool = True,
    memory: str | int = "4GiB",
    scratch: Path | None = None,
    filesystem: Any = None,
    engine: EngineName = "local",
    address: str | None = None,
    on_plan: Callable[[Plan], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_copying: Callable[[Copying], None] | None = None,
) -> Selection:
    """Select the batch to label next from features and logits that need not fit in memory.

    The picks are those of ``ladle.strategies.select`` on the same arrays, on one machine, from disk and on a cluster.
    Whatever headers and arguments tell is checked first; only then are plain copies made of shards that need any.

    Args:
        strategy: a name from ``list_strategies()``, or a ``Strategy`` whose ``row_wise`` is true.
        features: (n, d) input of the model's last linear layer in .npy or Parquet shards: a file, a folder, a pattern,
            a list of files in order, or a URL of any filesystem that pyarrow opens.
        logits: (n, C) its output, likewise; its shards may be cut elsewhere.
        labeled: (m,) whole-pool indices already labeled.
        labels: (m,) their class numbers; (m, C) zeros and ones for a multi-label loss.
        budget: how many to pick, from 1 to n - m.
        seed: of the draw, where the strategy draws.
        loss: the loss the model was trained with.
        bias: whether the last layer has a bias.
        memory: what one process may hold, such as ``4GiB``; more than is needed keeps rows in memory between passes.
        scratch: folder for plain copies of shards that cannot be read by row (Parquet, remote files).
        filesystem: the ``pyarrow.fs.FileSystem`` that both lie in, where a URL cannot say how to reach it.
        engine: ``local``, or ``ray`` for the cores of a cluster, where all shards must be reachable from every node.
        address: of a running Ray cluster; without it Ray is started on this machine.
        on_plan: called before the work starts, copying included.
        on_progress: called after every block of rows.
        on_copying: where plain copies must be made, called before ``on_plan`` and after every piece of them.

    Raises:
        InputError: arrays that break a rule, a strategy that needs the whole pool at once, a cap that is too small.
        BudgetError: a budget below 1 or above what is unlabeled.
        DataError: shards that cannot be read or disagree; NaN or infinity, by file and row.
        MissingExtraError: the engine ``ray`` without Ray installed.
        ConfigError: no cluster answers at the address.

    Cost: one pass over the shards for a score; for k-means++ and farthest-first a few, their number growing with the
        logarithm of the budget up to a few thousand picks. About 40 bytes of memory a row of the pool beside blocks.
    """
    chosen = find_strategy(strategy)
    if not chosen.row_wise:
        raise InputError(
            f"a pool in shards needs a strategy that sees each row alone (got {chosen.name!r}); set row_wise=True if "
            "its view of a row depends on that row and the labeled ones only, or use select on arrays in memory"
        )
    if engine not in ("local", "ray"):
        raise InputError(f"the engine is local or ray (got {engine!r}); name one of the two")
    cap = bytes_of(memory)
    found = find_outputs(
        features, logits, labeled, labels, loss=loss, bias=bias, scratch=scratch, filesystem=filesystem
    )
    chosen.check_loss(found.loss)
    unlabeled_indices(len(found), found.labeled, budget)
    if chosen.needs_labels and not len(found.labeled):
        raise InputError(f"{chosen.name!r} compares with the labeled set (got labeled=0); label a few first")
    found.check_room()
    generator = np.random.default_rng(seed)
    with _workers(engine, address) as share:
        parts = share(len(found))
        # Nothing is copied until all of the above and the cap have been checked.
        with found.stand_in() as outputs:
            plan = plan_selection(chosen, outputs, budget, cap, parts=parts)
        missing = found.missing_bytes
        copies = CopyCounter(missing, found.copying_seconds(), on_copying)
        if missing:
            copies.count(0)
        if on_plan is not None:
            on_plan(plan)
        if missing:
            outputs = found.opened(copies.count)
            # Copying leaves the process larger than it was.
            plan = plan_selection(chosen, outputs, budget, cap, parts=parts)
        counter = PassCounter(len(outputs), plan.passes, on_progress)
        view, scores = _view(chosen, outputs, plan, engine, counter.count)
        picks = chosen.selector(view, outputs.labeled, budget, generator=generator)
        unlabeled = len(outputs) - len(outputs.labeled)
        return Selection(picks, None if scores is None else scores[picks].numpy(), unlabeled, counter.passes, plan)


def _view(
    strategy: Strategy, outputs: ShardedOutputs, plan: Plan, engine: EngineName, on_rows: Callable[[int], None]
) -> tuple[Any, Tensor | None]:
    """Return what the selector goes by, and the scores where that is what it is."""
    if not strategy.needs_model:
        return strategy.view(_size_only(outputs)), None
    if engine == "ray":
        from ladle.engines.ray_selection import RayPasses, ray_scores

        if not strategy.is_score:
            return RayPasses(outputs, strategy, plan, on_rows), None
        scores = ray_scores(outputs, strategy, plan, on_rows)
    else:
        if not strategy.is_score:
            return local_passes(outputs, strategy, plan, on_rows), None
        scores = local_scores(outputs, strategy, plan, on_rows)
    return scores, scores


def _size_only(outputs: ShardedOutputs) -> PoolOutputs:
    """Return outputs of the right length without a column: for strategies that look at nothing."""
    nothing = torch.empty(len(outputs), 0)
    return PoolOutputs(nothing, nothing, outputs.labeled, outputs.labels, outputs.loss, outputs.bias)


@contextmanager
def _workers(engine: EngineName, address: str | None) -> Iterator[Callable[[int], int]]:
    """Start what the engine needs; yield among how many processes so many rows are shared."""
    if engine == "local":
        yield lambda _rows: 1
        return
    from ladle.engines.cluster import connect

    with connect(address):
        from ladle.engines.ray_selection import worker_count

        yield worker_count
