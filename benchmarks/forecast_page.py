"""docs/forecast.md from what was measured: the forecast, read as Ladle reads it now, against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from ladle.labeling import Forecast, Measured, read_forecast
from ladle.labeling.forecast import CONFIDENCE, LEAST_DRAWN, WIDEST, WIDEST_EVEN
from ladle.statistics import labels_to_reach


@dataclass(frozen=True)
class Point:
    """One forecast and what was true.

    Attributes:
        run: what was measured.
        forecast: None where there were too few labels to compute one.
        truth: random labeling needs so many times as many labels; where its curve never gets there, infinity.
        reach: the largest number of times that could have been seen.
    """

    run: dict[str, Any]
    forecast: Forecast | None
    truth: float
    reach: float

    @property
    def covered(self) -> bool:
        """Whether the interval holds the truth; one beyond what could be seen is held by an end beyond that."""
        low, high = self.ends
        return low <= self.truth <= high if self.truth <= self.reach else high >= self.reach

    @property
    def ends(self) -> tuple[float, float]:
        assert self.forecast is not None
        assert self.forecast.low is not None
        assert self.forecast.high is not None
        return self.forecast.low, self.forecast.high

    @property
    def told(self) -> bool:
        """Whether a number is said."""
        return self.forecast is not None and self.forecast.verdict != "too early"


def truth_of(sizes: list[int], curves: list[list[float]], target: float, labeled: int) -> float:
    """Return the times as many labels as random labeling needs for an accuracy, by its mean curve made monotone."""
    logs = np.log(sizes)
    mean = np.mean(curves, axis=0)
    rising = IsotonicRegression().fit(logs, mean).predict(logs)
    return float(np.exp(labels_to_reach(logs, rising, target)) / labeled)


def points(stored: dict[str, Any]) -> list[Point]:
    """Return every forecast with its truth."""
    found = []
    for run in stored["runs"]:
        random = stored["random"][run["data"]]
        target = float(np.mean(run["test_accuracy"]))
        truth = truth_of(random["sizes"], list(random["curves"].values()), target, run["labeled"])
        found.append(Point(run, forecast_of(run), truth, random["sizes"][-1] / run["labeled"]))
    return found


def forecast_of(run: dict[str, Any]) -> Forecast | None:
    """Return the forecast that Ladle would make now of what was measured then."""
    if run["why"]:
        return None
    sizes = np.array(run["sizes"])
    # The last two are all labels, or half of them (ladle.labeling.cross_validation).
    chosen = np.arange(len(sizes)) >= len(sizes) - 2
    return read_forecast(
        Measured(sizes, chosen, np.array(run["accuracies"]), np.array(run["covariance"])),
        labeled=run["labeled"],
        drawn=run["drawn"],
        start=run["start"],
        classes=run["classes"],
        strategy=run["strategy"],
        seed=run["seed"],
    )


def page(stored: dict[str, Any]) -> str:
    """Return the page, in Markdown."""
    found = points(stored)
    names = list(dict.fromkeys(point.run["data"] for point in found))
    groups = [(name, [point for point in found if point.run["data"] == name]) for name in names]
    held = "; ".join(f"{name}: {_share(_covered(group))}" for name, group in groups)
    told = [point for point in found if point.told]
    return (
        "\n\n".join(
            [
                "# Is the forecast of label savings right?",
                "`ladle status --forecast` says how many times as many labels random labeling would need to be as "
                "accurate as the model is now. Here labeling was replayed with known labels, through the same project "
                "that people label with, and the forecast held against the truth.",
                f"**It claims {100 * CONFIDENCE:.0f} %. The interval held the truth in: {held}** "
                f"(all forecasts that were computed, those too uncertain to be told included). Of {len(found)} "
                f"forecasts {len(told)} said a number{_right(told)}. The other {len(found) - len(told)} said "
                f'"too early to tell". {_shortfall(groups)}',
                "| data | strategy | labels | runs | forecast, median | truth, median | truth held | too early |\n"
                "| --- | --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(_rows(found)),
                "Forecast and interval are those before the decision whether they are told. A truth of – was beyond "
                "what random labeling of the whole pool reached; the interval holds it if its upper end is beyond, too.",
                "## How it was measured",
                _method(stored),
                "## How the forecast is made",
                "The examples drawn at random, first batch and control arm, are a small random labeling of their own. "
                "Models are trained on a fourth to all of four fifths of them and asked about the last fifth; models "
                "trained on all labels, and on the first half, but for that fifth, are asked about the same examples. "
                "One curve is fitted to both: accuracy after m random labels (Morgan, Mercer and Flodin), where n "
                "labels, chosen after the first s, are worth n·(n/s)^g random ones. 200 fits to redrawn accuracies and "
                "guesses give the interval.",
                _rules(groups),
                "## What it cannot",
                "With a control arm of a fifth and a few hundred labels it seldom says a number: a few dozen answers "
                "leave the accuracy open by five points, and where the curve is flat that is the whole saving. A larger "
                "control arm (`--control 0.5`) measures more, and chooses fewer labels.",
                "- It leans on the shape of the curve: random labeling is seen up to a few dozen labels only, and what "
                "is said of several times as many is extrapolated. Where accuracy hardly rises any more, small errors "
                "in it mean large ones in labels, and more labels do not help.\n"
                "- Where a model learns nothing from the few random labels, there is no curve to extend.\n"
                "- It starts from the guess that nothing is saved (g = 0 ± 0.4), so that it errs to that side while "
                "labels are few: see the medians above.\n"
                "- What has been chosen is gone from the pool, and the control arm is drawn from the rest. In a small "
                "pool the rest is easier than the whole. Random and chosen labels are tested on the same examples, so "
                "that most of this cancels, not all.\n"
                "- Examples were chosen by models that knew the labels of the examples drawn before. A model without "
                "a fifth of those misses them where nothing near them was chosen, so that chosen labels look a "
                "little worse than they are.\n"
                "- It speaks of one model and one way of training, those of the project, and of accuracy alone.",
            ]
        )
        + "\n"
    )


def _right(told: Sequence[Point]) -> str:
    if not told:
        return ": how right numbers are that people get to see is not known from this"
    claims = [point for point in told if point.forecast is not None and point.forecast.verdict in ("saves", "costs")]
    wrong = sum((point.truth > 1) != (point.ends[0] > 1) for point in claims)
    return (
        f", {sum(point.covered for point in told)} of which held the truth; {len(claims)} claimed that choosing saves, "
        f"or costs, labels, {wrong} of them wrongly"
    )


def _shortfall(groups: Sequence[tuple[str, Sequence[Point]]]) -> str:
    short = [name for name, group in groups if np.mean(_covered(group)) < CONFIDENCE]
    if not short:
        return "It holds what it claims on all of them."
    return f"**It falls short of its claim on {', '.join(short)}.**"


def _covered(group: Sequence[Point]) -> list[bool]:
    return [point.covered for point in group if point.forecast is not None]


def _rows(found: Sequence[Point]) -> list[str]:
    def values(key: str) -> list[Any]:
        return list(dict.fromkeys(point.run[key] for point in found))

    rows = []
    for data, strategy, labeled in product(values("data"), values("strategy"), sorted(values("labeled"))):
        wanted = {"data": data, "strategy": strategy, "labeled": labeled}
        group = [point for point in found if wanted.items() <= point.run.items()]
        if not group:
            continue
        savings = [point.forecast.saving for point in group if point.forecast and point.forecast.saving is not None]
        truth = float(np.median([point.truth for point in group]))
        cells = [
            data,
            strategy,
            str(labeled),
            str(len(group)),
            f"{np.median(savings):.2f}" if savings else "",
            f"{truth:.2f}" if np.isfinite(truth) else "–",
            f"{sum(_covered(group))} of {len(_covered(group))}",
            f"{sum(not point.told for point in group)} of {len(group)}",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def _method(stored: dict[str, Any]) -> str:
    curves = "; ".join(
        f"{name}: {len(one['curves'])} random labelings of a pool of {one['pool']:,}, tested on {one['test']:,} examples"
        for name, one in stored["random"].items()
    )
    return (
        "Batches of 20, a fifth of each drawn at random after the first, the project's own model (mlp) and training "
        "(40 epochs). The digits are scikit-learn's; of 20 Newsgroups four groups "
        "(comp.graphics, rec.sport.hockey, sci.med, talk.politics.mideast; all twenty would take "
        "hours), headers, footers and quotes removed, words weighted by the pool alone. The truth is the number of "
        "labels at which pure random labeling, the mean of independent runs made monotone, reaches the accuracy of "
        "models trained on the project's labels (the mean of three trainings), on held-out examples, over the number "
        f"of labels in the project. {curves}. With `random` as the strategy the truth is 1 but for luck. The truth has "
        "errors of its own: where the curve is flat, half a point of accuracy is a fifth of the labels.\n\n"
        "`python benchmarks/forecast.py` goes on with what `benchmarks/results/forecast.json` holds (`--seeds`, "
        "`--minutes`) and writes this page."
    )


def _rules(groups: Sequence[tuple[str, Sequence[Point]]]) -> str:
    counts = " and ".join(f"{len(_covered(group))} on {name}" for name, group in groups)
    return (
        f"No number is said with fewer than {LEAST_DRAWN} random labels, with fewer than twice the labels of the first "
        f"batch, where the upper end is over {WIDEST:g} times the lower one, or over {WIDEST_EVEN:g} times where the "
        f"interval holds 1. The interval is not widened afterwards: digits do not call for it. How "
        "far the growth may be from 0 before anything is seen (± 0.4) was chosen on the first of these runs of both data "
        "sets, since narrower guesses held the truth less often than claimed. "
        f"There are {counts} forecasts, and those of one "
        "replay lean on each other: the shares above are rough."
    )


def _share(flags: Sequence[bool]) -> str:
    return f"{sum(flags)} of {len(flags)}" + (f" ({100 * sum(flags) / len(flags):.0f} %)" if flags else "")
