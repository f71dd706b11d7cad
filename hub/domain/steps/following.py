"""What follows at the agencies: amended, withdrawn, reminded, or in trouble that a person must see."""

from __future__ import annotations

from datetime import datetime

from hub.domain.case import Case, Change
from hub.domain.event_data import ReferralAmended, ReferralReminded, ReferralWithdrawn
from hub.domain.events import EventType, NewEvent
from hub.domain.model import Model
from hub.domain.names import next_referral_id
from hub.domain.referral import Receipt, ReferralState

BY_CHANNEL = "channel"
BY_DOOR = "door"
NEVER_HAD_IT = "never_had_it"


def amended(case: Case, service: str, revision: int, receipt: Receipt | None, at: datetime) -> list[NewEvent]:
    """The agency has that revision. Nothing when it has it already, or is asked no more."""
    referral = case.referral(service)
    if referral.delivered_revision >= revision or referral.state is ReferralState.WITHDRAWN:
        return []
    said = ReferralAmended(revision=revision, receipt=receipt)
    return [_event(EventType.REFERRAL_AMENDED, at, service, said)]


def withdrawn(case: Case, service: str, referral_id: str, told: str, at: datetime) -> list[NewEvent]:
    """
    The agency knows that the application of that id is withdrawn, or never had it.

    What was to be amended and never reached it is submitted anew, as what was to be submitted anew is.
    Nothing when the application is another by now, or is not to be withdrawn.
    """
    referral = case.referral(service)
    terms = referral.terms
    if terms.id != referral_id or referral.state is ReferralState.WITHDRAWN:
        return []
    if referral.change is Change.NONE or (referral.change is Change.AMEND and told != NEVER_HAD_IT):
        return []
    goes_on = referral.change in (Change.AMEND, Change.RESUBMIT)
    next_id = next_referral_id(terms.id, terms.revision) if goes_on else None
    said = ReferralWithdrawn(referral=referral_id, told=told, next_id=next_id)
    return [_event(EventType.REFERRAL_WITHDRAWN, at, service, said)]


def reminded(case: Case, service: str, number: int, by: str, at: datetime) -> list[NewEvent]:
    """The agency has been reminded that often. Nothing when it had been before."""
    if case.referral(service).reminded >= number:
        return []
    said = ReferralReminded(number=number, by=by)
    return [_event(EventType.REFERRAL_REMINDED, at, service, said)]


def troubled(case: Case, service: str, trouble: str, at: datetime) -> list[NewEvent]:
    """What the agency is to be told does not get through. Nothing when that is its trouble already."""
    referral = case.referral(service)
    if referral.trouble == trouble or referral.state is ReferralState.WITHDRAWN:
        return []
    data = {"agency": referral.terms.agency, "trouble": trouble}
    return [NewEvent(at=at, type=EventType.REFERRAL_DELAYED, service=service, data=data)]


def _event(type: EventType, at: datetime, service: str, said: Model) -> NewEvent:
    return NewEvent(at=at, type=type, service=service, data=said.model_dump(mode="json", exclude_none=True))
