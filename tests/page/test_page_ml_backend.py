"""The ML backend over HTTP: what Label Studio's server asks, who may ask, and that an event brings the next batch."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from visitors import Unlimited

from ladle.adapters.label_studio_exchange import Exchange
from ladle.adapters.label_studio_rounds import Rounds
from ladle.errors import ConfigError, LadleError, ServerError
from ladle.labeling import LabelingProject, open_source
from ladle.models import TrainingConfig
from ladle.page import create_ml_backend, ml_backend, open_ml_backend, serve_ml_backend
from ladle.page.rates import TokenBuckets
from reference.label_studio import Memory, choice

WORDS = {"cat": "purr meow", "dog": "bark fetch"}
LOGIN = ("studio", "long-and-secret")


class Bench:
    """A project, a server in memory, and rounds that only an event brings on."""

    def __init__(self, project: LabelingProject) -> None:
        self.server = Memory()
        self.exchange = Exchange(project, self.server, batch=10)
        self.errors: list[LadleError] = []
        self.rounds = Rounds(self.exchange, every=600, after=lambda _: True, failed=self.failed)
        self.http = TestClient(create_ml_backend(self.rounds), base_url="http://127.0.0.1")

    def failed(self, error: LadleError) -> bool:
        self.errors.append(error)
        return True

    def annotate(self, count: int) -> None:
        for number in self.server.open()[:count]:
            text = self.server.pushed[number][1]["data"]["text"]
            self.server.say(number, next(label for label, words in WORDS.items() if words in text))

    def event(self, action: str) -> None:
        assert self.http.post("/webhook", json={"action": action, "task": {"id": 1}}).status_code == 200

    def predict(self, tasks: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        found = self.http.post("/predict", json={"tasks": tasks, "project": "1.1767225600", "label_config": "<View/>"})
        assert found.status_code == 200, found.text
        assert found.json()["model_version"] == self.version()
        results: list[list[dict[str, Any]]] = found.json()["results"]
        return results

    def version(self) -> str:
        found = self.http.post("/setup", json={"project": "1.1767225600", "schema": "<View/>", "access_token": "x"})
        return str(found.json()["model_version"])


def until(true: Callable[[], bool]) -> None:
    for _ in range(2400):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    texts = tmp_path / "texts.csv"
    texts.write_text("\n".join(["text", *(f"{[*WORDS.values()][row % 2]} number{row}" for row in range(60)), ""]))
    with LabelingProject(
        open_source(texts),
        classes=tuple(WORDS),
        store=f"sqlite:///{tmp_path}/labels.db",
        training=TrainingConfig(epochs=5, learning_rate=0.05),
    ) as project:
        bench = Bench(project)
        yield bench
        bench.rounds.close()


def test_an_event_brings_the_next_batch_and_guesses_are_the_models(bench: Bench) -> None:
    server, project = bench.server, bench.exchange.project
    bench.rounds.start()
    until(lambda: len(server.pushed) == 10)
    assert bench.http.get("/health").json()["status"] == "UP"
    tasks = [task for _, task in server.pushed]
    assert (bench.version(), bench.predict(tasks)) == ("ladle, 0 labels", [[]] * 10)
    bench.annotate(10)
    bench.event("ANNOTATION_CREATED")
    until(lambda: len(server.pushed) == 20)
    until(lambda: bench.version() == "ladle, 10 labels")
    # One more answer, and no batch is due: an event alone does not train, the button in Label Studio does.
    bench.annotate(1)
    bench.event("ANNOTATION_UPDATED")
    until(lambda: project.status().labeled == 11)
    assert bench.version() == "ladle, 10 labels"
    bench.event("START_TRAINING")
    until(lambda: bench.version() == "ladle, 11 labels")
    bench.rounds.close()
    assert bench.http.get("/versions").json() == {"versions": [bench.version()]}
    assert len(server.pushed) == 20
    stranger = {"id": 7, "meta": {"ladle_index": 0, "ladle_id": "of another source"}, "data": {}}
    asked = [*(task for _, task in server.pushed), stranger, {"id": 8, "meta": None}, {"id": 9}]
    found = bench.predict(asked)
    guesses, arm = project.guesses(), project.control_arm()
    assert len(arm) == 2
    for task, predictions in zip(asked[:20], found, strict=False):
        name, place = task["meta"]["ladle_id"], task["meta"]["ladle_index"]
        if place in arm or name in project.labels():
            assert predictions == []  # people label it without a hint
        else:
            label, share = guesses[name]
            assert predictions == [{"model_version": "ladle, 11 labels", "score": share, "result": choice(label)}]
    assert sum(map(bool, found)) >= 7
    assert found[20:] == [[], [], []]


def test_a_server_that_is_away_for_a_while_is_asked_again(bench: Bench) -> None:
    bench.server.breaks = "before"
    bench.rounds.wake(learn=True)
    bench.rounds.start()
    until(lambda: len(bench.errors) == 1)
    assert isinstance(bench.errors[0], ServerError)
    bench.server.breaks = ""
    bench.event("PROJECT_UPDATED")
    until(lambda: len(bench.server.pushed) == 10)
    assert len(bench.errors) == 1


def test_it_serves_one_project(bench: Bench) -> None:
    found = bench.http.post("/setup", json={"project": "12.1767225600"})
    assert (found.status_code, found.json()["error"].count("\n")) == (409, 0)
    assert "serves project 1 (got '12')" in found.json()["error"]


def test_only_who_may_ask_is_answered(bench: Bench) -> None:
    hosts = frozenset({"127.0.0.1"})
    http = TestClient(create_ml_backend(bench.rounds, hosts=hosts, login=LOGIN), base_url="http://127.0.0.1")
    assert http.get("/health").status_code == http.post("/webhook", json={"action": "X"}).status_code == 401
    for auth in (("studio", "wrong"), ("other", LOGIN[1]), ("", "")):
        for path in ("/health", "/versions", "/nothing"):
            found = http.get(path, auth=auth)
            assert (found.status_code, found.headers["www-authenticate"]) == (401, "Basic")
        assert http.post("/webhook", json={"action": "START_TRAINING"}, auth=auth).status_code == 401
    assert http.get("/health", auth=LOGIN).status_code == 200
    assert http.get("/health", auth=LOGIN, headers={"Host": "evil.example"}).status_code == 400
    assert http.post("/webhook", json={"action": "X"}, auth=LOGIN).status_code == 200


def right_after_wrong_ones(rounds: Rounds) -> list[int]:
    """Try passwords of which the thirtieth is right, and return what is said to each."""
    http = TestClient(create_ml_backend(rounds, login=LOGIN), base_url="http://127.0.0.1")
    tried = [*(f"wrong {number}" for number in range(29)), LOGIN[1]]
    return [http.get("/health", auth=(LOGIN[0], password)).status_code for password in tried]


def test_passwords_are_not_guessed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(ml_backend, "TokenBuckets", partial(TokenBuckets, clock=lambda: now[0]))
    assert right_after_wrong_ones(bench.rounds) == [401] * 20 + [429] * 10
    app = create_ml_backend(bench.rounds, login=LOGIN)
    eve, studio = (
        TestClient(app, base_url="http://127.0.0.1", client=(host, 1)) for host in ("192.0.2.1", "192.0.2.2")
    )
    for _ in range(20):
        eve.get("/health", auth=("studio", "wrong"))
    found = eve.get("/health", auth=LOGIN)
    assert (found.status_code, found.headers["retry-after"]) == (429, "1")
    # Who knows it is not slowed, nor by somebody elsewhere; and a second later there is one try more.
    assert {studio.get("/health", auth=LOGIN).status_code for _ in range(50)} == {200}
    now[0] += 1.0
    assert eve.get("/health", auth=LOGIN).status_code == 200


def test_without_the_limit_passwords_are_guessed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ml_backend, "TokenBuckets", Unlimited)
    assert right_after_wrong_ones(bench.rounds) == [401] * 29 + [200]


@pytest.mark.parametrize(("room", "said"), [(40, [503, 200]), (80, [200, 200])])
def test_large_bodies_are_held_one_after_the_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, room: int, said: list[int]
) -> None:
    """With room for one of them, and with room for both."""
    body = {"action": "START_TRAINING"}
    monkeypatch.setattr(ml_backend, "LARGEST_BODY", room)
    meanwhile = list[int]()

    def wake(*, learn: bool) -> None:
        if not meanwhile:
            meanwhile.append(0)
            meanwhile[:] = [bench.http.post("/webhook", json=body).status_code, bench.http.get("/health").status_code]

    monkeypatch.setattr(bench.rounds, "wake", wake)
    assert bench.http.post("/webhook", json=body).status_code == 200
    assert meanwhile == said
    # What was answered takes no room any more.
    assert bench.http.post("/webhook", json=body).status_code == 200


def test_what_a_browser_may_send_unasked_is_refused(bench: Bench) -> None:
    body = '{"action": "START_TRAINING"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "text/plain; application/json"):
        assert bench.http.post("/webhook", content=body, headers={"Content-Type": kind}).status_code == 415
    json = {"Content-Type": "application/json"}
    large = bench.http.post("/predict", content=body, headers=json | {"Content-Length": str(1 << 29)})
    assert (large.status_code, "select fewer tasks" in large.json()["error"]) == (413, True)
    assert bench.http.post("/predict", content=iter([body.encode()]), headers=json).status_code == 411
    pieces = json | {"Content-Length": "10", "Transfer-Encoding": "chunked"}
    assert bench.http.post("/predict", content=body, headers=pieces).status_code == 411
    for given in ("[]", '{"tasks": [1]}', '{"tasks": null}', "{"):
        assert bench.http.post("/predict", content=given, headers=json).status_code == 422
    assert bench.http.options("/webhook", headers={"Origin": "https://evil.example"}).status_code == 405


def test_a_door_to_others_has_a_password() -> None:
    for host, login, message in (
        ("0.0.0.0", None, r"has a password \(got --host 0\.0\.0\.0 and none\)"),
        ("127.0.0.1", ("studio", ""), "set both"),
        ("127.0.0.1", ("a:b", "c"), "without a colon"),
        ("127.0.0.1", ("a", "pässword"), "ASCII"),
        ("nowhere.invalid", LOGIN, "listens on a free port"),
    ):
        with pytest.raises(ConfigError, match=message):
            open_ml_backend(host, 0, login)
    with open_ml_backend("127.0.0.1", 0, None) as listener, pytest.raises(ConfigError, match="Address already in use"):
        open_ml_backend("127.0.0.1", listener.socket.getsockname()[1], None)


def test_a_bug_in_a_round_ends_the_server_instead_of_hiding(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    called = threading.Event()

    def broken(_project: int) -> None:
        called.wait(30)
        raise ZeroDivisionError

    monkeypatch.setattr(bench.server, "tasks", broken)

    def ready(address: str) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        socket.create_connection((host, int(port))).close()
        called.set()

    with open_ml_backend("127.0.0.1", 0, None) as listener, pytest.raises(ZeroDivisionError):
        serve_ml_backend(bench.rounds, listener, None, ready)
    assert called.is_set()
