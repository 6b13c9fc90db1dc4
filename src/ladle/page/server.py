"""Starting the page: the address, the port, and stopping in order."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from ladle.errors import ConfigError
from ladle.labeling import Desk
from ladle.page.app import create_app
from ladle.page.connections import connections_within
from ladle.page.limits import Limits

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_GRACE_SECONDS = 3


@dataclass(frozen=True)
class Listener:
    """A port that is open: whoever connects waits for the first answer, and gets it once the page is served.

    Attributes:
        socket: listens already, so that nobody else takes the port.
        origin: what others reach it under, without a slash behind it.
        token: what a browser has to bring to the page; None where only this machine reaches the port.
    """

    socket: socket.socket
    origin: str
    token: str | None

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_error: object) -> None:
        self.socket.close()

    @property
    def address(self) -> str:
        """What to open, with the token if there is one."""
        return f"{self.origin}/" + (f"?token={self.token}" if self.token else "")

    @property
    def hosts(self) -> frozenset[str]:
        """Names under which it may be asked for; empty for any, where others reach it."""
        return frozenset((*_LOOPBACK, self.socket.getsockname()[0])) if self.token is None else frozenset()


def listen(host: str = "127.0.0.1", port: int = 8765) -> Listener:
    """Open the port, before anything else is done for the page.

    Args:
        host: address to listen on. Where it isn't loopback, the page is protected by a token that the address carries.
        port: 1 to 65535; 0 takes one that is free.

    Raises:
        ConfigError: an address or a port that cannot be listened on.
    """
    listener = None
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError, UnicodeError) as error:
        if listener is not None:
            listener.close()
        raise ConfigError(
            f"a server listens on a free port of this machine (got {host}:{port}: {error}); "
            "name another with --port, or 0 for any that is free"
        ) from error
    # By the address that was found, not by the name: localhost is what this machine takes it for.
    found = ipaddress.ip_address(listener.getsockname()[0])
    token = None if found.is_loopback else secrets.token_urlsafe(24)
    # What a listener on all addresses is called from elsewhere is the name of this machine.
    shown = socket.gethostname() if found.is_unspecified else f"[{found}]" if found.version == 6 else str(found)
    return Listener(listener, f"http://{shown}:{listener.getsockname()[1]}", token)


def serve(desk: Desk, listener: Listener, *, on_ready: Callable[[], None]) -> None:
    """Serve the page until it is stopped (Ctrl-C), with batches chosen in the background.

    Args:
        desk: what is labeled; it is started here, and closed when the page stops.
        listener: what ``listen`` opened; it stays open.
        on_ready: called once the page can be opened.
    """
    limits = Limits()
    config = server_config(create_app(desk, hosts=listener.hosts, token=listener.token, limits=limits), limits)
    try:
        # Ctrl-C may come while the thread starts.
        with suppress(KeyboardInterrupt):
            desk.start()
            on_ready()
            uvicorn.Server(config).run(sockets=[listener.socket])
    finally:
        desk.close()


def server_config(app: ASGIApp, limits: Limits) -> uvicorn.Config:
    """Return how an application is served."""
    return uvicorn.Config(
        app,
        http=connections_within(limits),
        ws="none",
        # An address is what the connection says, not what a header does: rates go by it.
        proxy_headers=False,
        # Requests carry the token, and those that are none would fill the terminal.
        access_log=False,
        log_level="error",
        server_header=False,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
