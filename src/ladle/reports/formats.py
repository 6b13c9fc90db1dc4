"""Numbers as people read them, the same on the console and on the page; nothing here ever prints NaN or inf."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

#: Stands for a number that cannot be had.
MISSING = "–"

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def format_percent(share: float | None, digits: int = 1) -> str:
    """Return 0.9142 as "91.4%"."""
    return MISSING if share is None or not isfinite(share) else f"{100 * share:.{digits}f}%"


def format_mean(mean: float | None, deviation: float | None) -> str:
    """Return a mean and standard deviation of shares in percent: "91.42 ± 0.61", or "91.42" with no deviation."""
    if mean is None or not isfinite(mean):
        return MISSING
    return f"{100 * mean:.2f}" if deviation is None else f"{100 * mean:.2f} ± {100 * deviation:.2f}"


def format_labels(labels: float | None, budget: int) -> str:
    """Return a number of labels, "1,480", or ">1,500" where the budget of 1,500 was not enough."""
    if labels is None:
        return MISSING
    return f"{labels:,.0f}" if isfinite(labels) else f">{budget:,}"


def format_labels_interval(labels: float | None, low: float | None, high: float | None, budget: int) -> str:
    """Return a number of labels with its interval: "640 [560–800]", "640 [≥560]", or "640" with no interval."""
    if labels is None or low is None or high is None or low == high == labels:
        return format_labels(labels, budget)
    if not isfinite(high):
        return f"{format_labels(labels, budget)} [≥{format_labels(low, budget)}]"
    return f"{format_labels(labels, budget)} [{format_labels(low, budget)}–{format_labels(high, budget)}]"


def format_share(ratio: float | None) -> str:
    """Return which share of random's labels is needed, where random needs `ratio` times as many: "60%" for 1.67.

    A ratio of 0 stands for a target that was not reached: ">100%", since random reached it within the same budget.
    """
    if ratio is None or not isfinite(ratio):
        return MISSING
    if ratio == 0:
        return ">100%"
    share = 100 / ratio
    if f"{share:.0f}" == "100" and abs(share - 100) > 1e-6:
        return f"{share:.2f}%"  # which side of 100% it is on is the point
    return f"{share:,.0f}%"


def format_share_bounds(low: float, high: float) -> str:
    """Return the interval of a share from that of the ratio: "49% to 83%", "83% or more", "above 100%".

    Args:
        low: lower end of the ratio's interval, which is the upper end of the share's; 0 for "not reached".
        high: upper end of the ratio's interval.
    """
    if high == 0:
        return "above 100%"
    return f"{format_share(high)} or more" if low == 0 else f"{format_share(high)} to {format_share(low)}"


def format_share_interval(ratio: float | None, low: float | None, high: float | None) -> str:
    """Return a share of random's labels with its interval: "60% [49–83%]", "60% [≥49%]", or "60%" with no interval.

    The arguments are the ratio and its interval, as for `format_share` and `format_share_bounds`.
    """
    if ratio is None or low is None or high is None or low == high == ratio:
        return format_share(ratio)
    if low == 0:
        return f"{format_share(ratio)} [≥{format_share(high)}]"
    return f"{format_share(ratio)} [{format_share(high).removesuffix('%')}–{format_share(low)}]"


def format_penalty(value: float | None) -> str:
    """Return an entry of a penalty matrix or a loss score in three signs: "0", ".25", "1.0", "12"."""
    if value is None or not isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    if value < 0.005:
        return "<.01"
    if value < 0.995:
        return f"{value:.2f}".removeprefix("0")
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def format_seconds(mean: float | None, deviation: float | None = None) -> str:
    """Return a duration, with its standard deviation if given: "0.4 ms", "12 ± 3 ms", "1.24 ± 0.31 s", "1,234 s"."""
    if mean is None or not isfinite(mean):
        return MISSING
    scale, unit = (1000.0, "ms") if mean < 0.0995 else (1.0, "s")
    digits = 0 if mean * scale >= 99.5 else 1 if mean * scale >= 9.95 else 2
    if unit == "ms":
        digits = max(0, digits - 1)
    if deviation is None or not isfinite(deviation):
        return f"{mean * scale:,.{digits}f} {unit}"
    return f"{mean * scale:,.{digits}f} ± {deviation * scale:,.{digits}f} {unit}"


def format_names(names: Sequence[str]) -> str:
    """Return "a", "a and b", or "a, b and c"."""
    return " and ".join([*([", ".join(names[:-1])] if len(names) > 1 else []), *names[-1:]])


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun: "one seed", "five seeds", "14 rounds"."""
    word = _NUMBERS[number] if number < len(_NUMBERS) else f"{number:,}"
    return f"{word} {one if number == 1 else many}"
