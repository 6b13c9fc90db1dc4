"""The public surface: names, docstrings, and what importing costs in modules."""

from __future__ import annotations

import inspect
import subprocess
import sys
from types import ModuleType

import pytest

import ladle
from ladle import (
    adapters,
    arrays,
    cli,
    data,
    errors,
    experiments,
    gradients,
    labeling,
    models,
    page,
    reports,
    scores,
    selectors,
    session,
    statistics,
    strategies,
    testing,
)

ROOMS = [
    adapters,
    data,
    experiments,
    gradients,
    labeling,
    models,
    page,
    reports,
    scores,
    selectors,
    session,
    statistics,
    strategies,
    testing,
]


def test_the_public_names() -> None:
    assert set(ladle.__all__) == {"Session", "Strategy", "list_strategies", "score", "select", "statistics"}
    assert ladle.list_strategies() == [
        "random",
        "entropy",
        "margin",
        "least-confidence",
        "egl",
        "grad",
        "badge",
        "k-center",
        "grad-cosine",
        "grad-volume",
        "grad-d2",
    ]
    for name in ladle.__all__:
        assert getattr(ladle, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'spoon'"):
        ladle.spoon  # noqa: B018


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_every_public_name_is_there_and_described(room: ModuleType) -> None:
    assert room.__doc__
    assert sorted(room.__all__) == sorted(set(room.__all__))
    for name in room.__all__:
        value = getattr(room, name)
        if inspect.isfunction(value) or inspect.isclass(value):
            assert value.__doc__, f"{room.__name__}.{name}"
            assert not value.__doc__.startswith(f"{name}("), f"{name} has the docstring a dataclass makes up"


def test_modules_have_docstrings() -> None:
    for module in (ladle, arrays, cli, errors):
        assert module.__doc__


def test_every_error_is_a_builtin_too() -> None:
    found = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]
    assert len(found) > 5
    for error in found:
        assert issubclass(error, errors.LadleError)
        assert error is errors.LadleError or len(error.__mro__) > len(errors.LadleError.__mro__)
        if error is not errors.LadleError:
            assert any(base.__module__ == "builtins" for base in error.__mro__ if base not in errors.LadleError.__mro__)


def test_importing_needs_no_extra_and_nothing_slow() -> None:
    code = """
import sys
for name in ("datasets", "psycopg", "skorch", "transformers"):
    sys.modules[name] = None
import ladle, ladle.adapters, ladle.session, ladle.experiments, ladle.cli.main
ladle.select, ladle.Session
slow = [name for name in ("alembic", "matplotlib", "pandas", "sklearn", "datasets", "pyarrow") if sys.modules.get(name)]
print(slow)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
