"""Figures that many readers look at every few seconds: worked out once for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Briefly(Generic[T]):
    """
    A value that is kept for so many seconds, so that a page that a whole control room looks at costs the
    store what one reader costs it.

    Whoever comes when it is older is given what is there, and it is worked out anew meanwhile; only when it
    is older than `stale` seconds does anybody wait for it. A failure is not kept.
    """

    def __init__(
        self,
        work_out: Callable[[], Awaitable[T]],
        seconds: float,
        stale: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work_out = work_out
        self._seconds = seconds
        self._stale = stale
        self._now = monotonic
        self._kept: tuple[float, T] | None = None
        self._under_way: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The value, as old as it may be at most."""
        age = None if self._kept is None else self._now() - self._kept[0]
        if self._kept is not None and age is not None:
            if age < self._seconds:
                return self._kept[1]
            if age < self._stale:
                self._renew()
                return self._kept[1]
        # Whoever waits may go away; the others who wait for the same still get it.
        return await asyncio.shield(self._renew())

    def _renew(self) -> asyncio.Task[T]:
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._anew())
            self._under_way.add_done_callback(self._done)
        return self._under_way

    async def _anew(self) -> T:
        began = self._now()
        value = await self._work_out()
        self._kept = (began, value)
        return value

    def _done(self, task: asyncio.Task[T]) -> None:
        self._under_way = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("figures.failed", reason=str(error))
