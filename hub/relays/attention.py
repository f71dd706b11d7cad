"""Keep the list of what is stuck in step with what happens, and with time, which makes things stuck too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

import structlog

from hub.domain.stuck import Judging
from hub.ports import Attention

_BATCH = 200
_PAUSE = 2.0
_SHARE = 100
"""At most one part in so many of the time goes into comparing what is kept with what there is."""
_LATEST = 30.0
"""
Seconds after which it is compared all the same: what has been mended is not shown as stuck for longer. On a
busy machine a comparison takes long once, and that says nothing of the next.
"""

log = structlog.get_logger(__name__)


class AttentionRelay:
    """
    Looks for what may have become stuck, and again at what is stuck and has changed: the former every round,
    the latter the more seldom the more is stuck.

    Nothing but the list comes of it: work is done, retried and waited for whether or not it is in the list.
    """

    name = "attention"

    def __init__(
        self,
        store: Attention,
        judging: Callable[[], Judging],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._judging = judging
        self._monotonic = monotonic
        self._compare_at = monotonic()

    async def go_round(self) -> float:
        began = self._monotonic()
        compare = began >= self._compare_at
        judging = await asyncio.to_thread(self._judging)
        looked_at = await asyncio.to_thread(
            partial(self._store.judge_stuck, judging, _BATCH, compare=compare)
        )
        took = self._monotonic() - began
        if looked_at:
            log.debug("attention.judged", declarations=looked_at, seconds=round(took, 3))
        if looked_at >= _BATCH:
            return took  # as long as it took: the work of the hub goes on meanwhile
        if compare:
            # Rounds are a pause apart in any case.
            self._compare_at = began + min(_LATEST, took * _SHARE) - _PAUSE
        return _PAUSE
