"""``ladle label``: the labeling page in the browser."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ladle.cli.labeling import (
    LABELS,
    Classes,
    Control,
    Embed,
    LabelStore,
    Model,
    SourcePath,
    StrategyName,
    Text,
    class_names,
    open_project,
)

if TYPE_CHECKING:
    from ladle.page import Listener


def label(
    source: SourcePath,
    classes: Classes = None,
    store: LabelStore = LABELS,
    text: Text = None,
    embed: Embed = None,
    strategy: StrategyName = None,
    control: Control = None,
    overlap: Annotated[float, typer.Option(help="Share of the examples that two people are asked for.")] = 0.0,
    batch: Annotated[int, typer.Option(help="Examples in a batch.")] = 20,
    model: Model = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; anything but this machine alone is protected by a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes one that is free.")] = 8765,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Open a page in the browser to label on: one example at a time, the next ones chosen while you label.

    Every answer is in the store the moment it is given. Stop with Ctrl-C; the same command goes on.

    Examples: `ladle label photos --classes cat,dog`, `ladle label posts.csv --classes spam,fine --text body`
    """
    from ladle.errors import MissingExtraError

    try:
        from ladle.page import listen, serve
    except ModuleNotFoundError as error:
        raise MissingExtraError.needs("the labeling page", "label") from error
    from ladle.labeling import Desk, check_desk

    console = Console()
    # Before a project is made: what cannot be served leaves nothing behind.
    check_desk(batch, overlap)
    with listen(host, port) as listener:
        project = open_project(source, store, text, class_names(classes), strategy, control, model, embed)
        with project:
            desk = Desk(project, batch=batch, overlap=overlap)
            serve(desk, listener, on_ready=lambda: _welcome(console, listener, store, open_browser))
            state = project.status()
    console.print(
        f"stopped; {state.labeled} of {state.examples} labeled, all of it in {store}", highlight=False, soft_wrap=True
    )


def _welcome(console: Console, listener: Listener, store: str, open_browser: bool) -> None:
    console.print(f"labeling page: {listener.address}   (Ctrl-C stops it; labels are in {store})", soft_wrap=True)
    if listener.token is not None:
        console.print(
            "others can reach this page: give its whole address, with the token, only to who may label. It is not "
            "encrypted",
            style="yellow",
            soft_wrap=True,
        )
    if open_browser:
        webbrowser.open(listener.address)
