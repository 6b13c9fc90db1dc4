"""Floor descent against plain descent at both ends of its precision, and a step worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ladle.errors import ConfigError, InputError
from ladle.models import floor_step, train_by_floor_descent
from ladle.models.seeding import isolated_rng, spread_seed
from ladle.statistics import discrepancy_sum

INPUTS = torch.randn(30, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = (INPUTS[:, 0] > 0).long()
SUBSET = np.arange(10)


def build() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2)).double()


def plain_descent(rows: slice, steps: int, step_size: float) -> list[Tensor]:
    with isolated_rng(spread_seed(3, 2)[0], torch.device("cpu")):
        model = build()
    for _ in range(steps):
        gradients = torch.autograd.grad(cross_entropy(model(INPUTS[rows]), LABELS[rows]), list(model.parameters()))
        with torch.no_grad():
            for values, gradient in zip(model.parameters(), gradients, strict=True):
                values.sub_(gradient, alpha=step_size)
    return [values.detach() for values in model.parameters()]


def test_a_step_by_hand_rounds_toward_zero() -> None:
    values = torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0], dtype=torch.float64)
    whole = torch.tensor([3.0, 1.0, 2.6, -2.0, 1.8], dtype=torch.float64)
    part = torch.tensor([2.0, 2.0, 2.0, -2.0, 2.0], dtype=torch.float64)
    # Differences times 0.5 are 0.5, -0.5, 0.3, 0, -0.1: in units of 0.4 these are 1, -1, 0, 0, 0.
    assert floor_step([values], [whole], [part], step_size=0.5, precision=0.4) == 2
    assert values.tolist() == pytest.approx([1 - 1.0 - 0.4, 1 - 1.0 + 0.4, 1 - 1.0, 1 + 1.0, 1 - 1.0])


def test_fine_precision_is_plain_descent_on_the_whole_set() -> None:
    found = train_by_floor_descent(build, INPUTS, LABELS, SUBSET, steps=20, step_size=0.2, precision=1e-12, seed=3)
    for values, expected in zip(found.model.parameters(), plain_descent(slice(None), 20, 0.2), strict=True):
        torch.testing.assert_close(values.detach(), expected, rtol=0, atol=1e-9)


def test_no_difference_is_plain_descent_whatever_the_precision() -> None:
    found = train_by_floor_descent(build, INPUTS, LABELS, np.arange(30), steps=5, step_size=0.2, precision=10.0, seed=3)
    assert found.discrepancies == pytest.approx(np.zeros(5), abs=1e-12)
    for values, expected in zip(found.model.parameters(), plain_descent(slice(None), 5, 0.2), strict=True):
        torch.testing.assert_close(values.detach(), expected, rtol=0, atol=1e-9)


def test_one_step_is_off_by_at_most_a_unit_an_entry() -> None:
    found = train_by_floor_descent(build, INPUTS, LABELS, SUBSET, steps=1, step_size=0.3, precision=0.01, seed=3)
    for values, expected in zip(found.model.parameters(), plain_descent(slice(None), 1, 0.3), strict=True):
        difference = values.detach() - expected
        assert float(difference.abs().max()) <= 0.01 + 1e-12
        assert float(difference.max()) > 1e-4  # toward zero from either side
        assert float(difference.min()) < -1e-4


def test_coarse_precision_is_plain_descent_on_the_subset() -> None:
    found = train_by_floor_descent(build, INPUTS, LABELS, SUBSET, steps=20, step_size=0.2, precision=1e3, seed=3)
    for values, expected in zip(found.model.parameters(), plain_descent(slice(0, 10), 20, 0.2), strict=True):
        torch.testing.assert_close(values.detach(), expected, rtol=0, atol=1e-9)


def test_the_discrepancies_are_those_before_each_step() -> None:
    found = train_by_floor_descent(build, INPUTS, LABELS, SUBSET, steps=3, step_size=0.2, precision=0.01, seed=3)
    with isolated_rng(spread_seed(3, 2)[0], torch.device("cpu")):
        model = build()
    parameters = list(model.parameters())
    whole, part = (
        torch.autograd.grad(cross_entropy(model(INPUTS[rows]), LABELS[rows]), parameters)
        for rows in (slice(None), slice(0, 10))
    )
    expected = float(sum((a - b).square().sum() for a, b in zip(whole, part, strict=True))) ** 0.5
    assert found.discrepancies[0] == pytest.approx(expected)
    assert found.step_sizes.tolist() == [0.2] * 3
    assert found.precisions.tolist() == [0.01] * 3
    logged = [discrepancy_sum(found.discrepancies[:steps], 0.2, 0.01) for steps in (1, 2, 3)]
    assert found.sums.tolist() == pytest.approx(logged)


def test_what_moves_by_whole_units_is_counted_and_never_more_than_the_bound_s_sum() -> None:
    seen: list[tuple[int, Tensor]] = []

    def look(step: int, model: nn.Module) -> None:
        seen.append((step, next(model.parameters()).detach().clone()))

    found = train_by_floor_descent(
        build, INPUTS, LABELS, SUBSET, steps=8, step_size=0.2, precision=0.01, seed=3, on_step=look
    )
    assert [step for step, _ in seen] == list(range(1, 9))
    assert torch.equal(seen[-1][1], next(found.model.parameters()))
    assert not torch.equal(seen[-1][1], seen[-2][1])
    assert 0 < found.moved[0] < 34
    assert (found.moved <= np.diff(found.sums, prepend=0.0)).all()
    coarse = train_by_floor_descent(build, INPUTS, LABELS, SUBSET, steps=8, step_size=0.2, precision=1e3, seed=3)
    assert coarse.moved.tolist() == [0] * 8


def test_momentum_is_the_heavy_ball_of_the_source() -> None:
    found = train_by_floor_descent(
        build, INPUTS, LABELS, SUBSET, steps=10, step_size=0.1, precision=1e-12, momentum=0.9, seed=3
    )
    with isolated_rng(spread_seed(3, 2)[0], torch.device("cpu")):
        model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(10):
        optimizer.zero_grad()
        cross_entropy(model(INPUTS), LABELS).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for values, expected in zip(found.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(values.detach(), expected.detach(), rtol=0, atol=1e-9)


def test_a_mini_batch_step_takes_the_subset_s_part_of_the_batch() -> None:
    # A batch of everything is Floor GD itself, in another order of summation.
    whole, batch = (
        train_by_floor_descent(
            build, INPUTS, LABELS, SUBSET, steps=5, step_size=0.2, precision=1e-12, batch_size=size, seed=3
        )
        for size in (None, 30)
    )
    assert batch.discrepancies == pytest.approx(whole.discrepancies)
    # A batch of one is in S_J, where both gradients are the same, or out of it, where the step on S_J is none.
    single = train_by_floor_descent(
        build, INPUTS, LABELS, SUBSET, steps=40, step_size=0.2, precision=0.01, batch_size=1, seed=3
    )
    assert 0 < int((single.discrepancies == 0).sum()) < 40


def test_mini_batches_train_too_and_repeat_by_seed() -> None:
    settings = {"steps": 150, "step_size": 0.3, "precision": 1e-3, "batch_size": 8}
    first, again, other = (
        train_by_floor_descent(build, INPUTS, LABELS, SUBSET, seed=seed, **settings)  # type: ignore[arg-type]
        for seed in (1, 1, 2)
    )
    weights = [torch.cat([values.flatten() for values in one.model.parameters()]) for one in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert float((first.model(INPUTS).argmax(dim=1) == LABELS).double().mean()) > 0.85


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="above 0"):
        floor_step([], [], [], step_size=0.1, precision=0.0)
    with pytest.raises(ConfigError, match="at least 1"):
        train_by_floor_descent(build, INPUTS, LABELS, SUBSET, steps=0, step_size=0.1, precision=0.1, seed=0)
    with pytest.raises(ConfigError, match="momentum from 0"):
        train_by_floor_descent(
            build, INPUTS, LABELS, SUBSET, steps=1, step_size=0.1, precision=0.1, momentum=1.0, seed=0
        )
    with pytest.raises(ConfigError, match="from 1 to 30"):
        train_by_floor_descent(
            build, INPUTS, LABELS, SUBSET, steps=1, step_size=0.1, precision=0.1, batch_size=31, seed=0
        )
    for subset in (np.array([30]), np.array([-1]), np.array([1, 1]), np.empty(0, dtype=np.int64)):
        with pytest.raises(InputError, match="from 0 to 29"):
            train_by_floor_descent(build, INPUTS, LABELS, subset, steps=1, step_size=0.1, precision=0.1, seed=0)
