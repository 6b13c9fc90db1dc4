"""Token buckets against the plain count of what a clock allows, and what the guard takes for one client."""

from __future__ import annotations

import asyncio
from collections import Counter
from fractions import Fraction
from functools import partial

import pytest
from fastapi.responses import PlainTextResponse
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Scope

from ladle.page import Limits, guard
from ladle.page.rates import TokenBuckets, network_of


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 5), st.integers(1, 4))
def test_a_bucket_holds_what_a_count_in_fractions_says(gaps: list[int], burst: int, rate: int) -> None:
    now = [0.0]
    buckets = TokenBuckets(rate, burst, clock=lambda: now[0])
    tokens = Fraction(burst)
    for gap in gaps:
        now[0] += gap / 16
        tokens = min(Fraction(burst), tokens + Fraction(gap, 16) * rate)
        seen = buckets.wait("ada")
        wait = buckets.take("ada")
        assert seen == wait
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


def answer_of(page: guard.Guard, cookie: bytes = b"", host: str = "203.0.113.7") -> tuple[int, bytes]:
    """Ask for the page, and return the status and the cookie that the answer sets."""
    found = list[Message]()

    async def send(message: Message) -> None:
        found.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope: Scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"cookie", cookie)],
        "client": (host, 50000),
    }
    asyncio.run(page(scope, receive, send))
    given = dict(found[0]["headers"]).get(b"set-cookie", b"")
    return found[0]["status"], given.partition(b";")[0]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the guard's buckets see."""
    now = [0.0]
    monkeypatch.setattr(guard, "TokenBuckets", partial(TokenBuckets, clock=lambda: now[0]))
    return now


@pytest.mark.parametrize("names", [0, 100])
def test_a_thousand_requests_a_second_from_one_address_are_held_to_its_rate(clock: list[float], names: int) -> None:
    """By who brings no cookie, and by who has collected names enough for each to stay below its own rate."""
    limits, seconds = Limits(), 3
    page = guard.Guard(PlainTextResponse("here"), frozenset(), None, limits)
    cookies = [answer_of(page)[1] for _ in range(names)] or [b""]
    assert all(cookies) == bool(names)
    clock[0] = 1000.0
    found = Counter[int]()
    for turn in range(1000 * seconds):
        clock[0] += 1 / 1000
        found[answer_of(page, cookies[turn % len(cookies)])[0]] += 1
    rate, burst = (
        (limits.address_rate, limits.address_burst) if names else (limits.stranger_rate, limits.stranger_burst)
    )
    assert set(found) == {200, 429}
    assert found[200] <= burst + rate * seconds + 1
    assert found[429] >= 1000 * seconds - (burst + rate * seconds + 1)
    # Elsewhere nothing of it is felt.
    assert answer_of(page, host="198.51.100.1")[0] == 200


def test_fifty_people_behind_one_address_are_not_slowed(clock: list[float]) -> None:
    """They open the page at once, and answer an image a second with its receipt: half of what is allowed."""
    page = guard.Guard(PlainTextResponse("here"), frozenset(), None, Limits())
    people = [answer_of(page)[1] for _ in range(50)]
    assert {answer_of(page, person)[0] for person in people for _ in range(8)} == {200}
    for _ in range(3):
        clock[0] += 1.0
        assert {answer_of(page, person)[0] for person in people for _ in range(6)} == {200}


def test_what_is_one_address() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1:2:3") != network_of("2001:db8:0:1::1")
    assert network_of("fe80::1%eth0") == network_of("fe80::2")
    # IPv4 that comes over a listener on IPv6 is not all one.
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1" != network_of("::ffff:192.0.2.2")
    assert [network_of(host) for host in ("192.0.2.1", "")] == ["192.0.2.1", ""]
