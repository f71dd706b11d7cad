"""What was closed, counted once for each day when the day is over."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from hub.ports import Clock, Overview

_AFTER = timedelta(hours=1)
"""How long after its end a day is counted: nothing is closed in it any more, whatever clock says so."""
_DAYS = 31
"""In one transaction."""
_IDLE = 600.0


class ClosedDaysRelay:
    """Keeps the numbers of what is closed, which only ever grows, cheap to tell."""

    name = "closed_days"

    def __init__(self, store: Overview, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def go_round(self) -> float:
        until = (self._clock() - _AFTER).date()
        rolled = await asyncio.to_thread(self._store.roll_closed, until, _DAYS)
        return 0.0 if rolled == _DAYS else _IDLE
