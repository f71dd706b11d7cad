"""Start the workflows of declarations that were accepted while the engine was away, or had enough to do."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from hub.ports import CaseStore, Clock, Engine, EngineBusy, EngineUnavailable

_GRACE = timedelta(seconds=2)
"""Intake starts the workflow itself; only what it has not managed by then is ours."""
_BATCH = 200
_PAUSE = 1.0

log = structlog.get_logger(__name__)


class StartRelay:
    """
    Intake never depends on the engine: what it wrote down is started here when the engine is back, or has
    room, the oldest first.
    """

    name = "starts"

    def __init__(self, store: CaseStore, engine: Engine, clock: Clock) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock

    async def go_round(self) -> float:
        waiting = await asyncio.to_thread(self._store.not_started, self._clock() - _GRACE, _BATCH)
        for acceptance in waiting:
            try:
                await self._engine.start_clearance(acceptance, in_turn=True)
            except EngineBusy:
                return _PAUSE
            except EngineUnavailable as error:
                log.warning("engine.unavailable", waiting=len(waiting), reason=str(error))
                return _PAUSE
            await asyncio.to_thread(self._store.mark_started, acceptance.mrn)
            log.info("declaration.started", mrn=acceptance.mrn)
        return 0.0 if len(waiting) == _BATCH else _PAUSE
