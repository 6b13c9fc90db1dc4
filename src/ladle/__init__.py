"""Ladle chooses what to label next.

``score`` and ``select`` work on arrays of any model; ``Session`` runs the whole loop around a torch module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ladle.strategies import Strategy, list_strategies, score, select

if TYPE_CHECKING:
    from ladle import statistics
    from ladle.session import Session

__version__ = "0.1.0"

__all__ = ["Session", "Strategy", "list_strategies", "score", "select", "statistics"]

# Loaded at first use: the database behind a session and scipy's distributions take longer to import than the rest.
_LAZY = {"Session": ("ladle.session", "Session"), "statistics": ("ladle.statistics", None)}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LAZY[name]
    loaded = import_module(module)
    value = loaded if attribute is None else getattr(loaded, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
