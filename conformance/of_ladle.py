"""Ladle's own catalog, as any other library."""

from __future__ import annotations

from functools import partial
from typing import Any

from ladle.strategies import CATALOG, select

PACKAGE = "ladle"
HOW = "`ladle.select(name, features=…, logits=…, labeled=…, labels=…, budget=…, seed=…)`."
PUBLIC = list(CATALOG)
LEFT_OUT: dict[str, list[str]] = {}
NOT_ASKED: dict[str, dict[str, str]] = {}
NOT_PROMISED: set[str] = set()
GRADIENTS: dict[str, str] = {}
REMARKS: list[str] = []

STRATEGIES: dict[str, Any] = {name: partial(select, name) for name in CATALOG}
