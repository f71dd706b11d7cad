"""A round of the early warning, as an activity: how long it waited to be begun is one of its measurements."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio import activity

from hub.ports import Clock

GoRound = Callable[[timedelta, float], Awaitable[object]]
"""Goes a round; told how long it waited to be begun, and by how many seconds our clock is ahead."""


class WatchActivities:
    """One of them."""

    def __init__(self, go_round: GoRound, clock: Clock) -> None:
        self._go_round = go_round
        self._clock = clock

    def all(self) -> Sequence[Callable[..., Any]]:
        """For the worker."""
        return [self.go_watch_round]

    @activity.defn
    async def go_watch_round(self) -> None:
        """Both times that are compared are the engine's; it says when it gave this to the worker."""
        told = activity.info()
        skew = (self._clock() - told.started_time).total_seconds()
        await self._go_round(told.started_time - told.current_attempt_scheduled_time, skew)
