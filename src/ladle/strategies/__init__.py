"""Strategies: a score or an embedding, plus a selector. The catalog names them; ``score`` and ``select`` run them."""

from ladle.strategies.catalog import CATALOG, find_strategy, list_strategies
from ladle.strategies.choose import score, select
from ladle.strategies.outputs import PoolOutputs, pool_outputs_from
from ladle.strategies.strategy import Strategy, embedding_strategy, score_strategy

__all__ = [
    "CATALOG",
    "PoolOutputs",
    "Strategy",
    "embedding_strategy",
    "find_strategy",
    "list_strategies",
    "pool_outputs_from",
    "score",
    "score_strategy",
    "select",
]
