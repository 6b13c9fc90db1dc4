"""The tree of exceptions: as drawn, each also a builtin, each surviving a trip between processes."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from ladle import errors
from ladle.errors import LadleError, MissingExtraError, UnknownNameError

CLASSES = [entry for _, entry in inspect.getmembers(errors, inspect.isclass) if issubclass(entry, LadleError)]


def drawn() -> dict[str, tuple[str, str | None]]:
    """Read the tree at the top of the file: each name, its parent's name and the builtin beside it."""
    tree: dict[str, tuple[str, str | None]] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"(?P<lead>[ │]*(?:[├└]── )?)(?P<name>\w+Error)(?: \((?P<builtin>\w+)\))?", line)
        if found is None:
            continue
        depth = len(found["lead"])
        while above and above[-1][0] >= depth:
            above.pop()
        tree[found["name"]] = (above[-1][1] if above else "Exception", found["builtin"])
        above.append((depth, found["name"]))
    return tree


def test_the_tree_is_the_one_drawn_above_it() -> None:
    actual = {}
    for entry in CLASSES:
        parent, *builtins = entry.__bases__
        actual[entry.__name__] = (parent.__name__, builtins[0].__name__ if builtins else None)
    assert actual == drawn()
    assert "LadleError" in actual


@pytest.mark.parametrize("entry", CLASSES)
def test_every_error_travels_between_processes(entry: type[LadleError]) -> None:
    error = entry("the rule (got 7); the remedy")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is entry
    assert str(copy) == str(error) == "the rule (got 7); the remedy"


def test_a_near_miss_is_answered_with_the_name_meant() -> None:
    error = UnknownNameError.among("strategy", "Margins", ["margin", "entropy"])
    assert str(error) == "unknown strategy (got 'Margins'); did you mean 'margin'?"
    assert isinstance(error, LookupError)


def test_anything_else_is_answered_with_all_names() -> None:
    error = UnknownNameError.among("strategy", "xyz", ["margin", "entropy"])
    assert str(error) == "unknown strategy (got 'xyz'); choose one of entropy, margin"


def test_a_missing_package_comes_with_the_command_that_installs_it() -> None:
    error = MissingExtraError.needs("the hub loader", "hub")
    assert str(error) == "the hub loader needs an optional package; install it with: pip install 'ladle[hub]'"
    assert isinstance(error, ImportError)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_message_is_one_line_whatever_came(kind: type[LadleError]) -> None:
    error = kind("a column has a name (got 'a\nb\r\nc\u2028d'); rename it")
    assert str(error) == "a column has a name (got 'a b c d'); rename it"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
