"""How many declarations are given to the engine before its workers have begun with them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

LONGEST_WAIT = timedelta(seconds=2)
"""As long as what was started last waits for a worker no longer than this, more is started."""
MOST_AT_ONCE = 200
"""Starts of one process between two looks, which the looks cannot have seen yet."""
_LOOK_EVERY = 1.0


class Admission:
    """
    Whether workers keep up with what is started.

    Declarations that were started and not begun with stand in one queue with everything else that workers do:
    signals and further steps of those that are under way come after them. So they wait in the store instead,
    where nothing stands behind them, and the oldest goes first.
    """

    def __init__(
        self, waiting: Callable[[], Awaitable[timedelta]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`waiting` looks how long the first in the queue has waited for a worker; `clock` tells seconds."""
        self._look = waiting
        self._clock = clock
        self._waiting = timedelta(0)
        self._looked_at = float("-inf")
        self._begun = 0

    async def has_room(self, share: float) -> bool:
        """
        Whether one more may be started, by who may use this share of the wait and of the starts; it counts as
        started then. Raises what the look raises.
        """
        now = self._clock()
        if now - self._looked_at >= _LOOK_EVERY:
            self._looked_at, self._begun = now, 0
            self._waiting = await self._look()
        if self._waiting > LONGEST_WAIT * share or self._begun >= MOST_AT_ONCE * share:
            return False
        self._begun += 1
        return True
