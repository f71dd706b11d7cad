"""Pull the agencies' feeds: store every message, then acknowledge it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from hub.domain.errors import ChannelError
from hub.domain.exchange import Exchange, Feed
from hub.ports import AgencyGateway, CaseStore, Clock, Engine
from hub.relays.inbox import take_in

_LEASE = timedelta(seconds=60)
_IDLE = 0.5

log = structlog.get_logger(__name__)


class FeedRelay:
    """
    One agency's feed.

    A message is acknowledged only when it is safely stored, one that cannot be read as well: it is kept for
    a person and must not keep the ones behind it waiting. Exchanges are recorded when something was found and
    when something failed: a feed that stays empty is pulled day and night.
    """

    def __init__(
        self,
        agency: str,
        store: CaseStore,
        gateway: AgencyGateway,
        engine: Engine,
        clock: Clock,
        every: timedelta,
    ) -> None:
        self.name = f"feed {agency}"
        self._agency = agency
        self._store = store
        self._gateway = gateway
        self._engine = engine
        self._clock = clock
        self._every = every

    async def go_round(self) -> float:
        leased = await asyncio.to_thread(self._store.lease_feed, self._agency, self._clock(), _LEASE)
        if not leased:
            return _IDLE
        more = False
        exchanges: tuple[Exchange, ...] = ()
        try:
            feed = await self._gateway.pull_feed(self._agency)
            if feed.messages:
                exchanges = feed.exchanges
                exchanges += await self._take_in(feed)
                more = True
        except ChannelError as error:
            exchanges += error.exchanges
            log.warning("feed.failed", agency=self._agency, reason=str(error))
        pause = timedelta(0) if more else self._every
        await asyncio.to_thread(
            self._store.finish_feed, self._agency, next_at=self._clock() + pause, exchanges=exchanges
        )
        return min(_IDLE, pause.total_seconds())

    async def _take_in(self, feed: Feed) -> tuple[Exchange, ...]:
        for message in feed.messages:
            await take_in(self._store, self._engine, message)
        return await self._gateway.acknowledge_feed(
            self._agency, [message.message_id for message in feed.messages]
        )
