"""A project over real digits: the control arm is random and leaks nothing, answers are kept, wrong ones are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from ladle.errors import BudgetError, ConfigError, InputError, LadleError, SessionError, UnknownNameError
from ladle.labeling import ControlAnswer, LabelingProject, Source, accuracy_curve, open_source
from ladle.models import TrainingConfig
from ladle.strategies import CATALOG

CLASSES = tuple(f"digit {number}" for number in range(10))
QUICK = TrainingConfig(epochs=10, learning_rate=0.05)


def shuffled() -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float32]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    # As they come, digits are sorted by writer: what is left would be of others than the pool.
    inputs, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    return inputs[order].astype(np.float32), labels[order]


@pytest.fixture(scope="module")
def digits() -> tuple[Source, dict[str, str]]:
    inputs, labels = shuffled()
    ids = tuple(f"n{row}" for row in range(300))
    rows = torch.from_numpy(inputs[:300] / 16).float()
    truth = {name: CLASSES[label] for name, label in zip(ids, labels[:300], strict=True)}
    return Source("embeddings", Path("digits.npy"), ids, ids, rows, "mlp"), truth


def project(source: Source, store: str, **options: object) -> LabelingProject:
    return LabelingProject(source, **({"classes": CLASSES, "training": QUICK, "store": store} | options))  # type: ignore[arg-type]


def test_batches_have_a_random_share_and_everything_is_in_the_store(
    digits: tuple[Source, dict[str, str]], tmp_path: Path
) -> None:
    source, truth = digits
    url = f"sqlite:///{tmp_path}/labels.db"
    asked: list[str] = []
    for number in range(4):
        # Opened anew for every batch, as separate commands do.
        with project(source, url) as labeling:
            batch = labeling.next(20)
            assert len(batch) == 20
            assert sum(pick.control for pick in batch) == (4 if number else 0)
            assert all((pick.guess is None) == (number == 0) for pick in batch)
            assert [pick.id for pick in labeling.next(5)] == [pick.id for pick in batch]  # still awaited
            asked += [pick.id for pick in batch]
            half = {pick.id: truth[pick.id] for pick in batch[:10]}
            assert labeling.ingest(half) == (10, 0)
            assert len(labeling.next(20)) == 10
        with project(source, url, classes=None) as labeling:
            rest = {pick.id: truth[pick.id] for pick in batch[10:]}
            assert labeling.ingest(rest | half) == (10, 0)  # what is known already is passed over
    assert len(set(asked)) == 80
    with project(source, url, classes=None) as labeling:
        state = labeling.status()
        assert (state.labeled, state.skipped, state.pending, state.examples) == (80, 0, 0, 300)
        assert sum(state.counts.values()) == 80
        assert labeling.labels() == {name: truth[name] for name in labeling.labels()}
        assert [point.labeled for point in state.curve] == [20, 40, 60]
        assert [point.answers for point in state.curve] == [4, 8, 12]


def test_the_accuracy_is_near_the_true_one(digits: tuple[Source, dict[str, str]], tmp_path: Path) -> None:
    source, truth = digits
    with project(source, f"sqlite:///{tmp_path}/labels.db", control=0.5) as labeling:
        for _ in range(5):
            labeling.ingest({pick.id: truth[pick.id] for pick in labeling.next(40)})
        last = labeling.status().curve[-1]
        inputs, labels = shuffled()
        true = labeling.session.evaluate(inputs[300:] / 16, labels[300:])
    assert last.low <= true <= last.high + 0.05  # the last answers lag behind the model
    assert 0.7 < last.accuracy <= 1


def test_the_control_arm_is_uniform_over_what_is_left(digits: tuple[Source, dict[str, str]]) -> None:
    source, truth = digits
    # Two classes first: of one alone there is no model, and nothing that it could guess.
    other = next(row for row, name in enumerate(source.ids) if truth[name] != truth[source.ids[0]])
    rows = [0, other, *(row for row in range(1, 30) if row != other)][:12]
    ids = tuple(source.ids[row] for row in rows)
    few = Source("embeddings", source.path, ids, ids, source.inputs[rows], "mlp")
    counts = dict.fromkeys(ids, 0)
    tiny = TrainingConfig(epochs=1)
    for seed in range(150):
        with LabelingProject(
            few, classes=CLASSES, store="sqlite://", training=tiny, control=0.5, seed=seed
        ) as labeling:
            labeling.ingest({name: truth[name] for name in ids[:2]})
            for pick in labeling.next(4):
                counts[pick.id] += pick.control
    assert counts[ids[0]] == counts[ids[1]] == 0
    drawn = np.array(list(counts.values())[2:])
    assert drawn.sum() == 300
    assert ((drawn - 30) ** 2 / 30).sum() < 28  # chi-square with nine degrees of freedom, 0.999


def test_with_one_class_alone_the_batch_is_random(digits: tuple[Source, dict[str, str]]) -> None:
    source, truth = digits
    with project(source, "sqlite://") as labeling:
        same = [name for name in source.ids if truth[name] == truth["n0"]][:5]
        labeling.ingest({name: truth[name] for name in same})
        plan = labeling.plan(10)
        assert [event.strategy for event in plan.events] == ["random"]
        assert (plan.guesses, plan.receipts) == ({}, {})


def test_skipped_examples_do_not_come_back_and_imported_labels_count(
    digits: tuple[Source, dict[str, str]], tmp_path: Path
) -> None:
    source, truth = digits
    with project(source, f"sqlite:///{tmp_path}/labels.db") as labeling:
        labeling.ingest({f"n{row}": truth[f"n{row}"] for row in range(250)})
        batch = labeling.next(10)
        assert labeling.ingest({pick.id: "skip" for pick in batch}) == (0, 10)
        assert labeling.ingest({batch[0].id: "skip"}) == (0, 0)
        rest = labeling.next(100)
        assert len(rest) == 40  # what is left, if less than asked for
        assert not {pick.id for pick in rest} & {pick.id for pick in batch}
        labeling.ingest({pick.id: truth[pick.id] for pick in rest})
        with pytest.raises(BudgetError):
            labeling.next(1)


def test_one_wrong_answer_and_none_is_recorded(digits: tuple[Source, dict[str, str]], tmp_path: Path) -> None:
    source, truth = digits
    with project(source, f"sqlite:///{tmp_path}/labels.db") as labeling:
        labeling.ingest({"n0": truth["n0"]})
        wrong = CLASSES[1] if truth["n0"] != CLASSES[1] else CLASSES[2]
        for answers, kind, message in (
            ({"n1": truth["n1"], "n2": "dgit 2"}, InputError, "got 'dgit 2' for 'n2'"),
            ({"n1": truth["n1"], "m2": CLASSES[0]}, InputError, "got id 'm2'"),
            ({"n1": truth["n1"], "n0": wrong}, SessionError, "labeled once"),
        ):
            with pytest.raises(kind, match=message) as caught:
                labeling.ingest(answers)
            assert "\n" not in str(caught.value)
        assert labeling.labels() == {"n0": truth["n0"]}


def test_a_class_may_be_added_and_settings_stay(digits: tuple[Source, dict[str, str]], tmp_path: Path) -> None:
    source, truth = digits
    url = f"sqlite:///{tmp_path}/labels.db"
    with project(source, url, classes=CLASSES[:2], strategy="entropy") as labeling:
        labeling.ingest({f"n{row}": truth[f"n{row}"] for row in range(60) if truth[f"n{row}"] in CLASSES[:2]})
        assert len(labeling.next(5)) == 5
    with project(source, url, classes=CLASSES[:3]) as labeling:
        assert labeling.classes == CLASSES[:3]
        assert labeling.session.strategy.name == "entropy"
        labeling.ingest({pick.id: CLASSES[2] for pick in labeling.next(5)})
        assert len(labeling.next(5)) == 5
    for options, message in (
        ({"classes": CLASSES[1:4]}, "new ones come behind"),
        ({"classes": CLASSES[:1]}, "two or more"),
        ({"classes": ("a", "a")}, "two or more"),
        ({"strategy": "grad"}, "keeps its strategy"),
        ({"control": 0.5}, "keeps its control"),
        ({"control": 1.0}, "below 1"),
    ):
        with pytest.raises(ConfigError, match=message):
            project(source, url, **options)
    with pytest.raises(UnknownNameError):
        project(source, url, strategy="margni")
    with pytest.raises(ConfigError, match="needs its classes"):
        project(source, f"sqlite:///{tmp_path}/new.db", classes=None)


def test_the_curve_is_over_the_last_answers_with_wilsons_interval() -> None:
    answers = [ControlAnswer(10, right) for right in (True, False)] + [ControlAnswer(20, True)] * 3
    first, second = accuracy_curve(answers, window=4)
    assert (first.labeled, first.accuracy, first.answers) == (10, 0.5, 2)
    assert (second.labeled, second.accuracy, second.answers) == (20, 0.75, 4)
    # Wilson by hand for 3 of 4: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96.
    assert (second.low, second.high) == pytest.approx((0.3006, 0.9544), abs=1e-3)
    assert accuracy_curve([]) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"classes": "cat,dog"}, "two or more distinct names"),
        ({"classes": ["cat", 3]}, "two or more distinct names"),
        ({"classes": ["cat", "\ud800"]}, "two or more distinct names"),
        ({"control": [0.2]}, "share from 0 to below 1"),
        ({"control": True}, "share from 0 to below 1"),
        ({"strategy": CATALOG["margin"]}, "stores the name of its strategy"),
        ({"model": 3}, "stores the name of its network"),
        ({"model": "mpl"}, "did you mean 'mlp'"),
        ({"model": "lenet"}, "lenet takes images"),
        ({"model": "no_such_module:build"}, "can be imported"),
    ],
)
def test_a_project_that_is_refused_leaves_nothing_behind(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.eye(4, dtype=np.float32))
    source, store = open_source(tmp_path / "rows.npy"), f"sqlite:///{tmp_path}/labels.db"
    with pytest.raises(LadleError, match=message):
        LabelingProject(source, store=store, **{"classes": ["cat", "dog"], **given})
    with LabelingProject(source, classes=["cat", "dog"], store=store) as project:
        assert project.model == "mlp"
