"""Pull the agencies' feeds: store every message, then acknowledge it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from hub.domain.errors import ChannelError
from hub.domain.exchange import Exchange, Feed, FeedPage
from hub.ports import AgencyGateway, CaseStore, Clock, Engine, Gate
from hub.relays.inbox import take_in

_LEASE = timedelta(seconds=60)
_SOON = timedelta(seconds=5)
"""A feed that is pulled again within this stays leased: nothing is written when nothing is found."""
_KEPT = timedelta(seconds=10)
"""For so long at a time; the feed of a process that died is another's after that."""
_IDLE = 0.5
_SHUT = 1.0
_LONGEST_PULL = 30.0
"""Seconds after which no further page is asked for: what is stored is acknowledged within the lease."""

log = structlog.get_logger(__name__)


class _Turn:
    """Whose turn it is to pull an agency's feed: of all processes one at a time."""

    def __init__(self, agency: str, store: CaseStore, clock: Clock) -> None:
        self._agency = agency
        self._store = store
        self._clock = clock
        self._until: datetime | None = None
        """The end of this process' lease."""
        self._next_at: datetime | None = None
        """The next pull, where the lease is kept until then."""

    async def comes_in(self) -> timedelta:
        """How long until it is worth asking again; nothing when the feed is to be pulled here and now."""
        now = self._clock()
        if self._next_at is not None and self._until is not None and now < self._until:
            return self._next_at - now
        self._until, self._next_at = now + _LEASE, None
        leased = await asyncio.to_thread(self._store.lease_feed, self._agency, now, _LEASE)
        return timedelta(0) if leased else timedelta(seconds=_IDLE)

    async def ends(self, pause: timedelta, exchanges: Sequence[Exchange], heard_at: datetime | None) -> None:
        """
        Write down what is worth it, with when the agency was asked that has told all. Before a long pause
        anybody may pull next, after a short one we do.
        """
        now, was_kept = self._clock(), self._next_at is not None
        next_at = now + pause
        self._next_at = next_at if pause < _SOON else None
        if was_kept and self._next_at and self._until and next_at < self._until and not exchanges:
            return
        until = now + _KEPT if self._next_at else next_at
        still_ours = await asyncio.to_thread(
            self._store.finish_feed,
            self._agency,
            next_at=until,
            exchanges=exchanges,
            leased_until=self._until,
            heard_at=heard_at,
        )
        if not still_ours:
            self._next_at = None
        self._until = until


class FeedRelay:
    """
    One agency's feed.

    All pages are pulled and stored first, one after the other, and only then acknowledged, page by page: what
    is acknowledged leaves the feed, and would move the messages behind it to other pages. Whatever breaks off
    in between, what was stored is acknowledged now or with the next pull, and counts once. A message that
    cannot be read is kept for a person, and must not keep the ones behind it waiting. Exchanges are recorded
    when something was found and when something failed: a feed that stays empty is pulled day and night.
    """

    def __init__(
        self,
        agency: str,
        store: CaseStore,
        gateway: AgencyGateway,
        engine: Engine,
        clock: Clock,
        every: timedelta,
        gate: Gate | None = None,
    ) -> None:
        """`gate` knows whether the agency is not to be asked, if it may be so."""
        self._gate = gate
        self.name = f"feed {agency}"
        self._agency = agency
        self._store = store
        self._gateway = gateway
        self._engine = engine
        self._clock = clock
        self._every = every
        self._seen: frozenset[str] = frozenset()
        self._trouble: tuple[str, ...] = ()
        """Why the round before went wrong; the same again is no news."""
        self._troubles: list[str] = []
        """Why this one does."""
        self._asked_to_wait = timedelta(0)
        self._turn = _Turn(agency, store, clock)

    async def go_round(self) -> float:
        if self._gate is not None and self._gate.shut().get(self._agency) == 0:
            return _SHUT
        wait = await self._turn.comes_in()
        if wait > timedelta(0):
            return min(_IDLE, wait.total_seconds())
        self._troubles, self._asked_to_wait = [], timedelta(0)
        began = self._clock()
        pages, exchanges = await self._pull()
        heard_at = None if self._troubles else began
        for page in pages:
            if page.messages:
                exchanges += page.exchanges
                exchanges += await self._acknowledge(page)
        found = frozenset(message.message_id for page in pages for message in page.messages)
        # More may wait behind what was taken; a feed that shows the same again has nothing else to show.
        pause = timedelta(0) if found - self._seen else max(self._every, self._asked_to_wait)
        self._seen, self._trouble = found, tuple(self._troubles)
        await self._turn.ends(pause, exchanges, heard_at)
        return min(_IDLE, pause.total_seconds())

    async def _pull(self) -> tuple[list[Feed], tuple[Exchange, ...]]:
        """Store every page: the pages that are stored, and the exchanges of one that was not had."""
        pages: list[Feed] = []
        following: FeedPage | None = None
        ends_by = time.monotonic() + _LONGEST_PULL
        try:
            while True:
                page = await self._gateway.pull_feed(self._agency, following)
                for message in page.messages:
                    await take_in(self._store, self._engine, message)
                pages.append(page)
                if page.trouble is not None:
                    self._went_wrong(page.trouble)
                if page.next is None or time.monotonic() > ends_by:
                    return pages, ()
                following = page.next
        except ChannelError as error:
            self._went_wrong(str(error), error.retry_after)
            return pages, tuple(error.exchanges)

    async def _acknowledge(self, page: Feed) -> tuple[Exchange, ...]:
        refused = {one.message_id: one.trouble for one in page.messages if one.trouble is not None}
        try:
            return await self._gateway.acknowledge_feed(
                self._agency, [message.message_id for message in page.messages], refused
            )
        except ChannelError as error:
            self._went_wrong(str(error), error.retry_after)
            return tuple(error.exchanges)

    def _went_wrong(self, reason: str, retry_after: float | None = None) -> None:
        """Pulled every few minutes, through a night of maintenance: told once for each different reason."""
        self._asked_to_wait = max(self._asked_to_wait, timedelta(seconds=retry_after or 0.0))
        self._troubles.append(reason)
        if reason not in self._trouble:
            log.warning("feed.failed", agency=self._agency, reason=reason)
