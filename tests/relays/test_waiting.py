"""An agency that asks for time is given it, by polls and feeds too; and why it is waited for is told once."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import structlog

from hub.domain.errors import AgencyUnavailable
from hub.domain.exchange import Answer, Feed
from hub.ports import AgencyGateway, Engine
from hub.relays.feeds import FeedRelay
from hub.relays.polls import PollRelay
from hub.store import Store
from tests.relays.support import ToldEngine, ToldGateway
from tests.relays.test_recording import EVERY, Clock, open_poll

AWAY = "apqa is away: announced maintenance until 2026-03-02 11:30 (Asia/Seoul)"


async def test_a_poll_waits_as_long_as_it_is_asked_to(store: Store) -> None:
    """And as long as its own pace says, where that is longer."""
    open_poll(store)
    clock = Clock()
    began = clock.now
    script = [AgencyUnavailable(AWAY, retry_after=900), AgencyUnavailable("busy", retry_after=2), Answer()]
    relay = PollRelay(
        store,
        cast(AgencyGateway, ToldGateway(list(script))),
        cast(Engine, ToldEngine()),
        clock,
        lambda agency: EVERY,
    )
    for due in (timedelta(seconds=900), timedelta(seconds=900) + EVERY):
        await relay.go_round()
        await relay.finish()
        assert store.next_poll_at() == began + due
        clock.now = began + due


async def test_a_feed_waits_as_long_as_it_is_asked_to_and_says_why_once(store: Store) -> None:
    """Not every five minutes through a night."""
    clock = Clock()
    away = AgencyUnavailable(AWAY, retry_after=30)
    gateway = ToldGateway([away, away, away, Feed(), away])
    relay = FeedRelay(
        "apqa", store, cast(AgencyGateway, gateway), cast(Engine, ToldEngine()), clock, timedelta(seconds=5)
    )
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await relay.go_round()
            left = len(gateway.script)
            clock.now += timedelta(seconds=29)
            await relay.go_round()
            assert len(gateway.script) == left, "pulled before its time"
            clock.now += timedelta(seconds=1)
        assert [line["reason"] for line in logs if line["event"] == "feed.failed"] == [AWAY]
        await relay.go_round()
        clock.now += timedelta(seconds=5)
        await relay.go_round()
    assert gateway.script == []
    assert [line["reason"] for line in logs if line["event"] == "feed.failed"] == [AWAY, AWAY]
