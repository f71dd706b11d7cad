"""Tell workflows that there is news they have not heard; give out what comes free of certificates."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from hub.ports import CaseStore, CertificateStore, Clock, Engine, EngineUnavailable

_GRACE = timedelta(seconds=2)
"""Whoever recorded it tells it at once; only what was left half done is ours."""
_BATCH = 200
_PAUSE = 2.0
_SOONEST = timedelta(seconds=15)
_LATEST = timedelta(minutes=15)
"""Between two nudges of one declaration: each is kept in the engine's history, heard or not."""

log = structlog.get_logger(__name__)


class NewsRelay:
    """Written first, then told: what a crash or an absent engine left untold is told here."""

    name = "news"

    def __init__(self, store: CaseStore, engine: Engine, clock: Clock) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._nudged: dict[str, tuple[datetime, timedelta]] = {}
        """When a declaration is nudged next if it still has not listened, and the pause after that."""

    async def go_round(self) -> float:
        untold = await asyncio.to_thread(self._store.untold_news, self._clock() - _GRACE, _BATCH)
        self._nudged = {mrn: self._nudged[mrn] for mrn in untold if mrn in self._nudged}
        for mrn in untold:
            next_at, pause = self._nudged.get(mrn, (self._clock(), _SOONEST))
            if next_at > self._clock():
                continue
            try:
                if not await self._engine.tell_news(mrn):
                    await asyncio.to_thread(self._store.drop_news, mrn)
            except EngineUnavailable as error:
                # One declaration whose workflow is not there yet must not keep the others waiting.
                log.warning("news.untold", mrn=mrn, reason=str(error))
                continue
            self._nudged[mrn] = (self._clock() + pause, min(2 * pause, _LATEST))
        return _PAUSE


class AllotRelay:
    """What has come free of a certificate goes to whoever has waited longest for it."""

    name = "certificates"

    def __init__(
        self, store: CaseStore, certificates: CertificateStore, engine: Engine, clock: Clock
    ) -> None:
        self._store = store
        self._certificates = certificates
        self._engine = engine
        self._clock = clock

    async def go_round(self) -> float:
        served = await asyncio.to_thread(self._certificates.allot, self._clock(), _BATCH)
        for mrn in served:
            try:
                if not await self._engine.tell_news(mrn):
                    await asyncio.to_thread(self._store.drop_news, mrn)
            except EngineUnavailable as error:
                log.warning("news.untold", mrn=mrn, reason=str(error))
        return 0.0 if len(served) == _BATCH else _PAUSE
