"""The loop with the real server on loopback, SQLite under it; people label through its API, as its page does."""

from __future__ import annotations

import base64
import io
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from ladle.adapters.label_studio import choices_config, task_of
from ladle.adapters.label_studio_exchange import Exchange
from ladle.adapters.label_studio_server import SdkServer
from ladle.errors import ServerError
from ladle.labeling import LabelingProject, open_source
from ladle.models import TrainingConfig
from reference.label_studio import choice

sdk = pytest.importorskip("label_studio_sdk")
httpx = pytest.importorskip("httpx")
PROGRAM = Path(sys.executable).with_name("label-studio")
pytestmark = [
    pytest.mark.label_studio,
    pytest.mark.timeout(600),
    # The SDK's own way of reading a token.
    pytest.mark.filterwarnings("ignore:The `parse_obj` method is deprecated"),
    pytest.mark.skipif(not PROGRAM.exists(), reason="needs the server of Label Studio: make label-studio"),
]
Call = Callable[..., tuple[int, str, str]]
TOKEN = "0123456789abcdef0123456789abcdef01234567"
WORDS = {"cat & <b>": "purr meow whisker", "dog": "bark fetch bone"}
# Nothing outside of this machine is looked for; an ML backend on this machine may be asked, and told of events.
QUIET = {"COLLECT_ANALYTICS": "False", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "", "LATEST_VERSION_CHECK": "False"}
QUIET |= {"ML_BLOCK_LOCAL_IP": "False", "SSRF_PROTECTION_ENABLED": "False"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server made for these tests; its first start makes the database, which takes a minute."""
    folder = tmp_path_factory.mktemp("label-studio")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [PROGRAM, "start", "--no-browser", "--data-dir", folder, "--port", port, "--internal-host", "127.0.0.1"]
    words += ["--username", "a@example.com", "--password", "not-a-secret", "--user-token", TOKEN]
    words += ["--enable-legacy-api-token"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([str(word) for word in words], stdout=log, stderr=log, env=os.environ | QUIET)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def person(url: str) -> Iterator[Any]:
    """Somebody who labels."""
    with httpx.Client(timeout=60) as connection:
        yield sdk.LabelStudio(base_url=url, api_key=TOKEN, httpx_client=connection)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    lines = [f"t{row},{list(WORDS.values())[row % 2]} number{row} <i>&amp;" for row in range(40)]
    path = tmp_path / "texts.csv"
    path.write_text("\n".join(["id,text", *lines, ""]))
    return path


def truth_of(task: Any) -> str:
    return next(label for label, words in WORDS.items() if words in task.data["text"])


def tasks_of(person: Any, project: int) -> list[Any]:
    return list(person.tasks.list(project=project, fields="all"))


def next_task(url: str, project: int) -> dict[str, Any]:
    """Return what the page for labeling shows next."""
    asked = httpx.get(f"{url}/api/projects/{project}/next/", headers={"Authorization": f"Token {TOKEN}"}, timeout=60)
    found: dict[str, Any] = asked.raise_for_status().json()
    return found


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        assert process.poll() is None
        if true():
            return
        time.sleep(0.2)
    raise AssertionError("it did not come")


@contextmanager
def ml_backend(url: str, texts: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """Start an ML backend, and tell its project's number and its address."""
    command = [sys.executable, "-m", "ladle", "ml-backend", str(texts), "--classes", ",".join(WORDS), "--url", url]
    command += ["--store", f"sqlite:///{texts.parent}/labels.db", "--port", "0", *more]
    environment = os.environ | {"LABEL_STUDIO_API_KEY": TOKEN, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True, bufsize=1) as process:
        try:
            assert process.stdout is not None
            yield process, number_in(process.stdout.readline()), process.stdout.readline().split()[2]
        finally:
            process.kill()


def number_in(said: str) -> int:
    return int(said.split("/projects/")[1].split()[0])


def test_create_push_annotate_pull_and_the_next_batch(
    url: str, person: Any, texts: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    monkeypatch.setenv("LABEL_STUDIO_URL", url)
    store = f"sqlite:///{texts.parent}/labels.db"
    words = ("label-studio", texts, "--store", store, "--batch", "6", "--once")
    code, said, _ = call(*words, "--classes", ",".join(WORDS))
    assert code == 0
    assert "0 answers in, 6 tasks out; 0 of 40 labeled, 6 awaited" in said
    number = number_in(said)
    known = person.projects.get(number)
    assert known.parsed_label_config["label"]["labels"] == list(WORDS)
    seen: set[int] = set()
    for batch in range(3):
        tasks = [task for task in tasks_of(person, number) if task.id not in seen]
        assert len(tasks) == 6
        for task in tasks:
            seen.add(task.id)
            predictions = [one.dict() for one in task.predictions]
            assert len(predictions) <= (0 if batch == 0 else 1)
            for one in predictions:
                assert one["result"][0]["value"]["choices"][0] in WORDS
                assert 0.5 <= one["score"] <= 1
                assert one["model_version"] == "ladle"
        assert sum(bool(task.predictions) for task in tasks) == (0 if batch == 0 else 5)  # one of six is control
        tasks.sort(key=lambda task: bool(task.predictions))
        for task in tasks[:2]:
            person.annotations.create(id=task.id, result=choice(truth_of(task)))
        shown = next_task(url, number)
        assert len(shown["predictions"]) == (0 if batch == 0 else 1)  # what a person sees who labels the next one
        code, said, _ = call(*words)  # a new command each time: everything is found again
        assert (code, number_in(said)) == (0, number)
        assert f"2 answers in, 0 tasks out; {6 * batch + 2} of 40 labeled, 4 awaited" in said
        for task in tasks[2:]:
            person.annotations.create(id=task.id, result=choice(truth_of(task)))
        code, said, _ = call(*words)
        assert f"4 answers in, 6 tasks out; {6 * batch + 6} of 40 labeled, 6 awaited" in said
    names = [task.data["ladle_id"] for task in tasks_of(person, number)]
    assert len(names) == len(set(names)) == 24
    with LabelingProject(open_source(texts), store=store) as project:
        for name, label in project.labels().items():
            assert WORDS[label] in texts.read_text().splitlines()[1 + int(name[1:])]


def test_skip_change_withdraw_and_a_class_added(url: str, person: Any, texts: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/labels.db"
    source = open_source(texts)
    with SdkServer(url, TOKEN) as server:
        with LabelingProject(source, classes=tuple(WORDS), store=store) as project:
            exchange = Exchange(project, server, batch=8)
            exchange.once()
            first, second, third, fourth = tasks_of(person, exchange.number)[:4]
            person.annotations.create(id=first.id, result=[], was_cancelled=True)
            made = person.annotations.create(id=second.id, result=choice("dog"))
            # A draft is not submitted yet, nor is a prediction.
            person.predictions.create(task=third.id, result=choice("dog"))
            assert exchange.once().answers == 2
            assert (project.status().skipped, project.status().labeled) == (1, 1)
            person.annotations.update(id=made.id, result=choice("cat & <b>"))
            assert exchange.once().answers == 1
            assert project.labels() == {second.data["ladle_id"]: "cat & <b>"}
            person.annotations.delete(id=made.id)
            assert exchange.once().answers == 1
            assert (project.labels(), project.status().pending) == ({}, 7)
            person.tasks.delete(id=str(fourth.id))
            assert exchange.once().pushed == 1  # nobody has answered it: it comes again
        with LabelingProject(source, classes=(*WORDS, "bird"), store=store) as project:
            exchange = Exchange(project, server, batch=8)
            person.annotations.create(id=third.id, result=choice("bird"))
            assert exchange.once().answers == 1
            assert project.labels() == {third.data["ladle_id"]: "bird"}


def test_two_people_and_a_personal_access_token(url: str, person: Any, texts: Path, tmp_path: Path) -> None:
    token = person.tokens.create().token
    other = person.users.create(email="b@example.com", username="b", first_name="B", last_name="B")
    with (
        SdkServer(url, token) as server,
        LabelingProject(open_source(texts), classes=tuple(WORDS), store=f"sqlite:///{tmp_path}/labels.db") as project,
    ):
        exchange = Exchange(project, server, batch=4)
        exchange.once()
        task = tasks_of(person, exchange.number)[0]
        person.annotations.create(id=task.id, result=choice("dog"))
        person.annotations.create(id=task.id, result=choice("cat & <b>"), completed_by=other.id)
        assert exchange.once().answers == 2
        assert project.labels() == {task.data["ladle_id"]: "dog"}
        assert [(one.label, one.second) for one in project.opinions()] == [(1, False), (0, True)]


def test_images_arrive_as_they_are(url: str, person: Any, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    images, _ = load_digits(n_class=2, return_X_y=True)
    for row in range(12):
        Image.fromarray((images[row].reshape(8, 8) * 15).astype(np.uint8)).resize((64, 64)).save(folder / f"{row}.png")
    source = open_source(folder)
    with (
        SdkServer(url, TOKEN) as server,
        LabelingProject(
            source,
            classes=("zero", "one"),
            store=f"sqlite:///{tmp_path}/labels.db",
            training=TrainingConfig(epochs=1, learning_rate=0.01),
        ) as project,
    ):
        exchange = Exchange(project, server, batch=4)
        exchange.once()
        for task in tasks_of(person, exchange.number):
            place = task.data["ladle_index"]
            assert task.data["image"] == task_of(source, place, None)["data"]["image"]
            body = base64.b64decode(task.data["image"].partition(",")[2])
            with Image.open(io.BytesIO(body)) as seen, Image.open(folder / source.ids[place]) as sent:
                assert np.abs(np.asarray(seen.convert("L"), float) - np.asarray(sent, float)).mean() < 8
            person.annotations.create(id=task.id, result=choice(("zero", "one")[place % 2]))
        found = exchange.once()
        assert (found.answers, found.pushed) == (4, 4)


def test_a_loop_that_is_stopped_says_so_and_goes_on(url: str, person: Any, texts: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/labels.db"
    command = [sys.executable, "-m", "ladle", "label-studio", str(texts), "--classes", ",".join(WORDS), "--url", url]
    command += ["--store", store, "--batch", "4", "--every", "0.2"]
    environment = os.environ | {"LABEL_STUDIO_API_KEY": TOKEN, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    for rounds, stop in enumerate((signal.SIGKILL, signal.SIGINT)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True, bufsize=1) as process:
            assert process.stdout is not None
            number = number_in(process.stdout.readline())
            for more in range(2):
                wanted = 4 * (2 * rounds + more + 1)
                while len(tasks := tasks_of(person, number)) < wanted:
                    assert process.poll() is None
                    time.sleep(0.2)
                for task in tasks:
                    if not task.annotations and more == 0:
                        person.annotations.create(id=task.id, result=choice(truth_of(task)))
            process.send_signal(stop)
            said = process.stdout.read()
        assert (process.returncode, "stopped; all answers" in said) == (
            (0, True) if stop == signal.SIGINT else (-signal.SIGKILL, False)
        )
        if rounds == 0:
            for task in tasks_of(person, number):  # while nothing listens
                if not task.annotations:
                    person.annotations.create(id=task.id, result=choice(truth_of(task)))
    names = [task.data["ladle_id"] for task in tasks_of(person, number)]
    assert len(names) == len(set(names)) == 16


def test_label_studio_asks_itself(url: str, person: Any, texts: Path) -> None:
    # Nothing looks by itself for an hour: what happens, Label Studio has brought about.
    with ml_backend(url, texts, "--batch", "6", "--every", "3600") as (process, number, address):
        until(lambda: len(tasks_of(person, number)) == 6, process)
        # All but one are annotated while nobody tells, so that the model learns from six labels, however slow this is.
        *others, last = tasks_of(person, number)
        for task in others:
            person.annotations.create(id=task.id, result=choice(truth_of(task)))
        made = person.ml.create(project=number, url=address, title="ladle")
        assert (made.readable_state, made.error_message) == ("Connected", None)
        assert [one.url for one in person.webhooks.list(project=number)] == [f"{address}/webhook"]
        person.annotations.create(id=last.id, result=choice(truth_of(last)))
        until(lambda: len(tasks_of(person, number)) == 12, process)
        second = tasks_of(person, number)[6:]
        pushed = {task.id: [one.dict() for one in task.predictions] for task in second}
        assert sorted(map(len, pushed.values())) == [0, 1, 1, 1, 1, 1]  # one of six is control
        for one in itertools.chain.from_iterable(pushed.values()):
            person.predictions.delete(id=one["id"])
        # A task is opened: the guess is fetched, from the model that had made the one before.
        shown = next_task(url, number)
        assert [(one["score"], one["result"][0]["value"]) for one in shown["predictions"]] == [
            (one["score"], one["result"][0]["value"]) for one in pushed[shown["id"]]
        ]
        # All are asked for.
        asked = httpx.post(
            f"{url}/api/dm/actions",
            params={"id": "retrieve_tasks_predictions", "project": number},
            json={"selectedItems": {"all": True, "excluded": []}},
            headers={"Authorization": f"Token {TOKEN}"},
            timeout=60,
        )
        assert asked.status_code == 200, asked.text
        for task in person.tasks.list(project=number, fields="all"):
            found = [one.dict() for one in task.predictions]
            before = pushed.get(task.id, [])  # none for what is labeled, nor for the control arm
            assert [(one["score"], one["result"][0]["value"]) for one in found] == [
                (one["score"], one["result"][0]["value"]) for one in before
            ]
            assert {one["model_version"] for one in found} <= {"ladle, 6 labels"}
        # One more answer, and the button that trains.
        person.annotations.create(id=second[0].id, result=choice(truth_of(second[0])))
        person.ml.train(id=made.id)
        until(lambda: person.ml.get(id=made.id).model_version == "ladle, 7 labels", process)
        assert person.ml.list_model_versions(id=str(made.id)).versions == ["ladle, 7 labels"]
        names = [task.data["ladle_id"] for task in tasks_of(person, number)]
        assert len(names) == len(set(names)) == 12
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert "stopped; all answers" in process.stdout.read()
    assert process.returncode == 0


def test_a_backend_with_a_password(
    url: str, person: Any, texts: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setenv("BASIC_AUTH_USER", "studio")
    monkeypatch.setenv("BASIC_AUTH_PASS", "long-and-secret")
    with ml_backend(url, texts, "--batch", "4", "--every", "0.2") as (process, number, address):
        for login in ({}, {"basic_auth_user": "studio", "basic_auth_pass": "wrong"}):
            with pytest.raises(sdk.core.ApiError) as refused:
                person.ml.create(
                    project=number, url=address, title="ladle", auth_method="BASIC_AUTH" if login else "NONE", **login
                )
            assert "authentication parameters" in str(refused.value.body)
        login = {"basic_auth_user": "studio", "basic_auth_pass": "long-and-secret"}
        made = person.ml.create(project=number, url=address, title="ladle", auth_method="BASIC_AUTH", **login)
        assert made.readable_state == "Connected"
        until(lambda: len(tasks_of(person, number)) == 4, process)
        for task in tasks_of(person, number):
            person.annotations.create(id=task.id, result=choice(truth_of(task)))
        until(lambda: len(tasks_of(person, number)) == 8, process)
        # The next batch is chosen once half of this one is left.
        trained = {f"ladle, {labels} labels" for labels in (2, 3, 4)}
        until(lambda: person.ml.get(id=made.id).model_version in trained, process)
        # A second process on the same store would push the same.
        store = ("label-studio", texts, "--store", f"sqlite:///{texts.parent}/labels.db", "--url", url)
        words = (*store, "--api-key", TOKEN, "--batch", "4", "--once")
        code, _, error = call(*words)
        assert (code, error.count("\n"), "one process at a time" in error) == (2, 1, True)
        process.kill()
        process.wait()
        code, said, _ = call(*words)
        assert (code, number_in(said), len(tasks_of(person, number))) == (0, number, 8)


def test_what_goes_wrong_is_said_in_one_line(
    url: str, person: Any, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    words = ("label-studio", texts, "--classes", ",".join(WORDS), "--store", f"sqlite:///{tmp_path}/labels.db")
    for address, key, message in (
        (url, "wrong", "401"),
        (url, "wröng", "letters that none has"),
        ("http://127.0.0.1:1", TOKEN, "in reach"),
        ("nowhere", TOKEN, "in reach"),
        (f"{url}/elsewhere", TOKEN, "correct --url"),
    ):
        code, _, error = call(*words, "--url", address, "--api-key", key, "--once")
        assert (code, error.count("\n")) == (2, 1), error
        assert message in error
    with (
        SdkServer(url, TOKEN) as server,
        LabelingProject(open_source(texts), store=f"sqlite:///{tmp_path}/labels.db") as project,
    ):
        exchange = Exchange(project, server, batch=4)
        exchange.once()
        person.projects.delete(id=exchange.number)
        with pytest.raises(ServerError, match=f"no project {exchange.number} .*start again"):
            exchange.once()
        again = Exchange(project, server, batch=4)
        assert again.number != exchange.number
        assert again.once().pushed == 4


def test_long_lists_are_read_to_the_end(url: str, texts: Path) -> None:
    config = choices_config(tuple(WORDS), open_source(texts))
    with SdkServer(url, TOKEN) as server:
        for count in (0, 100, 250):
            project = server.create_project(f"of {count}", f"key-{count}-", config)
            tasks = [{"data": {"text": str(row)}, "meta": {"row": row}} for row in range(count)]
            if tasks:
                server.push(project, tasks)
            assert sorted((one.meta or {})["row"] for one in server.tasks(project)) == list(range(count))
        for number in range(100):
            server.create_project(f"another {number}", "", config)
        assert server.find_project("key-250-") == (project, config)
        assert server.find_project("key-7-") is None
