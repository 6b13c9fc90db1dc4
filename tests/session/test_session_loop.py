"""The loop on real digits: algorithm 1, resumed, undone, with a user's own module, table or sparse matrix."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.datasets import load_digits
from torch import nn

import ladle
from ladle.errors import BudgetError, InputError, SessionError, UnknownNameError
from ladle.models import TrainingConfig
from ladle.session import open_database
from ladle.session.seeds import Purpose, derived_seed

FEW = TrainingConfig(epochs=3)


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    inputs, labels = load_digits(return_X_y=True)
    return inputs[:400] / 16, labels[:400]


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 10))


def run(session: ladle.Session, labels: np.ndarray[Any, Any], until: int) -> list[list[int]]:
    batches = []
    while len(session.labeled) < until:
        batch = session.ask(10)
        batches.append(batch.tolist())
        session.tell(batch, labels[batch])
    return batches


@pytest.mark.parametrize("strategy", ladle.list_strategies())
def test_every_strategy_runs_the_loop(strategy: str, digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    session = ladle.Session(inputs, net, strategy=strategy, training=FEW)
    batches = run(session, labels, 40)
    assert len({index for batch in batches for index in batch}) == 40
    assert session.labels.tolist() == labels[session.labeled].tolist()
    assert 0 <= session.evaluate(inputs, labels) <= 1


def test_a_training_tells_how_far_it_is(digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    session = ladle.Session(inputs, net, training=FEW)
    session.tell(np.arange(20), labels[:20])
    told: list[tuple[int, int]] = []
    session.fit(lambda done, total: told.append((done, total)))
    assert told == [(done, FEW.epochs) for done in range(1, FEW.epochs + 1)]


def test_a_network_by_name_has_a_sparse_first_layer_for_sparse_rows() -> None:
    dense = np.eye(50, dtype=np.float32)[:30]
    pools = (scipy.sparse.csr_matrix(dense), dense)
    first = [type(next(iter(ladle.Session(pool, "mlp", classes=2).build().children()))) for pool in pools]
    assert first[0] is not first[1]


def test_the_loop_learns(digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    session = ladle.Session(inputs[:300], net, training=TrainingConfig(epochs=40))
    run(session, labels, 100)
    assert session.evaluate(inputs[300:], labels[300:]) > 0.75


@pytest.mark.parametrize("strategy", ["badge", "grad"])
def test_resumed_at_any_point_it_picks_the_same(strategy: str, digits: tuple[Any, Any], tmp_path: Path) -> None:
    inputs, labels = digits
    whole = run(ladle.Session(inputs, net, strategy=strategy, training=FEW, seed=7), labels, 40)
    url = f"sqlite:///{tmp_path}/labels.db"

    def opened() -> ladle.Session:
        return ladle.Session(inputs, net, strategy=strategy, training=FEW, seed=7, store=url)

    batches = []
    for _ in range(4):
        asked = opened().ask(10)
        again = opened().ask(99)
        assert again.tolist() == asked.tolist(), "labels still awaited are asked for before anything new"
        batches.append(asked.tolist())
        opened().tell(asked, labels[asked])
    assert batches == whole
    first, second = opened(), opened()
    assert first.evaluate(inputs, labels) == second.evaluate(inputs, labels)


def test_the_same_seed_gives_the_same_and_another_another(digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    once, again, other = (run(ladle.Session(inputs, net, training=FEW, seed=seed), labels, 30) for seed in (1, 1, 2))
    assert once == again
    assert once[0] != other[0]


def test_global_random_state_is_left_alone(digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    before = torch.random.get_rng_state(), pickle.dumps(np.random.get_state())  # noqa: NPY002
    run(ladle.Session(inputs, net, strategy="badge", training=FEW), labels, 30)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert before[1] == pickle.dumps(np.random.get_state())  # noqa: NPY002


def test_undo_and_tell_again(digits: tuple[Any, Any], tmp_path: Path) -> None:
    inputs, labels = digits
    session = ladle.Session(inputs, net, training=FEW, store=f"sqlite:///{tmp_path}/x.db")
    batch = session.ask(4)
    session.tell(batch, np.zeros(4, dtype=int))
    session.undo()
    assert len(session.labeled) == 0
    assert session.ask(4).tolist() == batch.tolist()
    session.tell(int(batch[0]), int(labels[batch[0]]))
    assert session.ask(4).tolist() == batch[1:].tolist()
    again = ladle.Session(inputs, net, training=FEW, store=f"sqlite:///{tmp_path}/x.db")
    assert again.labeled.tolist() == batch[:1].tolist()
    assert again.ask(4).tolist() == batch[1:].tolist()


def test_new_labels_train_anew_and_only_then(digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    session = ladle.Session(inputs, net, training=FEW)
    run(session, labels, 10)
    model = session.model
    session.evaluate(inputs, labels)
    session.ask(10)
    assert session.model is model
    session.tell(session.ask(10), labels[session.ask(10)])
    assert session.model is not model


def test_a_module_is_copied_and_starts_from_its_own_weights(digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    module = net()
    before = [weight.clone() for weight in module.parameters()]
    session = ladle.Session(inputs, module, training=FEW)
    run(session, labels, 20)
    assert session.model is not module
    assert all(torch.equal(old, new) for old, new in zip(before, module.parameters(), strict=True))


@pytest.mark.parametrize("kind", ["float64", "torch", "sparse", "images"])
def test_inputs_of_every_kind(kind: str, digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    pool: Any = {
        "float64": inputs,
        "torch": torch.from_numpy(inputs).float(),
        "sparse": scipy.sparse.csc_matrix(inputs, dtype=np.float32),
        "images": inputs.reshape(-1, 1, 8, 8).astype(np.float32),
    }[kind]
    session = ladle.Session(pool, "mlp", classes=10, training=FEW)
    run(session, labels, 20)
    assert 0 <= session.evaluate(pool, labels) <= 1


def test_a_module_resumes_only_from_its_own_weights(digits: tuple[Any, Any], tmp_path: Path) -> None:
    inputs, labels = digits
    seed: Any = np.int64(3)
    module, url = net(), f"sqlite:///{tmp_path}/x.db"
    with ladle.Session(inputs, module, training=FEW, store=url, seed=seed) as session:
        run(session, labels, 20)
        expected = session.ask(10).tolist()
    with ladle.Session(inputs, module, training=FEW, store=url, seed=3) as session:
        assert session.ask(10).tolist() == expected
    with pytest.raises(SessionError, match="got model='module"):
        ladle.Session(inputs, net(), training=FEW, store=url, seed=3)


def test_another_strategy_for_one_batch(digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    session = ladle.Session(inputs, net, training=FEW)
    run(session, labels, 10)
    first = session.plan(10, strategy="random")
    assert first.strategy == "random"
    assert session.plan(10).strategy == "grad"


def test_seeds_differ_by_purpose_and_position() -> None:
    seeds = {derived_seed(seed, purpose, position) for seed in range(5) for purpose in Purpose for position in range(5)}
    assert len(seeds) == 5 * 5 * len(Purpose)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derived_seed(0, Purpose.SELECTION, 0) == 2918264622725855778


@pytest.mark.parametrize(
    ("indices", "labels", "error", "message"),
    [
        ([400], [1], InputError, "from 0 to 399"),
        ([-1], [1], InputError, "from 0 to 399"),
        ([1, 1], [1, 1], InputError, "index twice"),
        ([1, 2], [1], InputError, r"indices=2, labels=1"),
        ([], [], InputError, "one label"),
        ([1], [-1], InputError, r"from 0 \(got -1\)"),
        ([1], [0.5], InputError, r"labels must be class numbers \(got float64\)"),
        ([1], ["cat"], InputError, "encode them as integers"),
        ([1.5], [1], InputError, "whole numbers"),
        ([0], [1], SessionError, "labeled once"),
    ],
)
def test_wrong_labels_are_refused_and_leave_no_trace(
    digits: tuple[Any, Any], indices: Any, labels: Any, error: type[Exception], message: str
) -> None:
    session = ladle.Session(digits[0], net)
    session.tell(0, 5)
    with pytest.raises(error, match=message):
        session.tell(indices, labels)
    assert session.labeled.tolist() == [0]
    assert len(session.log.read()) == 1


@pytest.mark.parametrize("strategy", ["k-center", "grad"])
def test_a_training_that_diverged_picks_nothing(strategy: str, digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    session = ladle.Session(inputs, net, strategy=strategy, training=TrainingConfig(epochs=20, learning_rate=1e30))
    run(session, labels, 10)
    with pytest.raises(SessionError, match=r"diverged at learning_rate=1e\+30\); lower"):
        session.ask(10)
    assert session.state.rounds == 1


def test_other_wrong_uses_are_refused(digits: tuple[Any, Any], tmp_path: Path) -> None:
    inputs, labels = digits
    with pytest.raises(SessionError, match="got 0"):
        ladle.Session(inputs, net).evaluate(inputs, labels)
    with pytest.raises(BudgetError, match="budget=401, unlabeled=400"):
        ladle.Session(inputs, net).ask(401)
    with pytest.raises(InputError, match="classes=None"):
        ladle.Session(inputs, "mlp")
    with pytest.raises(UnknownNameError, match="did you mean 'mlp'"):
        ladle.Session(inputs, "mpl", classes=10)
    with pytest.raises(UnknownNameError, match="did you mean 'grad'"):
        ladle.Session(inputs, net, strategy="grat")
    with pytest.raises(InputError, match="seed=-1"):
        ladle.Session(inputs, net, seed=-1)
    with pytest.raises(InputError, match="got list"):
        ladle.Session(inputs.tolist(), net)
    with pytest.raises(InputError, match=r"got shape \(0, 64\)"):
        ladle.Session(inputs[:0], net)
    engine = open_database(f"sqlite:///{tmp_path}/x.db")
    ladle.Session(inputs, net, store=engine)
    with pytest.raises(SessionError, match="goes on with the examples it began with"):
        ladle.Session(inputs[:200], net, store=engine)
    engine.dispose()


@pytest.mark.parametrize("strategy", ladle.list_strategies())
def test_what_is_skipped_is_not_asked_for_again(strategy: str, digits: tuple[Any, Any], tmp_path: Path) -> None:
    inputs, labels = digits[0][:40], digits[1][:40]
    url = f"sqlite:///{tmp_path}/skip.db"
    with ladle.Session(inputs, net, strategy=strategy, training=FEW, store=url) as session:
        first = session.ask(10)
        session.skip(first[:3])
        assert session.ask(10).tolist() == first[3:].tolist()
        session.tell(first[3:], labels[first[3:]])
    with ladle.Session(inputs, net, strategy=strategy, training=FEW, store=url) as session:
        assert session.state.skipped.tolist() == first[:3].tolist()
        rest = session.ask(30)
        assert sorted([*rest.tolist(), *first.tolist()]) == list(range(40))
        with pytest.raises(BudgetError):
            session.plan(1)


def test_a_plan_leaves_out_what_is_awaited(digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    session = ladle.Session(inputs[:40], net, strategy="margin", training=FEW)
    session.tell([0, 1], labels[:2])
    first = session.ask(20)
    more = session.plan(18)
    assert not set(more.indices.tolist()) & {0, 1, *first.tolist()}
    for wrong, message in (([], "got none"), ([40], "from 0 to 39"), ([3, 3], "twice")):
        with pytest.raises(InputError, match=message):
            session.skip(wrong)
    with pytest.raises(SessionError, match="undo first"):
        session.skip([0])


def test_a_batch_is_planned_behind_events_to_come(digits: tuple[Any, Any]) -> None:
    inputs, labels = digits
    sessions = [ladle.Session(inputs, net, strategy="margin", training=FEW) for _ in range(2)]
    for session in sessions:
        run(session, labels, 20)
    ahead, usual = sessions
    first = ahead.plan(5)
    second = ahead.plan(5, after=[first])
    assert ahead.state.rounds == usual.state.rounds
    assert not set(first.indices) & set(second.indices)
    assert usual.ask(5).tolist() == first.indices.tolist()
    # Passed once for both: the picks are those of a pass of its own.
    assert ahead.plan(5, outputs=ahead.outputs()).indices.tolist() == first.indices.tolist()


def test_a_session_lets_go_of_its_own_store_alone_and_tells_how_long_it_trained(
    digits: tuple[Any, Any], tmp_path: Path
) -> None:
    inputs, labels = digits
    with ladle.Session(inputs, net, store=f"sqlite:///{tmp_path}/own.db", training=FEW) as session:
        assert session.training_seconds == 0
        run(session, labels, 20)
        session.evaluate(inputs, labels)
        assert session.training_seconds > 0
    engine = open_database(f"sqlite:///{tmp_path}/lent.db")
    with engine.connect() as kept:
        ladle.Session(inputs, net, store=engine).close()
        # Disposing of the engine would have made a new pool.
        assert engine.pool.checkedout() == 1  # type: ignore[attr-defined]
        kept.close()
    engine.dispose()
