"""A server on loopback that goes away in the middle of an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class CutOff:
    """What is served, and how much of it.

    Attributes:
        files: content by path.
        cuts: bytes after which an answer breaks off, by path; paths that are not here are answered whole.
        address: where it is reached.
        asked: paths in the order in which they were asked for.
    """

    files: dict[str, bytes]
    cuts: dict[str, int] = field(default_factory=dict)
    address: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def cut_off_server(files: dict[str, bytes]) -> Iterator[CutOff]:
    """Serve files on a free port of loopback for the length of the block."""
    served = CutOff(files)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            content = served.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            first = 0
            if (wanted := self.headers.get("Range", "")).startswith("bytes="):
                first = int(wanted.removeprefix("bytes=").partition("-")[0])
            self.send_response(206 if first else 200)
            # As the hub names a version of a file.
            self.send_header("ETag", '"one"')
            self.send_header("X-Repo-Commit", "0" * 40)
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - first))
            self.end_headers()
            if body:
                served.asked.append(self.path)
                self.wfile.write(content[first : served.cuts.get(self.path, len(content))])
            self.close_connection = True

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
