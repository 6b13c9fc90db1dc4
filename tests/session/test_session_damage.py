"""A store whose rows are not as they were written: one line says which, and no answer is made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from ladle.errors import InputError, SessionError, StoreError
from ladle.session import EventLog, Session, open_database
from ladle.session.damage import as_written

ROWS = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)


def opened(store: str, *, classes: int | None = 2, loss: str = "cross-entropy") -> Session:
    return Session(ROWS, "mlp", strategy="random", classes=classes, loss=loss, store=store)


def edit(store: str, statement: str, **values: Any) -> None:
    engine = open_database(store)
    with engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount > 0
    engine.dispose()


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A session of five events: a batch asked for, labels, a skipped example, that taken back, and another batch."""
    url = f"sqlite:///{tmp_path}/labels.db"
    with opened(url) as session:
        batch = session.ask(3)
        session.tell(batch, [0, 1, 1])
        session.skip(next(one for one in range(20) if one not in batch))
        session.undo()
        session.ask(2)
    return url


def refused(store: str, number: int, reason: str, **given: Any) -> None:
    with pytest.raises(StoreError) as caught:
        opened(store, **given)
    message = str(caught.value)
    assert f"(got event {number} of 'session' in {store}: " in message
    assert reason in message
    assert message.endswith("; put a copy of the store in its place, or begin a new one with the last export")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("number", "payload", "reason"),
    [
        (0, "{}", "asked with {}"),
        (0, "[]", "asked with []"),
        (0, "null", "asked with None"),
        (0, "7", "asked with 7"),
        (0, "no JSON", "Expecting value"),
        (0, '{"indices": [3], "strategy": "random"}', "asked with {'indices'"),
        (0, '{"indices": [3], "strategy": 1, "seconds": {}}', "asked with {'indices'"),
        (0, '{"indices": [3], "strategy": "random", "seconds": {}, "more": 1}', "asked with {'indices'"),
        (0, '{"indices": {}, "strategy": "random", "seconds": {}}', "asked with {'indices'"),
        (0, '{"indices": [3, 3], "strategy": "random", "seconds": {}}', "an index twice in [3, 3]"),
        (0, '{"indices": [[3]], "strategy": "random", "seconds": {}}', "unhashable type"),
        (0, '{"indices": ["3"], "strategy": "random", "seconds": {}}', "other than whole numbers in ['3']"),
        (0, '{"indices": [true], "strategy": "random", "seconds": {}}', "other than whole numbers in [True]"),
        (0, '{"indices": [1.5], "strategy": "random", "seconds": {}}', "other than whole numbers in [1.5]"),
        (0, '{"indices": [-1], "strategy": "random", "seconds": {}}', "numbers below 0 in [-1]"),
        (0, '{"indices": [999999], "strategy": "random", "seconds": {}}', "index 999999 in a pool of 20"),
        (0, '{"indices": [20], "strategy": "random", "seconds": {}}', "index 20 in a pool of 20"),
        (0, '{"indices": [%s], "strategy": "random", "seconds": {}}' % ("9" * 30), "too large"),
        (0, '{"indices": [%s], "strategy": "random", "seconds": {}}' % ("9" * 9000), "integer string conversion"),
        (0, "[" * 100_000, "recursion"),
        (1, '{"indices": [3]}', "told with {'indices'"),
        (1, '{"indices": [3], "labels": [0, 1]}', "1 indices with labels [0, 1]"),
        (1, '{"indices": [3], "labels": [2]}', "label 2 with classes=2"),
        (1, '{"indices": [3], "labels": [-1]}', "numbers below 0 in [-1]"),
        (1, '{"indices": [3], "labels": ["a"]}', "other than whole numbers in ['a']"),
        (1, '{"indices": [3], "labels": [[0, 1]]}', "labels of shape (1, 2) where an example has one class"),
        (1, '{"indices": [3, 4], "labels": [[0, 1], [1]]}', "2 indices with labels [[0, 1], [1]]"),
        (1, '{"indices": [3, 4], "labels": [[0, 1], 1]}', "not iterable"),
        (2, '{"indices": [3], "labels": [0]}', "skipped with {'indices'"),
        (2, '{"indices": [99]}', "index 99 in a pool of 20"),
        (3, '{"index": 99}', "index 99 in a pool of 20"),
        (3, '{"index": "a"}', "other than whole numbers in ['a']"),
        (3, '{"index": null}', "other than whole numbers in [None]"),
        (3, '{"other": 1}', "undone with {'other': 1}"),
        (3, "[]", "undone with []"),
        # Each possible alone, and not behind those before it.
        (3, '{"index": 19}', "an answer is undone once (got index 19, which has none)"),
    ],
)
def test_an_event_that_none_is_is_named(store: str, number: int, payload: str, reason: str) -> None:
    edit(store, "UPDATE events SET payload = :payload WHERE sequence = :number", payload=payload, number=number)
    refused(store, number, reason)


def test_events_that_cannot_follow_each_other_are_named(store: str) -> None:
    with opened(store) as session:
        first, waiting = session.labeled.tolist(), session.state.pending.tolist()
    payload = {"indices": [waiting[0], first[0]], "strategy": "random", "seconds": {}}
    edit(store, "UPDATE events SET payload = :payload WHERE sequence = 4", payload=json.dumps(payload))
    refused(store, 4, f"a batch is of examples that are neither answered nor awaited (got index {first[0]}, which is)")


@pytest.mark.parametrize("number", [0, 2, 3])
def test_an_event_that_is_missing_is_told(store: str, number: int) -> None:
    edit(store, "DELETE FROM events WHERE sequence = :number", number=number)
    refused(store, number, f"event {number + 1} in its place")


def test_an_event_of_another_kind_is_no_event(store: str) -> None:
    edit(store, "UPDATE events SET kind = 'undone' WHERE sequence = 2")
    refused(store, 2, "undone with {'indices'")


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ("[1]", "labels of shape (1,) up to 1 where each class has a 0 or 1"),
        ("[[0, 2, 0]]", "labels of shape (1, 3) up to 2 where each class has a 0 or 1"),
        ("[[0, 1]]", "labels of shape (1, 2) up to 1 where each class has a 0 or 1"),
    ],
)
def test_multi_labels_are_rows_of_zeros_and_ones(tmp_path: Path, labels: str, reason: str) -> None:
    store = f"sqlite:///{tmp_path}/labels.db"
    given: dict[str, Any] = {"classes": 3, "loss": "binary-cross-entropy"}
    with opened(store, **given) as session:
        session.tell([4], [[0, 1, 1]])
        session.tell([5], [[1, 0, 0]])
    with opened(store, **given) as session:
        assert session.labels.tolist() == [[0, 1, 1], [1, 0, 0]]
    payload = f'{{"indices": [5], "labels": {labels}}}'
    edit(store, "UPDATE events SET payload = :payload WHERE sequence = 1", payload=payload)
    refused(store, 1, reason, **given)


@pytest.mark.parametrize(("config", "reason"), [("[]", "settings []"), ("nothing", "Expecting value")])
def test_settings_that_are_none_are_named(store: str, config: str, reason: str) -> None:
    edit(store, "UPDATE sessions SET config = :config", config=config)
    with pytest.raises(StoreError) as caught:
        opened(store)
    assert f"(got session 'session' in {store}: {reason}" in str(caught.value)


def test_without_a_number_of_classes_any_is_one(tmp_path: Path) -> None:
    from torch import nn

    store = f"sqlite:///{tmp_path}/labels.db"
    for _ in range(2):
        with Session(ROWS, lambda: nn.Linear(3, 9), strategy="random", store=store) as session:
            if not len(session.labeled):
                session.tell([4], [8])
            assert session.labels.tolist() == [8]


def test_a_label_beyond_the_classes_is_not_recorded() -> None:
    with opened("sqlite://") as session:
        with pytest.raises(InputError, match=r"class numbers from 0 to 1 \(got 2\)"):
            session.tell([4, 5], [0, 2])
        assert len(session.labeled) == 0


def test_only_what_nobody_expected_is_damage() -> None:
    engine = open_database(None)
    with pytest.raises(SessionError, match="as it is"), as_written(engine, "a row"):
        raise SessionError("as it is")
    with pytest.raises(StoreError, match=r"got a row in sqlite://: KeyError\)"), as_written(engine, "a row"):
        raise KeyError
    assert EventLog(engine, "read alone", {}).read() == []


@pytest.mark.parametrize("number", ["''", "'0000'", "'1'", "'first'", "x'30303031'", "'٠٠٠١'"])
def test_a_schema_without_a_number_is_told(store: str, number: str) -> None:
    edit(store, f"UPDATE ladle_revision SET version_num = {number}")
    with pytest.raises(StoreError, match=r"got its schema's number in sqlite:.*\); put a copy"):
        open_database(store)


def test_a_schema_that_is_no_text_is_told_in_a_line_when_a_store_is_opened_and_reached_again(
    store: str, tmp_path: Path
) -> None:
    engine, file = open_database(store), tmp_path / "labels.db"
    engine.dispose()
    content = file.read_bytes()
    broken = content.replace(b"CREATE TABLE sessions", b"CREATE TABL\xff sessions")
    assert broken != content
    file.write_bytes(broken)
    line = (
        r"^the store must .*labels\.db: malformed database schema, which is no text\); the file is damaged: put a copy"
    )
    with pytest.raises(StoreError, match=line):
        open_database(store)
    with pytest.raises(StoreError, match=line), engine.begin():
        pass
