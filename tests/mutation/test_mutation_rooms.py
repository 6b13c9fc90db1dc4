"""What is mutated is what coverage is held to, and has tests of its own."""

from __future__ import annotations

import tomllib
from pathlib import Path

from mutation.__main__ import ROOMS

ROOT = Path(__file__).parents[2]


def test_every_room_of_full_coverage_is_mutated_and_tested_by_its_own_folder() -> None:
    sources = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]["run"]["source"]
    assert sorted(f"src/ladle/{room}" for room in ROOMS) == sorted(sources)
    assert all(list((ROOT / "tests" / room).glob("test_*.py")) for room in ROOMS)
