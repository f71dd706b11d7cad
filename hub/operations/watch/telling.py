"""Who is told of what, and when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.ports import (
    Advance,
    Alert,
    Incident,
    IncidentKind,
    IncidentStep,
    QuietHours,
    Receiver,
    Severity,
    WatchPolicy,
)

ABOUT_AGENCIES = frozenset(
    {
        IncidentKind.AGENCY_FAILING,
        IncidentKind.AGENCY_SLOW,
        IncidentKind.AGENCY_PAUSED,
        IncidentKind.AGENCY_NOT_UNDERSTOOD,
        IncidentKind.AGENCY_REFUSING,
        IncidentKind.CALLBACKS_FORGED,
        IncidentKind.FEED_POISONED,
        IncidentKind.BACKLOG_GROWING,
        IncidentKind.CERTIFICATE_ENDING,
        IncidentKind.DEADLINES_THREATENED,
        IncidentKind.DEADLINES_PASSED,
    }
)
"""The kinds whose subject is an agency."""
_TOLD = frozenset(
    {
        IncidentStep.OPENED,
        IncidentStep.RAISED,
        IncidentStep.REOPENED,
        IncidentStep.REMINDED,
        IncidentStep.CLOSED,
    }
)
_MOST = 1000
"""Alerts in one bulletin; what is beyond comes with the next."""
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)


def concerns(receiver: Receiver, incident: Incident) -> bool:
    """Whether a receiver wants to know of it."""
    if incident.severity.rank < receiver.least.rank:
        return False
    if receiver.kinds and incident.kind not in receiver.kinds:
        return False
    of_another = receiver.agencies and incident.subject not in receiver.agencies
    return not (incident.kind in ABOUT_AGENCIES and of_another)


def whom_to_tell(advances: Sequence[Advance], policy: WatchPolicy, now: datetime) -> list[Alert]:
    """An alert for each receiver that wants to know of each step."""
    return [
        Alert(incident=each.incident, step=each.step, receiver=receiver.name, at=now)
        for each in advances
        if each.step in _TOLD and each.step is not None
        for receiver in policy.receivers
        if concerns(receiver, each.incident)
    ]


def is_quiet(hours: QuietHours | None, now: datetime) -> bool:
    """Whether a receiver is to be left alone now, by the clock of its own zone."""
    if hours is None:
        return False
    at = now.astimezone(hours.zone).time().replace(tzinfo=None)
    if hours.start < hours.until:
        return hours.start <= at < hours.until
    return at >= hours.start or at < hours.until


def breaks_through(alert: Alert, hours: QuietHours) -> bool:
    """Whether a receiver is told of it even in its quiet hours; that something is over can wait."""
    return (
        hours.critical
        and alert.incident.severity is Severity.CRITICAL
        and alert.step is not IncidentStep.CLOSED
    )


def to_be_told(
    alerts: Sequence[Alert],
    receiver: Receiver,
    *,
    last_at: datetime | None,
    unsent: int,
    grouping: timedelta,
    now: datetime,
) -> list[Alert]:
    """
    Which of the alerts that wait go into one bulletin now.

    None while an earlier bulletin has not gone out, or within `grouping` of the last: what comes meanwhile
    goes with the next.
    """
    if unsent or (last_at is not None and timedelta() <= now - last_at < grouping):
        return []
    hours = receiver.quiet
    if hours is not None and is_quiet(hours, now):
        alerts = [one for one in alerts if breaks_through(one, hours)]
    return list(alerts[:_MOST])


def pause_after(attempts: int) -> timedelta:
    """How long to wait before a bulletin is sent again that was sent so many times in vain."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(max(attempts - 1, 0), 10)))
