"""Which feeds are pulled, and how often: as the configuration in force says, while it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from hub.ports import CaseStore, Clock
from hub.relays.loop import Relay, keep_going

_PAUSE = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Running:
    """One agency's feed, being pulled."""

    every: timedelta
    stop: asyncio.Event
    task: asyncio.Task[None]


class FeedKeeper:
    """A relay for each agency that has a feed; begun, ended and paced as they come, go and change."""

    name = "feeds"

    def __init__(
        self,
        feeds: Callable[[], Mapping[str, timedelta]],
        relay: Callable[[str, timedelta], Relay],
        store: CaseStore,
        clock: Clock,
    ) -> None:
        """`feeds` says how often each agency's is pulled, and may block; `relay` makes what pulls one."""
        self._feeds = feeds
        self._relay = relay
        self._store = store
        self._clock = clock
        self._running: dict[str, _Running] = {}

    async def go_round(self) -> float:
        wanted = await asyncio.to_thread(self._feeds)
        for agency, running in list(self._running.items()):
            if wanted.get(agency) == running.every:
                continue
            running.stop.set()
            # What is under way ends first: two pulls at once would take in the same messages.
            if running.task.done():
                del self._running[agency]
                log.info("feed.ended", agency=agency)
        for agency, every in wanted.items():
            if agency not in self._running:
                await self._begin(agency, every)
        return _PAUSE

    async def finish(self) -> None:
        """End all of them, each with the round that is under way."""
        for running in self._running.values():
            running.stop.set()
        await asyncio.gather(*(running.task for running in self._running.values()))

    async def _begin(self, agency: str, every: timedelta) -> None:
        # Pulled last at another pace, it may be due in an hour, and every minute from now on.
        await asyncio.to_thread(self._store.hasten_feed, agency, self._clock() + every)
        stop = asyncio.Event()
        task = asyncio.create_task(keep_going(self._relay(agency, every), stop))
        self._running[agency] = _Running(every, stop, task)
        log.info("feed.begun", agency=agency, every_s=every.total_seconds())
