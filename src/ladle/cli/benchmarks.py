"""``ladle bench``: measurements that anyone can redo."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ladle.files import written_whole

if TYPE_CHECKING:
    from ladle.experiments.acquisition_times import AcquisitionTime

bench = typer.Typer(no_args_is_help=True, help="Measurements of speed that anyone can redo.")


@bench.callback()
def _bench() -> None:
    """Measurements of speed that anyone can redo."""


@bench.command()
def table2(
    model: Annotated[list[str], typer.Option(help="Network; give the option twice for two.")] = ["lenet", "resnet18"],  # noqa: B006
    data: Annotated[str, typer.Option(help="Data set; see: ladle datasets.")] = "cifar10",
    pool: Annotated[int, typer.Option(help="Examples in the pool; the paper takes 25,000.")] = 25_000,
    batch: Annotated[int, typer.Option(help="Labels asked for in a round; the paper takes 500.")] = 500,
    rounds: Annotated[int, typer.Option(help="Rounds; the paper takes 5.")] = 5,
    repeats: Annotated[int, typer.Option(help="Times every selection is repeated in a round.")] = 5,
    epochs: Annotated[int, typer.Option(help="Of training between rounds; times hardly depend on it.")] = 1,
    data_home: Annotated[
        Path | None, typer.Option(help="Folder with data sets, looked in first.", envvar="LADLE_DATA_HOME")
    ] = None,
    out: Annotated[Path, typer.Option(help="CSV to write, with every single time.")] = Path("table2.csv"),
) -> None:
    """Time one acquisition of each strategy, as the paper's table 2: outputs cached within the round.

    LeNet takes half a minute on two cores, ResNet-18 over ten: nearly all of it is training and the forward passes.

    Example: `ladle bench table2 --model lenet`
    """
    from ladle.data import DataConfig, load_pool, resolve_data_home
    from ladle.experiments.acquisition_times import acquisition_times
    from ladle.models import TrainingConfig

    console = Console()
    examples = load_pool(DataConfig(name=data, pool_size=pool), data_home=resolve_data_home(data_home))
    found: list[AcquisitionTime] = []
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True
    ) as progress:
        for name in model:
            task = progress.add_task(name)

            def show(stage: str, done: int, total: int, task: int = task, name: str = name) -> None:
                progress.update(task, description=f"{name}, {stage}", completed=done, total=total)  # type: ignore[arg-type]

            found += acquisition_times(
                examples,
                name,
                batch=batch,
                initial=batch,
                rounds=rounds,
                repeats=repeats,
                training=TrainingConfig(epochs=epochs),
                on_progress=show,
            )
    write_times(out, found)
    for name in model:
        console.print(_table(name, [one for one in found if one.model == name]))
    console.print(f"every single time: {out}", soft_wrap=True, highlight=False)


def write_times(path: Path, times: list[AcquisitionTime]) -> None:
    """Write one row for each selection that was timed."""
    with written_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "round", "labeled", "strategy", "repeat", "outputs_seconds", "selection_seconds"])
        for one in times:
            for repeat, seconds in enumerate(one.selection_seconds):
                writer.writerow([one.model, one.round, one.labeled, one.strategy, repeat, one.outputs_seconds, seconds])


def _table(model: str, times: list[AcquisitionTime]) -> Table:
    import numpy as np

    table = Table(
        title=f"{model}: seconds for one acquisition, mean ± std over rounds", box=SIMPLE_HEAD, title_justify="left"
    )
    for column in ("strategy", "selection", "× entropy", "with forward pass", "× entropy"):
        table.add_column(column, justify="left" if column == "strategy" else "right")
    names = list(dict.fromkeys(one.strategy for one in times))
    # The median of a round's repeats: one hiccup of the machine is not what a round takes.
    picked = {
        name: np.array([np.median(one.selection_seconds) for one in times if one.strategy == name]) for name in names
    }
    passed = np.array([one.outputs_seconds for one in times if one.strategy == names[0]])
    for name in names:
        whole = picked[name] + passed
        table.add_row(
            name,
            f"{picked[name].mean():.4f} ± {picked[name].std(ddof=1) if len(passed) > 1 else 0:.4f}",
            f"{picked[name].mean() / picked[names[0]].mean():.2f}",
            f"{whole.mean():.3f} ± {whole.std(ddof=1) if len(passed) > 1 else 0:.3f}",
            f"{whole.mean() / (picked[names[0]] + passed).mean():.3f}",
        )
    return table
