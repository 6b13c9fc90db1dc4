"""Who comes to the page in these tests: a browser without a screen, and connections that say what they like."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

from ladle.labeling import Desk, LabelingProject, open_source
from ladle.models import TrainingConfig
from ladle.page import Limits, Listener, create_app, listen, serve
from ladle.page.server import server_config

LOOPBACK = frozenset({"127.0.0.1", "localhost"})
NASTY = "<script>alert(1)</script>"


class Browser:
    """A client that keeps its cookies and its page's form token."""

    def __init__(self, app: Any, client: tuple[str, int] = ("127.0.0.1", 50000), **headers: str) -> None:
        self.http = TestClient(
            app, headers=headers, base_url="http://127.0.0.1", raise_server_exceptions=False, client=client
        )
        self.form = ""

    def open(self, path: str = "/") -> str:
        page = self.http.get(path)
        assert page.status_code == 200, page.text
        found = re.search(r'name="form-token" content="([0-9a-f]+)"', page.text)
        assert found
        self.form = found[1]
        return page.text

    def post(self, path: str, content: Any, **headers: str) -> Any:
        return self.http.post(path, json=content, headers={"X-Ladle-Form": self.form} | headers)

    def item(self) -> dict[str, Any]:
        for _ in range(400):
            item: dict[str, Any] | None = self.http.get("/state").json()["item"]
            if item is not None:
                return item
            time.sleep(0.05)
        raise AssertionError("nothing came")


@contextmanager
def texts_desk(
    folder: Path,
    *,
    examples: int = 40,
    batch: int = 6,
    name: str = "texts.csv",
    classes: Sequence[str] = ("a", NASTY),
) -> Iterator[Desk]:
    """A desk of texts with markup in them, with a first batch on it; nothing is chosen in the background."""
    source = folder / name
    rows = [f'"{NASTY} {number}","{NASTY} number {number} of some words"' for number in range(examples)]
    source.write_text("id,text\n" + "\n".join(rows) + "\n")
    quick = TrainingConfig(epochs=2)
    store = f"sqlite:///{folder}/labels.db"
    with LabelingProject(open_source(source), classes=classes, store=store, training=quick) as project:
        project.record(project.plan(batch))
        yield Desk(project, batch=batch)


@dataclass
class Served:
    """A page that is served on a port of loopback, in a thread of this process."""

    port: int
    server: uvicorn.Server

    def connect(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self.port))
        opened.settimeout(5)
        return opened

    def say(self, request: bytes) -> bytes:
        """Send bytes as they are, and return all that comes back until the server hangs up."""
        with self.connect() as opened:
            opened.sendall(request)
            return read_all(opened)

    def get(self, path: str, *headers: str) -> bytes:
        lines = (f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", "")
        return self.say("\r\n".join(lines).encode())

    def open_connections(self) -> int:
        return len(self.server.server_state.connections)


@contextmanager
def served(desk: Desk, limits: Limits | None = None, token: str | None = None) -> Iterator[Served]:
    limits = limits or Limits()
    with listen(port=0) as listener:
        app = create_app(desk, hosts=listener.hosts, token=token, limits=limits)
        server = uvicorn.Server(server_config(app, limits))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.socket]})
        port = listener.socket.getsockname()[1]
        thread.start()
        try:
            yield Served(port, server)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def served_by_ladle(desk: Desk, host: str) -> Iterator[tuple[Served, Listener]]:
    """A page as ``ladle label --host`` serves it, in a thread; the desk is closed at the end."""
    servers = list[uvicorn.Server]()
    make = uvicorn.Server

    def noted(config: uvicorn.Config) -> uvicorn.Server:
        servers.append(make(config))
        return servers[-1]

    with listen(host, 0) as listener, pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn, "Server", noted)
        thread = threading.Thread(target=serve, args=(desk, listener), kwargs={"on_ready": lambda: None})
        thread.start()
        while not servers and thread.is_alive():
            time.sleep(0.01)
        try:
            yield Served(listener.socket.getsockname()[1], servers[0]), listener
        finally:
            servers[0].should_exit = True
            thread.join()


def read_all(opened: socket.socket) -> bytes:
    found = b""
    try:
        while piece := opened.recv(1 << 16):
            found += piece
    except ConnectionError:
        pass  # what was on its way is refused
    return found


def is_open(opened: socket.socket) -> bool:
    """Tell whether the server has not hung up; what it sent is read."""
    opened.setblocking(False)
    try:
        while opened.recv(1 << 16):
            pass
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    return False


class Person:
    """Somebody who labels over HTTP, on one connection, as a browser does."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookies: dict[str, str] = {}
        self._form = ""
        #: Index and label of what the server has acknowledged.
        self.given: dict[int, str] = {}
        #: What it has said in between.
        self.statuses: list[int] = []
        page = self.ask("GET", "/")
        self._form = re.findall(r'name="form-token" content="([0-9a-f]+)"', page)[0]

    def ask(self, method: str, path: str, content: Any = None) -> str:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies, "X-Ladle-Form": self._form, "Content-Type": "application/json"}
        body = None if content is None else json.dumps(content)
        try:
            self._http.request(method, path, body, headers)
            answer = self._http.getresponse()
        except ConnectionError:
            # An idle connection had to make room; what was sent on it has not been read. Browsers do the same.
            self._http.close()
            self._http.request(method, path, body, headers)
            answer = self._http.getresponse()
        for cookie in answer.headers.get_all("set-cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        self.statuses.append(answer.status)
        return answer.read().decode()

    def label(self, label: str) -> bool:
        """Answer what lies on this person's desk; False where nothing does, or the answer is refused."""
        item = json.loads(self.ask("GET", "/state"))["item"]
        if item is None:
            return False
        self.ask("POST", "/answer", {"place": item["place"], "label": label})
        if self.statuses[-1] != 200:
            return False
        self.given[item["place"]] = label
        return True

    def close(self) -> None:
        self._http.close()


class Unlimited:
    """Buckets that never run dry."""

    def __init__(self, *_limits: Any) -> None:
        pass

    def take(self, _client: str) -> float:
        return 0.0

    def wait(self, _client: str) -> float:
        return 0.0
