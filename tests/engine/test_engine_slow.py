"""An engine that is away is left alone for a while; one that is only slow goes on being asked."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.service import RPCError, RPCStatusCode

from hub.engine_reach import Reach
from hub.ports import EngineUnavailable

LATE = RPCError("Timeout expired", RPCStatusCode.DEADLINE_EXCEEDED, b"")


class Engine:
    """Calls of an engine, and the time that they take by a clock that is told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.reach = Reach(lambda: self.now)

    async def call(self, seconds: float = 0.1, error: BaseException | None = None) -> None:
        async with self.reach.call():
            self.asked += 1
            self.now += seconds
            if error is not None:
                raise error

    async def fails(self, seconds: float, error: BaseException) -> None:
        with pytest.raises(EngineUnavailable):
            await self.call(seconds, error)

    async def is_asked(self) -> bool:
        before = self.asked
        try:
            await self.call()
        except EngineUnavailable:
            return False
        finally:
            self.now -= 0.1 * (self.asked - before)
        return True


async def test_one_that_has_answered_others_meanwhile_is_slow_and_not_away() -> None:
    """Else under load one late answer would keep every other call back for seconds, and add to the load."""
    engine = Engine()
    late = engine.reach.call()
    await late.__aenter__()
    await engine.call(3.0)
    with pytest.raises(EngineUnavailable):
        await late.__aexit__(RPCError, LATE, None)
    assert await engine.is_asked()


async def test_one_that_answers_nobody_is_left_alone_for_five_seconds() -> None:
    """Not everybody must wait to see that it is away."""
    engine = Engine()
    await engine.call()
    await engine.fails(3.0, LATE)
    assert not await engine.is_asked()
    engine.now += 4.9
    assert not await engine.is_asked()
    engine.now += 0.2
    assert await engine.is_asked()


async def test_one_that_refuses_connections_is_away_at_once() -> None:
    """That needs no waiting to be seen."""
    engine = Engine()
    await engine.fails(0.0, RPCError("tcp connect error", RPCStatusCode.UNAVAILABLE, b""))
    assert not await engine.is_asked()


async def test_one_that_answers_with_an_error_is_there() -> None:
    """Whatever it finds wrong with the call."""
    engine = Engine()
    await engine.fails(3.0, RPCError("no such namespace", RPCStatusCode.NOT_FOUND, b""))
    assert await engine.is_asked()


async def test_a_caller_with_less_patience_tells_as_much() -> None:
    """Whoever is answered within two seconds gives up before the call does."""
    engine = Engine()
    with pytest.raises(asyncio.CancelledError):
        await engine.call(2.0, asyncio.CancelledError())
    assert not await engine.is_asked()


async def test_one_that_is_seen_to_be_back_is_asked_again() -> None:
    """By a look that somebody has taken, who is not kept from it."""
    engine = Engine()
    await engine.fails(3.0, LATE)
    engine.reach.answered()
    assert await engine.is_asked()
