"""Figures that many readers look at every few seconds: worked out once for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Briefly(Generic[T]):
    """
    A value that is kept for so many seconds.

    Whoever comes while it is being worked out waits for it, so that a page that a whole control room looks at
    costs the store what one reader costs it. A failure is not kept.
    """

    def __init__(
        self,
        work_out: Callable[[], Awaitable[T]],
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work_out = work_out
        self._seconds = seconds
        self._now = monotonic
        self._turn = asyncio.Lock()
        self._kept: tuple[float, T] | None = None

    async def get(self) -> T:
        """The value, as old as it may be at most."""
        async with self._turn:
            now = self._now()
            if self._kept is not None and now - self._kept[0] < self._seconds:
                return self._kept[1]
            value = await self._work_out()
            self._kept = (self._now(), value)
            return value
