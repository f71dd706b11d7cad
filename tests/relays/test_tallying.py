"""The counts of requests to agencies' systems, on their way from memory into the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from hub.ports import Call, CallCount, CallResult
from hub.relays.calls import CallRelay, CallTally
from hub.store import Store, create_store

NOW = datetime(2026, 3, 2, 10, 0, 30, tzinfo=UTC)


def call(milliseconds: int, at: datetime = NOW, result: CallResult = CallResult.ANSWERED) -> Call:
    return Call("apqa", "submit", at, milliseconds, result)


class Away:
    """A store that is not there until it is."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.is_away = True

    def count_calls(self, calls: Sequence[CallCount]) -> None:
        if self.is_away:
            raise ConnectionError("the database is away")
        self.store.count_calls(calls)

    def forget_calls(self, minutes_before: datetime, hours_before: datetime) -> None:
        self.store.forget_calls(minutes_before, hours_before)


@pytest.fixture
def store(sqlite_url: str) -> Store:
    return create_store(sqlite_url, sync="normal")


async def test_counts_survive_a_store_that_is_away(store: Store) -> None:
    """They are kept, added to, and written down when it is there again; each once."""
    tally, away = CallTally(), Away(store)
    relay = CallRelay(tally, away, lambda: NOW)  # type: ignore[arg-type]
    tally(call(40))
    with pytest.raises(ConnectionError):
        await relay.go_round()
    tally(call(3000))
    tally(call(7, result=CallResult.IN_DOUBT))
    away.is_away = False
    await relay.go_round()
    await relay.finish()

    counts = {one.result: one for one in store.calls("apqa", NOW - timedelta(minutes=1))}
    answered = counts[CallResult.ANSWERED]
    assert (answered.count, answered.total_ms, answered.slowest_ms) == (2, 3040, 3000)
    assert sum(answered.ladder) == 2
    assert counts[CallResult.IN_DOUBT].count == 1


async def test_old_minutes_go_while_their_hours_stay(store: Store) -> None:
    """So the table is bounded, whatever happens."""
    tally = CallTally()
    relay = CallRelay(tally, store, lambda: NOW)
    tally(call(40, NOW - timedelta(days=3)))
    tally(call(50))
    await relay.go_round()

    [kept] = store.calls(None, NOW - timedelta(days=30))
    assert kept.minute == NOW.replace(second=0)
    assert len(store.calls_by_hour(None, NOW - timedelta(days=30))) == 2
