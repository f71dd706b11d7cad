"""How an agency's system is, in one word: what its tile in the console says."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from hub.ports import AgencyControl, CallCount, CallResult, ControlState, Incident, IncidentKind


class Health(StrEnum):
    """From the worst for the cargo to the best."""

    FAILING = "failing"
    """It is not reached, or answers what cannot be used; what is to be asked is queued or tried again."""
    PAUSED = "paused"
    """By a person."""
    DRAINING = "draining"
    """It is asked again after a pause, and its queue goes out."""
    SLOW = "slow"
    """It answers, later than it used to."""
    HEALTHY = "healthy"
    QUIET = "quiet"
    """It has not been asked lately, so nobody knows."""


_FAILING = frozenset(
    {IncidentKind.AGENCY_FAILING, IncidentKind.AGENCY_NOT_UNDERSTOOD, IncidentKind.AGENCY_REFUSING}
)
_UNUSABLE = (CallResult.UNAVAILABLE, CallResult.IN_DOUBT, CallResult.NOT_UNDERSTOOD)
_FEW = 3
"""Requests in a row that must fail before the tile says so, ahead of the early warning."""


def health_of(
    control: AgencyControl | None, incidents: Collection[Incident], calls: Iterable[CallCount]
) -> Health:
    """
    What counts most, first: how the agency is controlled, what the early warning has found and not closed,
    and at last the requests of the last minutes (`calls`), since the early warning needs a minute.
    """
    if control is not None and control.state is not ControlState.OPEN:
        return _CONTROLLED[control.state]
    kinds = {incident.kind for incident in incidents if incident.is_open}
    if kinds & _FAILING:
        return Health.FAILING
    if IncidentKind.AGENCY_SLOW in kinds:
        return Health.SLOW
    asked = failed = 0
    for call in calls:
        asked += call.count
        failed += call.count if call.result in _UNUSABLE else 0
    if not asked:
        return Health.QUIET
    return Health.FAILING if failed == asked and failed >= _FEW else Health.HEALTHY


_CONTROLLED = {
    ControlState.PAUSED: Health.PAUSED,
    ControlState.FAILING: Health.FAILING,
    ControlState.DRAINING: Health.DRAINING,
}
