"""A user's own network, named by where it can be imported from."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from ladle.errors import ConfigError


def is_import_path(name: str) -> bool:
    """Tell whether a model's name is ``module:callable`` rather than one of the catalog."""
    return ":" in name


def factory_at(path: str, *, example_shape: tuple[int, ...], classes: int) -> Callable[[], nn.Module]:
    """Return a function that makes the user's network for these examples and classes.

    The callable gets ``example_shape`` and ``classes`` by keyword, each if it takes a parameter of this name; a class
    is as good as a function. What is looked for is what Python can import, and then modules of the working directory.

    Args:
        path: ``package.module:callable``.
        example_shape: shape of one example, channels first; (columns,) of a sparse matrix.
        classes: number of logits that it must return.

    Returns:
        A function without arguments; each call makes a new, untrained module.

    Raises:
        ConfigError: nothing to import there, nothing to call, a parameter that Ladle does not know, or no torch module
            as its result.
    """
    factory = _find(path)
    offered: dict[str, Any] = {"example_shape": example_shape, "classes": classes}
    try:
        signature = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # some builtins have none
        signature = ()  # type: ignore[assignment]
    taken = {entry.name for entry in signature if entry.kind is not entry.POSITIONAL_ONLY} & offered.keys()
    unknown = [
        entry.name
        for entry in signature
        if entry.default is entry.empty
        and entry.kind not in (entry.VAR_POSITIONAL, entry.VAR_KEYWORD)
        and entry.name not in taken
    ]
    if unknown:
        raise ConfigError(
            f"a model's factory takes example_shape and classes, or fewer (got {', '.join(unknown)} without a default "
            f"in {path}); give them defaults"
        )
    build: Callable[[], nn.Module] = partial(factory, **{name: offered[name] for name in sorted(taken)})
    made = build()
    if not isinstance(made, nn.Module):
        raise ConfigError(
            f"a model's factory returns a torch module (got {type(made).__name__} from {path}); return one"
        )
    return build


def _find(path: str) -> Callable[..., Any]:
    module_name, _, name = path.partition(":")
    if not module_name or not name:
        raise ConfigError(f"a model of one's own is named module:callable (got {path!r}); write mymodels:build, say")
    try:
        module = _import(module_name)
    except Exception as error:  # importing runs the user's code, which may raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"a model's module can be imported (got {module_name!r}: {reason}); run from its folder, or install it"
        ) from error
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise ConfigError(f"a model's factory can be called (got {path!r}, not callable); correct its name")
    return found  # type: ignore[no-any-return]


def _import(name: str) -> Any:
    here = str(Path.cwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A console script does not look into the working directory; a missing import of the module's own is another
        # matter.
        if error.name != name.partition(".")[0] or here in sys.path:
            raise
        sys.path.append(here)
        return importlib.import_module(name)
