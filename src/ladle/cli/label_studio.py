"""``ladle label-studio``: labeling in Label Studio, with Ladle choosing what comes there next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    from ladle.adapters.label_studio_exchange import Exchange, Exchanged
    from ladle.labeling import LabelingProject

SERVER = "http://localhost:8080"
Url = Annotated[str, typer.Option(envvar="LABEL_STUDIO_URL", help="Address of the Label Studio server.")]
ApiKey = Annotated[
    str | None,
    typer.Option(envvar="LABEL_STUDIO_API_KEY", show_envvar=True, help="Access token, from Account & Settings there."),
]
Batch = Annotated[int, typer.Option(help="Examples in a batch.")]
Every = Annotated[float, typer.Option(help="Seconds from one look at the server to the next.")]


def label_studio(
    source: SourcePath,
    classes: Classes = None,
    url: Url = SERVER,
    api_key: ApiKey = None,
    store: LabelStore = LABELS,
    text: Text = None,
    embed: Embed = None,
    strategy: StrategyName = None,
    control: Control = None,
    batch: Batch = 20,
    model: Model = None,
    every: Every = 5.0,
    once: Annotated[bool, typer.Option("--once", help="Take answers, push what is due, and stop.")] = False,
) -> None:
    """Push batches to Label Studio and take the annotations back; the next batch comes while people label.

    The project there is made the first time. Stop with Ctrl-C; the same command goes on.

    Example: `ladle label-studio posts.csv --classes spam,fine --url http://localhost:8080`, with the access token in
    the environment variable LABEL_STUDIO_API_KEY
    """
    from ladle.adapters.label_studio_rounds import Rounds

    check_every(every)
    console = Console(soft_wrap=True, highlight=False)

    def project() -> LabelingProject:
        return open_project(source, store, text, class_names(classes), strategy, control, model, embed)

    def after(found: Exchanged) -> bool:
        line.update(tell(exchange, found, console, always=once))
        if found.done:
            console.print("everything is labeled or skipped")
        return not (once or found.done)

    def show(done: int, total: int) -> None:
        line.update(f"training: {done} of {total} epochs")

    with open_exchange(project, url, api_key, batch, store, console) as exchange:
        rounds = Rounds(exchange, every=every, after=after, progress=show)
        try:
            with console.status("looking") as line:
                try:
                    # Ctrl-C may come while the thread starts.
                    rounds.start()
                    rounds.wait()
                finally:
                    rounds.close()
        except KeyboardInterrupt:
            console.print(f"stopped; all answers so far are in {store}")


def check_every(every: float) -> None:
    """Refuse a wait that is none."""
    from ladle.errors import ConfigError

    if every <= 0:
        raise ConfigError(f"a look at the server comes some seconds after the last (got --every {every}); 5 is usual")


@contextmanager
def open_exchange(
    project: Callable[[], LabelingProject], url: str, api_key: str | None, batch: int, store: str, console: Console
) -> Iterator[Exchange]:
    """Open a project and its other half on the server, with nobody else at the same; say where that is."""
    from ladle.adapters.label_studio_exchange import Exchange
    from ladle.adapters.label_studio_server import SdkServer
    from ladle.errors import ConfigError

    if not api_key:
        raise ConfigError(
            "Label Studio wants an API key (got none); copy one from Account & Settings there into --api-key or "
            "LABEL_STUDIO_API_KEY"
        )
    with (
        SdkServer(url, api_key) as server,
        project() as opened,
        opened.hold("label-studio", "the exchange with Label Studio"),
    ):
        exchange = Exchange(opened, server, batch=batch)
        console.print(f"Label Studio: {url.rstrip('/')}/projects/{exchange.number}   (labels are in {store})")
        yield exchange


def tell(exchange: Exchange, found: Exchanged, console: Console, *, always: bool = False) -> str:
    """Say what an exchange did, if it did something, and return where the labeling stands."""
    state = exchange.project.status()
    where = f"{state.labeled} of {state.examples} labeled, {state.pending} awaited"
    if found.answers or found.pushed or always:
        console.print(f"{found.answers} answers in, {found.pushed} tasks out; {where}")
    return where
