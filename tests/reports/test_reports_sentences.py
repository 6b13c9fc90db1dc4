"""The plain words: a win is claimed where the numbers carry one, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from report_cases import from_accuracies, made_up

from ladle.experiments.results import ExperimentResults
from ladle.reports.analysis import analyze
from ladle.reports.page.sentences import compare_with_random, summary_sentences

LABELS = np.arange(100, 1100, 100)
CURVE = 1 - 0.5 * (LABELS / 100) ** -0.7


def paired(gains: Sequence[float] | NDArray[np.float64], seeds: int = 5, jitter: float = 0.001) -> ExperimentResults:
    """Return random and margin, margin better by these gains in each of the 9 rounds, the same on every seed."""
    generator = np.random.default_rng(3)
    seed_effect = generator.normal(0, 0.01, (1, 1, seeds))
    accuracies = np.stack([CURVE, CURVE + np.concatenate([[0], np.asarray(gains)])])[:, :, None] + seed_effect
    accuracies[:, 1:] += generator.normal(0, jitter, (2, len(LABELS) - 1, seeds))
    return from_accuracies(accuracies, labeled=LABELS.tolist())


def text(results: ExperimentResults) -> str:
    return " ".join(summary_sentences(analyze(results)))


def verdict(results: ExperimentResults) -> str:
    (comparison,) = compare_with_random(analyze(results))
    return comparison.verdict


def test_a_clear_win_is_told_in_labels() -> None:
    results = paired(np.full(9, 0.05))
    assert verdict(results) == "fewer labels"
    (comparison,) = compare_with_random(analyze(results))
    assert (comparison.ahead, comparison.behind) == (9, 0)
    assert "Fewer labels than random for the same accuracy: margin needs" in text(results)
    assert "of the 1,000 labels" in text(results)
    assert "ahead in 9 of 9 rounds" in text(results)
    assert "margin was beaten by no other strategy" in text(results)


def test_a_clear_loss_is_told_too() -> None:
    results = paired(np.full(9, -0.05))
    assert verdict(results) == "more labels"
    assert "More labels than random" in text(results)
    assert "margin does not reach the target (95% interval above 100%, behind in 9 of 9 rounds)" in text(results)


def test_no_difference_is_no_win() -> None:
    same = paired(np.zeros(9), jitter=0)
    assert verdict(same) == "open"
    assert "On these five seeds, margin did not beat random" in text(same)
    assert "In no round does the corrected test find a difference" in text(same)
    assert "Fewer labels than random" not in text(same)


def test_noise_is_seldom_called_a_win() -> None:
    generator = np.random.default_rng(0)
    wins = 0
    for _ in range(60):
        noise = generator.normal(0, 0.006, (2, len(LABELS), 5)) + generator.normal(0, 0.006, (1, 1, 5))
        noise[:, 0] = noise[0, 0]
        wins += verdict(from_accuracies(CURVE[None, :, None] + noise, labeled=LABELS.tolist())) in (
            "fewer labels",
            "ahead",
        )
    assert wins <= 7  # 2.5% of 60 are expected; more than 7 would mean that the claim is cheap


def test_fewer_than_five_seeds_carry_no_claim_by_interval() -> None:
    gains = np.concatenate([np.zeros(6), np.full(3, 0.02)])  # ahead at the end only: the interval alone says "win"
    assert verdict(paired(gains, seeds=5)) == "fewer labels"
    assert verdict(paired(gains, seeds=4)) == "open"
    assert "too narrow to rest a claim on" in text(paired(gains, seeds=4))
    assert "too narrow" not in text(paired(gains, seeds=5))


def test_ahead_in_most_rounds_counts_though_the_end_is_equal() -> None:
    results = paired(np.concatenate([np.full(6, 0.03), np.full(3, -0.003)]), jitter=0.002)
    (comparison,) = compare_with_random(analyze(results))
    assert comparison.ahead >= 5
    assert comparison.verdict == ("ahead" if comparison.behind == 0 else "open")


def test_fewer_labels_but_mostly_behind_contradict_each_other() -> None:
    results = paired(np.concatenate([np.full(6, -0.05), np.full(3, 0.02)]))
    (comparison,) = compare_with_random(analyze(results))
    assert comparison.behind == 6
    # It is also significantly ahead at the end, so the tests point to no one side and the labels decide.
    assert comparison.verdict == "fewer labels"
    late = paired(np.concatenate([np.full(8, -0.05), [0.0]]), jitter=0)
    assert verdict(late) == "behind"


def test_one_seed_claims_nothing() -> None:
    results = paired(np.full(9, 0.05), seeds=1)
    assert compare_with_random(analyze(results)) == []
    assert "one seed cannot tell a difference from chance" in text(results)
    assert "Fewer labels" not in text(results)


def test_one_round_one_strategy_and_no_random() -> None:
    initial = from_accuracies([[[0.5, 0.6]], [[0.5, 0.6]]])
    assert "evaluated with the initial 100 labels over two seeds: 55.0% test accuracy" in text(initial)
    alone = made_up(("random",))
    assert "One strategy was run" in text(alone)
    assert "target" not in text(alone)
    others = made_up(("entropy", "grad"))
    assert "random was not run" in text(others)
    assert "beat random" not in text(others)


@pytest.mark.parametrize("seeds", [1, 2, 5])
@pytest.mark.parametrize("evaluations", [1, 2, 5])
@pytest.mark.parametrize("strategies", [("random",), ("random", "grad"), ("entropy", "grad", "egl")])
def test_sentences_never_show_nan_and_always_end(seeds: int, evaluations: int, strategies: tuple[str, ...]) -> None:
    for sentence in summary_sentences(analyze(made_up(strategies, evaluations, seeds))):
        assert sentence.endswith(".")
        assert "nan" not in sentence
        assert "inf " not in sentence
        assert "  " not in sentence
