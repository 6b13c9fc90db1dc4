"""Label Studio's words and the loop with it, over a server that is a list in memory."""

from __future__ import annotations

import base64
import io
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ladle.adapters.label_studio import (
    Annotation,
    annotation_of,
    answers_of,
    choices_config,
    classes_of,
    place_of,
    task_of,
)
from ladle.adapters.label_studio_exchange import Exchange, TaskState
from ladle.adapters.label_studio_rounds import Rounds
from ladle.errors import ConfigError, InputError, MissingExtraError, ServerError, StoreConflictError
from ladle.labeling import SKIP, LabelingProject, Source, agreement, open_source
from ladle.models import TrainingConfig
from ladle.session import hold, open_database
from reference.label_studio import START, Memory, choice

CLASSES = ("cat", 'dog & <"big">')


@pytest.fixture(scope="module")
def source() -> Source:
    truth = np.arange(60) % 2
    rows = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32) + 3 * truth[:, None].astype(np.float32)
    ids = tuple(f"{CLASSES[kind]} {row}" for row, kind in enumerate(truth.tolist()))
    return Source("embeddings", Path("rows.npy"), ids, ids, torch.from_numpy(rows), "mlp")


def opened(source: Source, folder: Path, **options: Any) -> LabelingProject:
    return LabelingProject(
        source,
        store=f"sqlite:///{folder}/labels.db",
        training=TrainingConfig(epochs=5, learning_rate=0.05),
        **{"classes": CLASSES, **options},
    )


def truth_of(task: Mapping[str, Any]) -> str:
    return str(task["data"]["ladle_id"].rpartition(" ")[0])


@given(
    st.lists(
        st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="￾￿"), min_size=1),
        min_size=2,
        unique=True,
    )
)
def test_any_class_names_survive_the_config(names: list[str]) -> None:
    source = Source("texts", Path("t.csv"), ("0",), ("a",), torch.zeros(1, 1), "mlp")
    config = choices_config(names, source)
    assert [one.get("value") for one in ElementTree.fromstring(config).iter("Choice")] == names
    assert classes_of(config) == set(names)


def test_a_task_has_the_example_its_name_and_the_guess(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    Image.new("RGBA", (3000, 1500), (200, 10, 10, 255)).save(tmp_path / "deep" / "a.png")
    (tmp_path / "b.txt").write_text("no image")
    images = open_source(tmp_path)
    task = task_of(images, 0, ("cat", 0.75))
    head, _, body = task["data"]["image"].partition(",")
    with Image.open(io.BytesIO(base64.b64decode(body))) as seen:
        assert (head, seen.format, seen.size) == ("data:image/jpeg;base64", "JPEG", (1024, 512))
        red, green, _ = np.asarray(seen)[5, 5]
    assert red > 150 > 50 > green
    assert task["data"]["ladle_id"] == "deep/a.png"
    assert task["meta"] == {"ladle_id": "deep/a.png", "ladle_index": 0}
    assert task["predictions"] == [{"model_version": "ladle", "score": 0.75, "result": choice("cat")}]
    assert place_of(task["meta"], images) == 0
    other = Source("texts", Path("t.csv"), ("x", "y"), ("first", "second"), torch.zeros(2, 1), "mlp")
    assert task_of(other, 1, None)["data"] == {"text": "second", "ladle_id": "y", "ladle_index": 1}
    assert task_of(other, 1, None)["predictions"] == []
    for meta in (None, {}, {"ladle_index": 7, "ladle_id": "x"}, {"ladle_index": 1, "ladle_id": "x"}):
        assert place_of(meta, other) is None


def test_the_last_word_of_each_person_counts_and_who_came_first_leads() -> None:
    def said(who: str, label: str | None, created: int, updated: int) -> Annotation:
        result = [{"from_name": "other", "value": {"text": ["x"]}}] + (choice(label) if label else [])
        moments = (START + timedelta(seconds=moment) for moment in (created, updated))
        return Annotation(who, result, label is None, *moments)

    found = answers_of([said("b", "dog", 5, 6), said("a", "cat", 1, 9), said("c", None, 2, 2), said("b", "cat", 3, 4)])
    assert list(found.items()) == [("a", "cat"), ("c", SKIP), ("b", "dog")]
    assert answers_of([replace(said("a", None, 1, 1), cancelled=False)]) == {}


def test_an_annotation_is_read_as_the_server_writes_it() -> None:
    moments = {"created_at": "2026-01-01T00:00:03.5Z", "updated_at": "2026-01-01T00:00:04Z"}
    user = {"id": 7, "email": "a@example.com"}
    read = annotation_of({"completed_by": user, "result": choice("cat"), "was_cancelled": False, **moments})
    created, updated = START + timedelta(seconds=3.5), START + timedelta(seconds=4)
    assert read == Annotation("label-studio-7", choice("cat"), False, created, updated)
    late = {"created_at": created, "updated_at": updated}
    assert annotation_of({"completed_by": 7, "result": choice("cat"), "was_cancelled": None, **late}) == read
    assert annotation_of({"completed_by": 7, "result": None, "was_cancelled": True, **late}).result == ()


def test_batches_go_out_answers_come_back_and_a_stop_anywhere_doubles_nothing(source: Source, tmp_path: Path) -> None:
    server = Memory()
    with opened(source, tmp_path) as project:
        first = Exchange(project, server, batch=10).once()
        assert (first.answers, first.pushed, first.done) == (0, 10, False)
    assert server.projects[1][0] == "Ladle: rows.npy"
    for breaks in ("", "before", "after"):
        # Opened anew each time, as a command that was killed is.
        with opened(source, tmp_path) as project:
            exchange = Exchange(project, server, batch=10)
            assert exchange.number == 1
            due = server.open()
            for number in due[:4]:
                server.say(number, truth_of(server.pushed[number][1]))
            assert exchange.once().pushed == 0  # six are left
            asked = len(server.asked)
            assert exchange.once().answers == 0
            assert len(server.asked) == asked  # nothing has changed, so nothing is asked
            for number in due[4:]:
                server.say(number, truth_of(server.pushed[number][1]))
            server.breaks = breaks
            if breaks:
                with pytest.raises(ServerError):
                    exchange.once()
                server.breaks = ""
                with opened(source, tmp_path) as again:
                    found = Exchange(again, server, batch=10).once()
                assert (found.answers, found.pushed) == (0, 10 if breaks == "before" else 0)
            else:
                assert exchange.once().pushed == 10
    names = [task["data"]["ladle_id"] for _, task in server.pushed]
    assert len(names) == len(set(names)) == 40
    with opened(source, tmp_path) as project:
        status, arm = project.status(), project.control_arm()
        assert (status.labeled, status.pending) == (30, 10)
        assert all(name.startswith(label) for name, label in project.labels().items())
        assert len(arm) == 6  # two of every later batch, none of the first
    for _, task in server.pushed[10:]:
        # The control arm is labeled without a hint.
        assert bool(task["predictions"]) == (task["data"]["ladle_index"] not in arm)
    assert not any(task["predictions"] for _, task in server.pushed[:10])


def test_skips_changes_second_opinions_and_deletions_are_followed(source: Source, tmp_path: Path) -> None:
    server = Memory()
    with opened(source, tmp_path) as project:
        exchange = Exchange(project, server, batch=10)
        exchange.once()
        cat, dog = CLASSES
        server.say(0, None)
        server.say(1, cat)
        server.say(2, dog)
        server.say(2, cat, "label-studio-2")
        assert exchange.once().answers == 4
        name, place = server.pushed[2][1]["data"]["ladle_id"], server.pushed[2][1]["meta"]["ladle_index"]
        status = project.status()
        assert (status.labeled, status.skipped, project.labels()[name]) == (2, 1, dog)
        agreed = agreement(project.opinions())
        assert agreed is not None
        assert agreed.differ == ((place, (1, 0)),)
        server.say(1, dog)
        server.say(0, dog)
        assert exchange.once().answers == 2
        assert project.status().counts == {cat: 0, dog: 3}
        # Who came first changes their mind, twice, and is still first.
        for label in (cat, dog):
            server.say(2, label)
            assert exchange.once().answers == 1
            assert project.labels()[name] == label
        # Who came first withdraws: the other's answer counts.
        server.said[2] = [one for one in server.said[2] if one.annotator != "label-studio-1"]
        assert exchange.once().answers == 1
        assert project.labels()[name] == cat
        del server.said[2]
        assert exchange.once().answers == 1
        assert name not in project.labels()
        assert project.status().pending == 8
    with opened(source, tmp_path) as project:
        assert Exchange(project, server, batch=10).once() == replace(exchange.once(), answers=0, pushed=0)


def test_answers_from_elsewhere_are_kept_beside(source: Source, tmp_path: Path) -> None:
    server = Memory()
    with opened(source, tmp_path) as project, opened(source, tmp_path) as page:
        exchange = Exchange(project, server, batch=10)
        exchange.once()
        page.reload()
        place = server.pushed[0][1]["meta"]["ladle_index"]
        page.answer(place, CLASSES[0], "somebody")
        server.say(0, CLASSES[1])
        server.say(1, CLASSES[1])
        assert exchange.once().answers == 2  # the store had moved on, and is taken over
        assert project.labels()[source.ids[place]] == CLASSES[0]
        with pytest.raises(StoreConflictError):
            page.answer(server.pushed[2][1]["meta"]["ladle_index"], CLASSES[0], "somebody")


def test_it_ends_when_everything_is_answered(source: Source, tmp_path: Path) -> None:
    few = replace(source, ids=source.ids[:5], shown=source.shown[:5], inputs=source.inputs[:5])
    server = Memory()
    with opened(few, tmp_path) as project:
        exchange = Exchange(project, server, batch=3)
        while not exchange.once().done:
            assert server.open()
            for number in server.open():
                server.say(number, None if number == 4 else truth_of(server.pushed[number][1]))
        assert (project.status().labeled, project.status().skipped, len(server.pushed)) == (4, 1, 5)


def test_a_task_that_was_deleted_comes_again_and_strangers_are_left_alone(source: Source, tmp_path: Path) -> None:
    server = Memory()
    with opened(source, tmp_path) as project:
        Exchange(project, server, batch=10).once()
        lost = server.pushed.pop()[1]["data"]["ladle_id"]
        server.pushed.append((1, {"meta": {}, "data": {"text": "by hand"}}))
        server.say(len(server.pushed) - 1, "whatever")
        assert Exchange(project, server, batch=10).once().pushed == 1
    assert server.pushed[-1][1]["data"]["ladle_id"] == lost


def test_what_breaks_a_rule_is_refused_in_one_line(source: Source, tmp_path: Path) -> None:
    server = Memory()
    with opened(source, tmp_path) as project:
        with pytest.raises(ConfigError, match="at least 1"):
            Exchange(project, server, batch=0)
        exchange = Exchange(project, server, batch=10)
        exchange.once()
        server.say(0, CLASSES[0])
        server.say(1, "bird")
        with pytest.raises(InputError, match=r"--classes cat,dog .*,bird"):
            exchange.once()
        assert project.status().labeled == 0
    with opened(source, tmp_path, classes=(*CLASSES, "bird")) as project:
        exchange = Exchange(project, server, batch=10)
        assert classes_of(server.projects[1][2]) == {*CLASSES, "bird"}
        assert exchange.once().answers == 2
        del server.projects[1]
        with pytest.raises(ServerError):
            exchange.once()
        # Started again, it makes another project; what is labeled is not asked for again.
        assert Exchange(project, server, batch=10).once().pushed == 8
    (tmp_path / "other").mkdir()
    with (
        opened(source, tmp_path / "other", classes=("cat", SKIP)) as project,
        pytest.raises(ConfigError, match="button"),
    ):
        Exchange(project, server)


def test_without_a_key_or_the_sdk_nothing_begins(call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    code, _, error = call("label-studio", tmp_path, "--classes", "a,b")
    assert (code, error.count("\n")) == (2, 1)
    assert "LABEL_STUDIO_API_KEY" in error
    code, _, error = call("label-studio", tmp_path, "--api-key", "x", "--every", "0")
    assert (code, error.count("\n")) == (2, 1)
    monkeypatch.setitem(sys.modules, "label_studio_sdk", None)
    code, _, error = call("label-studio", tmp_path, "--api-key", "x")
    assert (code, error) == (2, f"ladle: {MissingExtraError.needs('Label Studio', 'label-studio')}\n")


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """The server that the command line talks to."""
    server = Memory()

    @contextmanager
    def opened(url: str, api_key: str) -> Iterator[Memory]:
        yield server

    monkeypatch.setattr("ladle.adapters.label_studio_server.SdkServer", opened)
    return server


@pytest.fixture
def words(tmp_path: Path) -> tuple[str, ...]:
    """The command line of a project of forty texts."""
    texts = tmp_path / "texts.csv"
    texts.write_text("\n".join(["text", *(f"{('purr', 'bark')[row % 2]} number{row}" for row in range(40)), ""]))
    store = f"sqlite:///{tmp_path}/labels.db"
    return (str(texts), "--classes", "cat,dog", "--store", store, "--api-key", "x", "--batch", "6")


def press_ctrl_c() -> None:
    with suppress(BaseException):  # as the SDK does where it reads an answer
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.1)


def test_ctrl_c_is_heard_while_an_answer_is_read(
    in_memory: Memory, words: tuple[str, ...], call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed: list[int] = []
    tasks = in_memory.tasks

    def read(project: int) -> list[TaskState]:
        if not pressed:
            pressed.append(project)
            press_ctrl_c()
        return tasks(project)

    monkeypatch.setattr(in_memory, "tasks", read)
    code, said, _ = call("label-studio", *words, "--every", "600")
    assert (code, pressed, said.splitlines()[-1][:7]) == (0, [1], "stopped")
    assert len(in_memory.open()) == 6  # what had begun was brought to its end


def test_ctrl_c_while_the_thread_starts_leaves_none_behind(
    in_memory: Memory, words: tuple[str, ...], call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, tasks = Rounds.start, in_memory.tasks
    reading = threading.Event()

    def read(project: int) -> list[TaskState]:
        reading.set()
        time.sleep(0.3)
        return tasks(project)

    def interrupted(rounds: Rounds) -> None:
        start(rounds)
        reading.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(in_memory, "tasks", read)
    monkeypatch.setattr(Rounds, "start", interrupted)
    code, said, _ = call("label-studio", *words, "--every", "600")
    assert (code, said.splitlines()[-1][:7]) == (0, "stopped")
    assert "ladle-label-studio" not in [thread.name for thread in threading.enumerate()]
    assert len(in_memory.open()) == 6


def test_rounds_that_never_began_are_over() -> None:
    rounds = Rounds(cast("Exchange", None), every=1, after=lambda _: True)
    rounds.close()
    rounds.wait()


def test_ctrl_c_gives_a_training_up(
    in_memory: Memory, words: tuple[str, ...], call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("label-studio", *words, "--once")
    for number in in_memory.open():
        in_memory.say(number, ("cat", "dog")[number % 2])

    def endless(*_given: Any, progress: Callable[[int, int], None], **_options: Any) -> None:
        press_ctrl_c()
        while True:
            progress(0, 1)
            time.sleep(0.01)

    monkeypatch.setattr("ladle.session.session.train", endless)
    code, said, _ = call("label-studio", *words, "--every", "600")
    assert (code, said.splitlines()[-1][:7], in_memory.open()) == (0, "stopped", [])


def test_a_second_process_is_told_that_one_is_at_it(in_memory: Memory, words: tuple[str, ...], call: Any) -> None:
    call("label-studio", *words, "--once")
    engine = open_database(words[4])
    with hold(engine, "label-studio", "the exchange with Label Studio"):
        code, _, error = call("label-studio", *words, "--once")
    engine.dispose()
    assert (code, error.count("\n")) == (2, 1)
    assert "one process at a time does the exchange with Label Studio" in error
    assert call("label-studio", *words, "--once")[0] == 0
    assert len(in_memory.pushed) == 6


def test_the_ml_backend_answers_until_it_is_stopped(
    in_memory: Memory, words: tuple[str, ...], call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    heard: list[Any] = []

    def ask() -> None:
        for _ in range(2400):
            with suppress(httpx.HTTPError):
                heard.append(httpx.get(f"http://127.0.0.1:{port}/health", auth=("me", "secret")).json())
                heard.append(httpx.get(f"http://127.0.0.1:{port}/health").status_code)
                break
            time.sleep(0.05)
        while not in_memory.pushed:
            time.sleep(0.05)
        press_ctrl_c()

    monkeypatch.setenv("BASIC_AUTH_USER", "me")
    monkeypatch.setenv("BASIC_AUTH_PASS", "secret")
    thread = threading.Thread(target=ask)
    thread.start()
    code, said, error = call("ml-backend", *words, "--port", port)
    thread.join()
    assert (code, error, heard) == (0, "", [{"status": "UP", "model_class": "Ladle"}, 401])
    assert f"ML backend: http://127.0.0.1:{port} " in said
    assert said.splitlines()[-1].startswith("stopped")
    assert len(in_memory.pushed) == 6
    monkeypatch.delenv("BASIC_AUTH_PASS")
    for more, message in ((("--host", "0.0.0.0"), "set both"), (("--every", "0"), "--every 0")):
        code, _, error = call("ml-backend", *words, *more)
        assert (code, error.count("\n"), message in error) == (2, 1, True)
