"""Archiving by itself: a file at a time, in the hours that are set aside for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date

import structlog

from hub.operations.retention.archiver import Archiver
from hub.ports import Clock
from hub.ports.retention import NotNow, RetentionPolicy

_OUTSIDE = 60.0
"""Seconds between two looks at whether the hours have begun."""
_BETWEEN = 1.0
"""Between two files: whoever lodges and releases goes first."""
_NOTHING_LEFT = 600.0
_BY = "hub"

log = structlog.get_logger(__name__)


class RetentionRelay:
    """One of all workers archives at a time; what another is at it does not begin."""

    name = "retention"

    def __init__(self, archiver: Archiver, policy: Callable[[], RetentionPolicy], clock: Clock) -> None:
        self._archiver = archiver
        self._policy = policy
        self._clock = clock
        self._pruned_on: date | None = None

    async def go_round(self) -> float:
        now, policy = self._clock(), self._policy()
        if not policy.window.holds(now):
            return _OUTSIDE
        try:
            done = await asyncio.to_thread(self._archiver.go_round, policy, _BY)
        except NotNow as busy:
            log.debug("retention.waits", reason=str(busy))
            return _OUTSIDE
        # What stays is exported again the next time: not at once, for it may stay again.
        if done.file is not None and not done.stayed:
            return _BETWEEN
        if self._pruned_on != now.date():
            await asyncio.to_thread(self._archiver.prune, policy)
            self._pruned_on = now.date()
        return _NOTHING_LEFT
