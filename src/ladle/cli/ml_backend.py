"""``ladle ml-backend``: the loop with Label Studio, and the model behind it where Label Studio asks itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ladle.cli.label_studio import SERVER, ApiKey, Batch, Every, Url, check_every, open_exchange, tell
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
    from ladle.adapters.label_studio_exchange import Exchanged
    from ladle.errors import LadleError
    from ladle.labeling import LabelingProject


def ml_backend(
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
    host: Annotated[
        str, typer.Option(help="Address to listen on; anything but this machine alone needs a password.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes one that is free.")] = 9090,
    basic_auth_user: Annotated[
        str, typer.Option(envvar="BASIC_AUTH_USER", show_envvar=True, help="User that Label Studio says it is.")
    ] = "",
    basic_auth_pass: Annotated[
        str, typer.Option(envvar="BASIC_AUTH_PASS", show_envvar=True, help="Its password; better in the environment.")
    ] = "",
) -> None:
    """Do as `ladle label-studio` does, as an ML backend: Label Studio asks for guesses, and tells of annotations.

    Connect it once, in the project's settings under Model. Stop with Ctrl-C; the same command goes on.

    Example: `ladle ml-backend posts.csv --classes spam,fine --url http://localhost:8080`, with the access token in
    the environment variable LABEL_STUDIO_API_KEY
    """
    from ladle.errors import MissingExtraError

    try:
        from ladle.page import open_ml_backend, serve_ml_backend
    except ModuleNotFoundError as error:
        raise MissingExtraError.needs("the ML backend", "label-studio") from error
    from ladle.adapters.label_studio_rounds import Rounds

    check_every(every)
    login = (basic_auth_user, basic_auth_pass) if basic_auth_user or basic_auth_pass else None
    console, errors = Console(soft_wrap=True, highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)
    trouble = ""

    def project() -> LabelingProject:
        return open_project(source, store, text, class_names(classes), strategy, control, model, embed)

    def after(found: Exchanged) -> bool:
        nonlocal trouble
        trouble = ""
        tell(exchange, found, console)
        return True

    def failed(error: LadleError) -> bool:
        # The server may be back, or an annotation corrected, by the next look.
        nonlocal trouble
        if str(error) != trouble:
            trouble = str(error)
            errors.print(f"ladle: {trouble}", markup=False)
        return True

    def ready(address: str) -> None:
        console.print(f"ML backend: {address}   (connect it under the name ladle: {settings})")

    with (
        open_ml_backend(host, port, login) as listener,
        open_exchange(project, url, api_key, batch, store, console) as exchange,
    ):
        settings = f"{url.rstrip('/')}/projects/{exchange.number}/settings/ml"
        rounds = Rounds(exchange, every=every, after=after, failed=failed)
        rounds.wake(learn=True)
        serve_ml_backend(rounds, listener, login, ready)
    console.print(f"stopped; all answers so far are in {store}")
