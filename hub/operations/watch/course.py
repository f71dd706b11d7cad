"""
What becomes of incidents from one round to the next. Pure.

An incident opens with the first round that finds it. It is over when a number of rounds in a row have looked
and found nothing; what could not be measured says nothing either way. What comes back soon after is the same
incident, and is over only after twice as many rounds then: what comes and goes is told ever more seldom.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.operations.watch.judging import Judgement
from hub.ports import Advance, Finding, Incident, IncidentKind, IncidentStep, Severity, WatchPolicy

_MOST_DOUBLINGS = 5


def advance(
    known: Sequence[Incident], judgement: Judgement, policy: WatchPolicy, now: datetime
) -> list[Advance]:
    """
    What a round makes of the incidents that are open, and of those closed within `policy.reopen_within`.

    Only what has changed is there.
    """
    by_key: dict[tuple[IncidentKind, str], Incident] = {}
    for one in known:
        earlier = by_key.get((one.kind, one.subject))
        if earlier is None or not earlier.is_open:
            by_key[one.kind, one.subject] = one
    found = {(one.kind, one.subject): one for one in judgement.findings}
    advances = []
    for key, finding in found.items():
        last = by_key.get(key)
        if last is None or (last.closed_at is not None and last.closed_at < now - policy.reopen_within):
            advances.append(_opened(finding, now))
        elif last.closed_at is not None:
            advances.append(_reopened(last, finding, now))
        else:
            advances.append(_goes_on(last, finding, policy, now))
    for key, one in by_key.items():
        if one.is_open and key not in found:
            advances.append(_not_found(one, one.kind in judgement.judged, policy, now))
    before = {one.id: one for one in known}
    return [each for each in advances if each.incident != before.get(each.incident.id)]


def rounds_needed(incident: Incident, policy: WatchPolicy) -> int:
    """For how many rounds in a row it must not be found before it is over."""
    return int(policy.clear_rounds * 2 ** min(incident.reopened, _MOST_DOUBLINGS))


def _opened(finding: Finding, now: datetime) -> Advance:
    incident = Incident(
        id=0,
        kind=finding.kind,
        subject=finding.subject,
        severity=finding.severity,
        opened_at=now,
        updated_at=now,
        evidence=finding.evidence,
        reminded_at=now,
    )
    return Advance(incident, IncidentStep.OPENED)


def _reopened(one: Incident, finding: Finding, now: datetime) -> Advance:
    again = one.model_copy(
        update={
            "closed_at": None,
            "severity": finding.severity,
            "updated_at": now,
            "evidence": finding.evidence,
            "clear_rounds": 0,
            "reopened": one.reopened + 1,
            "reminded_at": now,
        }
    )
    return Advance(again, IncidentStep.REOPENED)


def _goes_on(one: Incident, finding: Finding, policy: WatchPolicy, now: datetime) -> Advance:
    is_raised = finding.severity.rank > one.severity.rank
    changes: dict[str, object] = {"clear_rounds": 0}
    if is_raised:
        changes |= {"severity": finding.severity, "reminded_at": now}
    if is_raised or finding.evidence != one.evidence:
        changes |= {"evidence": finding.evidence, "updated_at": now}
    changed = one.model_copy(update=changes)
    if is_raised:
        return Advance(changed, IncidentStep.RAISED)
    return _reminded(changed, policy, now)


def _not_found(one: Incident, was_judged: bool, policy: WatchPolicy, now: datetime) -> Advance:
    if not was_judged:
        return _reminded(one, policy, now)
    clear = one.clear_rounds + 1
    if clear < rounds_needed(one, policy):
        return Advance(one.model_copy(update={"clear_rounds": clear}), None)
    return Advance(
        one.model_copy(update={"clear_rounds": clear, "closed_at": now, "updated_at": now}),
        IncidentStep.CLOSED,
    )


def _reminded(one: Incident, policy: WatchPolicy, now: datetime) -> Advance:
    """What is critical, and nobody looks after, is told again."""
    told_at = one.reminded_at or one.opened_at
    is_snoozed = one.snoozed_until is not None and one.snoozed_until > now
    if (
        one.severity is not Severity.CRITICAL
        or one.acknowledged_by is not None
        or is_snoozed
        or now < told_at + policy.remind_every
    ):
        return Advance(one, None)
    return Advance(one.model_copy(update={"reminded_at": now}), IncidentStep.REMINDED)
