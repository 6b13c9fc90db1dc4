"""How long `make torture` goes on, and what its chance starts from."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=560, help="processes that `make torture` kills, 20 at least")
    parser.addoption("--seed", type=int, default=0, help="of the moments at which it kills them")
