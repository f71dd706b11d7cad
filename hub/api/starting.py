"""Starting workflows beside the answers: whoever lodges waits for the store, and never for the engine."""

from __future__ import annotations

import asyncio

import structlog
from anyio import to_thread

from hub.api.parts import ApiParts
from hub.domain.intake import Acceptance
from hub.ports import EngineUnavailable

MOST_AT_ONCE = 32
"""Starts under way; whatever is lodged beyond them is left to the relay, as with an engine that is away."""

log = structlog.get_logger(__name__)


class Starter:
    """
    Starts what has been accepted, of one process.

    What it does not come to, because the engine is away, or slow, or this process ends, the relay *starts*
    does: the declaration is on record as not started.
    """

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self, acceptance: Acceptance) -> None:
        """Begin to start its workflow; returns at once."""
        if len(self._under_way) >= MOST_AT_ONCE:
            return
        task = asyncio.create_task(self._start(acceptance))
        self._under_way.add(task)
        task.add_done_callback(self._over)

    async def finish(self) -> None:
        """Wait for what is under way; each waits for the engine no longer than requests do."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("clearance.start_failed", exc_info=error)

    async def _start(self, acceptance: Acceptance) -> None:
        try:
            async with asyncio.timeout(self._parts.engine_patience.total_seconds()):
                await self._parts.engine.start_clearance(acceptance)
        except (EngineUnavailable, TimeoutError) as error:
            log.warning("clearance.start_delayed", reason=str(error) or type(error).__name__)
            return
        await to_thread.run_sync(self._parts.cases.mark_started, acceptance.mrn)
