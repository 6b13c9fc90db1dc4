"""The paper's section 4.5 held against our penalty matrices, and on how many significant tests each verdict hangs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ladle.experiments import ExperimentResults
from ladle.reports.analysis import ALPHA, PART, RoundsView, contests, is_testable
from ladle.reports.claims.claim import Claim, capped
from ladle.reports.formats import counted
from ladle.reports.orderings import Verdict
from ladle.statistics import pairwise_penalty

#: A verdict that hangs on fewer significant tests, or on tests of fewer experiments, is none.
LEAST_TESTS, LEAST_EXPERIMENTS = 3, 2

Pair = tuple[str, str]


@dataclass(frozen=True)
class Tally:
    """Who beat whom in some rounds of several experiments, in whole tests, so that equal scores are equal.

    Attributes:
        names: the strategies.
        rounds: of each experiment, how many were compared.
        wins: of each experiment, by (winner, loser), in how many rounds one significantly beat the other.
    """

    names: tuple[str, ...]
    rounds: tuple[int, ...]
    wins: tuple[Mapping[Pair, int], ...]

    def lost(self, name: str) -> list[int]:
        """Return in each experiment how many significant tests a strategy lost."""
        return [sum(count for (_, loser), count in wins.items() if loser == name) for wins in self.wins]

    def won(self, winner: str, loser: str) -> list[int]:
        """Return in each experiment in how many rounds one significantly beat the other."""
        return [wins[winner, loser] for wins in self.wins]

    def share(self, tests: Sequence[int]) -> Fraction:
        """Return the sum over experiments of tests a round, as a penalty matrix adds them up."""
        return sum((Fraction(count, rounds) for count, rounds in zip(tests, self.rounds, strict=True)), Fraction(0))

    @property
    def loss(self) -> dict[str, Fraction]:
        """The loss score of each strategy: the mean of its column of the penalty matrix; lower is better."""
        return {name: self.share(self.lost(name)) / len(self.names) for name in self.names}

    def hangs_on(self, fewer: Sequence[int], more: Sequence[int]) -> int:
        """Return how many of the tests on one side must fall away before the other side has as many, by shares.

        Args:
            fewer: tests by experiment, the smaller share.
            more: tests by experiment, the larger share.
        """
        # Those of the shortest experiments weigh most.
        weights = sorted(
            (Fraction(1, rounds) for count, rounds in zip(more, self.rounds, strict=True) for _ in range(count)),
            reverse=True,
        )
        gap, taken = self.share(more) - self.share(fewer), 0
        while gap > 0:
            gap -= weights[taken]
            taken += 1
        return taken


def contest_claims(experiments: Sequence[ExperimentResults]) -> list[Claim]:
    """Return what became of section 4.5.

    Args:
        experiments: of the paper's five.
    """
    found = tallies(experiments)
    extremes: tuple[tuple[str, RoundsView, tuple[str, ...], int], ...] = (
        ("grad and BADGE have the lowest loss scores of the five over all rounds", "all", ("grad", "badge"), 1),
        ("grad and BADGE have the lowest loss scores in early rounds", "early", ("grad", "badge"), 1),
        ("grad and BADGE have the lowest loss scores in late rounds", "late", ("grad", "badge"), 1),
        ("BADGE is particularly strong in early rounds: it has the lowest loss score", "early", ("badge",), 1),
        ("entropy and random are beaten most often", "all", ("entropy", "random"), -1),
    )
    judged = {text: extreme(found[view], names, sign) for text, view, names, sign in extremes if view in found}
    middle = "k-center is intermediate: of the five, two have lower loss scores and two higher"
    direct = "grad beats entropy more often than entropy beats grad"
    if "all" in found:
        judged |= {middle: third(found["all"], "k-center"), direct: more_wins(found["all"], "grad", "entropy")}
    tested = [one for one in experiments if is_testable(one)]
    return [
        Claim("4.5", text, *(capped(*judged[text], tested) if text in judged else ("not run", "")))
        for text in (*(text for text, *_ in extremes), middle, direct)
    ]


def tallies(experiments: Sequence[ExperimentResults]) -> dict[RoundsView, Tally]:
    """Return who beat whom, for each view of the rounds that `contests` has.

    Args:
        experiments: of one and the same strategies.
    """
    if not experiments:
        return {}
    names = experiments[0].strategies
    tested = [one.accuracies[:, 1:] for one in experiments if is_testable(one)]
    found: dict[RoundsView, Tally] = {}
    for view in contests(experiments):
        rounds = tuple(array.shape[1] if view == "all" else min(PART, array.shape[1]) for array in tested)
        wins = []
        for array, count in zip(tested, rounds, strict=True):
            tests = np.rint(count * pairwise_penalty({"": array}, alpha=ALPHA, rounds=view))
            wins.append({(a, b): int(tests[i, j]) for i, a in enumerate(names) for j, b in enumerate(names)})
        found[view] = Tally(names, rounds, tuple(wins))
    return found


def extreme(tally: Tally, names: Sequence[str], sign: int) -> tuple[Verdict, str]:
    """Judge whether these strategies have the lowest loss scores, or the highest; mixed if some have, or are level.

    Args:
        tally: of the rounds.
        names: the strategies of the claim.
        sign: 1 for the lowest, -1 for the highest.
    """
    loss = {name: sign * value for name, value in tally.loss.items()}
    others = [name for name in loss if name not in names]
    best = min(others, key=lambda name: loss[name])
    if all(loss[name] < loss[best] for name in names):
        return _decided("reproduced", tally, [(name, other) for name in names for other in others])
    if all(loss[name] > loss[best] for name in names):
        return _decided("not reproduced", tally, [(name, best) for name in names])
    return _decided("mixed", tally, [])


def third(tally: Tally, name: str) -> tuple[Verdict, str]:
    """Judge whether two of the five have lower loss scores than this one, and two higher; mixed if one and three."""
    loss = tally.loss
    others = [other for other in loss if other != name]
    below, above = (sum(sign * loss[other] < sign * loss[name] for other in others) for sign in (1, -1))
    verdict: Verdict = "mixed"
    if below == above == len(others) // 2:
        verdict = "reproduced"
    elif len(others) in (below, above):
        verdict = "not reproduced"
    return _decided(verdict, tally, [] if verdict == "mixed" else [(name, other) for other in others])


def more_wins(tally: Tally, first: str, second: str) -> tuple[Verdict, str]:
    """Judge whether one strategy beats another in more rounds than the other way round, by shares of the rounds."""
    won, lost = tally.won(first, second), tally.won(second, first)
    number = (
        f"shares of rounds won significantly, summed: {first} {float(tally.share(won)):.2f} ({_number(won)}), {second} "
        f"{float(tally.share(lost)):.2f} ({_number(lost)})"
    )
    if tally.share(won) == tally.share(lost):
        return ("mixed" if _enough(sum(won) + sum(lost), won) else "undecided"), number
    verdict: Verdict = "reproduced" if tally.share(won) > tally.share(lost) else "not reproduced"
    fewer, more = sorted((won, lost), key=tally.share)
    return (verdict if _enough(tally.hangs_on(fewer, more), more) else "undecided"), number


def _decided(verdict: Verdict, tally: Tally, pairs: Sequence[Pair]) -> tuple[Verdict, str]:
    """Return a verdict on loss scores with the tests it hangs on; undecided where these are too few.

    Args:
        verdict: as the scores have it.
        tally: of the rounds.
        pairs: whose scores must differ for the verdict; none where it is mixed, which hangs on all tests together.
    """
    loss = tally.loss
    order = sorted(loss, key=lambda name: loss[name])
    whole = [sum(wins.values()) for wins in tally.wins]
    number = f"loss scores: {', '.join(f'{name} {float(loss[name]):.2f}' for name in order)}; {_number(whole)}"
    if not pairs:
        return (verdict if _enough(sum(whole), whole) else "undecided"), number
    hanging = []
    for pair in pairs:
        low, high = sorted(pair, key=lambda name: loss[name])
        tests = tally.hangs_on(tally.lost(low), tally.lost(high))
        hanging.append((_enough(tests, tally.lost(high)), tests, low, high))
    enough, tests, low, high = min(hanging)
    lost = tally.lost(high)
    number += (
        f"; the closest that it needs apart hang on {counted(tests, 'test', 'tests')}: {high} lost {_number(lost)}, "
        f"{low} {_number(tally.lost(low))}"
    )
    return (verdict if enough else "undecided"), number


def _enough(tests: int, by_experiment: Sequence[int]) -> bool:
    return tests >= LEAST_TESTS and sum(count > 0 for count in by_experiment) >= LEAST_EXPERIMENTS


def _number(tests: Sequence[int]) -> str:
    having, total = sum(count > 0 for count in tests), sum(tests)
    if not total:
        return "no significant test"
    return (
        f"{total:,} significant {'test' if total == 1 else 'tests'} in {having} of "
        f"{counted(len(tests), 'experiment', 'experiments')}"
    )
