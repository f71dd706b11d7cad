"""One round of the early warning: measure, judge, and keep what becomes of incidents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from hub.operations.watch.course import advance
from hub.operations.watch.gathering import Arrival, Gatherer
from hub.operations.watch.judging import Standing, judge
from hub.operations.watch.pace import AS_USUAL, Pace
from hub.operations.watch.telling import whom_to_tell
from hub.operations.watch.vitals import Vitals
from hub.ports import Clock, DatabaseState, IncidentStep, WatchPolicy, WatchStore

log = structlog.get_logger(__name__)


class Watch:
    """Goes rounds, one at a time over all processes."""

    def __init__(
        self,
        gatherer: Gatherer,
        store: WatchStore,
        policy: Callable[[], WatchPolicy],
        clock: Clock,
        process: str,
        pace: Pace = AS_USUAL,
    ) -> None:
        """`process` is what this process is called where it holds the lease."""
        self._gatherer = gatherer
        self._store = store
        self._policy = policy
        self._clock = clock
        self._process = process
        self._pace = pace
        self._is_left = False
        """A round has ended here, and the store could not be told."""
        self.database: DatabaseState | None = None
        """How the database took this process's latest beats; who beats says so."""

    async def go_round(self, arrival: Arrival | None = None, *, idle: timedelta | None = None) -> bool:
        """
        Go a round, unless another process is at one or has ended one within `idle`; whether it was gone.

        Raises what the store raises when it is gone.
        """
        if idle is None:
            idle = self._pace.scheduled_after
        if self._is_left:
            await self._end(done=False)
        if not await asyncio.to_thread(
            self._store.lease_watch, self._process, idle=idle, lasts=self._pace.round_within
        ):
            return False
        done = False
        try:
            await self._go(arrival)
            done = True
        finally:
            await self._end(done=done)
        return True

    async def _end(self, *, done: bool) -> None:
        """A database that goes away in the middle of a round must not keep the next ones waiting."""
        self._is_left = True
        await asyncio.to_thread(self._store.end_watch, self._process, done=done)
        self._is_left = False

    async def _go(self, arrival: Arrival | None) -> None:
        policy = self._policy()
        vitals = await self._gatherer.gather(policy.thresholds, self.database, arrival)
        await asyncio.to_thread(self._record, vitals, policy)

    def _record(self, vitals: Vitals, policy: WatchPolicy) -> None:
        now = self._clock()
        since = now - policy.reopen_within
        known = self._store.recent_incidents(since)
        standing = Standing(frozenset((one.kind, one.subject) for one in known if one.is_open))
        judgement = judge(vitals, policy.thresholds, standing)
        advances = self._store.record_round(
            since,
            lambda incidents: advance(incidents, judgement, policy, now),
            lambda done: whom_to_tell(done, policy, now),
            now,
        )
        for each in advances:
            one = each.incident
            facts = {
                "incident": one.id,
                "kind": one.kind.value,
                "subject": one.subject,
                "severity": one.severity.value,
            }
            if each.step is IncidentStep.CLOSED:
                log.info("incident.closed", **facts)
            elif each.step in (IncidentStep.OPENED, IncidentStep.REOPENED, IncidentStep.RAISED):
                log.warning("incident.found", **facts, **one.evidence)
