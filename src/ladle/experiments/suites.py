"""The paper's experiments by name, and what of them can be run on data that is at hand.

A suite is a list of experiments under one protocol. ``paper/text-tabular`` and ``paper/images`` are the paper's own, on
whole data sets; ``evidence`` is what the results in the documentation were made with: the same protocol, on the parts
of the data that can be had without a network.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

from ladle.data import DataConfig
from ladle.errors import UnknownNameError
from ladle.experiments.config import ExperimentConfig, ScheduleConfig, list_experiments, read_experiment
from ladle.models import ModelConfig, TrainingConfig

#: All that is compared; the paper's five, what careful critics miss among them, and the paper's future work.
STRATEGIES = (
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
)
SEEDS = 5
#: The learning rates that the paper sweeps once for a data set and network.
RATES = (0.0001, 0.0005, 0.001, 0.005, 0.01)
#: Batch and acquisitions for images; the initial set is as large as a batch throughout.
IMAGE_SCHEDULES = ((100, 14), (500, 8), (1000, 4))
IMAGE_MODELS = ("lenet", "resnet18", "vgg16")
#: The paper's pools, where it draws one.
IMAGE_POOLS: dict[str, int | None] = {
    "cifar10": 25_000,
    "stl10": None,
    "cinic10": 100_000,
    "gtsrb": None,
    "svhn": 25_000,
}
# The largest final budget, on which the one learning rate of a data set and network is chosen. STL-10 has 4,500 images
# beside its validation part.
_LARGEST_BUDGETS = {"stl10": 4_500}
_OTHER_LARGEST_BUDGET = max(batch * (rounds + 1) for batch, rounds in IMAGE_SCHEDULES)
# The paper gives 30 to 60 epochs, by data set, and not which; text needs most.
_EPOCHS = {"20newsgroups": 60, "isolet": 40, "isolet-1560": 40}
_OTHER_EPOCHS = 30
_TABLE_SCHEDULE = (100, 39)


def list_suites() -> list[str]:
    """Return the names of the suites."""
    return list(_SUITES)


def find_experiments(source: str | Path) -> tuple[ExperimentConfig, ...]:
    """Return the experiments that a name or a file stands for.

    Args:
        source: a suite; one experiment of a suite, ``suite/experiment``; an experiment that comes with Ladle; or a
            TOML file.

    Raises:
        ConfigError: a file that cannot be read or is wrong.
        UnknownNameError: nothing of this name.
    """
    name = str(source)
    if name in _SUITES:
        return suite(name)
    if Path(source).suffix != ".toml" and not Path(source).exists():
        parts = suite_experiments()
        if name in parts:
            return (parts[name],)
        if name not in list_experiments():
            known = [*list_experiments(), *_SUITES, *parts]
            raise UnknownNameError.among("experiment (or name a .toml file)", name, known)
    return (read_experiment(source),)


def suite(name: str) -> tuple[ExperimentConfig, ...]:
    """Return the experiments of a suite in the order in which they run.

    Raises:
        KeyError: no suite has this name.
    """
    return tuple(_SUITES[name]())


def suite_experiments() -> dict[str, ExperimentConfig]:
    """Return every experiment of every suite by its full name, ``suite/experiment``."""
    return {f"{name}/{config.name}": config for name in _SUITES for config in suite(name)}


def _table(data: str, *, rounds: int | None = None) -> ExperimentConfig:
    batch, usual = _TABLE_SCHEDULE
    return _experiment(data, DataConfig(data), "mlp", batch, usual if rounds is None else rounds)


def _image(data: str, model: str, batch: int, rounds: int) -> ExperimentConfig:
    config = DataConfig(data, pool_size=IMAGE_POOLS[data])
    return _experiment(f"{data}-{model}-{batch}", config, model, batch, rounds, _largest_budget(data))


def _largest_budget(data: str) -> int:
    return _LARGEST_BUDGETS.get(data, _OTHER_LARGEST_BUDGET)


def _experiment(
    name: str, data: DataConfig, model: str, batch: int, rounds: int, swept: int | None = None
) -> ExperimentConfig:
    return ExperimentConfig(
        name=name,
        strategies=STRATEGIES,
        seeds=SEEDS,
        data=data,
        model=ModelConfig(model),
        schedule=ScheduleConfig(initial=batch, batch=batch, rounds=rounds),
        training=TrainingConfig(epochs=_EPOCHS.get(data.name, _OTHER_EPOCHS), learning_rate=RATES[0]),
        learning_rates=RATES,
        sweep_labels=swept,
    )


def _text_tabular() -> list[ExperimentConfig]:
    return [_table(name) for name in ("20newsgroups", "isolet", "pokerhand")]


def _images() -> list[ExperimentConfig]:
    return [
        _image(data, model, batch, rounds)
        for data, model, (batch, rounds) in product(IMAGE_POOLS, IMAGE_MODELS, IMAGE_SCHEDULES)
        if batch * (rounds + 1) <= _largest_budget(data)
    ]


def _evidence() -> list[ExperimentConfig]:
    digits = ExperimentConfig(
        name="digits",
        strategies=STRATEGIES,
        seeds=SEEDS,
        data=DataConfig("digits"),
        model=ModelConfig("mlp"),
        schedule=ScheduleConfig(initial=20, batch=20, rounds=14),
        training=TrainingConfig(epochs=_OTHER_EPOCHS, learning_rate=RATES[0]),
        learning_rates=RATES,
    )
    lenet = [_image("cifar10", "lenet", batch, rounds) for batch, rounds in reversed(IMAGE_SCHEDULES)]
    # 1,560 letters leave 1,123 for the pool: eleven batches.
    isolet = _table("isolet-1560", rounds=10)
    deep = [_image("cifar10", model, *IMAGE_SCHEDULES[-1]) for model in ("resnet18", "vgg16")]
    return [digits, isolet, lenet[0], _table("poker-hand-uci"), *lenet[1:], _table("20newsgroups"), *deep]


_SUITES: dict[str, Callable[[], list[ExperimentConfig]]] = {
    "paper/text-tabular": _text_tabular,
    "paper/images": _images,
    "evidence": _evidence,
}
