"""What happens to a case beside hand-overs and messages: time passes, events come, it closes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.domain.case import Referral
from hub.domain.events import Event, EventType, NewEvent
from hub.domain.referral import OnExpiry, ReferralState
from hub.store.casefile import OpenCase
from hub.store.certificates import give_back
from hub.store.hearing import silent_from
from hub.store.part import Part
from hub.store.record import rfc3339

_NO_LONGER_DUE = (ReferralState.DECIDED, ReferralState.EXPIRED, ReferralState.WITHDRAWN)
_CLOCKS_DIFFER = timedelta(minutes=1)
"""By so much at most: whoever says that a time has passed goes by the engine's clock."""


class Cases(Part):
    """The case as a whole."""

    def record_expired(self, mrn: str, services: Sequence[str], at: datetime) -> dict[str, datetime]:
        """
        The time of these referrals has passed. Raises KeyError for an unknown mrn or service.

        Polls go on: a late approval may still lift a hold. Returned are those of which it is not certain yet
        that the agency is silent, and when to look at them again.
        """
        put_off: dict[str, datetime] = {}
        with self._database.write() as connection:
            case = OpenCase.open(connection, mrn)
            for service in services:
                referral = case.referral(service)
                if referral.state in _NO_LONGER_DUE or _has_more_time(referral, at):
                    continue
                if (look_at := silent_from(connection, case.case, referral, at)) > at:
                    put_off[service] = look_at
                    continue
                terms = referral.terms
                case.note(
                    at,
                    EventType.REFERRAL_EXPIRED,
                    service,
                    agency=terms.agency,
                    due_at=rfc3339(referral.due_at or terms.due_at),
                    on_expiry=terms.on_expiry.value,
                    trouble=referral.trouble,
                )
                if terms.on_expiry is OnExpiry.ESCALATE:
                    case.note(at, EventType.REFERRAL_ESCALATED, service, agency=terms.agency)
            case.save()
        return put_off

    def append_event(self, mrn: str, event: NewEvent) -> Event:
        """Append one event. Raises KeyError for an unknown mrn."""
        with self._database.write() as connection:
            case = OpenCase.open(connection, mrn)
            appended = case.record(event)
            case.save()
        return appended

    def close_case(self, mrn: str, at: datetime, through: int | None = None) -> None:
        """Nothing more is awaited; closing again changes nothing. Raises KeyError, Unheard."""
        with self._database.write() as connection:
            case = OpenCase.open(connection, mrn)
            if case.closed_at is None:
                case.refuse_unheard(through)
                case.close(at)
                give_back(connection, case, at)
                case.save()


def _has_more_time(referral: Referral, at: datetime) -> bool:
    """The clock stands still, or was set anew, as whoever thinks it has expired has not heard yet."""
    if referral.is_stopped:
        return True
    return referral.due_at is not None and referral.due_at > at + _CLOCKS_DIFFER
