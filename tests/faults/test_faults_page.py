"""The page on reliability says what `make torture` counted."""

from __future__ import annotations

import json
from pathlib import Path

from faults.reliability_page import reliability_page

ROOT = Path(__file__).parents[2]


def test_the_page_is_made_of_the_figures() -> None:
    figures = json.loads((ROOT / "benchmarks/results/reliability.json").read_text())
    assert (ROOT / "docs/reliability.md").read_text() == reliability_page(figures)
    assert sum(figures["kills"].values()) >= 500


def test_what_went_wrong_is_not_hidden() -> None:
    figures = {
        "kills": {"Ray node": 2, "a new kind": 3},
        "stories": {"selection on Ray": 1},
        "acknowledged": 1234,
        "lost": 1,
        "twice": 0,
        "different": 2,
        "unclear": 3,
        "command": "make torture",
        "date": "2026-01-01",
        "minutes": 1,
    }
    page = reliability_page(figures)
    assert "**5 kills: 1 change lost, no examples asked" in page
    assert "2 experiments that ended differently, 3 failures told in more than one line.** 1,234 answers" in page
    assert "| a new kind | 3 |" in page
