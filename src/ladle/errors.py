"""The exceptions Ladle raises, each also a builtin so that ordinary ``except`` clauses catch them.

::

    LadleError
    ├── InputError (ValueError)          arrays that break a rule: shape, dtype, range, NaN
    │   └── BudgetError                  more labels asked for than can be had
    ├── ConfigError (ValueError)         an experiment file or option that breaks a rule
    ├── UnknownNameError (LookupError)   a strategy, model or data set nobody knows
    ├── DataError (OSError)              a data set that is missing, damaged or out of reach
    ├── ServerError (ConnectionError)    a server of another tool that refuses or is out of reach
    ├── MissingExtraError (ImportError)  an optional package that is not installed
    ├── SessionError (RuntimeError)      ask, tell or undo in an order that cannot be
    └── StoreError (RuntimeError)        a database that cannot be used as asked
        └── StoreConflictError           another process wrote the same step first

A message has three parts in one line: the rule, what came (``got budget=7, unlabeled=3``) and the remedy.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class LadleError(Exception):
    """Every error Ladle raises on purpose; anything else that escapes is a bug."""

    def __str__(self) -> str:
        # What came may hold line breaks: a column's name, a file's.
        return " ".join(super().__str__().splitlines())


class InputError(LadleError, ValueError):
    """Arrays that break a rule: shape, dtype, range, NaN."""


class BudgetError(InputError):
    """More labels asked for than can be had, or fewer than one."""


class ConfigError(LadleError, ValueError):
    """An experiment file or option that breaks a rule."""


class UnknownNameError(LadleError, LookupError):
    """A strategy, model or data set nobody knows."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """Say which names of this kind there are, and the one that was probably meant."""
        names = sorted(known)
        close = get_close_matches(name.lower(), names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(names)}"
        return cls(f"unknown {kind} (got {name!r}); {hint}")


class DataError(LadleError, OSError):
    """A data set that is missing, damaged or out of reach."""


class ServerError(LadleError, ConnectionError):
    """A server of another tool that refuses or is out of reach."""


class MissingExtraError(LadleError, ImportError):
    """An optional package that is not installed."""

    @classmethod
    def needs(cls, purpose: str, extra: str) -> MissingExtraError:
        """Say what needs the package and the command that installs it."""
        return cls(f"{purpose} needs an optional package; install it with: pip install 'ladle[{extra}]'")


class SessionError(LadleError, RuntimeError):
    """Ask, tell or undo in an order that cannot be."""


class StoreError(LadleError, RuntimeError):
    """A database that cannot be used as asked."""


class StoreConflictError(StoreError):
    """Another process wrote the same step first."""


def reason_of(error: BaseException) -> str:
    """Return the first line of what another library says went wrong, or the name of its error where it says nothing."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__).strip()
