"""The desk: no example with two people at once, nothing lost, the next batch ready, undo by person."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from ladle.errors import ConfigError, InputError, SessionError, StoreError
from ladle.labeling import SKIP, UNSURE, Desk, LabelingProject, Source
from ladle.models import TrainingConfig

T = TypeVar("T")
CLASSES = tuple(str(number) for number in range(10))


def digits(count: int = 120) -> tuple[Source, list[str]]:
    inputs, labels = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(labels))[:count]
    ids = tuple(f"n{row}" for row in range(count))
    source = Source("embeddings", Path("digits.npy"), ids, ids, torch.from_numpy(inputs[rows] / 16).float(), "mlp")
    return source, [CLASSES[label] for label in labels[rows]]


def project(source: Source, store: str, **options: object) -> LabelingProject:
    training = TrainingConfig(epochs=3, learning_rate=0.05)
    return LabelingProject(source, **({"classes": CLASSES, "store": store, "training": training} | options))  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Desk, list[str]]]:
    source, truth = digits()
    with project(source, f"sqlite:///{tmp_path}/labels.db") as labeling:
        opened = Desk(labeling, batch=10)
        opened.start()
        yield opened, truth
        opened.close()


def handed(desk: Desk, annotator: str) -> int:
    """Return the next example, waiting while it is chosen."""
    return wait_for(lambda: desk.hand(annotator)).place


def wait_for(look: Callable[[], T | None]) -> T:
    for _ in range(600):
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError("nothing came")


def test_an_example_lies_with_one_person_and_comes_back_after_a_reload(desk: tuple[Desk, list[str]]) -> None:
    opened, truth = desk
    first, second = handed(opened, "ada"), handed(opened, "ben")
    assert first != second
    assert handed(opened, "ada") == first
    opened.answer("ada", first, truth[first])
    assert handed(opened, "ada") not in (first, second)
    with pytest.raises(SessionError, match="on your desk"):
        opened.answer("ada", second, truth[second])
    with pytest.raises(InputError, match="got 'eleven'"):
        opened.answer("ben", second, "eleven")
    assert handed(opened, "ben") == second, "a wrong answer leaves the example where it lies"


def test_what_lies_for_too_long_goes_to_somebody_else(tmp_path: Path) -> None:
    source, truth = digits()
    now = [0.0]
    with project(source, f"sqlite:///{tmp_path}/labels.db") as labeling:
        labeling.record(labeling.plan(2))
        opened = Desk(labeling, clock=lambda: now[0])
        first, second = handed(opened, "ada"), handed(opened, "ben")
        assert opened.hand("cem") is None
        now[0] = 16 * 60.0
        assert {handed(opened, "cem"), handed(opened, "dot")} == {first, second}
        with pytest.raises(SessionError, match="on your desk"):
            opened.answer("ada", first, truth[first])


def test_the_next_batch_is_chosen_while_this_one_is_labeled(desk: tuple[Desk, list[str]]) -> None:
    opened, truth = desk
    asked = []
    for _ in range(60):
        place = handed(opened, "ada")
        asked.append(place)
        opened.answer("ada", place, truth[place])
    assert len(set(asked)) == 60
    state = opened.project.session.state
    assert state.labeled.tolist() == asked
    arm = opened.project.control_arm()
    assert 5 <= len(arm.intersection(asked)) <= 15
    chosen = [place for place in asked[20:] if place not in arm]
    assert all(opened.project.receipt(place) is not None for place in chosen)
    assert opened.status().curve


def test_undo_is_by_person_and_as_deep_as_one_likes(desk: tuple[Desk, list[str]]) -> None:
    opened, truth = desk
    given: dict[str, list[int]] = {"ada": [], "ben": []}
    for turn in range(8):
        who = ("ada", "ben")[turn % 2]
        place = handed(opened, who)
        opened.answer(who, place, SKIP if turn == 4 else truth[place])
        given[who].append(place)
    for place in reversed(given["ada"]):
        assert opened.undo("ada") == place
        assert handed(opened, "ada") == place, "what is taken back is seen next"
    with pytest.raises(SessionError, match="nothing to undo"):
        opened.undo("ada")
    assert sorted(opened.project.session.labeled.tolist()) == sorted(given["ben"])
    assert [one.place for one in opened.answered_by("ben")] == given["ben"]


def test_what_one_is_not_sure_of_comes_again_on_request(desk: tuple[Desk, list[str]]) -> None:
    opened, truth = desk
    unsure = []
    for turn in range(6):
        place = handed(opened, "ada")
        opened.answer("ada", place, UNSURE if turn < 2 else truth[place])
        if turn < 2:
            unsure.append(place)
    assert set(opened.project.session.state.skipped.tolist()) == set(unsure)
    assert opened.look_again("ada") == 2
    assert set(opened.project.session.state.pending.tolist()) >= set(unsure)
    again = handed(opened, "ada")
    assert again in unsure
    opened.answer("ada", again, truth[again])
    assert opened.look_again("ada") == 0


def test_a_shared_example_is_asked_of_two_and_no_more(tmp_path: Path) -> None:
    source, truth = digits(40)
    with project(source, f"sqlite:///{tmp_path}/labels.db") as labeling:
        labeling.record(labeling.plan(12))
        opened = Desk(labeling, batch=12, overlap=1.0)
        asked: dict[str, list[int]] = {"ada": [], "ben": [], "cem": []}
        for _ in range(12):
            place = handed(opened, "ada")
            asked["ada"].append(place)
            opened.answer("ada", place, truth[place])
        assert opened.agreement() is None
        for turn in range(12):
            found = opened.hand("ben")
            assert found is not None
            assert found.second
            asked["ben"].append(found.place)
            wrong = CLASSES[(int(truth[found.place]) + 1) % 10]
            opened.answer("ben", found.place, wrong if turn < 3 else truth[found.place])
        assert sorted(asked["ben"]) == sorted(asked["ada"])
        found = opened.hand("cem")
        assert found is None
        agreed = opened.agreement()
        assert agreed is not None
        assert (agreed.same, agreed.of, len(agreed.differ)) == (9, 12, 3)
        assert agreed.low < 0.75 < agreed.high
        # The first answer is what counts.
        assert labeling.labels() == {source.ids[place]: truth[place] for place in asked["ada"]}
        opened.undo("ben", asked["ben"][0])
        assert opened.agreement().of == 11  # type: ignore[union-attr]
        assert len(labeling.labels()) == 12


@pytest.mark.parametrize("overlap", [1.0, 0.0])
def test_where_the_first_label_is_undone_the_second_is_the_label(tmp_path: Path, overlap: float) -> None:
    source, truth = digits(40)
    url = f"sqlite:///{tmp_path}/labels.db"
    with project(source, url) as labeling:
        labeling.record(labeling.plan(1))
        opened = Desk(labeling, overlap=1.0)
        place = handed(opened, "ada")
        wrong = CLASSES[(int(truth[place]) + 1) % 10]
        opened.answer("ada", place, wrong)
        assert handed(opened, "ben") == place
        opened.answer("ben", place, truth[place])
        assert labeling.labels() == {source.ids[place]: wrong}
    # A restart between the two, and without an overlap: what was shared before still is.
    with project(source, url) as labeling:
        opened = Desk(labeling, overlap=overlap)
        assert opened.undo("ada") == place
        assert labeling.labels() == {source.ids[place]: truth[place]}
        assert not len(labeling.session.state.pending)
        again = opened.hand("ada")
        assert again is not None
        assert (again.place, again.second) == (place, True)
        opened.answer("ada", place, wrong)
        found = opened.agreement()
        assert found is not None
        assert found.differ == ((place, (int(truth[place]), int(wrong))),)
    with project(source, url) as labeling:
        assert labeling.labels() == {source.ids[place]: truth[place]}
        assert [(one.annotator, one.second) for one in labeling.opinions()] == [("ben", False), ("ada", True)]
        opened = Desk(labeling, overlap=overlap)
        assert opened.undo("ben") == place
        assert labeling.labels() == {source.ids[place]: wrong}
        assert opened.undo("ada") == place
        assert labeling.labels() == {}
        assert labeling.session.state.pending.tolist() == [place]


def test_where_only_doubt_stands_beside_an_undone_label_the_example_is_awaited_again(tmp_path: Path) -> None:
    source, truth = digits(40)
    with project(source, f"sqlite:///{tmp_path}/labels.db") as labeling:
        labeling.record(labeling.plan(1))
        opened = Desk(labeling, overlap=1.0)
        place = handed(opened, "ada")
        opened.answer("ada", place, truth[place])
        handed(opened, "ben")
        opened.answer("ben", place, UNSURE)
        opened.undo("ada")
        assert labeling.session.state.pending.tolist() == [place]
        assert handed(opened, "ada") == place
        opened.answer("ada", place, truth[place])
        assert labeling.labels() == {source.ids[place]: truth[place]}


def test_classes_are_added_while_people_label(desk: tuple[Desk, list[str]]) -> None:
    opened, truth = desk
    place = handed(opened, "ada")
    opened.answer("ada", place, truth[place])
    place = handed(opened, "ada")
    opened.add_class("smudge")
    opened.answer("ada", place, "smudge")
    assert opened.status().counts["smudge"] == 1
    for name in ("", "smudge", "skip", "x" * 101):
        with pytest.raises(ConfigError, match="a class has a name of its own"):
            opened.add_class(name)
    for name in ("\x1b]0;mine\x07", "two\nlines", "\u202etxt.exe", "\ud800", "nul\0"):
        with pytest.raises(ConfigError, match="a name that can be read"):
            opened.add_class(name)
    for name in ("=cmd|' /C calc'!A0", "@SUM(1)", "+1+1", "-2+3"):
        with pytest.raises(ConfigError, match="no spreadsheet computes"):
            opened.add_class(name)
    for name in ("-1", "+0.5", "نمی\u200cدانم", "👩\u200d🔬", "<b> & [red]"):
        opened.add_class(name)
    for _ in range(15):
        place = handed(opened, "ada")
        opened.answer("ada", place, truth[place])
    assert not opened.planning.trouble


def test_classes_do_not_become_more_than_can_be_shown(tmp_path: Path) -> None:
    source, _ = digits(15)
    many = tuple(f"class {number}" for number in range(1000))
    with (
        project(source, f"sqlite:///{tmp_path}/labels.db", classes=many) as labeling,
        pytest.raises(ConfigError, match="at most 1000 classes"),
    ):
        labeling.add_class("one more")


def test_everything_is_there_after_the_desk_was_left(tmp_path: Path) -> None:
    source, truth = digits()
    url = f"sqlite:///{tmp_path}/labels.db"
    given = {}
    for _ in range(3):
        with project(source, url) as labeling:
            opened = Desk(labeling, batch=8)
            opened.start()
            for _ in range(7):
                place = handed(opened, "ada")
                assert place not in given
                opened.answer("ada", place, truth[place])
                given[place] = truth[place]
            handed(opened, "ada")  # left on the desk
            opened.close()
    with project(source, url, classes=None) as labeling:
        assert labeling.labels() == {source.ids[place]: label for place, label in given.items()}
        assert len(labeling.opinions()) == 21


def test_labels_are_read_between_two_answers(tmp_path: Path) -> None:
    source, _ = digits(15)
    with project(source, f"sqlite:///{tmp_path}/labels.db") as labeling:
        opened = Desk(labeling)
        found: list[dict[str, str]] = []
        reader = threading.Thread(target=lambda: found.append(opened.labels()))
        with opened._lock:  # as while an answer is written
            reader.start()
            reader.join(0.1)
            assert not found
        reader.join()
        assert found == [{}]


def test_many_people_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    source, truth = digits(160)
    with project(source, f"sqlite:///{tmp_path}/labels.db") as labeling:
        opened = Desk(labeling, batch=40)
        opened.start()
        given: list[tuple[str, int]] = []
        failures: list[BaseException] = []

        def work(annotator: str) -> None:
            try:
                for _ in range(10):
                    place = handed(opened, annotator)
                    opened.answer(annotator, place, truth[place])
                    given.append((annotator, place))
            except BaseException as error:
                failures.append(error)

        people = [threading.Thread(target=work, args=(f"person {number}",)) for number in range(12)]
        for person in people:
            person.start()
        for person in people:
            person.join()
        opened.close()
        assert not failures
        places = [place for _, place in given]
        assert len(places) == len(set(places)) == 120
        assert labeling.labels() == {source.ids[place]: truth[place] for place in places}


def test_a_diverging_training_is_told_and_the_batch_is_random(tmp_path: Path) -> None:
    source, truth = digits()
    wild = TrainingConfig(epochs=5, learning_rate=1e30)
    with project(source, f"sqlite:///{tmp_path}/labels.db", training=wild) as labeling:
        opened = Desk(labeling, batch=10)
        opened.start()
        for _ in range(12):
            place = handed(opened, "ada")
            opened.answer("ada", place, truth[place])
        assert "lower the learning rate" in wait_for(lambda: opened.planning.trouble or None)
        opened.close()


def test_a_store_that_was_away_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, truth = digits()
    with project(source, f"sqlite:///{tmp_path}/labels.db") as labeling:
        monkeypatch.setattr("ladle.labeling.desk._SECONDS_TO_THE_NEXT_TRY", 0.2)
        beside = labeling.beside
        tries: list[int] = []

        def away() -> LabelingProject:
            tries.append(len(tries))
            if len(tries) < 3:
                raise StoreError("the store went away")
            return beside()

        monkeypatch.setattr(labeling, "beside", away)
        opened = Desk(labeling, batch=10)
        opened.start()
        assert wait_for(lambda: opened.planning.trouble or None) == "the store went away"
        place = handed(opened, "ada")
        opened.answer("ada", place, truth[place])
        assert (opened.planning.trouble, len(tries)) == ("", 3)
        opened.close()


def test_an_answer_that_is_sent_again_counts_once(tmp_path: Path) -> None:
    source, truth = digits()
    store = f"sqlite:///{tmp_path}/labels.db"
    with project(source, store) as labeling, project(source, store) as unheard:
        opened = Desk(labeling, batch=10)
        opened.start()
        place = handed(opened, "ada")
        unheard.reload()
        unheard.answer(place, truth[place], "ada")  # recorded, and the connection lost before it was said
        opened.answer("ada", place, truth[place])
        assert [(one.place, one.second) for one in opened.answered_by("ada")] == [(place, False)]
        assert labeling.labels() == {source.ids[place]: truth[place]}
        opened.close()


def test_a_forecast_is_made_beside_the_labeling(tmp_path: Path) -> None:
    source, truth = digits()
    with project(source, f"sqlite:///{tmp_path}/labels.db", control=0.5) as labeling:
        opened = Desk(labeling, batch=10)
        opened.start()
        opened.forecast()
        assert "no control arm yet" in wait_for(lambda: opened.forecasting.sentence or None)
        for _ in range(100):
            place = handed(opened, "ada")
            opened.answer("ada", place, truth[place])
        opened.forecast()
        opened.forecast()  # one at a time
        assert opened.forecasting.busy
        found = wait_for(lambda: None if opened.forecasting.busy else opened.forecasting)
        assert found.labeled == 100
        assert "margin" in found.sentence
        assert "it takes" not in found.sentence, "there are labels enough"
        opened.close()


def test_closing_gives_up_a_forecast(desk: tuple[Desk, list[str]]) -> None:
    opened, truth = desk
    for _ in range(60):
        place = handed(opened, "ada")
        opened.answer("ada", place, truth[place])
    opened.forecast()
    opened.close()
    assert "ladle-forecast" not in {thread.name for thread in threading.enumerate()}


def test_everything_labeled_is_the_end(tmp_path: Path) -> None:
    source, truth = digits(15)
    with project(source, f"sqlite:///{tmp_path}/labels.db") as labeling:
        opened = Desk(labeling, batch=10)
        opened.start()
        for _ in range(15):
            place = handed(opened, "ada")
            opened.answer("ada", place, truth[place])
        wait_for(lambda: opened.planning.exhausted or None)
        assert opened.hand("ada") is None
        opened.close()


@pytest.mark.parametrize(("options", "match"), [({"batch": 0}, "got batch=0"), ({"overlap": 1.5}, "got overlap=1.5")])
def test_settings_out_of_range_are_refused(options: dict[str, float], match: str) -> None:
    source, _ = digits(15)
    with project(source, "sqlite://") as labeling, pytest.raises(ConfigError, match=match):
        Desk(labeling, **options)  # type: ignore[arg-type]
