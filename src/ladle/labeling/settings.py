"""What a labeling project was made with: found in the store, or put there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scipy.sparse import issparse
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from ladle.errors import ConfigError, SessionError
from ladle.labeling.json_lines import is_text
from ladle.labeling.tables import projects
from ladle.models import build_model
from ladle.session import as_written
from ladle.typing import Inputs

_STRATEGY, _CONTROL = "margin", 0.2


def check_model(model: str, inputs: Inputs, classes: Sequence[str] | None) -> None:
    """Build a network once, before a project that names it is stored for good.

    Raises:
        ConfigError: a network that is no name, or cannot be imported.
        UnknownNameError: no network has this name.
        InputError: a network that does not take these inputs.
    """
    if not isinstance(model, str):
        raise ConfigError(f"a project stores the name of its network (got {model!r}); name one, or module:callable")
    count = len(classes) if isinstance(classes, list | tuple) else 0
    build_model(model, example_shape=tuple(inputs.shape[1:]), classes=max(2, count), sparse=issparse(inputs))


def find_or_make_settings(
    engine: Engine,
    name: str,
    *,
    classes: Sequence[str] | None,
    control: float | None,
    strategy: str | None,
    model: str | None,
    usual_model: str,
) -> Any:
    """Return a project's row; made if it is not there, its classes extended if there are new ones behind.

    Args:
        engine: the store.
        name: of the project in it.
        classes: names, two or more; None for those it has.
        control: share drawn at random; None for what it has, 0.2 for a new project.
        strategy: what picks; None for what it has, margin for a new project.
        model: the network; None for what it has, the usual one for a new project.
        usual_model: the one that fits the source.

    Raises:
        ConfigError: classes that break a rule, none for a new project, or a setting other than the stored one.
        StoreError: a row that is not as it was written.
        SessionError: another process has made the project at this moment.
    """
    wanted = None if classes is None else _class_names(classes)
    query = select(projects).where(projects.c.name == name)
    with engine.begin() as connection:
        with as_written(engine, f"project {name!r}"):
            found = connection.execute(query).first()
            if found is not None:
                _check_stored(found)
        if found is None:
            if wanted is None:
                raise ConfigError(f"a new project needs its classes (got none for {name!r}); say them, as in cat,dog")
            values = {
                "name": name,
                "classes": wanted,
                "control": _CONTROL if control is None else control,
                "strategy": strategy or _STRATEGY,
                "model": model or usual_model,
            }
            try:
                connection.execute(insert(projects).values(values))
            except IntegrityError as error:
                raise SessionError(f"a project is made once (got a second {name!r}); open it again") from error
            return connection.execute(query).one()
        for what, given in (("strategy", strategy), ("control", control), ("model", model)):
            if given is not None and given != getattr(found, what):
                raise ConfigError(
                    f"a project keeps its {what} (got {given}, stored {getattr(found, what)}); leave it out, or use "
                    "another store"
                )
        stored = list(found.classes)
        if wanted is None or wanted == stored:
            return found
        if wanted[: len(stored)] != stored:
            raise ConfigError(
                f"a project keeps its classes, and new ones come behind (got {', '.join(wanted)}, stored "
                f"{', '.join(stored)}); give them in that order, or leave them out"
            )
        connection.execute(update(projects).where(projects.c.id == found.id).values(classes=wanted))
        return connection.execute(query).one()


def _check_stored(row: Any) -> None:
    if not isinstance(row.classes, list) or not _are_names(row.classes):
        raise ValueError(f"classes {row.classes!r:.60}")
    if not isinstance(row.control, float) or not 0 <= row.control < 1:
        raise ValueError(f"a control arm of {row.control!r:.60}")
    for text in (row.strategy, row.model):
        if not isinstance(text, str):
            raise TypeError(f"a name that is {text!r:.60}")


def _are_names(names: Sequence[Any]) -> bool:
    fit = all(isinstance(name, str) and name and is_text(name) for name in names)
    return fit and len(names) >= 2 and len(set(names)) == len(names)


def _class_names(classes: Sequence[str]) -> list[str]:
    names = list(classes) if isinstance(classes, list | tuple) else []
    if not _are_names(names):
        came = ", ".join(map(repr, names)) or (repr(classes) if classes else "none")
        raise ConfigError(f"classes are two or more distinct names (got {came}); name them")
    return names
