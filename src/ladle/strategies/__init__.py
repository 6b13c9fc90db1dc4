"""Strategies: a score or an embedding, plus a selector. The catalog names them; ``score`` and ``select`` run them."""

from ladle.strategies.catalog import CATALOG, find_strategy, list_strategies
from ladle.strategies.choose import score, select
from ladle.strategies.cold_start import COLD_STARTS, distance_rows, find_cold_start, is_cold
from ladle.strategies.outputs import PoolOutputs, pool_outputs_from
from ladle.strategies.strategy import Strategy, embedding_strategy, score_strategy

__all__ = [
    "CATALOG",
    "COLD_STARTS",
    "PoolOutputs",
    "Strategy",
    "distance_rows",
    "embedding_strategy",
    "find_cold_start",
    "find_strategy",
    "is_cold",
    "list_strategies",
    "pool_outputs_from",
    "score",
    "score_strategy",
    "select",
]
