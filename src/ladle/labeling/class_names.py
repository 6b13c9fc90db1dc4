"""Names of classes that are added while people label."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from ladle.errors import ConfigError

_LONGEST, _MOST = 100, 1000
# With one of these a cell begins that a spreadsheet computes.
_FORMULA = ("=", "+", "-", "@")
# What is not shown but may act, except the two joiners that some scripts and emojis are spelled with.
_UNSEEN, _JOINERS = ("Cc", "Cf", "Cs", "Zl", "Zp"), "\u200c\u200d"


def check_new_class(name: str, classes: Sequence[str], taken: Sequence[str] = ()) -> None:
    """Raise for a name that no new class can have.

    Anybody who labels may add a class, and the project's owner reads it in a terminal and in a spreadsheet: neither is
    to take it for a command.

    Args:
        name: without blanks around it.
        classes: names that there are.
        taken: other words that stand for an answer.

    Raises:
        ConfigError: a name that is empty, longer than 100 characters or there already, that has control characters, or
            that begins as a formula and is no number; or a class too many.
    """
    if not 0 < len(name) <= _LONGEST or name in (*classes, *taken):
        raise ConfigError(
            f"a class has a name of its own, of 1 to {_LONGEST} characters (got {name[:20]!r}, there are "
            f"{', '.join(classes)}); choose another"
        )
    if any(unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS for letter in name):
        raise ConfigError(f"a class has a name that can be read (got {name[:20]!r}); leave control characters out")
    if name.startswith(_FORMULA) and not _is_number(name):
        raise ConfigError(
            f"a class has a name that no spreadsheet computes (got {name[:20]!r}); begin with a letter or a number"
        )
    if len(classes) >= _MOST:
        raise ConfigError(f"a project has at most {_MOST} classes (got one more); use one of them")


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
