"""The command ``ladle``: its subcommands, and how an error ends it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

import ladle
from ladle.cli.benchmarks import bench
from ladle.cli.experiments import report, results, run
from ladle.cli.figures import figure
from ladle.cli.label_studio import label_studio
from ladle.cli.labeling import export, ingest, next_batch, status
from ladle.cli.lists import datasets, strategies
from ladle.cli.ml_backend import ml_backend
from ladle.cli.page import label
from ladle.cli.selecting import select
from ladle.errors import LadleError

_WRONG_USE = 2

app = typer.Typer(
    name="ladle",
    help="""Ladle chooses what to label next.

    Start with `ladle run quickstart`, then `ladle report`: six strategies on real digits, two minutes on two cores.
    With features and logits of your own model, `ladle select` picks a batch from them.
    """,
    rich_markup_mode="markdown",
    no_args_is_help=True,
    add_completion=False,
    # A traceback is for a bug, and then the plain one says more.
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ladle {ladle.__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command; each does its work in a callback of its own."""


app.command()(run)
app.command()(report)
app.command()(figure)
app.command()(label)
app.command("label-studio")(label_studio)
app.command("ml-backend")(ml_backend)
app.command("next")(next_batch)
app.command()(ingest)
app.command()(status)
app.command()(export)
app.command()(strategies)
app.command()(datasets)
app.command()(select)
app.add_typer(results, name="results")
app.add_typer(bench, name="bench")


def main() -> None:
    """Run the command line; an error of Ladle's own is one line and exit code 2."""
    try:
        app()
    except LadleError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"ladle: {error}", markup=False)
        sys.exit(_WRONG_USE)
