"""
One watcher of the store for all event streams of this process.

However many clients follow a declaration, the store is asked about it once in each interval; streams read
new events only when there are some.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import structlog
from anyio import to_thread

from hub.domain.events import Event

log = structlog.get_logger(__name__)

_PAGE = 500


class Watcher:
    """Tells streams that a declaration has new events. Runs only while somebody watches."""

    def __init__(self, read: Callable[[str, int, int], list[Event]], every: timedelta) -> None:
        self._read = read
        self._every = every.total_seconds()
        self._watched: Counter[str] = Counter()
        self._last: dict[str, int] = {}
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def watching(self, mrn: str, after: int) -> AsyncIterator[None]:
        """While inside, `beyond` may be awaited for this declaration."""
        self._watched[mrn] += 1
        self._last[mrn] = max(self._last.get(mrn, 0), after)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="event-watcher")
        try:
            yield
        finally:
            self._watched[mrn] -= 1
            if not self._watched[mrn]:
                del self._watched[mrn]
                del self._last[mrn]

    async def beyond(self, mrn: str, seq: int, patience: timedelta) -> bool:
        """Wait until the declaration has an event after `seq`. False when there was none for that long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience.total_seconds()), self._news:
                await self._news.wait_for(lambda: self._last[mrn] > seq)
                return True
        return False

    async def close(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while self._watched:
            for mrn in list(self._watched):
                try:
                    events = await to_thread.run_sync(self._read, mrn, self._last.get(mrn, 0), _PAGE)
                except Exception:
                    # The store may be back in a moment; a stream must not end the watching of all others.
                    log.exception("events.watch_failed", mrn=mrn)
                    break
                if events and mrn in self._last:
                    async with self._news:
                        self._last[mrn] = max(self._last.get(mrn, 0), events[-1].seq)
                        self._news.notify_all()
            await asyncio.sleep(self._every)
