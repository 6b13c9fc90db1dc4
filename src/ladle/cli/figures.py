"""``ladle figure``: every figure of the paper by its number, and those beyond it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ladle.cli.experiments import STORE, Store, open_existing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ladle.data import Pool
    from ladle.experiments import ExperimentResults

#: What each name draws; those of the second part read a store, those of the first train a model themselves.
TRAINED = {
    "1": "geometry of one acquisition on MNIST",
    "2": "discrepancy in and out of distribution",
    "6": "the discrepancy over 150 epochs on three data sets",
    "bound": "the generalization bound of eq. 6 and eq. 10 along floor descent",
    "full-vs-last": "discrepancy over all parameters against that over the last layer",
}
STORED = {
    "3": "learning curves, text and tables",
    "4": "learning curves, images",
    "5": "penalty matrix and loss scores over all experiments: overall, early, late",
    "7-9": "learning curves, images, the remaining ones",
    "10": "penalty matrix and loss scores by backbone",
    "11": "penalty matrix and loss scores by data set",
    "ranks": "critical-difference diagram of mean ranks (Friedman, Nemenyi)",
    "profiles": "performance profiles of the labels needed (Dolan and Moré)",
}


def figure(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join([*TRAINED, *STORED])}.", metavar="NAME")],
    store: Store = STORE,
    out: Annotated[Path, typer.Option(help="Folder for PNG, PDF and the numbers as JSON.")] = Path("figures"),
    data_home: Annotated[
        Path | None, typer.Option(help="Folder with data sets, looked in first.", envvar="LADLE_DATA_HOME")
    ] = None,
    outside: Annotated[str, typer.Option(help="Figure 2: the data set out of distribution.")] = "svhn",
    model: Annotated[str, typer.Option(help="Figures 2 and full-vs-last: the network.")] = "lenet",
    epochs: Annotated[int, typer.Option(help="Figures 2, 6 and full-vs-last: epochs of training; 0 is usual.")] = 0,
    seed: Annotated[int, typer.Option(help="Of draws and training, where the figure trains.")] = 0,
    seeds: Annotated[
        int, typer.Option(min=0, help="Figures 1 and 6: how many, from --seed on; 0 is usual: 10 and 3.")
    ] = 0,
    strategies: Annotated[
        str | None,
        typer.Option(help="Figures from a store: only these strategies, with commas between; all is usual."),
    ] = None,
) -> None:
    """Draw a figure of the paper, or one beyond it, and write its numbers beside it.

    Figures 3 to 5 and 7 to 11, ranks and profiles draw what a store holds and train nothing. Figures 1, 2, 6, bound and
    full-vs-last train the small models they need; 1, 2 and 6 take minutes. Figures 1 and 6 show the first seed, and
    their numbers those of all. The tests of 5, 10 and 11 are corrected over all pairs of a round, so they depend on
    --strategies.

    Examples: `ladle figure 1`, `ladle figure 5 --store sqlite:///ladle.db --strategies random,margin,grad`,
    `ladle figure 2 --outside mnist`
    """
    from ladle.errors import ConfigError, UnknownNameError

    known = {**TRAINED, **STORED}
    if name in {"7", "8", "9"}:
        name = "7-9"
    if name not in known:
        raise UnknownNameError.among("figure", name, known)
    if strategies is not None and name not in STORED:
        raise ConfigError(
            f"--strategies chooses from a store, and figure {name} reads none (got {strategies!r}); leave it out, or "
            f"draw one of {', '.join(STORED)}"
        )
    console = Console()
    if name in STORED:
        drawn = _stored(name, store, strategies)
    else:
        said = f"figure {name}: {TRAINED[name]}"
        with console.status(said) as status:
            drawn = _trained(
                name, data_home, outside, model, epochs, seed, seeds, lambda step: status.update(f"{said}, {step}")
            )
    for path in _write(out, name, drawn):
        console.print(f"written: {path}", highlight=False, soft_wrap=True)


def _trained(
    name: str,
    data_home: Path | None,
    outside: str,
    model: str,
    epochs: int,
    seed: int,
    seeds: int,
    tell: Callable[[str], None],
) -> tuple[dict[str, Figure], dict[str, Any]]:
    from ladle.data import DataConfig, load_pool, resolve_data_home

    home = resolve_data_home(data_home)

    def load(data: str, **options: Any) -> Pool:
        return load_pool(DataConfig(data, **options), data_home=home)

    makers: dict[str, Callable[[], tuple[dict[str, Figure], dict[str, Any]]]] = {
        "1": lambda: _geometry(load, range(seed, seed + (seeds or 10)), tell),
        "2": lambda: _shift(load, outside, model, epochs, seed),
        "6": lambda: _contraction(load, epochs, range(seed, seed + (seeds or 3)), tell),
        "bound": lambda: _bound(load, seed),
        "full-vs-last": lambda: _full_vs_last(load, model, epochs, seed),
    }
    return makers[name]()


def _geometry(
    load: Callable[..., Pool], seeds: Sequence[int], tell: Callable[[str], None]
) -> tuple[dict[str, Figure], dict[str, Any]]:
    from ladle.experiments.geometry import AcquisitionGeometry, acquisition_geometry
    from ladle.reports.figures.geometry_figure import geometry_figure, geometry_numbers

    # As the paper has them: 28 pixels a side, where learning curves have 32.
    pool = load("mnist", image_size=28)
    draws: list[AcquisitionGeometry] = []
    for seed in seeds:
        tell(f"seed {seed} ({len(draws) + 1} of {len(seeds)})")
        draws.append(acquisition_geometry(pool, seed=seed))
    return {"": geometry_figure(draws[0])}, geometry_numbers(draws)


def _shift(
    load: Callable[..., Pool], outside: str, model: str, epochs: int, seed: int
) -> tuple[dict[str, Figure], dict[str, Any]]:
    from ladle.experiments.shift import shift_scores
    from ladle.models import ModelConfig, TrainingConfig
    from ladle.reports.figures.shift_figure import shift_figure

    other = load(outside, image_size=32)
    found = shift_scores(
        load("cifar10"),
        other,
        model=ModelConfig(model),
        training=TrainingConfig(epochs=epochs or 10, batch_size=8, learning_rate=0.001),
        seed=seed,
    )
    numbers = {
        "inside": found.inside,
        "outside": found.outside,
        "examples": len(found.inside_scores),
        "model": model,
        "auroc": found.auroc,
        "entropy_auroc": found.entropy_auroc,
        "test_accuracy": found.accuracy,
    }
    return {"": shift_figure(found)}, numbers


def _contraction(
    load: Callable[..., Pool], epochs: int, seeds: Sequence[int], tell: Callable[[str], None]
) -> tuple[dict[str, Figure], dict[str, Any]]:
    from ladle.errors import DataError
    from ladle.experiments.contraction import DiscrepancyOverTraining, contraction_on
    from ladle.reports.figures.contraction_figure import contraction_figure, contraction_numbers

    runs, numbers, absent = [], {}, []
    for data in ("german-credit", "gisette", "20newsgroups"):
        try:
            pool = load(data)
        except DataError as error:
            absent.append(str(error))
            continue
        draws: list[DiscrepancyOverTraining] = []
        for seed in seeds:
            tell(f"{data}, seed {seed} ({len(draws) + 1} of {len(seeds)})")
            draws.append(contraction_on(pool, epochs=epochs or 150, seed=seed))
        runs.append(draws)
        numbers[pool.name] = contraction_numbers(draws)
    for line in absent:
        Console(stderr=True).print(f"left out: {line}", style="yellow", highlight=False, soft_wrap=True, markup=False)
    return {"": contraction_figure(runs)}, numbers


def _bound(load: Callable[..., Pool], seed: int) -> tuple[dict[str, Figure], dict[str, Any]]:
    from ladle.experiments.bound import bound_over_training
    from ladle.reports.figures.bound_figure import bound_figure, bound_numbers

    found = bound_over_training(load("german-credit"), seed=seed)
    return {"": bound_figure(found)}, bound_numbers(found)


def _full_vs_last(
    load: Callable[..., Pool], model: str, epochs: int, seed: int
) -> tuple[dict[str, Figure], dict[str, Any]]:
    from ladle.experiments.full_vs_last import full_against_last
    from ladle.models import ModelConfig, TrainingConfig
    from ladle.reports.figures.correlation_figure import correlation_figure

    found = full_against_last(
        load("cifar10"),
        model=ModelConfig(model),
        training=TrainingConfig(epochs=epochs or 30, batch_size=8, learning_rate=0.001),
        seed=seed,
    )
    numbers = {
        "data": found.data,
        "model": model,
        "examples": len(found.full),
        "labeled": found.labeled,
        "spearman": found.spearman,
        "overlap": found.overlap,
    }
    return {"": correlation_figure(found)}, numbers


def _stored(name: str, store: str, strategies: str | None) -> tuple[dict[str, Figure], dict[str, Any]]:
    from ladle.errors import InputError
    from ladle.experiments import ExperimentStore
    from ladle.reports.experiment_sets import with_chosen
    from ladle.reports.figures.stored_figures import STORED_FIGURES

    with open_existing(store) as engine:
        results: Sequence[ExperimentResults] = ExperimentStore(engine).results()
    if not results:
        raise InputError(
            f"this figure needs an experiment that every strategy has finished for a seed (got none in {store}); "
            "run one, or load saved ones with 'ladle results load'"
        )
    if strategies is not None:
        results = with_chosen(results, [name.strip() for name in strategies.split(",")])
    figures, numbers = STORED_FIGURES[name](results)
    for part, found in numbers.items():
        if isinstance(found, dict) and "unseen" in found:
            Console(stderr=True).print(
                f"no picture of {part}: {found['unseen']}",
                style="yellow",
                highlight=False,
                soft_wrap=True,
                markup=False,
            )
    return figures, numbers


def _write(out: Path, name: str, drawn: tuple[dict[str, Figure], dict[str, Any]]) -> list[Path]:
    from ladle.files import write_whole
    from ladle.reports.figures.files import figure_bytes, freeze_layout

    figures, numbers = drawn
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for part, one in figures.items():
        freeze_layout(one)
        stem = f"figure-{name}" + (f"-{part}" if part else "")
        for kind in ("png", "pdf"):
            path = out / f"{stem}.{kind}"
            write_whole(path, figure_bytes(one, kind))
            written.append(path)
    path = out / f"figure-{name}.json"
    write_whole(path, json.dumps(numbers, indent=1) + "\n")
    return [*written, path]
