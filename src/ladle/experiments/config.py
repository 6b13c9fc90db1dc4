"""What an experiment is: frozen dataclasses read from TOML, checked before anything trains."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from ladle.data import DataConfig
from ladle.errors import ConfigError, UnknownNameError, reason_of
from ladle.models import ModelConfig, TrainingConfig
from ladle.strategies import find_strategy

#: Part of every identity: raised when the same configuration would lead to other numbers than before.
PROTOCOL_VERSION = 1

_SectionT = TypeVar("_SectionT")
# A list of all rounds is made before anything runs.
_MOST_ROUNDS = 1_000_000


@dataclass(frozen=True)
class ScheduleConfig:
    """How many labels are asked for, and when.

    Attributes:
        initial: labels drawn at random before the first acquisition, at least 1.
        batch: labels asked for in each acquisition, at least 1.
        rounds: acquisitions after the initial set, from 0 to a million.
    """

    initial: int
    batch: int
    rounds: int

    def __post_init__(self) -> None:
        for key, least in (("initial", 1), ("batch", 1), ("rounds", 0)):
            value = getattr(self, key)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigError(f"schedule.{key} must be an integer of at least {least} (got {value!r}); correct it")
        if self.rounds > _MOST_ROUNDS:
            raise ConfigError(f"schedule.rounds is at most {_MOST_ROUNDS:,} (got {self.rounds}); correct it")

    @property
    def labeled(self) -> list[int]:
        """Labels in hand at each of the rounds + 1 evaluations."""
        return [self.initial + done * self.batch for done in range(self.rounds + 1)]


@dataclass(frozen=True)
class ExperimentConfig:
    """One experiment: every strategy with every seed under one protocol.

    Attributes:
        name: its name in reports.
        strategies: names from the catalog.
        seeds: how many; they are 0, 1, …
        data: the data set and its splits.
        model: the network.
        schedule: the label budget.
        training: how each model is trained; its learning rate is the first candidate until a sweep has chosen.
        learning_rates: the candidates: one is used as it is, several are swept once on the validation part.
        sweep_labels: labels that a candidate is tried on, at least 1; the final budget by default. Experiments that
            agree in data, model, training and this number share one sweep.
    """

    name: str
    strategies: tuple[str, ...]
    seeds: int
    data: DataConfig
    model: ModelConfig
    schedule: ScheduleConfig
    training: TrainingConfig = field(default_factory=TrainingConfig)
    learning_rates: tuple[float, ...] = ()
    sweep_labels: int | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ConfigError('an experiment needs a name (got an empty one); set name = "…"')
        if not isinstance(self.seeds, int) or isinstance(self.seeds, bool) or self.seeds < 1:
            raise ConfigError(f"seeds must be an integer of at least 1 (got {self.seeds!r}); five is usual")
        if self.sweep_labels is not None and (type(self.sweep_labels) is not int or self.sweep_labels < 1):
            raise ConfigError(
                f"sweep_labels must be an integer of at least 1 (got {self.sweep_labels!r}); without it the final "
                "budget is taken"
            )
        if not self.strategies or len(set(self.strategies)) < len(self.strategies):
            raise ConfigError(
                f"strategies must be distinct names, at least one (got {list(self.strategies)}); list them"
            )
        for strategy in self.strategies:
            find_strategy(strategy)

    def protocol(self) -> dict[str, Any]:
        """Return all that decides the numbers of a run, beside its strategy and seed, as plain data."""
        resolved = asdict(self)
        del resolved["strategies"], resolved["seeds"]
        resolved["training"].pop("learning_rate")
        if len(self.learning_rates) < 2 or self.swept_labels == self.schedule.labeled[-1]:
            del resolved["sweep_labels"]  # says nothing that is not said already
        if self.data.path is not None:
            # Where a file lies is no part of the experiment; what is in it is checked by its fingerprint.
            resolved["data"]["path"] = Path(self.data.path).name
        resolved["protocol_version"] = PROTOCOL_VERSION
        plain: dict[str, Any] = json.loads(json.dumps(resolved))
        return plain

    @property
    def swept_labels(self) -> int:
        """Labels that each learning rate is tried on."""
        return self.schedule.labeled[-1] if self.sweep_labels is None else self.sweep_labels

    @property
    def identity(self) -> str:
        """Hash of the whole protocol: two experiments with one identity share their runs."""
        return hashlib.sha256(json.dumps(self.protocol(), sort_keys=True).encode()).hexdigest()


def read_experiment(source: str | Path) -> ExperimentConfig:
    """Read an experiment from a TOML file, or one that comes with Ladle by its name.

    Relative paths in the file count from the folder the file is in.

    Raises:
        ConfigError: a file that cannot be read, an unknown key, a missing one, or an impossible value.
        UnknownNameError: an unknown experiment, strategy, model or data set.
    """
    path = Path(source)
    if "\0" in str(source):
        raise ConfigError(f"an experiment is a name or a file (got {str(source)!r}); correct it")
    if path.suffix != ".toml" and not path.exists():
        text, folder = _bundled(str(source)), None
    else:
        try:
            text, folder = path.read_text(encoding="utf-8"), path.resolve().parent
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"an experiment file must be readable text (got {source}: {error}); check it") from error
    try:
        table = tomllib.loads(text)
    # Nesting without end is no TOML either.
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"an experiment file must be TOML (got {source}: {reason_of(error)}); correct that line"
        ) from error
    return experiment_from(table, folder=folder)


def list_experiments() -> list[str]:
    """Return the names of the experiments that come with Ladle."""
    folder = resources.files("ladle.experiments") / "configs"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def experiment_from(table: Mapping[str, Any], *, folder: Path | None = None) -> ExperimentConfig:
    """Turn a table, as TOML gives it, into an experiment.

    Args:
        table: keys as in the README's example.
        folder: what a relative data path counts from; the working directory by default.

    Raises:
        ConfigError: an unknown or missing key, or an impossible value.
        UnknownNameError: an unknown strategy, model or data set.
    """
    top = dict(table)
    sections: dict[str, dict[str, Any]] = {}
    for key in ("data", "model", "schedule", "training"):
        section = top.pop(key, {})
        if not isinstance(section, dict):
            raise ConfigError(f"{key} must be a section (got {key} = {section!r}); write [{key}] and its keys below")
        sections[key] = section
    _check_keys(
        "the top of the file", top, ("name", "strategies", "seeds", "sweep_labels"), required=("name", "strategies")
    )
    training = sections["training"]
    rates = training.get("learning_rate", TrainingConfig().learning_rate)
    rates = list(rates) if isinstance(rates, list) else [rates]
    numbers = all(isinstance(rate, int | float) and not isinstance(rate, bool) for rate in rates)
    if not numbers or not rates or len(set(rates)) < len(rates):
        raise ConfigError(
            f"training.learning_rate must be a number or a list of distinct ones (got {rates}); list them"
        )
    configs = [_section("training", TrainingConfig, {**training, "learning_rate": rate}) for rate in rates]
    data = dict(sections["data"])
    if folder is not None and isinstance(data.get("path"), str):
        data["path"] = str(folder / data["path"])
    if not isinstance(top["strategies"], list) or not all(isinstance(name, str) for name in top["strategies"]):
        raise ConfigError(f'strategies must be a list of names (got {top["strategies"]!r}); write ["random", "grad"]')
    return ExperimentConfig(
        name=str(top["name"]),
        strategies=tuple(top["strategies"]),
        seeds=top.get("seeds", 5),
        data=_section("data", DataConfig, data),
        model=_section("model", ModelConfig, sections["model"]),
        schedule=_section("schedule", ScheduleConfig, sections["schedule"]),
        training=configs[0],
        learning_rates=tuple(config.learning_rate for config in configs),
        sweep_labels=top.get("sweep_labels"),
    )


def _bundled(name: str) -> str:
    file = resources.files("ladle.experiments") / "configs" / f"{name}.toml"
    if not file.is_file():
        raise UnknownNameError.among("experiment (or name a .toml file)", name, list_experiments())
    return file.read_text(encoding="utf-8")


def _section(name: str, kind: type[_SectionT], values: Mapping[str, Any]) -> _SectionT:
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    known = [entry.name for entry in fields]
    needed = [
        entry.name
        for entry in fields
        if entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
    ]
    _check_keys(f"[{name}]", values, known, required=needed)
    if not isinstance(values.get("name", ""), str):
        raise ConfigError(f'{name}.name must be a text (got {values["name"]!r}); write name = "…"')
    # TOML has lists where the dataclasses hold tuples.
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def _check_keys(place: str, values: Mapping[str, Any], known: Any, *, required: Any) -> None:
    for key in values:
        if key not in known:
            raise ConfigError(f"{place} has no such key (got {key!r}); the keys are {', '.join(known)}")
    missing = [key for key in required if key not in values]
    if missing:
        raise ConfigError(f"{place} lacks a key (got {', '.join(values) or 'none'}); add {', '.join(missing)}")
