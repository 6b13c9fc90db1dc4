"""Token buckets against the plain count of what a clock allows."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ladle.page.rates import TokenBuckets


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 5), st.integers(1, 4))
def test_a_bucket_holds_what_a_count_in_fractions_says(gaps: list[int], burst: int, rate: int) -> None:
    now = [0.0]
    buckets = TokenBuckets(rate, burst, clock=lambda: now[0])
    tokens = Fraction(burst)
    for gap in gaps:
        now[0] += gap / 16
        tokens = min(Fraction(burst), tokens + Fraction(gap, 16) * rate)
        wait = buckets.take("ada")
        if tokens >= 1:
            assert wait == 0
            tokens -= 1
        else:
            # Sixteenths are exact in floats, the quotient is not.
            assert abs(wait - float((1 - tokens) / rate)) < 1e-9


def test_clients_do_not_share_a_bucket_and_idle_ones_take_no_memory() -> None:
    now = [0.0]
    buckets = TokenBuckets(2, 2, clock=lambda: now[0])
    assert [buckets.take("ada") > 0 for _ in range(3)] == [False, False, True]
    assert buckets.take("ben") == 0
    for number in range(50_000):
        now[0] += 0.01
        buckets.take(f"visitor {number}")
    assert len(buckets) <= 2048
    assert buckets.take("ada") == 0
