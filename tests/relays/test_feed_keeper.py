"""Feeds begin, end and change their pace as the configuration does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from hub.relays.feed_keeper import FeedKeeper
from hub.store import Store

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Pulling:
    """A relay that counts its rounds."""

    def __init__(self, agency: str, every: timedelta) -> None:
        self.name = f"feed {agency}"
        self.every = every
        self.rounds = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def go_round(self) -> float:
        self.rounds += 1
        await self.may_end.wait()
        return 0.001


async def test_feeds_come_go_and_change_their_pace(store: Store) -> None:
    """A round that is under way ends first; meanwhile nobody else pulls that feed."""
    wanted = {"nibr": HOUR}
    made: list[Pulling] = []

    def relay(agency: str, every: timedelta) -> Pulling:
        made.append(Pulling(agency, every))
        return made[-1]

    keeper = FeedKeeper(lambda: dict(wanted), relay, store, lambda: NOW)
    store.lease_feed("nibr", NOW, MINUTE)
    store.finish_feed("nibr", next_at=NOW + HOUR, exchanges=())
    await keeper.go_round()
    made[0].may_end.clear()
    before = made[0].rounds
    while made[0].rounds == before:
        await asyncio.sleep(0)
    wanted["nibr"] = MINUTE
    await keeper.go_round()
    await keeper.go_round()
    assert [each.every for each in made] == [HOUR]
    made[0].may_end.set()
    while len(made) == 1:
        await keeper.go_round()
    assert made[1].every == MINUTE
    assert store.lease_feed("nibr", NOW + MINUTE, MINUTE)
    del wanted["nibr"]
    wanted["niwdc"] = MINUTE
    await keeper.go_round()
    assert [each.name for each in made] == ["feed nibr", "feed nibr", "feed niwdc"]
    while made[1].rounds == 0 or made[2].rounds == 0:
        await asyncio.sleep(0)
    await keeper.finish()
    assert len(asyncio.all_tasks()) == 1
