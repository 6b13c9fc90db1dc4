"""The ML backend: what Label Studio's server asks of a model, answered from the exchange with it."""

from __future__ import annotations

import base64
import hmac
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from ladle import __version__
from ladle.adapters.label_studio import place_of, prediction_of
from ladle.adapters.label_studio_rounds import Rounds
from ladle.errors import ConfigError
from ladle.page.limits import Limits
from ladle.page.rates import TokenBuckets, network_of
from ladle.page.server import Listener, listen, server_config

#: Bytes that a request may carry, and all that are answered at a time together. Label Studio asks for all tasks at
#: once, images included.
LARGEST_BODY = 1 << 28
# Wrong passwords of one address: somebody who mistypes has enough of them, who guesses has a second for each.
_GUESS_RATE, _GUESS_BURST = 1.0, 20
# Images of all tasks may come over a slow line.
_LIMITS = Limits(body_bytes=LARGEST_BODY, request_seconds=120.0)
_TRAIN = "START_TRAINING"


class _Project(BaseModel):
    project: str = ""


class _Task(BaseModel):
    meta: dict[str, Any] | None = None


class _Tasks(BaseModel):
    tasks: list[_Task]


class _Event(BaseModel):
    action: str


def create_ml_backend(
    rounds: Rounds, *, hosts: frozenset[str] = frozenset(), login: tuple[str, str] | None = None
) -> FastAPI:
    """Return the ML backend of one project as an ASGI application.

    Nothing here trains, pushes or waits: a guess is that of the model of the last training, and an event has the next
    exchange come at once. What an event says is not believed: the exchange asks the server itself.

    Args:
        rounds: the loop with the server.
        hosts: names under which it may be asked for; empty for any.
        login: user and password that every request has to bring; None lets in everybody who reaches the address.
    """
    exchange = rounds.exchange
    app = FastAPI(title="Ladle", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware("http")(_Gate(hosts, login))

    def version() -> str:
        return f"ladle, {exchange.guesses.labels} labels"

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "UP", "model_class": "Ladle"}

    @app.post("/setup", response_model=None)
    def setup(given: _Project) -> dict[str, str] | Response:
        # Label Studio puts the time behind the number: 7.1767225600.
        number = given.project.partition(".")[0]
        if number != str(exchange.number):
            return _refuse(
                409, f"an ML backend of Ladle serves project {exchange.number} (got {number[:20]!r}); connect it there"
            )
        return {"model_version": version()}

    @app.get("/versions")
    def versions() -> dict[str, list[str]]:
        return {"versions": [version()]}

    @app.post("/predict")
    def predict(given: _Tasks) -> dict[str, Any]:
        guesses, source = exchange.guesses, exchange.project.source
        model = f"ladle, {guesses.labels} labels"
        results = []
        for task in given.tasks:
            place = place_of(task.meta, source)
            guess = None if place is None else guesses.by_id.get(source.ids[place])
            # A list for each task: an empty one leaves the task without a prediction.
            results.append([] if guess is None else [prediction_of(guess, model)])
        return {"results": results, "model_version": model}

    @app.post("/webhook")
    def webhook(given: _Event) -> dict[str, str]:
        rounds.wake(learn=given.action == _TRAIN)
        return {}

    return app


def open_ml_backend(host: str, port: int, login: tuple[str, str] | None) -> Listener:
    """Open the port that Label Studio asks at, for ``serve_ml_backend``.

    Args:
        host: address to listen on; anything but loopback needs a login.
        port: 1 to 65535; 0 takes one that is free.
        login: user and password.

    Raises:
        ConfigError: an address or a port that cannot be listened on, others without a password, or a login that the
            header of a request cannot carry.
    """
    if login is not None and (not all(login) or ":" in login[0] or not "".join(login).isascii()):
        raise ConfigError(
            "a login is a user and a password of ASCII letters, without a colon in the user (got another); set both "
            "BASIC_AUTH_USER and BASIC_AUTH_PASS"
        )
    listener = listen(host, port)
    if login is None and listener.token is not None:
        listener.socket.close()
        raise ConfigError(
            f"an ML backend that others can reach has a password (got --host {host} and none); set BASIC_AUTH_USER and "
            "BASIC_AUTH_PASS, and give Label Studio the same"
        )
    return listener


def serve_ml_backend(
    rounds: Rounds, listener: Listener, login: tuple[str, str] | None, on_ready: Callable[[str], None]
) -> None:
    """Serve until it is stopped (Ctrl-C), with the exchanges in the background.

    Args:
        rounds: the loop with the server; it is started here, and closed at the end.
        listener: where Label Studio asks, from ``open_ml_backend``; it stays open.
        login: user and password that every request has to bring.
        on_ready: called with the address to connect to.

    Raises:
        LadleError: what ended the rounds.
    """
    app = create_ml_backend(rounds, hosts=listener.hosts, login=login)
    server = uvicorn.Server(server_config(app, _LIMITS))
    try:
        # Ctrl-C may come while the thread starts.
        with suppress(KeyboardInterrupt):
            rounds.start(at_end=lambda: setattr(server, "should_exit", True))
            on_ready(listener.origin)
            server.run(sockets=[listener.socket])
    finally:
        rounds.close()
    rounds.wait()


class _Gate:
    """Lets in who may ask, before anything of a request's body is read.

    Bodies are held in memory as a whole: what would be too much beside those that are answered comes again later.
    """

    def __init__(self, hosts: frozenset[str], login: tuple[str, str] | None) -> None:
        self._hosts = hosts
        self._login = None if login is None else b"Basic " + base64.b64encode(":".join(login).encode())
        self._guesses = TokenBuckets(_GUESS_RATE, _GUESS_BURST)
        self._underway = 0

    async def __call__(self, request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        refused = self._refusal(request)
        if refused is not None:
            return refused
        length = int(request.headers.get("content-length", "0")) if request.method == "POST" else 0
        if self._underway + length > LARGEST_BODY:
            return _refuse(
                503,
                f"at most {LARGEST_BODY} bytes are held at a time (got {length} beside {self._underway}); ask again",
                retry_after=1,
            )
        self._underway += length
        try:
            return await call_next(request)
        finally:
            self._underway -= length

    def _refusal(self, request: Request) -> Response | None:
        # A page in a browser on this machine could find a name of its own that leads here.
        host = request.headers.get("host", "").rsplit(":", 1)[0].strip("[]")
        if self._hosts and host not in self._hosts:
            return _refuse(400, f"an ML backend is asked for by its own address (got {host[:80]!r})")
        refused = self._without_login(request)
        if refused is not None:
            return refused
        if request.method == "POST":
            # Only this kind makes a browser ask first whether a foreign page may send it, and nobody says yes.
            kind, length = request.headers.get("content-type", ""), request.headers.get("content-length", "")
            if kind.partition(";")[0].strip() != "application/json":
                return _refuse(415, f"an ML backend is told things as JSON (got {kind[:80]!r})")
            # One that comes in pieces has no length, whatever it says beside.
            if "transfer-encoding" in request.headers or not length.isdigit():
                return _refuse(411, "a request says how long it is")
            if int(length) > LARGEST_BODY:
                return _refuse(
                    413, f"a request has at most {LARGEST_BODY} bytes (got {length[:20]}); select fewer tasks"
                )
        return None

    def _without_login(self, request: Request) -> Response | None:
        if self._login is None:
            return None
        address = network_of(request.client.host if request.client else "")
        # Before the password is looked at: who has guessed too often does not learn whether this one is right.
        wait = math.ceil(self._guesses.wait(address))
        if wait:
            return _refuse(429, f"a password is known, not guessed (got too many wrong ones); wait {wait} s", wait)
        if hmac.compare_digest(request.headers.get("authorization", "").encode(), self._login):
            return None
        self._guesses.take(address)
        refused = _refuse(401, "an ML backend with a login is asked with it; give Label Studio the same")
        refused.headers["WWW-Authenticate"] = "Basic"
        return refused


def _refuse(code: int, reason: str, retry_after: int | None = None) -> Response:
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"error": reason}, status_code=code, headers=headers)
