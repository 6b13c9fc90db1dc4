"""Engines: pools that lie in shards, and work spread over a cluster; the same picks as in memory on one machine."""

from ladle.engines.plan import Plan
from ladle.engines.progress import Copying, Progress
from ladle.engines.selection import EngineName, Selection, select_from_shards

__all__ = ["Copying", "EngineName", "Plan", "Progress", "Selection", "select_from_shards"]
