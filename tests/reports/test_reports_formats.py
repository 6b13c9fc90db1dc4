"""Numbers as text: known answers, and never a NaN or an infinity in sight."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ladle.reports.formats import (
    counted,
    format_labels,
    format_labels_interval,
    format_mean,
    format_names,
    format_penalty,
    format_percent,
    format_seconds,
    format_share,
    format_share_bounds,
    format_share_interval,
)

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (format_percent(0.9142), "91.4%"),
        (format_percent(None), "–"),
        (format_mean(0.91423, 0.00614), "91.42 ± 0.61"),
        (format_mean(0.91423, None), "91.42"),
        (format_mean(None, None), "–"),
        (format_labels(1480.4, 1500), "1,480"),
        (format_labels(INF, 1500), ">1,500"),
        (format_labels(None, 1500), "–"),
        (format_labels_interval(640, 560.2, 800, 1500), "640 [560–800]"),
        (format_labels_interval(640, 560, INF, 1500), "640 [≥560]"),
        (format_labels_interval(INF, 560, INF, 1500), ">1,500 [≥560]"),
        (format_labels_interval(INF, INF, INF, 1500), ">1,500"),
        (format_labels_interval(640, None, None, 1500), "640"),
        (format_labels_interval(640, 640, 640, 1500), "640"),
        (format_share(1.0), "100%"),
        (format_share(2.0), "50%"),
        (format_share(0.5), "200%"),
        (format_share(0.0), ">100%"),
        (format_share(1.002), "99.80%"),
        (format_share(0.999), "100.10%"),
        (format_share(None), "–"),
        (format_share_bounds(1.25, 2.0), "50% to 80%"),
        (format_share_bounds(0.0, 2.0), "50% or more"),
        (format_share_bounds(0.0, 0.0), "above 100%"),
        (format_share_interval(1.6, 1.25, 2.0), "62% [50–80%]"),
        (format_share_interval(1.6, 0.0, 2.0), "62% [≥50%]"),
        (format_share_interval(0.0, 0.0, 0.0), ">100%"),
        (format_share_interval(1.6, None, None), "62%"),
        (format_penalty(0), "0"),
        (format_penalty(0.001), "<.01"),
        (format_penalty(0.25), ".25"),
        (format_penalty(0.994), ".99"),
        (format_penalty(0.995), "1.0"),
        (format_penalty(1), "1.0"),
        (format_penalty(9.94), "9.9"),
        (format_penalty(12.4), "12"),
        (format_penalty(None), "–"),
        (format_seconds(0.00042), "0.4 ms"),
        (format_seconds(0.0124, 0.003), "12 ± 3 ms"),
        (format_seconds(1.238, 0.31), "1.24 ± 0.31 s"),
        (format_seconds(75.34), "75.3 s"),
        (format_seconds(1234.5), "1,234 s"),
        (format_seconds(None), "–"),
        (format_names([]), ""),
        (format_names(["a"]), "a"),
        (format_names(["a", "b"]), "a and b"),
        (format_names(["a", "b", "c"]), "a, b and c"),
        (counted(1, "seed", "seeds"), "one seed"),
        (counted(5, "seed", "seeds"), "five seeds"),
        (counted(1400, "round", "rounds"), "1,400 rounds"),
    ],
)
def test_known_answers(found: str, expected: str) -> None:
    assert found == expected


numbers = st.one_of(st.none(), st.floats(0, 1e6), st.sampled_from([0.0, INF, NAN]))
labels = st.one_of(st.none(), st.floats(1, 1e6), st.just(INF))
ratios = st.one_of(st.just(0.0), st.floats(1e-6, 1e6))  # of two counts of labels, or "never reached"


@given(numbers, st.one_of(ratios, st.sampled_from([None, INF, NAN])), labels, labels, labels)
def test_nothing_ever_shows_nan_or_inf(
    number: float | None, ratio: float | None, value: float | None, low: float | None, high: float | None
) -> None:
    texts = [
        format_percent(number),
        format_mean(number, None),
        format_share(ratio),
        format_penalty(number),
        format_seconds(number),
        format_labels(value, 300),
        format_labels_interval(value, low, high, 300),
    ]
    assert not any(word in text for text in texts for word in ("nan", "inf"))
    assert all(texts)


@given(ratios, ratios, ratios)
def test_share_intervals_are_finite_text(ratio: float, low: float, high: float) -> None:
    text = format_share_interval(ratio, min(low, high), max(low, high))
    assert "inf" not in text
    assert "nan" not in text
    assert text.count("[") <= 1


@given(st.floats(1e-3, 100).filter(lambda ratio: abs(ratio - 1) > 1e-3))
def test_a_share_is_on_the_right_side_of_all(ratio: float) -> None:
    share = float(format_share(ratio).rstrip("%").replace(",", ""))
    assert (share < 100) == (ratio > 1)


@given(st.floats(1e-6, 1e5))
def test_seconds_keep_two_digits_of_what_was_measured(seconds: float) -> None:
    number, unit = format_seconds(seconds).split()
    read = float(number.replace(",", "")) * {"ms": 1e-3, "s": 1.0}[unit]
    assert math.isclose(read, seconds, rel_tol=0.06, abs_tol=6e-5)
