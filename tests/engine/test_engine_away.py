"""Processes that are started while the engine is away."""

from __future__ import annotations

import time

import pytest

from hub.engine import TemporalEngine, connect
from hub.loopback import free_port
from hub.ports import EngineUnavailable
from hub.settings import Settings
from tests.workflows.support import acceptance, decision


@pytest.fixture
def nobody_there() -> Settings:
    """Settings with the address of an engine that is not running."""
    port = free_port()
    return Settings(environment="development", temporal_address=f"127.0.0.1:{port}")


async def test_a_start_says_that_the_engine_is_unavailable(nobody_there: Settings) -> None:
    """Whatever the client library makes of it; the relay starts the workflow later."""
    engine = TemporalEngine(await connect(nobody_there))
    with pytest.raises(EngineUnavailable):
        await engine.start_clearance(acceptance("010101"))
    with pytest.raises(EngineUnavailable):
        await engine.tell_decisions("26KR", [decision("26KR/plant-import")])
    assert await engine.is_reachable() is False


async def test_the_second_lodging_does_not_wait_for_it(nobody_there: Settings) -> None:
    """An engine that did not answer is left alone for a while."""
    engine = TemporalEngine(await connect(nobody_there))
    with pytest.raises(EngineUnavailable):
        await engine.start_clearance(acceptance("010101"))
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(EngineUnavailable):
            await engine.start_clearance(acceptance("010101"))
    assert time.monotonic() - began < 1
