"""``ladle run`` and ``ladle report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from ladle import experiments

STORE = "sqlite:///ladle.db"
_INTERRUPTED = 130

Store = Annotated[
    str,
    typer.Option(help="Database that keeps every round: sqlite:///FILE or postgresql://USER@HOST/NAME.", metavar="URL"),
]


def run(
    experiment: Annotated[str, typer.Argument(help="quickstart, or a .toml file.", metavar="quickstart|FILE.toml")],
    store: Store = STORE,
    workers: Annotated[int | None, typer.Option(help="Processes of one thread each; one a core by default.")] = None,
    seeds: Annotated[int | None, typer.Option(help="How many seeds, instead of what the file says.")] = None,
    data_home: Annotated[
        Path | None, typer.Option(help="Folder with data sets, looked in first.", envvar="LADLE_DATA_HOME")
    ] = None,
    device: Annotated[str, typer.Option(help="Where models train.", metavar="cpu|cuda")] = "cpu",
    engine: Annotated[str, typer.Option(help="This machine's cores, or a cluster's.", metavar="local|ray")] = "local",
    address: Annotated[
        str | None, typer.Option(help="Of a running Ray cluster, HOST:PORT; without it Ray is started here.")
    ] = None,
    gpus_per_run: Annotated[
        float, typer.Option(help="Share of a GPU that a run takes on a cluster; 0.25 lets four share one.")
    ] = 1.0,
) -> None:
    """Run an experiment: every strategy with every seed, on all cores.

    Every finished round is stored. Stop it or kill it at any moment: the same command goes on where it was, and ends
    with the same picks and accuracies.

    Examples: `ladle run quickstart`, `ladle run letters.toml --seeds 10 --store sqlite:///letters.db`
    """
    import dataclasses

    from ladle.data import resolve_data_home
    from ladle.experiments import read_experiment, run_experiment

    config = read_experiment(experiment)
    if seeds is not None:
        config = dataclasses.replace(config, seeds=seeds)
    console = Console()
    console.print(
        f"[bold]{config.name}[/bold]: {len(config.strategies)} strategies × {config.seeds} seeds, "
        f"{config.schedule.initial} to {config.schedule.labeled[-1]} labels, stored in {_without_password(store)}",
        highlight=False,
        soft_wrap=True,
    )
    try:
        with _Bar(console) as bar:
            results = run_experiment(
                config,
                store=store,
                workers=workers,
                data_home=resolve_data_home(data_home),
                device=device,
                engine=engine,
                address=address,
                gpus_per_run=gpus_per_run,
                on_progress=bar.show,
            )
    except KeyboardInterrupt:
        Console(stderr=True).print("ladle: stopped; what was finished is stored, the same command goes on from there")
        raise typer.Exit(_INTERRUPTED) from None
    console.print(_summary(results))


def report(
    store: Store = STORE,
    out: Annotated[Path, typer.Option(help="Folder for index.html, the CSV files and the figures.")] = Path("report"),
) -> None:
    """Write a report of everything in the store: curves, tables, statistics. Nothing is trained.

    Example: `ladle report --store sqlite:///letters.db --out letters`
    """
    from ladle.experiments import ExperimentStore
    from ladle.reports import write_report
    from ladle.session import open_database

    page = write_report(ExperimentStore(open_database(store)).results(), out)
    Console().print(f"report: {page}", highlight=False, soft_wrap=True)


def _without_password(store: str) -> str:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(store).render_as_string()
    except ArgumentError:
        return store  # opening it will say what is wrong


class _Bar:
    """A progress bar that tells the time left; it counts training steps, since later rounds take longer."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[rounds]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def show(self, progress: experiments.Progress) -> None:
        """Draw how far the experiment is."""
        rounds = f"{progress.rounds_done}/{progress.rounds_total}"
        for stage, task in self._tasks.items():
            self._progress.update(task, visible=stage == progress.stage)
        if progress.stage not in self._tasks:
            # What an earlier command has done must not count as speed of this one.
            self._tasks[progress.stage] = self._progress.add_task(
                progress.stage, total=progress.total, completed=progress.done, rounds=rounds
            )
        self._progress.update(self._tasks[progress.stage], completed=progress.done, rounds=rounds)


def _summary(results: experiments.ExperimentResults) -> Table:
    from ladle.reports import summary_rows, summary_table

    headings, rows = summary_table(summary_rows(results), narrow=True)
    table = Table(title=f"{results.name}, {len(results.seeds)} seeds", title_justify="left", box=SIMPLE_HEAD)
    for position, heading in enumerate(headings):
        table.add_column(heading, justify="left" if position == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table
