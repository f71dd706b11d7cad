"""What has been asked of agencies' systems: counted in memory, and written down every few seconds."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from datetime import datetime, timedelta

import structlog

from hub.domain import latency
from hub.ports import Call, CallCount, Clock, Histories

_EVERY = timedelta(seconds=5)
"""So much is lost of the counts when a process is killed: they are for looking at, not for proof."""
_KEEP_MINUTES = timedelta(days=2)
_KEEP_HOURS = timedelta(days=400)
_FORGET_EVERY = timedelta(hours=1)
_MOST = 10_000
"""Counts that are kept while the store is away; beyond them the earliest go."""

log = structlog.get_logger(__name__)

_Place = tuple[datetime, str, str, str]


class _Count:
    def __init__(self) -> None:
        self.count = 0
        self.total_ms = 0
        self.slowest_ms = 0
        self.ladder = [0] * latency.STEPS


class CallTally:
    """Implements `hub.ports.CallMeter`. Any thread may count, and any may take what was counted."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque()
        self._counts: dict[_Place, _Count] = {}
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> None:
        # Hundreds of threads come here, and one lock for all of them would be where they meet.
        self._calls.append(call)

    def take(self) -> list[CallCount]:
        """What was counted since it was last taken, the earliest minute first."""
        with self._lock:
            while self._calls:
                self._count(self._calls.popleft())
            counts, self._counts = self._counts, {}
        return [
            CallCount.model_construct(
                agency=agency,
                operation=operation,
                minute=minute,
                result=result,
                count=count.count,
                total_ms=count.total_ms,
                slowest_ms=count.slowest_ms,
                ladder=tuple(count.ladder),
            )
            for (minute, agency, operation, result), count in sorted(counts.items(), key=lambda one: one[0])
        ]

    def put_back(self, counts: list[CallCount]) -> None:
        """They could not be written down."""
        with self._lock:
            for known in counts:
                count = self._at((known.minute, known.agency, known.operation, known.result))
                count.count += known.count
                count.total_ms += known.total_ms
                count.slowest_ms = max(count.slowest_ms, known.slowest_ms)
                count.ladder = list(latency.together([count.ladder, known.ladder]))
            for place in sorted(self._counts)[:-_MOST]:
                del self._counts[place]

    def _count(self, call: Call) -> None:
        minute = call.started_at.replace(second=0, microsecond=0)
        count = self._at((minute, call.agency, call.operation, call.result.value))
        count.count += 1
        count.total_ms += call.milliseconds
        count.slowest_ms = max(count.slowest_ms, call.milliseconds)
        count.ladder[latency.step_of(call.milliseconds)] += 1

    def _at(self, place: _Place) -> _Count:
        count = self._counts.get(place)
        if count is None:
            count = self._counts[place] = _Count()
        return count


class CallRelay:
    """Writes the tally of this process down, and forgets what is old."""

    name = "calls"

    def __init__(self, tally: CallTally, store: Histories, clock: Clock, every: timedelta = _EVERY) -> None:
        """`every` is how long they are kept in memory."""
        self._every = every
        self._tally = tally
        self._store = store
        self._clock = clock
        self._forget_at: datetime | None = None

    async def go_round(self) -> float:
        await self._write_down()
        now = self._clock()
        if self._forget_at is None or now >= self._forget_at:
            await asyncio.to_thread(self._store.forget_calls, now - _KEEP_MINUTES, now - _KEEP_HOURS)
            self._forget_at = now + _FORGET_EVERY
        return self._every.total_seconds()

    async def finish(self) -> None:
        """The process ends: what it has counted since is written down, if the store is there to take it."""
        try:
            await self._write_down()
        except Exception:
            log.exception("calls.lost")

    async def _write_down(self) -> None:
        """What the store does not take is kept for the next time."""
        counts = self._tally.take()
        if not counts:
            return
        try:
            await asyncio.to_thread(self._store.count_calls, counts)
        except Exception:
            self._tally.put_back(counts)
            raise
