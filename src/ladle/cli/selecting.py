"""``ladle select``: a batch from arrays that someone brings, of any size."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from ladle.engines import Copying, Plan, Selection
    from ladle.engines import Progress as Passed

_INTERRUPTED = 130
# Below this nobody waits, and an estimate is one line more to read.
_WORTH_A_WORD = 2.0
_SHARDS = "a file, a folder of shards, a pattern in quotes, or a URL such as s3://BUCKET/FOLDER; .npy or .parquet."


def select(
    features: Annotated[str, typer.Option(help=f"Input of the last linear layer, a row an example: {_SHARDS}")],
    logits: Annotated[str, typer.Option(help=f"Output of the last linear layer, a row an example: {_SHARDS}")],
    labeled: Annotated[Path, typer.Option(help="CSV with the columns index and label: what is labeled already.")],
    budget: Annotated[int, typer.Option(help="How many examples to pick.")],
    strategy: Annotated[str, typer.Option(help="See: ladle strategies.")] = "grad",
    out: Annotated[Path, typer.Option(help="CSV to write: rank, index and, where there is one, score.")] = Path(
        "batch.csv"
    ),
    seed: Annotated[int, typer.Option(help="Of the draw, for strategies that draw.")] = 0,
    bias: Annotated[bool, typer.Option(help="Whether the last linear layer has a bias.")] = True,
    memory: Annotated[str, typer.Option(help="What one process may hold; a pool may be far larger.")] = "4GiB",
    scratch: Annotated[
        Path | None,
        typer.Option(
            help="Folder that keeps plain copies of Parquet or remote shards. By default one in the system's temporary "
            "folder, which may be memory, until the end."
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="This machine, or the cores of a cluster.", metavar="local|ray")
    ] = "local",
    address: Annotated[
        str | None, typer.Option(help="Of a running Ray cluster, HOST:PORT; without it Ray is started here.")
    ] = None,
) -> None:
    """Pick the batch to label next from your own model's features and logits.

    The arrays may be larger than memory: they are gone through in a few passes, within the memory that is stated.

    Examples: `ladle select --features features.npy --logits logits.npy --labeled labels.csv --budget 100`,
    `ladle select --features "features-*.npy" --logits "logits-*.npy" --labeled labels.csv --budget 1000
    --strategy badge --memory 2GiB`
    """
    from ladle.data.array_files import read_labeled, write_batch
    from ladle.engines import select_from_shards
    from ladle.files import check_writable

    check_writable(out)
    rows, classes = read_labeled(labeled)
    console = Console()
    with ExitStack() as stack:
        if scratch is None:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ladle-shards-")))
        bar = stack.enter_context(_Bar(console))
        try:
            selection = select_from_shards(
                strategy,
                features=features,
                logits=logits,
                labeled=rows,
                labels=classes,
                budget=budget,
                seed=seed,
                bias=bias,
                memory=memory,
                scratch=scratch,
                engine=engine,  # type: ignore[arg-type]  # checked there
                address=address,
                on_plan=bar.announce,
                on_progress=bar.show,
                on_copying=bar.show_copying,
            )
        except KeyboardInterrupt:
            console.print("stopped; nothing was written, the same command starts again")
            raise typer.Exit(_INTERRUPTED) from None
    write_batch(out, selection.picks, None if selection.scores is None else selection.scores.tolist())
    console.print(_told(selection, strategy, out), soft_wrap=True, highlight=False)


def _told(selection: Selection, strategy: str, out: Path) -> str:
    passes = f", {selection.passes} passes over the pool" if selection.passes > 1 else ""
    return f"{len(selection.picks)} of {selection.unlabeled} unlabeled examples picked by {strategy}{passes}: {out}"


class _Bar:
    """A progress bar over copying and passes; says what is expected before they begin."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("reading", total=None)
        self._copying: Copying | None = None

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def announce(self, plan: Plan) -> None:
        """Say what is expected, where it is worth a word."""
        first = f"{self._copying}; then " if self._copying else ""
        if plan.seconds + (self._copying.seconds if self._copying else 0) >= _WORTH_A_WORD:
            self._console.print(f"Expected: {first}{plan}.", highlight=False, soft_wrap=True)

    def show_copying(self, copying: Copying) -> None:
        """Move the bar while copies are made."""
        self._copying = copying
        self._progress.update(
            self._task, description="copying", completed=copying.bytes_done, total=copying.bytes_total
        )

    def show(self, passed: Passed) -> None:
        """Move the bar."""
        done = (passed.pass_number - 1) * passed.rows_total + passed.rows_done
        self._progress.update(
            self._task,
            description=f"pass {passed.pass_number} of about {passed.passes}" if passed.passes > 1 else "scoring",
            completed=done,
            total=passed.passes * passed.rows_total,
        )
