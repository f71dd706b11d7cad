"""Bulk actions, item by item, at their rate: begun by a person, carried out here, stopped by anybody."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from datetime import timedelta

import structlog

from hub.operations.bulk import BulkActions
from hub.ports import ActionStore, Bulk, BulkItem, BulkOver, BulkState, Clock, Engine, ItemState

_LEASE = timedelta(seconds=30)
"""After this another process takes up what this one, which died, was at."""
_RENEW = timedelta(seconds=10)
_IDLE = 1.0
_AWAY = 1.0
_AT_HAND = 100

log = structlog.get_logger(__name__)


class BulkRelay:
    """
    One item each round. Whether it may still be done, and has not been yet, is looked at in the transaction
    that does it: so a stop holds from the moment that it is on record, and a lease that ran out too late does
    no harm.
    """

    name = "bulk"

    def __init__(self, store: ActionStore, bulks: BulkActions, engine: Engine, clock: Clock) -> None:
        self._store = store
        self._bulks = bulks
        self._engine = engine
        self._clock = clock
        self._holder = secrets.token_hex(8)
        self._bulk: Bulk | None = None
        self._renew_at = clock()
        self._at_hand: deque[BulkItem] = deque()
        self._next_at = 0.0
        self._engine_is_away = False

    async def go_round(self) -> float:
        if self._bulk is None or self._clock() >= self._renew_at:
            await self._take_up()
        if self._bulk is None:
            return _IDLE
        begun = time.monotonic()
        if begun < self._next_at:
            return self._next_at - begun
        if self._engine_is_away and not await self._engine.is_reachable():
            # What is done now would take effect all at once when it is back, at no rate.
            return _AWAY
        bulk, item = self._bulk, await self._next(self._bulk)
        if item is None:
            await asyncio.to_thread(self._store.end_bulk, bulk.id, BulkState.DONE, None, None)
            log.info("bulk.done", bulk=bulk.id, kind=bulk.kind)
            self._let_go()
            return 0.0
        try:
            self._engine_is_away = not await self._bulks.carry_out_one(bulk, item)
        except BulkOver as over:
            # Stopped, or another process was faster: what is to be done now is looked up anew.
            log.info("bulk.left", bulk=bulk.id, reason=str(over))
            self._let_go()
            return 0.0
        except Exception:
            # Tried again after the others: whatever is wrong with this one, they do not wait for it.
            self._at_hand.rotate(-1)
            raise
        self._at_hand.popleft()
        # Never made up for: what was slow for a while must not come in a burst afterwards.
        self._next_at = begun + 1 / bulk.rate
        return max(self._next_at - time.monotonic(), 0.0)

    async def _take_up(self) -> None:
        now = self._clock()
        bulk = await asyncio.to_thread(self._store.lease_bulk, self._holder, now, now + _LEASE)
        if bulk is None or self._bulk is None or bulk.id != self._bulk.id:
            self._at_hand.clear()
        if bulk is not None and (self._bulk is None or bulk.id != self._bulk.id):
            log.info("bulk.taken_up", bulk=bulk.id, kind=bulk.kind, rate=bulk.rate)
        self._bulk, self._renew_at = bulk, now + _RENEW

    async def _next(self, bulk: Bulk) -> BulkItem | None:
        if not self._at_hand:
            # From the beginning: whoever was at it before may have left some in between.
            self._at_hand.extend(
                await asyncio.to_thread(self._store.bulk_items, bulk.id, ItemState.WAITING, 0, _AT_HAND)
            )
        return self._at_hand[0] if self._at_hand else None

    def _let_go(self) -> None:
        self._bulk = None
        self._at_hand.clear()
