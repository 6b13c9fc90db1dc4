"""Packages that face the network or read files are newer than the faults that are known of them.

``advisories.json`` is written by hand and needs no network; it holds what its authors were sure of, and no more.
``pip-audit`` knows the rest.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HERE = Path(__file__).parent
ADVISORIES: list[dict[str, str]] = json.loads((HERE / "advisories.json").read_text())


def lower_bounds(requirements: Iterable[str]) -> dict[str, str]:
    """Return the lowest version of each package that requirements allow; 0 where they allow any."""
    found = dict[str, str]()
    for requirement in map(Requirement, requirements):
        bounds = [one.version for one in requirement.specifier if one.operator in (">=", "==", "~=")]
        lowest = max(bounds, key=Version, default="0")
        name = canonicalize_name(requirement.name)
        found[name] = min(found.get(name, lowest), lowest, key=Version)
    return found


def known_faults(versions: Mapping[str, str]) -> list[str]:
    """Return the advisories that concern packages of these versions."""
    return [
        one["id"]
        for one in ADVISORIES
        if one["package"] in versions and Version(versions[one["package"]]) < Version(one["fixed"])
    ]


@pytest.fixture(scope="module")
def bounds() -> dict[str, str]:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    return lower_bounds(chain(project["dependencies"], *project["optional-dependencies"].values()))


def test_what_is_installed_has_no_known_fault(bounds: dict[str, str]) -> None:
    installed = {canonicalize_name(one.name): Version(one.version) for one in distributions()}
    # What is at its bound, as in `make oldest`, is left to the next test.
    above = {str(name): str(found) for name, found in installed.items() if found != Version(bounds.get(name, "0"))}
    explained = {one["id"] for one in ADVISORIES if "older_allowed_because" in one}
    assert len(above) > 20
    assert set(known_faults(above)) <= explained


def test_the_lower_bounds_allow_none_but_those_that_are_explained(bounds: dict[str, str]) -> None:
    # An explanation that is not needed any more fails too.
    assert known_faults(bounds) == [one["id"] for one in ADVISORIES if "older_allowed_because" in one]


def test_an_old_version_and_a_low_bound_are_told() -> None:
    assert known_faults({"starlette": "1.3.0", "h11": "0.16.0", "unheard-of": "0"}) == ["CVE-2026-54283"]
    assert lower_bounds(["Jinja2", "torch>=2.6,<2.14", "torch>=2.5; extra == 'x'"]) == {"jinja2": "0", "torch": "2.5"}


def test_each_advisory_is_complete() -> None:
    assert [(one["package"], Version(one["fixed"])) for one in ADVISORIES] == sorted(
        (canonicalize_name(one["package"]), Version(one["fixed"])) for one in ADVISORIES
    )
    assert len({one["id"] for one in ADVISORIES}) == len(ADVISORIES)
    assert all(one["fault"] for one in ADVISORIES)
