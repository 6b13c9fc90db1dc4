"""The page over HTTP: who gets in, what is served, and that what people write never becomes markup."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from visitors import LOOPBACK, NASTY, Browser, served_by_ladle, texts_desk

from ladle.errors import DataError
from ladle.labeling import Desk, LabelingProject, open_source
from ladle.page import create_app, listen, serve


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with texts_desk(tmp_path) as opened:
        opened.start()
        yield opened
        opened.close()


def test_answers_undo_and_classes(desk: Desk) -> None:
    browser = Browser(create_app(desk, hosts=LOOPBACK))
    browser.open()
    for turn in range(8):
        place = browser.item()["place"]
        found = browser.post("/answer", {"place": place, "label": ("a", NASTY)[turn % 2]})
        assert (found.status_code, found.json()["labeled"], found.json()["mine"]) == (200, turn + 1, turn + 1)
    assert browser.post("/undo", {}).json()["labeled"] == 7
    assert browser.item()["place"] == place
    browser.post("/answer", {"place": place, "label": "not sure"})
    state = browser.post("/look-again", {}).json()
    assert (state["setAside"], state["item"]["place"]) == (0, place)
    assert [one["name"] for one in browser.post("/classes", {"name": "third"}).json()["classes"]] == [
        "a",
        NASTY,
        "third",
    ]
    assert browser.post("/classes", {"name": "third"}).status_code == 409
    exported = browser.http.get("/export/labels.csv")
    assert len(exported.text.splitlines()) == 8
    assert "attachment" in exported.headers["content-disposition"]


def test_two_browsers_get_two_examples(desk: Desk) -> None:
    app = create_app(desk, hosts=LOOPBACK)
    ada, ben = Browser(app), Browser(app)
    ada.open()
    ben.open()
    first, second = ada.item()["place"], ben.item()["place"]
    assert first != second
    stolen = ben.post("/answer", {"place": first, "label": "a"})
    assert stolen.status_code == 409
    assert "on your desk" in stolen.json()["error"]


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ({"place": 0}, 422, "label"),
        ({"place": -1, "label": "a"}, 422, "place"),
        ({"place": "x", "label": "a"}, 422, "place"),
        ([1], 422, "body"),
        ({"place": 0, "label": "x" * 201}, 422, "label"),
    ],
)
def test_an_answer_has_its_form(desk: Desk, content: Any, code: int, says: str) -> None:
    browser = Browser(create_app(desk, hosts=LOOPBACK))
    browser.open()
    found = browser.post("/answer", content)
    assert (found.status_code, says in found.json()["error"]) == (code, True)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 50_000,
        b'{"place": ' + b"9" * 5000 + b', "label": "a"}',
        b'{"place": NaN, "label": "a"}',
        b"\xff\xfe",
        b"{",
    ],
    ids=["deep", "long number", "no number", "no text", "cut off"],
)
def test_json_that_is_none_is_refused(desk: Desk, content: bytes) -> None:
    browser = Browser(create_app(desk, hosts=LOOPBACK))
    browser.open()
    headers = {"X-Ladle-Form": browser.form, "Content-Type": "application/json"}
    assert browser.http.post("/answer", content=content, headers=headers).status_code in (400, 422)
    assert not desk.project.labels()


def test_a_class_that_no_database_can_hold_is_refused(desk: Desk) -> None:
    browser = Browser(create_app(desk, hosts=LOOPBACK))
    browser.open()
    for name in ("\ud800", "a\0b"):
        found = browser.http.post(
            "/classes", content=json.dumps({"name": name}), headers={"X-Ladle-Form": browser.form}
        )
        assert found.status_code in (400, 409, 422), found.text
        assert browser.post("/answer", {"place": browser.item()["place"], "label": "nul\0"}).status_code == 409


def test_a_post_from_elsewhere_is_refused(desk: Desk) -> None:
    app = create_app(desk, hosts=LOOPBACK)
    browser, other = Browser(app), Browser(app)
    browser.open()
    other.open()
    place = browser.item()["place"]
    answer = {"place": place, "label": "a"}
    assert browser.http.post("/answer", json=answer).status_code == 403  # no form token
    browser.form, own = other.form, browser.form
    assert browser.post("/answer", answer).status_code == 403  # another person's
    browser.form = own
    browser.http.cookies.clear()
    assert browser.post("/answer", answer).status_code == 403  # without the cookie that belongs to it
    assert not desk.project.labels()


def test_only_its_own_name_reaches_a_page_on_loopback(desk: Desk) -> None:
    app = create_app(desk, hosts=frozenset({"127.0.0.1"}))
    assert Browser(app).http.get("/").status_code == 200
    for host in ("evil.example", "127.0.0.1.evil.example", ""):
        assert Browser(app, Host=host).http.get("/").status_code == 400


def test_elsewhere_a_token_is_needed_once(desk: Desk) -> None:
    browser = Browser(create_app(desk, token="long-and-secret"))
    for path in ("/", "/state", "/?token=wrong", "/export/labels.csv", "/static/label.js"):
        assert browser.http.get(path).status_code == 401
    browser.open("/?token=long-and-secret")
    assert browser.http.get("/state").status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_on_this_machine_alone_no_token_is_needed(host: str) -> None:
    with listen(host, 0) as listener:
        assert listener.token is None
        assert {"127.0.0.1", "localhost", "::1"} <= listener.hosts


def test_it_listens_on_this_machine_alone_unless_told_otherwise() -> None:
    with listen(port=0) as listener:
        assert listener.socket.getsockname()[0] == "127.0.0.1"


def test_a_page_that_others_reach_is_served_with_the_token_of_its_address(tmp_path: Path) -> None:
    with texts_desk(tmp_path) as desk, served_by_ladle(desk, "0.0.0.0") as (live, listener):
        assert listener.token is not None
        assert len(listener.token) >= 32
        assert listener.address.endswith(f"/?token={listener.token}")
        for path in ("/", "/state", "/static/label.js", "/export/labels.csv", f"/?token={listener.token[:-1]}"):
            assert b"HTTP/1.1 401" in live.get(path), path
        page = live.get(f"/?token={listener.token}")
        assert b"HTTP/1.1 200" in page
        cookies = "; ".join(re.findall(r"(?im)^set-cookie: ([^;]+)", page.decode()))
        assert b"HTTP/1.1 200" in live.get("/state", f"Cookie: {cookies}")


def test_oversized_and_endless_bodies_are_refused(desk: Desk) -> None:
    browser = Browser(create_app(desk, hosts=LOOPBACK))
    browser.open()
    assert browser.post("/answer", {"place": 0, "label": "x" * 70_000}).status_code == 413
    endless = browser.http.post("/answer", content=iter([b"x"] * 10), headers={"X-Ladle-Form": browser.form})
    assert endless.status_code == 411
    assert browser.http.put("/answer", json={}).status_code == 405


def test_nothing_inline_and_nothing_of_others(desk: Desk) -> None:
    browser = Browser(create_app(desk, hosts=LOOPBACK))
    page = browser.http.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    cookie = page.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in page.text
    assert not re.search(r"\son\w+=|style=", page.text)
    script = (Path(__file__).parents[2] / "src/ladle/page/static/label.js").read_text()
    assert "innerHTML" not in script
    assert browser.http.get("/docs").status_code == 404
    assert browser.http.get("/openapi.json").status_code == 404


def test_a_folder_with_a_link_out_of_it_is_not_served_at_all(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "elsewhere.png")
    Image.new("RGB", (8, 8)).save(photos / "a.png")
    (photos / "b.png").symlink_to(photos / "a.png")
    (tmp_path / "way").symlink_to(photos)
    store = f"sqlite:///{tmp_path}/l.db"
    with LabelingProject(open_source(tmp_path / "way"), classes=("x", "y"), store=store) as project:
        assert Browser(create_app(Desk(project), hosts=LOOPBACK)).http.get("/image/1").status_code == 200
    (photos / "c.png").symlink_to(tmp_path / "elsewhere.png")
    with (
        LabelingProject(open_source(photos), classes=("x", "y"), store=f"sqlite:///{tmp_path}/m.db") as project,
        pytest.raises(DataError, match=r"files of its folder alone \(got c.png"),
    ):
        create_app(Desk(project), hosts=LOOPBACK)


def test_only_images_of_the_source_are_served(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (tmp_path / "secret.png").write_bytes(b"not yours")
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(photos / "a.png")
    Image.fromarray(pixels).save(photos / "b.bmp")
    with LabelingProject(open_source(photos), classes=("x", "y"), store=f"sqlite:///{tmp_path}/l.db") as project:
        http = Browser(create_app(Desk(project), hosts=LOOPBACK)).http
        assert http.get("/image/0").content == (photos / "a.png").read_bytes()
        shown = http.get("/image/1")
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
        for path in ("/image/2", "/image/-1", "/image/..%2Fsecret.png", "/image/../secret.png", "/static/../app.py"):
            assert http.get(path).status_code in (404, 422), path
        (photos / "a.png").unlink()
        assert http.get("/image/0").status_code == 404


def test_ctrl_c_while_the_desk_starts_leaves_no_thread_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = Desk.start

    def interrupted(desk: Desk) -> None:
        start(desk)
        raise KeyboardInterrupt

    monkeypatch.setattr(Desk, "start", interrupted)
    source = tmp_path / "texts.csv"
    source.write_text("\n".join(["text", *(f"a word and number{row}" for row in range(40))]))
    listener = listen("127.0.0.1", 0)
    with LabelingProject(open_source(source), classes=("a", "b"), store="sqlite://") as project:
        serve(Desk(project, batch=4), listener, on_ready=lambda: pytest.fail("it was stopped before"))
    listener.socket.close()
    assert "ladle-desk" not in [thread.name for thread in threading.enumerate()]
