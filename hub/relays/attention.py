"""Keep the list of what is stuck in step with what happens, and with time, which makes things stuck too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from hub.domain.stuck import Judging
from hub.ports import Attention

_BATCH = 200
_PAUSE = 2.0
_LONGEST_PAUSE = 10.0
_SHARE = 20
"""A round that finds nothing takes at most one part in so many of the time."""

log = structlog.get_logger(__name__)


class AttentionRelay:
    """
    Looks for what may have become stuck, and again at what is stuck and has changed.

    Nothing but the list comes of it: work is done, retried and waited for whether or not it is in the list.
    """

    name = "attention"

    def __init__(self, store: Attention, judging: Callable[[], Judging]) -> None:
        self._store = store
        self._judging = judging

    async def go_round(self) -> float:
        began = time.monotonic()
        judging = await asyncio.to_thread(self._judging)
        looked_at = await asyncio.to_thread(self._store.judge_stuck, judging, _BATCH)
        took = time.monotonic() - began
        if looked_at:
            log.debug("attention.judged", declarations=looked_at, seconds=round(took, 3))
        if looked_at >= _BATCH:
            return took  # as long as it took: the work of the hub goes on meanwhile
        return min(_LONGEST_PAUSE, max(_PAUSE, took * _SHARE))
