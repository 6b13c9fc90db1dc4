"""The command ``ladle``: its subcommands, and how an error ends it."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from ladle.cli.experiments import report, run
from ladle.cli.lists import datasets, strategies
from ladle.cli.selecting import select
from ladle.errors import LadleError

_WRONG_USE = 2
_INTERRUPTED = 130

app = typer.Typer(
    name="ladle",
    help="""Ladle chooses what to label next.

    Start with [bold]ladle run quickstart[/bold], then [bold]ladle report[/bold]: six strategies on real digits, two
    minutes on two cores. With features and logits of your own model, [bold]ladle select[/bold] picks a batch from them.
    """,
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    # A traceback is for a bug, and then the plain one says more.
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(report)
app.command()(strategies)
app.command()(datasets)
app.command()(select)


def main() -> None:
    """Run the command line; an error of Ladle's own is one line and exit code 2."""
    try:
        app()
    except LadleError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"ladle: {error}", markup=False)
        sys.exit(_WRONG_USE)
    except KeyboardInterrupt:
        Console(stderr=True).print("ladle: stopped; what was finished is stored, the same command goes on from there")
        sys.exit(_INTERRUPTED)
