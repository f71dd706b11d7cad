"""Rate, slots and breaker, against a clock that is moved by hand."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.adapters.limits import Breaker, BreakerState, Slots, TokenBucket


class HandClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(
    rate=st.floats(0.5, 100),
    burst=st.floats(1, 50),
    steps=st.lists(st.floats(0, 2), min_size=1, max_size=60),
)
def test_a_rate_is_never_exceeded(rate: float, burst: float, steps: list[float]) -> None:
    """However requests arrive, no more go out in any time than the burst and the rate allow."""
    clock = HandClock()
    bucket = TokenBucket(rate, burst, clock)
    sent = []
    for step in steps:
        clock.now += step
        wait = bucket.reserve(5.0)
        if wait is not None:
            sent.append(clock.now + wait)
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            allowed = burst + rate * (sent[last] - sent[first]) + 1e-6
            assert last - first + 1 <= allowed + 1e-6


def test_a_request_that_would_wait_too_long_takes_no_place() -> None:
    """Being turned away costs the others nothing."""
    clock = HandClock()
    bucket = TokenBucket(1.0, 1.0, clock)
    assert bucket.reserve(0.5) == 0.0
    for _ in range(10):
        assert bucket.reserve(0.5) is None
    assert bucket.wait() == 1.0
    clock.now += 1.0
    assert bucket.reserve(0.5) == 0.0


@given(st.lists(st.sampled_from(["ok", "fail", "abandon", "tick"]), max_size=80))
def test_a_breaker_opens_exactly_after_its_failures_in_a_row(said: list[str]) -> None:
    """Closed until so many failures follow one another; open for the pause; then one request at a time."""
    clock = HandClock()
    breaker = Breaker(3, 10.0, clock)
    in_a_row, opened = 0, None
    for word in said:
        if word == "tick":
            clock.now += 4.0
            continue
        wait = breaker.admit()
        if opened is not None and clock.now < opened + 10.0:
            assert wait is not None
            assert 0 < wait <= 10.0
            continue
        assert wait is None
        if word == "ok":
            breaker.succeeded()
            in_a_row, opened = 0, None
        elif word == "abandon":
            breaker.abandoned()
        else:
            breaker.failed()
            in_a_row += 1
            if in_a_row >= 3:
                opened = clock.now
    assert (breaker.state is BreakerState.CLOSED) == (opened is None)


def test_a_half_open_breaker_lets_one_request_through() -> None:
    """Until the one trial has ended, all others are turned away."""
    clock = HandClock()
    breaker = Breaker(1, 10.0, clock)
    breaker.failed()
    assert breaker.wait() == 10.0
    clock.now += 10.0
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.wait() is None
    assert breaker.admit() is None
    assert breaker.wait() == 1.0
    assert breaker.admit() == 1.0
    breaker.failed()
    assert breaker.admit() == 10.0
    clock.now += 10.0
    assert breaker.admit() is None
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED


async def test_a_slot_is_waited_for_no_longer_than_patience_lasts() -> None:
    """A full house answers no; a slot given back goes to whoever waits."""
    slots = Slots(1)
    assert await slots.take(0)
    assert not await slots.take(0.01)
    waiting = asyncio.create_task(slots.take(30))
    await asyncio.sleep(0)
    slots.give_back()
    assert await waiting
    slots.give_back()
    assert await slots.take(0)


async def test_the_number_of_slots_may_change_while_they_are_taken() -> None:
    """More let those in who wait; fewer let nobody in until enough have come back."""
    slots = Slots(1)
    assert await slots.take(0)
    waiting = asyncio.create_task(slots.take(30))
    await asyncio.sleep(0)
    slots.resize(2)
    assert await waiting
    slots.resize(1)
    slots.give_back()
    assert not await slots.take(0.01)
    slots.give_back()
    assert await slots.take(0)


async def test_a_slot_that_came_as_its_waiter_left_is_not_lost() -> None:
    """Whoever is cancelled in the moment of being let in gives it back."""
    slots = Slots(1)
    assert await slots.take(0)
    waiting = asyncio.create_task(slots.take(30))
    await asyncio.sleep(0)
    slots.give_back()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await slots.take(0)
