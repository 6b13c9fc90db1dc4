"""``ladle strategies`` and ``ladle datasets``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def strategies() -> None:
    """List the strategies: what each looks at, and where it was published."""
    from ladle.strategies import CATALOG

    table = Table("strategy", "asks for", "source", box=None, pad_edge=False)
    for strategy in CATALOG.values():
        table.add_row(strategy.name, strategy.summary, strategy.source)
    Console().print(table)


def datasets(
    data_home: Annotated[
        Path | None, typer.Option(help="Folder with data sets, looked in first.", envvar="LADLE_DATA_HOME")
    ] = None,
) -> None:
    """List the data sets: what is at hand here, and what is fetched on first use."""
    from ladle.data import dataset_status, resolve_data_home

    table = Table("data set", "here", "what it is", box=None, pad_edge=False, padding=(0, 2, 1, 0))
    for entry in dataset_status(resolve_data_home(data_home)):
        lines = (entry.summary, entry.size, f"from: {entry.source}", f"license: {entry.license}")
        table.add_row(entry.name, str(entry.availability), "\n".join(lines))
    Console().print(table)
