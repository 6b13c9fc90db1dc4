"""One machine: a view of the pool, or of consecutive rows of it, in this process."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ladle.engines.plan import Plan
from ladle.engines.views import ShardedOutputs, ViewRows
from ladle.selectors import LocalPasses
from ladle.strategies import Strategy


def local_scores(
    outputs: ShardedOutputs,
    strategy: Strategy,
    plan: Plan,
    on_rows: Callable[[int], None] | None = None,
    *,
    first: int = 0,
    stop: int | None = None,
) -> Tensor:
    """Return the (rows,) scores of consecutive rows, by default of all, in one pass."""
    stop = len(outputs) if stop is None else stop
    rows = ViewRows(outputs, strategy, first, stop, block_rows=plan.block_rows, on_rows=on_rows)
    scores: Tensor | None = None
    for position, view in rows.views():
        if scores is None:
            scores = view.new_empty(stop - first)
        scores[position : position + len(view)] = view
    return torch.empty(0) if scores is None else scores


def local_passes(
    outputs: ShardedOutputs, strategy: Strategy, plan: Plan, on_rows: Callable[[int], None]
) -> LocalPasses:
    """Return passes over the pool."""
    rows = ViewRows(
        outputs,
        strategy,
        0,
        len(outputs),
        block_rows=plan.block_rows,
        kept_blocks=plan.kept_blocks,
        on_rows=on_rows,
    )
    return LocalPasses(rows)
