"""Who is ahead of whom, by area or in early or late rounds, paired by seed, and what that says of a claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ladle.experiments import ExperimentResults
from ladle.reports.analysis import PART, areas_under_curves
from ladle.statistics import PairedEffect, paired_effect

#: Undecided: too little is significant for the numbers to say anything, for the claim or against it.
Verdict: TypeAlias = Literal["reproduced", "not reproduced", "mixed", "undecided", "not run"]
#: What is compared: the area under the whole curve, or the mean accuracy of the first or last rounds.
Part: TypeAlias = Literal["area", "early", "late"]


@dataclass(frozen=True)
class Outcome:
    """How one strategy stands to another over several experiments, by the 95 % interval of the difference in area.

    Attributes:
        better: experiments whose interval lies above zero.
        worse: experiments whose interval lies below.
        unclear: the others.
    """

    better: tuple[str, ...]
    worse: tuple[str, ...]
    unclear: tuple[str, ...]

    def __str__(self) -> str:
        """Return "better in 2 of 3 (a, b), worse in 1 (c)"; what there is none of is left out."""
        whole = len(self.better) + len(self.worse) + len(self.unclear)
        groups = (("better in", self.better), ("worse in", self.worse), ("not told apart in", self.unclear))
        parts = [f"{word} {len(names)} ({', '.join(names)})" for word, names in groups if names]
        return ", ".join([parts[0].replace(" (", f" of {whole} (", 1), *parts[1:]])


def areas(results: ExperimentResults) -> dict[str, NDArray[np.float64]]:
    """Return the (S,) normalised areas under the curve of each strategy."""
    return accuracy_by(results, "area")


def accuracy_by(results: ExperimentResults, part: Part) -> dict[str, NDArray[np.float64]]:
    """Return the (S,) accuracies of each strategy over a part of the rounds; the initial one is in the area only."""
    of: Mapping[Part, Callable[[], NDArray[np.float64]]] = {
        "area": lambda: areas_under_curves(results),
        "early": lambda: results.accuracies[:, 1 : 1 + PART].mean(axis=1),
        "late": lambda: results.accuracies[:, 1:][:, -PART:].mean(axis=1),
    }
    return dict(zip(results.strategies, of[part](), strict=True))


def outcome(experiments: Sequence[ExperimentResults], first: str, second: str) -> Outcome:
    """Return in which experiments the first strategy is better or worse than the second."""
    names: dict[str, list[str]] = {"better": [], "worse": [], "unclear": []}
    for one in experiments:
        found = areas(one)
        effect = paired_effect(found[first], found[second])
        names["better" if effect.low > 0 else "worse" if effect.high < 0 else "unclear"].append(one.name)
    return Outcome(tuple(names["better"]), tuple(names["worse"]), tuple(names["unclear"]))


def judge(
    experiments: Sequence[ExperimentResults], pairs: Sequence[tuple[str, str]], part: Part
) -> tuple[Verdict, str]:
    """Hold a claim that strategies are ahead of others against experiments.

    Reproduced: every first is ahead of its second in the mean over seeds, and at least once beyond the 95 % interval.
    Not reproduced: none is, or one is behind beyond the interval and none ahead beyond it. Mixed: all between.

    Args:
        experiments: at least one, with all strategies named.
        pairs: (ahead, behind) as the claim has them.
        part: of the rounds.

    Returns:
        The verdict, and the numbers that decide it.
    """
    effects: list[PairedEffect] = []
    sentences = []
    for one in experiments:
        found = accuracy_by(one, part)
        mine = {pair: paired_effect(found[pair[0]], found[pair[1]]) for pair in pairs}
        effects += mine.values()
        means = {name: float(values.mean()) for name, values in found.items()}
        listed = ", ".join(f"{name} {100 * means[name]:.2f}" for name in sorted(means, key=lambda name: -means[name]))
        held = sum(effect.difference > 0 for effect in mine.values())
        clear = sum(effect.low > 0 for effect in mine.values())
        against = [f"{behind} over {ahead}" for (ahead, behind), effect in mine.items() if effect.high < 0]
        sentences.append(
            f"{one.name}, {_MEASURES[part]} in %: {listed} (seeds: {len(one.seeds)}); {held} of {len(pairs)} "
            f"differences as claimed, {clear} of them beyond the interval"
            + (f"; against it beyond the interval: {', '.join(against)}" if against else "")
        )
    return weighed(effects), "; ".join(sentences)


def weighed(effects: Sequence[PairedEffect]) -> Verdict:
    """Return what differences say together of a claim that all of them are above zero, as `judge` has it.

    Args:
        effects: at least one.
    """
    held_all = all(effect.difference > 0 for effect in effects)
    held_none = not any(effect.difference > 0 for effect in effects)
    for_it, against_it = any(effect.low > 0 for effect in effects), any(effect.high < 0 for effect in effects)
    if held_all and for_it:
        return "reproduced"
    return "not reproduced" if held_none or (against_it and not for_it) else "mixed"


def agreed(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict that all of several are, of those that are decided; mixed where they differ.

    Args:
        verdicts: at least one.
    """
    decided = {verdict for verdict in verdicts if verdict != "undecided"}
    if not decided:
        return "undecided"
    return decided.pop() if len(decided) == 1 else "mixed"


_MEASURES: Mapping[Part, str] = {
    "area": "area under the curve",
    "early": f"mean of the first {PART} rounds",
    "late": f"mean of the last {PART} rounds",
}
