"""
What a process knows while the database does not answer: one incident, told at once and without it.

The store cannot be asked whether another process has told already, so each process tells by itself; ids are
made from the day and hour, so that whoever gets several can tell that they are one.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from hub.operations.watch.bulletins import compose
from hub.operations.watch.telling import breaks_through, concerns, is_quiet, pause_after, whom_to_tell
from hub.ports import (
    Advance,
    Alert,
    AlertNotSent,
    AlertSender,
    Clock,
    Incident,
    IncidentKind,
    IncidentStep,
    Receiver,
    Severity,
    WatchPolicy,
    WatchStore,
)

SUBJECT = "database"
_NEEDED = 2
"""Beats in a row that fail before it is an incident, and that go well before it is recorded."""

log = structlog.get_logger(__name__)


@dataclass
class _Untold:
    receiver: Receiver
    attempts: int = 0
    next_at: datetime | None = None


@dataclass
class _Away:
    """The database is away, or cannot write."""

    incident: Incident
    untold: list[_Untold] = field(default_factory=list)


class Memory:
    """For one process. `failed` and `went_well` are told of each beat."""

    def __init__(
        self,
        store: WatchStore,
        sender: AlertSender,
        policy: Callable[[], WatchPolicy],
        clock: Clock,
        kind_of: Callable[[BaseException], IncidentKind | None],
        *,
        runbook_url: str,
    ) -> None:
        """`kind_of` says what an error means: the store is away, has no room, or it is none of its."""
        self._store = store
        self._sender = sender
        self._policy = policy
        self._clock = clock
        self._kind_of = kind_of
        self._runbook_url = runbook_url
        self._failures = 0
        self._since: datetime | None = None
        self._away: _Away | None = None
        self._well = 0

    def incidents(self) -> list[Incident]:
        """What is known here and cannot be in the store. May be called from anywhere."""
        away = self._away
        return [] if away is None else [away.incident]

    async def failed(self, error: BaseException) -> bool:
        """
        A beat failed. The second one in a row makes it an incident. False if it is no error of the store's.
        """
        kind = self._kind_of(error)
        if kind is None:
            return False
        now = self._clock()
        self._well = 0
        self._failures += 1
        self._since = self._since or now
        if self._failures < _NEEDED:
            return True
        evidence = {"reason": _reason(error)}
        if self._away is None:
            incident = Incident(
                id=0,
                kind=kind,
                subject=SUBJECT,
                severity=Severity.CRITICAL,
                opened_at=self._since,
                updated_at=now,
                evidence=evidence,
                reminded_at=now,
            )
            receivers = [one for one in self._policy().receivers if concerns(one, incident)]
            self._away = _Away(incident, [_Untold(one) for one in receivers])
            log.error("incident.found", incident=0, kind=incident.kind.value, subject=SUBJECT, **evidence)
        await self._tell(IncidentStep.OPENED)
        return True

    async def went_well(self) -> None:
        """A beat went well. After the second one in a row what was known here stands in the store."""
        self._failures = 0
        self._since = None
        if self._away is None:
            return
        self._well += 1
        if self._well < _NEEDED:
            return
        await asyncio.to_thread(self._record, self._away)
        self._away = None

    async def _tell(self, step: IncidentStep) -> None:
        assert self._away is not None
        now = self._clock()
        for untold in list(self._away.untold):
            receiver = untold.receiver
            alert = Alert(incident=self._away.incident, step=step, receiver=receiver.name, at=now)
            hours = receiver.quiet
            if hours is not None and is_quiet(hours, now) and not breaks_through(alert, hours):
                continue
            if untold.next_at is not None and now < untold.next_at:
                continue
            bulletin = compose([alert], receiver, now, console_url=None, runbook_url=self._runbook_url)
            bulletin = bulletin.model_copy(update={"id": _stable(self._away.incident, receiver)})
            try:
                await asyncio.to_thread(self._sender.send, bulletin, receiver)
            except AlertNotSent as error:
                untold.attempts += 1
                untold.next_at = now + pause_after(untold.attempts)
                log.warning("alert.delayed", receiver=receiver.name, bulletin=bulletin.id, reason=str(error))
            else:
                log.info("alert.sent", receiver=receiver.name, bulletin=bulletin.id)
                self._away.untold.remove(untold)

    def _record(self, away: _Away) -> None:
        """It was; the rounds close it. Whoever has not been told of it is told by the outbox."""
        untold = {one.receiver.name for one in away.untold}
        policy, now = self._policy(), self._clock()

        def step(known: Sequence[Incident]) -> list[Advance]:
            same = [one for one in known if (one.kind, one.subject) == (away.incident.kind, SUBJECT)]
            if any(one.is_open or (one.closed_at or now) >= away.incident.opened_at for one in same):
                return []  # another process has known it, too
            return [Advance(away.incident, IncidentStep.OPENED)]

        def whom(done: Sequence[Advance]) -> list[Alert]:
            return [one for one in whom_to_tell(done, policy, now) if one.receiver in untold]

        self._store.record_round(away.incident.opened_at - timedelta(hours=1), step, whom, now)


def _reason(error: BaseException) -> str:
    """The first line: what libraries add for developers is none of the receivers' business."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _stable(incident: Incident, receiver: Receiver) -> str:
    """The same for every process that notices within the hour."""
    what = f"{incident.kind}/{receiver.name}/{incident.opened_at:%Y-%m-%dT%H}"
    return hashlib.sha256(what.encode()).hexdigest()[:32]
