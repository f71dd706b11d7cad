"""Incidents, findings and rounds for tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from hub.operations.watch.course import advance
from hub.operations.watch.judging import Judgement
from hub.operations.watch.telling import whom_to_tell
from hub.ports import (
    Advance,
    AlertNotSent,
    Bulletin,
    Finding,
    Incident,
    IncidentKind,
    Receiver,
    Severity,
    WatchPolicy,
)
from hub.store import Store

T0 = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
ROUND = timedelta(seconds=15)
DUTY = Receiver("duty", email="duty@customs.example")


class Clock:
    """Shows what it is set to."""

    def __init__(self, now: datetime = T0) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Box:
    """A receiver's system that takes what it is sent, or does not."""

    def __init__(self) -> None:
        self.taken: list[Bulletin] = []
        self.is_down = False

    def send(self, bulletin: Bulletin, receiver: Receiver) -> None:
        if self.is_down:
            raise AlertNotSent("it is down")
        self.taken.append(bulletin)


def finding(
    kind: IncidentKind = IncidentKind.AGENCY_FAILING,
    subject: str = "apqa",
    severity: Severity = Severity.WARNING,
    **evidence: str,
) -> Finding:
    return Finding(kind=kind, subject=subject, severity=severity, evidence=evidence)


def judged(*findings: Finding, kinds: Iterable[IncidentKind] = IncidentKind) -> Judgement:
    return Judgement(tuple(findings), frozenset(kinds))


def go(
    known: Sequence[Incident], judgement: Judgement, now: datetime, policy: WatchPolicy | None = None
) -> tuple[list[Incident], list[Advance]]:
    """What a round makes of incidents, as the store would keep them."""
    made = advance(known, judgement, policy or WatchPolicy(), now)
    kept = {one.id: one for one in known}
    advances = []
    for each in made:
        one = each.incident
        if one.id == 0:
            one = one.model_copy(update={"id": len(kept) + 1})
        kept[one.id] = one
        advances.append(Advance(one, each.step))
    return list(kept.values()), advances


def record(
    store: Store, judgement: Judgement, now: datetime, policy: WatchPolicy | None = None
) -> list[Advance]:
    """The same with a real store, and whom it is to be told."""
    policy = policy or WatchPolicy(receivers=(DUTY,))
    return store.record_round(
        now - policy.reopen_within,
        lambda known: advance(known, judgement, policy, now),
        lambda done: whom_to_tell(done, policy, now),
        now,
    )
