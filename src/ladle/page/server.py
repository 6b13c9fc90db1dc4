"""Starting the page: the address, the port, and stopping in order."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable

import uvicorn

from ladle.errors import ConfigError
from ladle.labeling import Desk
from ladle.page.app import create_app

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
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
    token = None if host in _LOOPBACK else secrets.token_urlsafe(24)
    listener = _listen(host, port)
    taken = listener.getsockname()[1]
    app = create_app(desk, hosts=frozenset(_LOOPBACK) if token is None else frozenset(), token=token)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{taken}/" + (f"?token={token}" if token else "")
    desk.start()
    try:
        # The listener is open already: whoever connects from here on waits for the first answer, and gets it.
        on_ready(address)
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
        desk.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"the page listens on a free port of this machine (got {host}:{port}: {error}); "
            "name another with --port, or 0 for any that is free"
        ) from error
    return listener
