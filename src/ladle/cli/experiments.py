"""``ladle run`` and ``ladle report``."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ladle import experiments
    from ladle.data import DataConfig, Pool

STORE = "sqlite:///ladle.db"
_INTERRUPTED = 130

Store = Annotated[
    str,
    typer.Option(help="Database that keeps every round: sqlite:///FILE or postgresql://USER@HOST/NAME.", metavar="URL"),
]


def run(
    experiment: Annotated[
        str,
        typer.Argument(
            help="quickstart, a suite (paper/text-tabular, paper/images, evidence), one experiment of it "
            "(paper/images/cifar10-lenet-500), or a .toml file.",
            metavar="NAME|FILE.toml",
        ),
    ],
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
        float,
        typer.Option(help="Share of a GPU that a run takes on a cluster, or whole GPUs; 0.25 lets four share one."),
    ] = 1.0,
    estimate: Annotated[bool, typer.Option(help="Say what is left to do and how long it takes, and stop.")] = False,
) -> None:
    """Run an experiment, or a suite of them: every strategy with every seed, on all cores.

    Every finished round is stored. Stop it or kill it at any moment: the same command goes on where it was, and ends
    with the same picks and accuracies. A suite, or an experiment of one, says first what it will cost.

    Examples: `ladle run quickstart`, `ladle run letters.toml --seeds 10 --store sqlite:///letters.db`,
    `ladle run paper/text-tabular --estimate`
    """
    import dataclasses

    from ladle.data import resolve_data_home
    from ladle.errors import LadleError
    from ladle.experiments import ExperimentStore, check_machine, find_experiments, run_experiment, suite_experiments
    from ladle.session.database import opened_database

    used = check_machine(workers, device, engine, gpus_per_run)
    configs = list(find_experiments(experiment))
    if seeds is not None:
        configs = [dataclasses.replace(config, seeds=seeds) for config in configs]
    console = Console()
    home = resolve_data_home(data_home)
    out_of_reach: list[str] = []
    if estimate or len(configs) > 1 or experiment in suite_experiments():
        with opened_database(store) as database:
            configs, out_of_reach = _estimate(console, configs, ExperimentStore(database), home, used, device)
    if not estimate:
        for config in configs:
            console.print(
                f"[bold]{config.name}[/bold]: {len(config.strategies)} strategies × {config.seeds} seeds, "
                f"{config.schedule.initial} to {config.schedule.labeled[-1]} labels, stored in "
                f"{_without_password(store)}",
                highlight=False,
                soft_wrap=True,
            )
            try:
                with _Bar(console) as bar:
                    results = run_experiment(
                        config,
                        store=store,
                        workers=workers,
                        data_home=home,
                        device=device,
                        engine=engine,
                        address=address,
                        gpus_per_run=gpus_per_run,
                        on_progress=bar.show,
                    )
            except KeyboardInterrupt:
                Console(stderr=True).print(
                    "ladle: stopped; what was finished is stored, the same command goes on from there"
                )
                raise typer.Exit(_INTERRUPTED) from None
            console.print(_summary(results))
    if out_of_reach:
        raise LadleError(f"not every experiment could run (got no data for {', '.join(out_of_reach)}); see above")


def _estimate(
    console: Console,
    configs: list[experiments.ExperimentConfig],
    stored: experiments.ExperimentStore,
    data_home: Path | None,
    workers: int,
    device: str,
) -> tuple[list[experiments.ExperimentConfig], list[str]]:
    """Print what is left to do; return the experiments whose data is there, and the names of the others."""
    import torch

    from ladle.data import load_pool
    from ladle.errors import DataError
    from ladle.experiments import calibrate, check_fit, hours, sweep_key, work_left

    # A cluster may have GPUs where this machine, whose pace is measured, has none.
    device = device if torch.cuda.is_available() else "cpu"
    table = Table(title="left to do", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("experiment", "runs", "steps", "time"):
        table.add_column(heading, justify="left" if heading == "experiment" else "right", no_wrap=True)
    reached, missed, total = [], [], 0.0
    pools: dict[DataConfig, Pool] = {}
    absent: set[str] = set()
    swept_before: set[str] = set()
    for config in configs:
        if config.data.name in absent:  # said once; asking the network again would take as long again
            missed.append(config.name)
            continue
        with console.status(f"calibrating {config.name}"):
            try:
                if config.data not in pools:
                    pools = {config.data: load_pool(config.data, data_home=data_home)}  # one pool in memory at a time
                pool = pools[config.data]
            except DataError as error:
                if len(configs) == 1:
                    raise
                console.print(f"{config.name}: {error}", style="yellow", highlight=False, soft_wrap=True, markup=False)
                missed.append(config.name)
                absent.add(config.data.name)
                continue
            check_fit(config, pool)
            key = sweep_key(config.protocol())
            chosen = key in swept_before or stored.learning_rate(config) is not None
            swept_before.add(key)
            swept = None if chosen else len(stored.sweep(config))
            work = work_left(config, pool, stored.finished_rounds(config), swept=swept)
            expected = hours(work, calibrate(config, pool, device), workers) if work.runs else 0.0
        total += expected
        reached.append(config)
        table.add_row(config.name, f"{work.runs:,}", f"{work.steps:,}", _duration(expected))
    table.add_section()
    table.add_row("in all", "", "", _duration(total))
    console.print(table)
    console.print(
        f"time with {workers} worker{'s' if workers != 1 else ''} on this machine, as busy as it is now, from a short "
        "calibration; it can be stopped and continued at any time",
        highlight=False,
        soft_wrap=True,
    )
    return reached, missed


def report(
    store: Store = STORE,
    out: Annotated[Path, typer.Option(help="Folder for index.html, the CSV files and the figures.")] = Path("report"),
) -> None:
    """Write a report of everything in the store: curves, tables, statistics. Nothing is trained.

    Example: `ladle report --store sqlite:///letters.db --out letters`
    """
    from ladle.experiments import ExperimentStore
    from ladle.reports import write_report

    with open_existing(store) as engine:
        stored = ExperimentStore(engine).results()
    page = write_report(stored, out)
    Console().print(f"report: {page}", highlight=False, soft_wrap=True)


def open_existing(store: str, *, remedy: str = "name the one that ladle run wrote") -> AbstractContextManager[Engine]:
    """Open a store to read from while a block lasts; a file that is not there is an error, not a new store.

    Raises:
        StoreError: no such file, or a store that cannot be opened.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from ladle.errors import StoreError
    from ladle.session.database import opened_database

    try:
        url = make_url(store)
        file = url.database if url.get_backend_name() == "sqlite" else None
    except ArgumentError:
        file = None  # opening it will say what is wrong
    if file and file != ":memory:" and not Path(file).exists():
        raise StoreError(f"this reads a store that is there (got {store}, no such file); {remedy}")
    return opened_database(store)


def _duration(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min"


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


results = typer.Typer(help="Take experiments out of a store as files, and back in.", no_args_is_help=True)
_RESULTS = Path("results")


@results.command()
def save(
    folder: Annotated[Path, typer.Argument(help="Gets a folder for each experiment.")] = _RESULTS,
    store: Store = STORE,
) -> None:
    """Write every experiment of a store as small files: what each round measured, and every pick.

    Example: `ladle results save results --store sqlite:///letters.db`
    """
    from ladle.experiments import save_experiments

    with open_existing(store) as engine:
        places = save_experiments(engine, folder)
    for place in places:
        Console().print(f"saved: {place}", highlight=False, soft_wrap=True)


@results.command()
def load(
    folder: Annotated[Path, typer.Argument(help="What `ladle results save` wrote.")] = _RESULTS,
    store: Store = STORE,
) -> None:
    """Put saved experiments into a store: `ladle run` then goes on with what is not finished.

    Example: `ladle results load results --store sqlite:///again.db`
    """
    from ladle.experiments import load_experiments
    from ladle.session.database import opened_database

    with opened_database(store) as engine:
        names = load_experiments(engine, folder)
    for name in names:
        Console().print(f"loaded: {name}", highlight=False, soft_wrap=True)


@results.command()
def page(
    folder: Annotated[Path, typer.Argument(help="What `ladle results save` wrote.")] = _RESULTS,
    docs: Annotated[Path, typer.Option(help="Gets results.md and its pictures.")] = Path("docs"),
) -> None:
    """Write the page of results from saved experiments: every claim of the paper, with the number that decides it.

    Example: `ladle results page results --docs docs`
    """
    from ladle.experiments import ExperimentStore, load_experiments, suite
    from ladle.reports import write_results
    from ladle.session.database import opened_database

    with opened_database(None) as engine:
        load_experiments(engine, folder)
        stored = ExperimentStore(engine)
        standing = {config.name: stored.standing(config) for config in suite("evidence")}
        loaded = stored.results()
    written = write_results(loaded, folder, docs, standing=standing)
    Console().print(f"written: {written}", highlight=False, soft_wrap=True)
