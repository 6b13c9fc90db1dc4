"""Attacks on the page, each made twice: it fails, and gets through once its defense is taken out.

So no test here passes because of something else, and each defense has an attack that it alone stops.
"""

from __future__ import annotations

import io
import json
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pytest
import uvicorn
from fastapi import Request, Response
from fastapi.staticfiles import StaticFiles
from PIL import Image
from visitors import LOOPBACK, NASTY, Browser, Served, Unlimited, is_open, served, served_by_ladle, texts_desk

from ladle.errors import DataError
from ladle.labeling import Desk, LabelingProject, class_names, copy_by_class, exports, open_source
from ladle.page import Limits, app, connections, create_app, guard, pictures, server

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        name: what is tried.
        remove: takes the defense out.
        strike: tries it in a folder of its own, and tells whether it got through.
    """

    name: str
    remove: Callable[[Patch], None]
    strike: Callable[[Path], bool]


def without(kind: Any, name: str, instead: Any = None) -> Callable[[Patch], None]:
    """Return what replaces a check by one that always agrees, or by what is given."""

    def remove(patch: Patch) -> None:
        patch.setattr(kind, name, (lambda *_: None) if instead is None else instead)

    return remove


def without_header(*names: str) -> Callable[[Patch], None]:
    def remove(patch: Patch) -> None:
        for name in names:
            patch.delitem(guard._HEADERS, name)

    return remove


def with_server_options(**options: Any) -> Callable[[Patch], None]:
    """Return what serves the page with other options of uvicorn."""
    config = uvicorn.Config

    def remove(patch: Patch) -> None:
        patch.setattr(uvicorn, "Config", lambda *given, **ours: config(*given, **(ours | options)))

    return remove


@contextmanager
def visited(folder: Path, **options: Any) -> Iterator[Browser]:
    with texts_desk(folder) as desk:
        browser = Browser(create_app(desk, hosts=LOOPBACK, **options))
        browser.open()
        yield browser


@contextmanager
def photo_desk(folder: Path, *names: str, pixels: int = 20) -> Iterator[tuple[Desk, Path]]:
    photos = folder / "photos"
    photos.mkdir()
    values = np.random.default_rng(0).integers(0, 255, (pixels, pixels, 3), dtype=np.uint8)
    for name in names:
        Image.fromarray(values).save(photos / name, compress_level=0)
    store = f"sqlite:///{folder}/labels.db"
    with LabelingProject(open_source(photos), classes=("x", "y"), store=store) as project:
        yield Desk(project), photos


# Who gets in.


def asked_by_another_name(folder: Path) -> bool:
    """A foreign page lets its own name point to this machine, and is then of one origin with the page."""
    with texts_desk(folder) as desk:
        foreign = Browser(create_app(desk, hosts=LOOPBACK), Host="evil.example:8765")
        return bool(foreign.http.get("/").status_code == 200)


def without_the_token(folder: Path) -> bool:
    with texts_desk(folder) as desk:
        stranger = Browser(create_app(desk, token="long and secret"))
        paths = ("/", "/state", "/export/labels.csv", "/static/label.js", "/?token=wrong", "/?token=")
        return any(stranger.http.get(path).status_code == 200 for path in paths)


def from_another_machine(folder: Path) -> bool:
    """The page as it is served to others, asked by who was not given its address."""
    with texts_desk(folder) as desk, served_by_ladle(desk, "0.0.0.0") as (live, _):
        return any(b"HTTP/1.1 200" in live.get(path) for path in ("/", "/?token=", "/?token=None"))


def forged_post(folder: Path) -> bool:
    """The browser brings its cookie along, and a form of a foreign page does not know the token."""
    with texts_desk(folder) as desk:
        browser = Browser(create_app(desk, hosts=LOOPBACK))
        browser.open()
        browser.form = ""
        browser.post("/answer", {"place": browser.item()["place"], "label": "a"})
        return bool(desk.project.labels())


def in_the_name_of_another(folder: Path) -> bool:
    """A person's own form token, with the cookie of somebody else."""
    with texts_desk(folder) as desk:
        page = create_app(desk, hosts=LOOPBACK)
        ada, eve = Browser(page), Browser(page)
        ada.open()
        eve.open()
        place = ada.item()["place"]
        eve.http.cookies = ada.http.cookies
        eve.post("/answer", {"place": place, "label": "a"})
        return bool(desk.project.labels())


def post_with_a_foreign_origin(folder: Path) -> bool:
    with visited(folder) as browser:
        return bool(browser.post("/undo", {}, Origin="http://evil.example").status_code != 403)


def asked_by_a_foreign_picture(folder: Path) -> bool:
    """A page on another port of this machine, whose requests bring the cookie: <img src="http://127.0.0.1:8765/…">."""
    headers = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    with visited(folder) as browser:
        return bool(browser.http.get("/state", headers=headers).status_code == 200)


def framed_by_a_foreign_page(folder: Path) -> bool:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    with visited(folder) as browser:
        return bool(browser.http.get("/", headers=headers).status_code == 200)


def desk_emptied_by_nobodies(folder: Path) -> bool:
    """Who asks without a cookie is somebody new each time, with an example of their own."""
    with texts_desk(folder) as desk:
        page = create_app(desk, hosts=LOOPBACK)
        for _ in range(6):
            Browser(page).http.get("/state")
        return desk.hand("ada") is None


# What is shown, and where.


def markup_in_a_file_name(folder: Path) -> bool:
    with texts_desk(folder, name="<img src=x onerror=alert(1)>.csv") as desk:
        return "<img src=x" in Browser(create_app(desk, hosts=LOOPBACK)).open()


def unescaped(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=False)


def all_kinds_of_answers(folder: Path) -> Iterator[Any]:
    """Answers of every status the page has, each with its number."""
    with texts_desk(folder) as desk:
        limits = Limits(stranger_burst=2, stranger_rate=0.01, body_bytes=1000)
        browser = Browser(create_app(desk, hosts=LOOPBACK, limits=limits))
        browser.open()
        for status, found in (
            (200, browser.http.get("/state")),
            (200, browser.http.get("/static/label.js")),
            (200, browser.http.get("/export/labels.csv")),
            (400, browser.http.get("/", headers={"Host": NASTY})),
            (403, browser.post("/undo", {}, Origin=NASTY)),
            (404, browser.http.get(f"/{NASTY}")),
            (404, browser.http.get("/image/1")),
            (405, browser.http.put("/answer")),
            (405, browser.http.get("/answer")),
            (409, browser.post("/answer", {"place": 39, "label": NASTY})),
            (409, browser.http.get(f"/export/x.{NASTY[:7]}")),
            (411, browser.http.post("/answer", content=iter([b"{}"]))),
            (413, browser.post("/answer", {"place": 0, "label": "x" * 1000})),
            (422, browser.post("/answer", {"place": NASTY, "label": "a"})),
            (422, browser.http.get(f"/image/{NASTY[:7]}")),
        ):
            assert found.status_code == status, found.text
            yield found
        yield Browser(create_app(desk, hosts=LOOPBACK)).http.get("/state")  # 403: nobody
        desk.hand = None  # type: ignore[assignment, method-assign]
        found = browser.http.get("/state")
        assert found.status_code == 500
        yield found
        stranger = Browser(create_app(desk, token="t", limits=limits))
        for status in (401, 401, 429):
            found = stranger.http.get("/")
            assert found.status_code == status
            yield found


def any_answer_without(header: str, *values: str) -> Callable[[Path], bool]:
    def strike(folder: Path) -> bool:
        return not all(
            value in found.headers.get(header, "") for found in all_kinds_of_answers(folder) for value in values
        )

    return strike


def input_echoed_as_markup(folder: Path) -> bool:
    """What came is repeated where a browser could take it for markup."""
    return any(
        NASTY[:7] in found.text
        and (found.headers.get("x-content-type-options") != "nosniff" or "html" in found.headers["content-type"])
        for found in all_kinds_of_answers(folder)
    )


def cookie_within_reach(folder: Path) -> bool:
    """A script reads it, or a foreign page's form brings it along."""
    with texts_desk(folder) as desk:
        found = Browser(create_app(desk, token="t")).http.get("/?token=t")
        cookies = found.headers.get_list("set-cookie")
        assert len(cookies) == 2
        return not all("httponly" in one.lower() and "samesite=lax" in one.lower() for one in cookies)


class BareResponse(Response):
    """Sets cookies without their flags."""

    def set_cookie(self, key: str, value: str = "", **_options: Any) -> None:  # type: ignore[override]
        super().set_cookie(key, value, samesite=None)


# What is served.


def link_out_of_the_folder(folder: Path) -> bool:
    (folder / "secret.png").write_bytes(b"not yours")
    with photo_desk(folder, "a.png", "b.png") as (desk, photos):
        http = Browser(create_app(desk, hosts=LOOPBACK)).http
        (photos / "a.png").unlink()
        (photos / "a.png").symlink_to(folder / "secret.png")
        return bool(http.get("/image/0").content == b"not yours")


def path_out_of_the_static_folder(folder: Path) -> bool:
    with texts_desk(folder) as desk, served(desk) as live:
        return any(
            b"create_app" in live.get(path)
            for path in (
                "/static/../app.py",
                "/static/..%2fapp.py",
                "/static/%2e%2e/app.py",
                "/static/%2e%2e%2fapp.py",
                "/static/....//app.py",
                "/static//../app.py",
                f"/static/{Path(app.__file__)}",
                f"/static/%2f{str(Path(app.__file__))[1:]}",
                "/static/label.js%00/../../app.py",
                "/static/..%5capp.py",
            )
        )


def wherever(self: StaticFiles, path: str) -> Any:
    found = Path(str(self.directory)) / path
    return str(found), found.stat()


def page_called_an_image(folder: Path) -> bool:
    """A file of markup takes an image's place."""
    with photo_desk(folder, "a.png", "b.png") as (desk, photos):
        http = Browser(create_app(desk, hosts=LOOPBACK)).http
        (photos / "a.png").write_text(f"<html>{NASTY}</html>")
        found = http.get("/image/0")
        assert NASTY in found.text
        return found.headers["content-type"] != "image/png" or found.headers["x-content-type-options"] != "nosniff"


def formula_in_the_export(folder: Path) -> bool:
    """Whoever labels adds a class; the owner opens the file in a spreadsheet."""
    with visited(folder) as browser:
        browser.post("/classes", {"name": "=cmd|' /C calc'!A0"})
        browser.post("/answer", {"place": browser.item()["place"], "label": "=cmd|' /C calc'!A0"})
        return ",=cmd" in browser.http.get("/export/labels.csv").text


def class_out_of_the_folder(name: str) -> Callable[[Path], bool]:
    """Return an attack that adds a class which is a way elsewhere; the owner sorts the images by class."""

    def strike(folder: Path) -> bool:
        with photo_desk(folder, "a.png", "b.png") as (desk, _):
            browser = Browser(create_app(desk, hosts=LOOPBACK))
            browser.open()
            desk.start()
            assert browser.post("/classes", {"name": name}).status_code == 200
            assert browser.post("/answer", {"place": browser.item()["place"], "label": name}).status_code == 200
            desk.close()
            with suppress(DataError):
                copy_by_class(desk.project.source, desk.labels(), folder / "export" / "sorted")
        return bool({path.parent.name for path in folder.rglob("*.png")} - {"photos", "sorted"})

    return strike


def app_without_token(desk: Desk, **options: Any) -> Any:
    return create_app(desk, **(options | {"token": None}))


def always(_label: str) -> bool:
    return True


# How much, and for how long.


def endless_body(folder: Path) -> bool:
    """A body in pieces, beside a length that is small: the length does not count then."""
    with texts_desk(folder) as desk, served(desk, Limits(body_bytes=1000)) as live:
        browser = Browser(live_app(live))
        browser.open()
        cookies = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())
        content = json.dumps({"place": browser.item()["place"], "label": "a"}) + " " * 100_000
        head = (
            "POST /answer HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"Content-Length: 10\r\nTransfer-Encoding: chunked\r\nCookie: {cookies}\r\nX-Ladle-Form: {browser.form}\r\n"
        )
        live.say(f"{head}\r\n{len(content):x}\r\n{content}\r\n0\r\n\r\n".encode())
        return bool(desk.project.labels())


def live_app(live: Served) -> Any:
    return live.server.config.app


def oversized_body(folder: Path) -> bool:
    with visited(folder, limits=Limits(body_bytes=1000)) as browser:
        content = json.dumps({"place": browser.item()["place"], "label": "a"}) + " " * 1000
        headers = {"X-Ladle-Form": browser.form, "Content-Type": "application/json"}
        return bool(browser.http.post("/answer", content=content, headers=headers).status_code == 200)


def byte_by_byte(request: bytes) -> Callable[[Path], bool]:
    """Return an attack that sends a request so slowly that it never ends."""

    def strike(folder: Path) -> bool:
        with texts_desk(folder) as desk, served(desk, Limits(request_seconds=0.2)) as live, live.connect() as slow:
            slow.sendall(request)
            for _ in range(20):
                time.sleep(0.05)
                try:
                    slow.sendall(b"x")
                except ConnectionError:
                    return False
            return is_open(slow)

    return strike


def answer_never_read(folder: Path) -> bool:
    """An image larger than what the connection holds is asked for, and not taken."""
    with (
        photo_desk(folder, "a.png", pixels=1400) as (desk, _),
        served(desk, Limits(answer_seconds=0.2)) as live,
        socket.socket() as slow,
    ):
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        slow.connect(("127.0.0.1", live.port))
        slow.sendall(b"GET /image/0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(1.0)
        return live.open_connections() == 1


def connections_without_end(folder: Path) -> bool:
    """More connections than the page holds, all of them silent."""
    with texts_desk(folder) as desk, served(desk, Limits(connections=20)) as live, ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(live.connect())
        assert b"200 OK" in live.get("/"), "somebody else is served"
        return live.open_connections() > 20


def flood(folder: Path) -> bool:
    with texts_desk(folder) as desk:
        page = create_app(desk, hosts=LOOPBACK, limits=Limits(stranger_burst=20, stranger_rate=0.01))
        return all(Browser(page).http.get("/static/icon.svg").status_code == 200 for _ in range(30))


def flood_under_names_made_up(folder: Path) -> bool:
    with texts_desk(folder) as desk:
        page = create_app(desk, hosts=LOOPBACK, limits=Limits(stranger_burst=20, stranger_rate=0.01))
        names = (f"{number:032x}.{number:064x}" for number in range(30))
        found = [Browser(page, Cookie=f"ladle_annotator={name}").http.get("/static/icon.svg") for name in names]
        return all(one.status_code == 200 for one in found)


def flood_under_names_that_were_collected(folder: Path) -> bool:
    """Whoever opens the page without a cookie gets a name: with ten of them, one asks for ten."""
    with texts_desk(folder) as desk:
        page = create_app(desk, hosts=LOOPBACK, limits=Limits(address_burst=20, address_rate=0.01))
        names = [Browser(page) for _ in range(10)]
        for name in names:
            name.open()
        return all(name.http.get("/static/icon.svg").status_code == 200 for name in names for _ in range(3))


def flood_from_one_network(folder: Path) -> bool:
    """Who has one address of IPv6 has as many as they like."""
    with texts_desk(folder) as desk:
        page = create_app(desk, hosts=LOOPBACK, limits=Limits(stranger_burst=20, stranger_rate=0.01))
        many = (Browser(page, client=(f"2001:db8::{number:x}", 50000)) for number in range(30))
        return all(one.http.get("/static/icon.svg").status_code == 200 for one in many)


def flood_under_addresses_made_up(folder: Path) -> bool:
    limits = Limits(stranger_burst=20, stranger_rate=0.01)
    with texts_desk(folder) as desk, served(desk, limits) as live:
        return all(b"200 OK" in live.get("/", f"X-Forwarded-For: 10.0.0.{number}") for number in range(30))


def flood_of_one_person(folder: Path) -> bool:
    with visited(folder, limits=Limits(person_burst=20, person_rate=0.01)) as browser:
        return all(browser.http.get("/state").status_code == 200 for _ in range(30))


def always_known(_self: guard.Guard, _request: Request) -> tuple[str, bool]:
    return secrets.token_hex(16), True


def token_in_a_log(folder: Path) -> bool:
    said = io.StringIO()
    with texts_desk(folder) as desk, redirect_stdout(said), redirect_stderr(said), served(desk, token="secret") as live:
        assert b"200 OK" in live.get("/?token=secret")
        assert b"401" in live.get("/?token=secret-not")
    return "secret" in said.getvalue()


def terminal_filled_with_garbage(folder: Path) -> bool:
    said = io.StringIO()
    with texts_desk(folder) as desk, redirect_stdout(said), redirect_stderr(said), served(desk) as live:
        for garbage in (b"\x16\x03\x01\n\n", b"GET / HTTP/1.1\r\n\r\n", b"G" * 100_000):
            live.say(garbage)
        live.get("/", "Upgrade: websocket", "Connection: upgrade")
    return said.getvalue() != ""


def any_name_is_known(_self: guard.Guard, request: Request) -> tuple[str, bool]:
    name = request.cookies.get("ladle_annotator", "").partition(".")[0]
    return name, bool(name)


def class_after_class(folder: Path) -> bool:
    """Each class makes every model larger."""
    with texts_desk(folder, classes=[f"class {number}" for number in range(999)]) as desk:
        browser = Browser(create_app(desk, hosts=LOOPBACK))
        browser.open()
        for name in "ab":
            browser.post("/classes", {"name": name})
        return len(desk.project.classes) > 1000


ATTACKS = [
    Attack("the page asked for by another name", without(guard.Guard, "_foreign_host"), asked_by_another_name),
    Attack("no token, or a wrong one", without(guard.Guard, "_without_token"), without_the_token),
    Attack("no token from another machine", without(secrets, "token_urlsafe"), from_another_machine),
    Attack("a token that is not asked for", without(server, "create_app", app_without_token), from_another_machine),
    Attack("a forged post", without(guard.Guard, "_without_form_token"), forged_post),
    Attack("a post in another's name", without(guard.Guard, "_without_form_token"), in_the_name_of_another),
    Attack("a post of a foreign page", without(guard.Guard, "_foreign_page"), post_with_a_foreign_origin),
    Attack("a foreign page's pictures", without(guard.Guard, "_foreign_page"), asked_by_a_foreign_picture),
    Attack("a foreign page around it", without(guard.Guard, "_foreign_page"), framed_by_a_foreign_page),
    Attack("nobodies at the desk", without(guard.Guard, "_known", always_known), desk_emptied_by_nobodies),
    Attack("markup in a file's name", without(app, "_templates", unescaped), markup_in_a_file_name),
    Attack(
        "a script that was smuggled in",
        without_header("Content-Security-Policy"),
        any_answer_without("content-security-policy", "default-src 'none'", "script-src 'self'"),
    ),
    Attack(
        "the page in a frame",
        without_header("Content-Security-Policy", "X-Frame-Options"),
        any_answer_without("content-security-policy", "frame-ancestors 'none'"),
    ),
    Attack(
        "the token in a Referer",
        without_header("Referrer-Policy"),
        any_answer_without("referrer-policy", "no-referrer"),
    ),
    Attack("markup in what is refused", without_header("X-Content-Type-Options"), input_echoed_as_markup),
    Attack("a cookie within reach", without(guard, "Response", BareResponse), cookie_within_reach),
    Attack(
        "a link out of the folder",
        without(pictures, "_inside", lambda source, place: source.path / source.ids[place]),
        link_out_of_the_folder,
    ),
    Attack("a path out of the folder", without(StaticFiles, "lookup_path", wherever), path_out_of_the_static_folder),
    Attack("a page called an image", without(pictures, "_WEB_IMAGES", {".png": "text/html"}), page_called_an_image),
    Attack("a formula in the export", without(class_names, "_FORMULA", ()), formula_in_the_export),
    Attack(
        "a class out of the folder", without(exports, "_names_a_folder", always), class_out_of_the_folder("../../x")
    ),
    Attack("a class above the folder", without(exports, "_names_a_folder", always), class_out_of_the_folder("..")),
    Attack("classes without end", without(class_names, "_MOST", 2000), class_after_class),
    Attack("a body too large", without(guard.Guard, "_too_large"), oversized_body),
    Attack("a body without end", without(guard.Guard, "_too_large"), endless_body),
    Attack(
        "a request without end",
        without(connections.Connection, "_note"),
        byte_by_byte(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "),
    ),
    Attack(
        "a body byte by byte",
        without(connections.Connection, "_note"),
        byte_by_byte(b"POST /answer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"),
    ),
    Attack("an answer that is never read", without(connections.Connection, "_note"), answer_never_read),
    Attack("connections without end", without(connections.Connection, "_make_room"), connections_without_end),
    Attack("a flood", without(guard.Guard, "_too_fast"), flood),
    Attack("a flood of one person", without(guard, "TokenBuckets", Unlimited), flood_of_one_person),
    Attack("a flood under names made up", without(guard.Guard, "_known", any_name_is_known), flood_under_names_made_up),
    Attack(
        "a flood under names that were collected",
        without(guard.Guard, "_too_fast_together"),
        flood_under_names_that_were_collected,
    ),
    Attack("a flood from one network", without(guard, "network_of", lambda host: host), flood_from_one_network),
    Attack("the token in a log", with_server_options(access_log=True, log_level="info"), token_in_a_log),
    Attack("garbage in the terminal", with_server_options(log_level="warning"), terminal_filled_with_garbage),
    Attack(
        "a flood under addresses made up",
        with_server_options(proxy_headers=True, forwarded_allow_ips="*"),
        flood_under_addresses_made_up,
    ),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_fails(attack: Attack, tmp_path: Path) -> None:
    assert not attack.strike(tmp_path)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_gets_through_without_its_defense(attack: Attack, tmp_path: Path, monkeypatch: Patch) -> None:
    attack.remove(monkeypatch)
    assert attack.strike(tmp_path)
