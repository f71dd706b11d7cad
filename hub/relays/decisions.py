"""Tell workflows the decisions that are in the store and that they have not been told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from hub.domain.referral import Decision
from hub.ports import CaseStore, Clock, Engine, EngineUnavailable

_GRACE = timedelta(seconds=5)
"""Whoever received it tells it at once, or leaves it to the next that can change something."""
_BATCH = 200
_PAUSE = 1.0

log = structlog.get_logger(__name__)


class DecisionRelay:
    """
    Written first, then told: what a crash or an absent engine left untold is told here. So is what could
    change nothing, when nothing that can has come after it: the engine is to show who is awaited.
    """

    name = "decisions"

    def __init__(self, store: CaseStore, engine: Engine, clock: Clock) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        # What another process left half done when it ended may be all too new.
        self._grace = timedelta(0)

    async def go_round(self) -> float:
        untold = await asyncio.to_thread(self._store.untold_messages, self._clock() - self._grace, _BATCH)
        for mrn, decisions in untold:
            try:
                await tell(self._store, self._engine, mrn, decisions)
            except EngineUnavailable as error:
                # One declaration whose workflow is not there yet must not keep the others waiting.
                log.warning("decision.untold", mrn=mrn, reason=str(error))
        if len(untold) == _BATCH:
            return 0.0
        self._grace = _GRACE
        return _PAUSE


async def tell(store: CaseStore, engine: Engine, mrn: str, decisions: Sequence[Decision]) -> None:
    """
    Tell a workflow, and note that it knows, or that it ended before it could be told.

    Raises EngineUnavailable; then the relay tells it later.
    """
    told = await engine.tell_decisions(mrn, decisions)
    await asyncio.to_thread(store.mark_told, mrn, [decision.id for decision in decisions], late=not told)
