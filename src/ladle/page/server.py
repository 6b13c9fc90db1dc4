"""Starting the page: the address, the port, and stopping in order."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from ladle.errors import ConfigError
from ladle.labeling import Desk
from ladle.page.app import create_app

# What such a listener is called from elsewhere is the name of this machine.
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104
#: Addresses that this machine alone can reach.
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# A slow client holds a connection, not the page.
_KEEP_ALIVE_SECONDS, _GRACE_SECONDS = 15, 3


def serve(desk: Desk, *, host: str = "127.0.0.1", port: int = 8765, on_ready: Callable[[str], None]) -> None:
    """Serve the page until it is stopped (Ctrl-C), with batches chosen in the background.

    Args:
        desk: what is labeled; it is started here, and closed when the page stops.
        host: address to listen on. Anything but loopback is protected by a token that the address carries.
        port: 1 to 65535; 0 takes one that is free.
        on_ready: called with the address to open, once it can be opened.

    Raises:
        ConfigError: an address or a port that cannot be listened on.
    """
    token = None if host in LOOPBACK else secrets.token_urlsafe(24)
    listener = listen(host, port)
    app = create_app(desk, hosts=frozenset(LOOPBACK) if token is None else frozenset(), token=token)
    address = f"{address_of(host, listener)}/" + (f"?token={token}" if token else "")
    desk.start()
    try:
        # The listener is open already: whoever connects from here on waits for the first answer, and gets it.
        on_ready(address)
        with suppress(KeyboardInterrupt):
            server_of(app).run(sockets=[listener])
    finally:
        listener.close()
        desk.close()


def address_of(host: str, listener: socket.socket) -> str:
    """Return the address under which others reach what listens, without a slash behind it."""
    shown = socket.gethostname() if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"


def server_of(app: FastAPI) -> uvicorn.Server:
    """Return a web server that says nothing of itself and does not wait for slow clients when it is stopped."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: an address or a port that cannot be listened on.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"a server listens on a free port of this machine (got {host}:{port}: {error}); "
            "name another with --port, or 0 for any that is free"
        ) from error
