"""``ladle next``, ``ingest``, ``status`` and ``export``: labeling with a spreadsheet, or any other tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress
from rich.table import Table

if TYPE_CHECKING:
    from ladle.labeling import LabelingProject, Status

#: Where labels are kept unless something else is said.
LABELS = "sqlite:///labels.db"
_BLOCKS = "▁▂▃▄▅▆▇█"

SourcePath = Annotated[
    Path,
    typer.Argument(
        help="Folder of images; CSV, TSV, Parquet or JSONL file with a column text, or a table; embeddings as .npy.",
        metavar="SOURCE",
    ),
]
LabelStore = Annotated[str, typer.Option("--store", help="Database that keeps every label.", metavar="URL")]
Text = Annotated[str | None, typer.Option(help="Column of texts; a column called text is found by itself.")]
Embed = Annotated[
    str | None,
    typer.Option(
        "--embed",
        help="Encoder for texts or images: sentence-transformers:NAME, of the hub or a folder; with every command.",
        metavar="ENCODER",
    ),
]
Classes = Annotated[
    str | None, typer.Option(help="Names of the classes, as in cat,dog; a project that is there knows its own.")
]
StrategyName = Annotated[
    str | None, typer.Option(help="What picks beside the control arm: margin, or one of ladle strategies.")
]
Control = Annotated[
    float | None, typer.Option(help="Share of each batch drawn at random, to measure accuracy on; 0.2 is usual.")
]
Model = Annotated[str | None, typer.Option(help="Another network: mlp, lenet, resnet18, vgg16, or module:factory.")]


def next_batch(
    source: SourcePath,
    classes: Classes = None,
    budget: Annotated[int, typer.Option(help="How many examples to label.")] = 20,
    out: Annotated[Path, typer.Option(help="CSV or JSONL to write; its column label is for you to fill in.")] = Path(
        "batch.csv"
    ),
    store: LabelStore = LABELS,
    text: Text = None,
    embed: Embed = None,
    strategy: StrategyName = None,
    control: Control = None,
    model: Model = None,
) -> None:
    """Write the batch to label next: a file with a column for the labels.

    The first batch is random. While answers to a batch are awaited, what is left of it comes again.

    Example: `ladle next photos --classes cat,dog --out batch.csv`, fill in the column label ("skip" where nobody can
    say), then `ladle ingest photos batch.csv`
    """
    from ladle.files import write_whole
    from ladle.labeling import check_kind, rows_as

    check_kind(out.suffix.lower())
    console = Console()
    with open_project(source, store, text, class_names(classes), strategy, control, model, embed) as project:
        waiting = len(project.session.state.pending)
        with console.status("choosing"):
            picks = project.next(budget)
        rows = [{"id": pick.id, "label": "", "example": pick.shown, "guess": pick.guess or ""} for pick in picks]
        write_whole(out, rows_as(rows, ("id", "label", "example", "guess"), out.suffix.lower()))
        left = "left of the last batch; once they are answered, --budget counts again" if waiting else "to label"
        console.print(f"{len(picks)} {left}: {out}", highlight=False, soft_wrap=True)


def ingest(
    source: SourcePath,
    answers: Annotated[Path, typer.Argument(help="CSV, Parquet or JSONL with the columns id and label.")],
    store: LabelStore = LABELS,
    text: Text = None,
    embed: Embed = None,
) -> None:
    """Take labels in: of the batch, or any others you have already.

    An empty label is still awaited; "skip" says that nobody can tell. Nothing is recorded when one row is wrong.

    Example: `ladle ingest photos batch.csv`
    """
    given = _read_answers(answers)
    with open_project(source, store, text, embed=embed) as project:
        labels, skipped = project.ingest(given)
        state = project.status()
        Console().print(
            f"{labels} new labels, {skipped} skipped; {state.labeled} labels in all, {state.pending} awaited",
            highlight=False,
            soft_wrap=True,
        )


def status(
    source: SourcePath,
    store: LabelStore = LABELS,
    text: Text = None,
    embed: Embed = None,
    forecast: Annotated[
        bool, typer.Option("--forecast", help="Say what choosing has saved against random labeling; trains 50 models.")
    ] = False,
) -> None:
    """Say where the labeling stands, and how good the model is by its control arm; and when going on brings little.

    Example: `ladle status photos`; `ladle status photos --forecast`
    """
    with open_project(source, store, text, embed=embed) as project:
        _print_status(project.status())
        hint = project.stopping_hint()
        if hint:
            _say(hint.sentence())
        if forecast:
            _say(_forecast(project))


def export(
    source: SourcePath,
    out: Annotated[
        Path,
        typer.Option(
            help="CSV, JSONL or Parquet to write; .safetensors for the trained model; for images also a folder."
        ),
    ] = Path("labels.csv"),
    store: LabelStore = LABELS,
    text: Text = None,
    embed: Embed = None,
    guesses: Annotated[
        bool, typer.Option("--guesses", help="Also every example without a label, with the model's guess.")
    ] = False,
) -> None:
    """Write all labels so far, or the model that they trained.

    Examples: `ladle export photos --out labels.csv`, `ladle export photos --out all.csv --guesses`,
    `ladle export photos --out sorted/`, `ladle export photos --out model.safetensors`
    """
    from ladle.errors import ConfigError, DataError
    from ladle.files import write_whole
    from ladle.labeling import check_kind, copy_by_class, labels_as, rows_as, save_trained

    kind = out.suffix.lower()
    if guesses and kind in ("", ".safetensors"):
        raise ConfigError(f"guesses go into a table (got --out {out}); name a .csv, .jsonl or .parquet")
    if kind not in ("", ".safetensors"):
        check_kind(kind)
    if kind and not out.expanduser().resolve().parent.is_dir():
        # A model takes its time: it is not trained for a place that is not there.
        raise DataError(f"a file goes into a folder that is there (got --out {out}); make it, or name another place")
    console = Console()
    with open_project(source, store, text, embed=embed) as project:
        labels = project.labels()
        told = f"{len(labels)} labels: {out}"
        if kind == ".safetensors":
            with console.status("training"):
                save_trained(project, out)
            own = f', model="{project.model}"' if ":" in project.model else ""
            own += f', encoder="{embed}"' if embed else ""
            new = {"images": '["new.jpg"]', "texts": '["a new text"]', "table": '"new.csv"', "embeddings": '"new.npy"'}
            told = (
                f"model of {len(labels)} labels: {out}\n"
                "from ladle.labeling import load_trained\n"
                f'names, probabilities = load_trained("{out}"{own}).predict({new[project.source.kind]})'
            )
        elif guesses:
            with console.status("training"):
                guessed = project.guesses()
            rows = [{"id": name, "label": label, "guess": "", "probability": ""} for name, label in labels.items()]
            rows += [
                {"id": name, "label": "", "guess": guess, "probability": f"{share:.4f}"}
                for name, (guess, share) in guessed.items()
            ]
            write_whole(out, rows_as(rows, ("id", "label", "guess", "probability"), kind))
            told = f"{len(labels)} labels and {len(guessed)} guesses: {out}"
        elif kind:
            write_whole(out, labels_as(labels, kind))
        else:
            copy_by_class(project.source, labels, out)
    console.print(told, highlight=False, soft_wrap=True, markup=False)


def _forecast(project: LabelingProject) -> str:
    with _bar("forecast") as progress:
        return project.forecast(progress=progress).sentence()


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what takes the steps done and all there are: a bar while it lasts, on a terminal only."""
    console = Console(stderr=True)
    columns = (escape(what), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _say(line: str) -> None:
    Console().print(line, highlight=False, soft_wrap=True, markup=False)


def class_names(classes: str | None) -> tuple[str, ...] | None:
    """Return the names in a list with commas."""
    return None if classes is None else tuple(name.strip() for name in classes.split(","))


def open_project(
    source: Path,
    store: str,
    text: str | None,
    classes: tuple[str, ...] | None = None,
    strategy: str | None = None,
    control: float | None = None,
    model: str | None = None,
    embed: str | None = None,
) -> LabelingProject:
    """Open a source and its project, with a bar for the reading; without classes the store has to be there already."""
    from ladle.cli.experiments import open_existing
    from ladle.labeling import LabelingProject, open_source

    if classes is None:
        begin = "begin a new one with --classes, as in cat,dog, or name the store that has the labels"
        with open_existing(store, remedy=begin):
            pass
    with _bar(f"reading {source}") as progress:
        opened = open_source(source, text=text, encoder=embed, progress=progress)
    return LabelingProject(opened, classes=classes, store=store, strategy=strategy, control=control, model=model)


def _print_status(state: Status) -> None:
    console = Console()
    console.print(
        f"{state.labeled} of {state.examples} labeled, {state.skipped} skipped, {state.pending} awaited",
        highlight=False,
        soft_wrap=True,
    )
    # No markup: a class may be called [red].
    counts = ", ".join(f"{name} {count}" for name, count in state.counts.items())
    console.print(counts, highlight=False, soft_wrap=True, markup=False)
    if not state.curve:
        console.print("no accuracy yet: it comes with the answers to the second batch", highlight=False, soft_wrap=True)
        return
    table = Table(box=SIMPLE_HEAD, title="accuracy on examples drawn at random", title_justify="left")
    for heading in ("labels", "accuracy", "95 % interval", "over"):
        table.add_column(heading, justify="right")
    for point in state.curve[-10:]:
        table.add_row(
            str(point.labeled),
            f"{100 * point.accuracy:.0f} %",
            f"{100 * point.low:.0f} to {100 * point.high:.0f} %",
            str(point.answers),
        )
    console.print(table)
    _say("each row is over the last answers: while the model gets better it errs on the low side")
    console.print("".join(_BLOCKS[min(7, int(8 * point.accuracy))] for point in state.curve), highlight=False)


def _read_answers(path: Path) -> dict[str, str]:
    """Return the answers that are filled in, by name."""
    from ladle.errors import DataError
    from ladle.labeling import read_answers

    found = read_answers(path)
    if not found:
        raise DataError(f"answers have a label somewhere (got none in {path}); fill in the column label")
    return found
