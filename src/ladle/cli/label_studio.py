"""``ladle label-studio``: labeling in Label Studio, with Ladle choosing what comes there next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ladle.cli.labeling import LABELS, Embed, LabelStore, SourcePath, Text, class_names, open_project

if TYPE_CHECKING:
    from ladle.adapters.label_studio_exchange import Exchange


def label_studio(
    source: SourcePath,
    classes: Annotated[
        str | None, typer.Option(help="Names of the classes, as in cat,dog; a project that is there knows its own.")
    ] = None,
    url: Annotated[
        str, typer.Option(envvar="LABEL_STUDIO_URL", help="Address of the Label Studio server.")
    ] = "http://localhost:8080",
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="LABEL_STUDIO_API_KEY", show_envvar=True, help="Access token, from Account & Settings there."
        ),
    ] = None,
    store: LabelStore = LABELS,
    text: Text = None,
    embed: Embed = None,
    strategy: Annotated[
        str | None, typer.Option(help="What picks beside the control arm: margin, or one of ladle strategies.")
    ] = None,
    control: Annotated[
        float | None, typer.Option(help="Share of each batch drawn at random, to measure accuracy on; 0.2 is usual.")
    ] = None,
    batch: Annotated[int, typer.Option(help="Examples in a batch.")] = 20,
    model: Annotated[
        str | None, typer.Option(help="Another network: mlp, lenet, resnet18, vgg16, or module:factory.")
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds from one look at the server to the next.")] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="Take answers, push what is due, and stop.")] = False,
) -> None:
    """Push batches to Label Studio and take the annotations back; the next batch comes while people label.

    The project there is made the first time. Stop with Ctrl-C; the same command goes on.

    Example: `ladle label-studio posts.csv --classes spam,fine --url http://localhost:8080`, with the access token in
    the environment variable LABEL_STUDIO_API_KEY
    """
    from ladle.adapters.label_studio_exchange import Exchange
    from ladle.adapters.label_studio_server import SdkServer
    from ladle.errors import ConfigError

    if not api_key:
        raise ConfigError(
            "Label Studio wants an API key (got none); copy one from Account & Settings there into --api-key or "
            "LABEL_STUDIO_API_KEY"
        )
    if every <= 0:
        raise ConfigError(f"a look at the server comes some seconds after the last (got --every {every}); 5 is usual")
    console = Console(soft_wrap=True, highlight=False)
    with SdkServer(url, api_key) as server:
        project = open_project(source, store, text, class_names(classes), strategy, control, model, embed)
        with project:
            exchange = Exchange(project, server, batch=batch)
            console.print(f"Label Studio: {url.rstrip('/')}/projects/{exchange.number}   (labels are in {store})")
            try:
                _go_on(exchange, console, every, once)
            except KeyboardInterrupt:
                # Another console: one that was interrupted while it printed may hold back what comes after.
                Console(soft_wrap=True, highlight=False).print(f"stopped; all answers so far are in {store}")


def _go_on(exchange: Exchange, console: Console, every: float, once: bool) -> None:
    with console.status("looking") as line:
        while True:
            found = exchange.once(lambda done, total: line.update(f"training: {done} of {total} epochs"))
            state = exchange.project.status()
            where = f"{state.labeled} of {state.examples} labeled, {state.pending} awaited"
            if found.answers or found.pushed or once:
                console.print(f"{found.answers} answers in, {found.pushed} tasks out; {where}")
            if found.done:
                console.print("everything is labeled or skipped")
            if once or found.done:
                return
            line.update(where)
            time.sleep(every)
