"""D² sampling against the textbook: the same draws from the same numbers, and the exact probabilities."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ladle.errors import InputError
from ladle.gradients import FactoredGradients
from ladle.selectors import AnchoredEmbedding, DenseEmbedding, LocalPasses, k_means_plus_plus, uniform
from ladle.selectors.k_means_plus_plus import accepted
from ladle.typing import Indices
from reference import k_means_plus_plus as yardstick

#: Rows, width, labeled indices, budget and seed.
Problem = tuple[int, int, list[int], int, int]
NOBODY = np.empty(0, dtype=np.int64)
DRAWS = 1200
#: Seven rows, two of them equal, one far away; the fourth is labeled and must play no part.
POOL = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [9.0, 9.0], [2.0, 1.0], [1.0, 0.0], [-1.0, -1.0]])
LABELED = [3]


def indices(*values: int) -> Indices:
    return np.array(values, dtype=np.int64)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    rows, width = draw(st.integers(1, 14)), draw(st.integers(0, 4))
    labeled = draw(st.lists(st.integers(0, rows - 1), max_size=rows - 1, unique=True))
    return rows, width, labeled, draw(st.integers(1, rows - len(labeled))), draw(st.integers(0, 9999))


def test_the_acceptance_rule_by_hand() -> None:
    # Four candidates; the first and the last are the same row. Squared distances at the last pass: 4, 4, 9, 4.
    squared = np.array([4.0, 4.0, 9.0, 4.0])
    between = np.array([[0.0, 1.0, 6.0, 0.0], [1.0, 0.0, 8.0, 1.0], [6.0, 8.0, 0.0, 6.0], [0.0, 1.0, 6.0, 0.0]])
    # The first is kept whatever its number is: nothing has been kept since the pass, 4 of 4 are left.
    # Then 1 of 4 is left of the second: kept below a quarter. 6 of 9 of the third: below two thirds. None of the last.
    rows = [([0.99, 0.24, 0.66, 0.0], [0, 1, 2]), ([0.99, 0.25, 0.66, 0.0], [0, 2]), ([0.0, 0.26, 0.67, 0.0], [0])]
    for uniforms, kept in rows:
        assert accepted(squared, between, np.array(uniforms), 4).tolist() == kept
    # Once so many are kept as are wanted, the others are not looked at.
    assert accepted(squared, between, np.array([0.99, 0.24, 0.66, 0.0]), 2).tolist() == [0, 1]
    # A candidate that is kept counts for all after it: with the second, 6 of 9 of the third are left, not 8.
    assert accepted(squared, between, np.array([0.5, 0.0, 0.7, 0.0]), 4).tolist() == [0, 1]


@settings(max_examples=40, deadline=None)
@given(problem=problems(), classes=st.integers(1, 3))
def test_factored_gradients_are_drawn_as_if_materialized(problem: Problem, classes: int) -> None:
    rows, width, labeled, budget, seed = problem
    rng = np.random.default_rng(seed)
    gradients = FactoredGradients(
        torch.from_numpy(rng.normal(size=(rows, classes))), torch.from_numpy(rng.normal(size=(rows, width)))
    )
    points = gradients.materialize().flatten(1)
    picks = [
        k_means_plus_plus(view, indices(*labeled), budget, generator=np.random.default_rng(seed + 1)).tolist()
        for view in (gradients, points)
    ]
    assert picks[0] == picks[1]


def counted(budget: int, first: Any) -> Counter[tuple[int, ...]]:
    counts: Counter[tuple[int, ...]] = Counter()
    generator = np.random.default_rng(20)
    for _ in range(DRAWS):
        picks = k_means_plus_plus(POOL, indices(*LABELED), budget, generator=generator, first=first)
        counts[tuple(picks.tolist())] += 1
    return counts


def p_value(counts: Counter[tuple[int, ...]], expected: dict[tuple[int, ...], float]) -> float:
    """Return the chi-square p-value, sequences expected fewer than five times put together."""
    assert sum(expected.values()) == pytest.approx(1.0)
    assert set(counts) <= set(expected)
    common = [sequence for sequence, chance in expected.items() if chance * DRAWS >= 5]
    observed = [counts[sequence] for sequence in common]
    awaited = [expected[sequence] * DRAWS for sequence in common]
    observed.append(DRAWS - sum(observed))
    awaited.append(DRAWS - sum(awaited))
    if awaited[-1] < 5:
        observed[-2:], awaited[-2:] = [sum(observed[-2:])], [sum(awaited[-2:])]
    return float(scipy.stats.chisquare(observed, awaited).pvalue)


def first_probabilities(first: str) -> dict[int, float]:
    if first == "largest-norm":
        return {yardstick.first_of_largest_norm(POOL, LABELED): 1.0}
    return {row: 1 / 6 for row in range(7) if row not in LABELED}


@pytest.mark.parametrize(
    ("first", "fewest", "most", "chunk"),
    [("largest-norm", 32, 4096, 2048), ("largest-norm", 3, 3, 2), ("uniform", 1, 2, 3)],
)
def test_sequences_come_as_often_as_the_textbook_says(
    first: str, fewest: int, most: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Few candidates make many passes, small chunks many of them: the law must be the same.
    module = sys.modules["ladle.selectors.k_means_plus_plus"]
    monkeypatch.setattr(module, "_FEWEST_CANDIDATES", fewest)
    monkeypatch.setattr(module, "_MOST_CANDIDATES", most)
    monkeypatch.setattr("ladle.selectors.passes.CHUNK_ROWS", chunk)
    counts, start = counted(4, first), first_probabilities(first)
    assert p_value(counts, yardstick.sequence_probabilities(POOL, LABELED, 4, start)) > 0.01
    # The test can tell: distances instead of their squares would be found out.
    assert p_value(counts, yardstick.sequence_probabilities(POOL, LABELED, 4, start, power=1)) < 1e-4


@pytest.mark.parametrize(("fewest", "most"), [(32, 4096), (1, 2)])
def test_with_an_anchor_the_first_row_is_drawn_by_its_distance_too(
    fewest: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["ladle.selectors.k_means_plus_plus"]
    monkeypatch.setattr(module, "_FEWEST_CANDIDATES", fewest)
    monkeypatch.setattr(module, "_MOST_CANDIDATES", most)
    anchor, generator = POOL.mean(axis=0) + 0.5, np.random.default_rng(22)
    embedding = AnchoredEmbedding(
        DenseEmbedding(torch.from_numpy(POOL)), torch.from_numpy(((POOL - anchor) ** 2).sum(axis=1))
    )
    counts: Counter[tuple[int, ...]] = Counter()
    for _ in range(DRAWS):
        picks = k_means_plus_plus(embedding, indices(*LABELED), 3, generator=generator, first="anchor").tolist()
        counts[(len(POOL), *picks)] += 1
    # To the textbook the anchor is one more row, drawn first.
    rows, start = np.concatenate([POOL, anchor[None]]), {len(POOL): 1.0}
    assert p_value(counts, yardstick.sequence_probabilities(rows, LABELED, 4, start)) > 0.01
    assert p_value(counts, yardstick.sequence_probabilities(rows, LABELED, 4, start, power=1)) < 1e-4


def test_an_anchor_asked_for_must_be_there() -> None:
    with pytest.raises(InputError, match="anchor"):
        k_means_plus_plus(POOL, indices(), 1, generator=np.random.default_rng(0), first="anchor")


def test_a_larger_batch_follows_the_law_of_one_by_one() -> None:
    # Forty of three hundred in several blocks: how often short and long rows are drawn, which come last, and how well
    # the batch covers the pool.
    rng = np.random.default_rng(1)
    points = rng.normal(size=(300, 3)) * rng.uniform(0.2, 3.0, size=(300, 1))
    points = points[np.argsort((points**2).sum(axis=1))]
    labeled = [7, 100]
    first = yardstick.first_of_largest_norm(points, labeled)
    drawn: dict[str, list[int]] = {"blocks": [], "one by one": []}
    last: dict[str, list[int]] = {"blocks": [], "one by one": []}
    left: dict[str, list[float]] = {"blocks": [], "one by one": []}
    for seed in range(400):
        generators = np.random.default_rng(seed).spawn(2)
        batches = {
            "blocks": k_means_plus_plus(points, indices(*labeled), 40, generator=generators[0]).tolist(),
            "one by one": yardstick.k_means_plus_plus(points, labeled, 40, first, generators[1]),
        }
        for name, picks in batches.items():
            drawn[name].extend(picks)
            last[name].append(picks[-1])
            left[name].append(yardstick.potential(points, labeled, picks))
    # Rows of a batch repel each other, so their counts vary less than independent ones: the test errs to pass.
    for counted_rows, width in ((drawn, 10), (last, 30)):
        table = [np.bincount(np.array(rows) // width, minlength=300 // width) for rows in counted_rows.values()]
        assert scipy.stats.chi2_contingency(table).pvalue > 0.01
    assert scipy.stats.ks_2samp(left["blocks"], left["one by one"]).pvalue > 0.01


def test_rows_far_away_in_numbers_are_drawn_as_often_as_beside_the_origin() -> None:
    # Single precision holds 1000 + small; squares of it do not.
    points, generator = (POOL + 1000).astype(np.float32), np.random.default_rng(21)
    counts: Counter[tuple[int, ...]] = Counter()
    for _ in range(DRAWS):
        counts[tuple(k_means_plus_plus(points, indices(*LABELED), 2, generator=generator).tolist())] += 1
    start = {yardstick.first_of_largest_norm(POOL + 1000, LABELED): 1.0}
    assert p_value(counts, yardstick.sequence_probabilities(POOL, LABELED, 2, start)) > 0.01


def test_uniform_draws_every_sequence_equally_often() -> None:
    generator = np.random.default_rng(22)
    counts: Counter[tuple[int, ...]] = Counter()
    for _ in range(DRAWS):
        counts[tuple(uniform(5, indices(2), 2, generator=generator).tolist())] += 1
    free = [0, 1, 3, 4]
    assert p_value(counts, {(a, b): 1 / 12 for a in free for b in free if a != b}) > 0.01


def test_the_first_row_is_the_longest_unlabeled_one() -> None:
    points = np.array([[5.0], [-4.0], [4.0], [1.0]])
    picks = k_means_plus_plus(points, indices(0), 1, generator=np.random.default_rng(0))
    assert picks.tolist() == [1]  # |-4| = |4|: the lowest index


def with_twins(dtype: type[np.floating[Any]], width: int, offset: float) -> NDArray[Any]:
    points = np.random.default_rng(0).normal(size=(20, width)) + offset
    return np.concatenate([points, points]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("width", "offset"), [(1, 0.0), (6, 1000.0), (512, 0.0), (2000, 1000.0)])
def test_a_twin_is_drawn_only_when_all_others_are(width: int, offset: float, dtype: type[np.floating[Any]]) -> None:
    points = with_twins(dtype, width, offset)
    for seed in range(5):
        picks = k_means_plus_plus(points, NOBODY, 40, generator=np.random.default_rng(seed))
        assert sorted((picks[:20] % 20).tolist()) == list(range(20))
        assert sorted(picks.tolist()) == list(range(40))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_a_twin_gradient_is_drawn_only_when_all_others_are(offset: float, dtype: type[np.floating[Any]]) -> None:
    features = torch.from_numpy(with_twins(dtype, 300, offset))
    residuals = torch.from_numpy(with_twins(dtype, 4, 0.0)[::-1].copy())
    for seed in range(5):
        picks = k_means_plus_plus(
            FactoredGradients(residuals, features), NOBODY, 40, generator=np.random.default_rng(seed)
        )
        assert sorted((picks[:20] % 20).tolist()) == list(range(20))


@dataclass(frozen=True)
class CoarseInBulk:
    """Rows whose inner products are rounded very coarsely when there are many of them at once."""

    rows: torch.Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: torch.Tensor | slice) -> CoarseInBulk:
        return CoarseInBulk(self.rows[rows])

    def squared_norms(self) -> torch.Tensor:
        return (self.rows**2).sum(dim=1)

    def inner(self, other: CoarseInBulk) -> torch.Tensor:
        return (self.rows @ other.rows.T) * (0.7 if len(self) > 256 else 0.99)


def test_a_candidate_drawn_twice_is_kept_once_whatever_the_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["ladle.selectors.k_means_plus_plus"], "_FEWEST_CANDIDATES", 300)
    points = CoarseInBulk(torch.from_numpy(np.random.default_rng(0).normal(size=(30, 4))))
    picks = k_means_plus_plus(points, NOBODY, 30, generator=np.random.default_rng(0))
    assert sorted(picks.tolist()) == list(range(30))


def test_rows_that_all_coincide_are_drawn_uniformly() -> None:
    generator, counts = np.random.default_rng(23), Counter[tuple[int, ...]]()
    for _ in range(DRAWS):
        counts[tuple(k_means_plus_plus(np.ones((5, 3)), indices(1), 3, generator=generator).tolist())] += 1
    free = [2, 3, 4]  # 0 is the first of equal norms
    assert p_value(counts, {(0, a, b): 1 / 6 for a in free for b in free if a != b}) > 0.01


def test_zero_gradients_are_drawn_too() -> None:
    gradients = FactoredGradients(torch.zeros(6, 3), torch.ones(6, 2))
    picks = k_means_plus_plus(gradients, indices(2), 5, generator=np.random.default_rng(0))
    assert sorted(picks.tolist()) == [0, 1, 3, 4, 5]


class LastNumber(np.random.Generator):
    """A generator of the largest number below one, where rounding may step over the last row."""

    def random(self, size: Any = None, *args: Any, **named: Any) -> Any:
        largest = np.nextafter(1.0, 0.0)
        return largest if size is None else np.full(size, largest)


class FirstNumber(np.random.Generator):
    """A generator of zeros, which fall on the first row with any weight."""

    def random(self, size: Any = None, *args: Any, **named: Any) -> Any:
        return 0.0 if size is None else np.zeros(size)


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 2048])
def test_no_number_draws_a_row_of_weight_zero(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Labeled rows, and rows that coincide with one drawn, stand at both ends and fill whole chunks.
    monkeypatch.setattr("ladle.selectors.passes.CHUNK_ROWS", chunk)
    points = np.array([[3.0], [3.0], [3.3], [3.3], [3.3], [0.1], [3.3], [0.7], [0.2], [3.3], [3.3], [3.3], [3.2]])
    labeled = indices(0, 1, 12)
    # 3.3 is the longest, at first 2; a number draws 0.1, 0.7 and 0.2 only, from the left or from the right.
    picks = k_means_plus_plus(points, labeled, 4, generator=FirstNumber(np.random.PCG64(0)))
    assert picks.tolist() == [2, 5, 7, 8]
    picks = k_means_plus_plus(points, labeled, 4, generator=LastNumber(np.random.PCG64(0)))
    assert picks.tolist() == [2, 8, 7, 5]


def test_squared_distances_among_the_smallest_numbers_are_drawn_by_all_the_same() -> None:
    # 2e-162 squared is the smallest number there is: most shares of it round up to the whole.
    points = np.array([[0.0], [2e-162], [3e-162], [5e-162]])
    for seed in range(20):
        picks = k_means_plus_plus(points, NOBODY, 4, generator=np.random.default_rng(seed))
        assert sorted(picks.tolist()) == [0, 1, 2, 3]
    picks = k_means_plus_plus(points, NOBODY, 2, generator=LastNumber(np.random.PCG64(0)))
    assert picks.tolist() == [3, 1]
    smallest = np.array([5e-324])
    assert accepted(smallest, np.zeros((1, 1)), np.array([np.nextafter(1.0, 0.0)]), 1).tolist() == [0]


@settings(max_examples=60, deadline=None)
@given(problem=problems(), fewest=st.integers(1, 3), chunk=st.integers(1, 5), whole=st.booleans())
def test_picks_are_distinct_and_unlabeled(problem: Problem, fewest: int, chunk: int, whole: bool) -> None:
    rows, width, labeled, budget, seed = problem
    rng = np.random.default_rng(seed)
    points = rng.integers(-1, 2, size=(rows, width)).astype(float) if whole else rng.normal(size=(rows, width))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["ladle.selectors.k_means_plus_plus"], "_FEWEST_CANDIDATES", fewest)
        patch.setattr("ladle.selectors.passes.CHUNK_ROWS", chunk)
        picks = k_means_plus_plus(points, indices(*labeled), budget, generator=rng).tolist()
    assert len(set(picks)) == budget
    assert not set(picks) & set(labeled)
    assert picks[0] == yardstick.first_of_largest_norm(points, labeled)
    # A row that coincides with one drawn before comes only when all others are drawn.
    distinct = len(np.unique(points[[row for row in range(rows) if row not in labeled]], axis=0))
    assert len(np.unique(points[picks], axis=0)) == min(budget, distinct)


@settings(max_examples=60, deadline=None)
@given(weights=st.lists(st.floats(1e-150, 1e150), min_size=2, max_size=9), chunk=st.integers(1, 5))
def test_no_number_below_one_steps_over_the_last_row(weights: list[float], chunk: int) -> None:
    points = np.concatenate([[[0.0]], np.array(weights)[:, np.newaxis]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ladle.selectors.passes.CHUNK_ROWS", chunk)
        picks = k_means_plus_plus(points, NOBODY, len(points), generator=LastNumber(np.random.PCG64(0)))
    assert sorted(picks.tolist()) == list(range(len(points)))


def test_a_small_share_of_a_large_pool_is_still_drawn() -> None:
    # The last row's share is too small for a running sum in single precision.
    points = np.zeros((20_002, 1), dtype=np.float32)
    points[0], points[-1] = 100.0, 99.0
    picks = k_means_plus_plus(points, NOBODY, 2, generator=LastNumber(np.random.PCG64(0)))
    assert picks.tolist() == [0, 20_001]


def test_few_passes_are_made_for_many_picks(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    reach = LocalPasses.reach

    def counted_reach(self: LocalPasses, centers: Any, taken: Indices) -> None:
        passes.append(len(taken))
        reach(self, centers, taken)

    monkeypatch.setattr(LocalPasses, "reach", counted_reach)
    points = np.random.default_rng(0).normal(size=(5000, 8))
    k_means_plus_plus(points, NOBODY, 1000, generator=np.random.default_rng(0))
    assert len(passes) < 20


def test_a_generator_goes_on_where_it_was() -> None:
    points, generator = np.random.default_rng(0).normal(size=(50, 3)), np.random.default_rng(7)
    once = k_means_plus_plus(points, NOBODY, 9, generator=generator).tolist()
    again = k_means_plus_plus(points, NOBODY, 9, generator=generator).tolist()
    same = k_means_plus_plus(points, NOBODY, 9, generator=np.random.default_rng(7)).tolist()
    assert once == same
    assert once != again


def test_another_way_to_find_the_first_row_is_refused() -> None:
    unknown: Any = "farthest"
    with pytest.raises(InputError, match=r"'uniform' or 'anchor' \(got 'farthest'\)"):
        k_means_plus_plus(np.ones((3, 2)), NOBODY, 1, generator=np.random.default_rng(0), first=unknown)
