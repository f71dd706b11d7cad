"""What operations ask of the hub about one referral: try it now, look it up at the agency, submit it anew."""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

from hub.domain.case import Change, Referral
from hub.domain.errands import errands, is_unreached
from hub.domain.event_data import AskedAgain, Found, LookedUp, Resent
from hub.domain.events import EventType, NewEvent
from hub.domain.life import is_delivered
from hub.domain.model import Model
from hub.domain.referral import Answers, ReferralState
from hub.domain.settling import is_live
from hub.domain.steps import StepRefused
from hub.domain.steps.standing import Standing, live_referral, refuse_if_over, said
from hub.domain.steps.withdrawing import StandingWithSent


def retry(standing: Standing, service: str, *, by: str, reason: str, at: datetime) -> list[NewEvent]:
    """
    What the agency is still to be told, and waits for its next attempt or was left to people, is tried now:
    a submission, an amendment, a withdrawal, an answer, a look-up. Of a withdrawn declaration too.

    Raises StepRefused: not-found, closed, undeliverable (to be resent), nothing-waits.
    """
    if standing.closed_at is not None:
        raise StepRefused("closed", f"the declaration was closed on {said(standing.closed_at)}")
    case = standing.case
    try:
        referral = case.referral(service)
    except KeyError:
        raise StepRefused("not-found", f"{service} is not asked about this declaration") from None
    waits = any(errand.service == service for errand in errands(case))
    is_late = case.withdrawal is None and referral.state is ReferralState.EXPIRED and is_unreached(referral)
    if not (waits or is_late):
        if referral.state is ReferralState.UNDELIVERABLE and is_live(referral):
            raise StepRefused(
                "undeliverable",
                f"the system of {referral.terms.agency} has turned it down: look it up, or resend it",
            )
        raise StepRefused("nothing-waits", f"nothing that {service} is to be told waits for an attempt")
    asked = AskedAgain(number=referral.asked_again + 1, by=by, reason=reason)
    return [_event(EventType.REFERRAL_RETRY_ASKED, at, service, asked)]


def look_up(
    standing: StandingWithSent, service: str, *, by: str, reason: str, at: datetime
) -> list[NewEvent]:
    """
    The agency is asked by our reference how it stands; asked for once more while that is under way, it is
    asked now.

    Raises StepRefused: not-found, referral-withdrawn, by-hand, not-awaited once it has decided, nothing-sent
    while nothing can have reached it, and those of `refuse_if_over`.
    """
    refuse_if_over(standing)
    referral = live_referral(standing.case, service)
    _refuse_by_hand_or_decided(referral)
    unsent = all(r.sent_at is None for r in standing.referrals if r.terms.service == service)
    if unsent and referral.state is ReferralState.PENDING and referral.change is Change.NONE:
        raise StepRefused(
            "nothing-sent", f"nothing can have reached {referral.terms.agency} yet: have it tried now"
        )
    asked = AskedAgain(number=referral.asked_again + 1, by=by, reason=reason)
    return [_event(EventType.REFERRAL_LOOK_UP_ASKED, at, service, asked)]


def looked_up(
    standing: Standing, service: str, number: int, found: Found, trouble: str | None, at: datetime
) -> list[NewEvent]:
    """What the look-up of that number has found. Nothing when that, or a later one, is on record already."""
    if standing.case.referral(service).looked_up >= number:
        return []
    return [
        _event(
            EventType.REFERRAL_LOOKED_UP, at, service, LookedUp(number=number, found=found, trouble=trouble)
        )
    ]


def resend(
    standing: Standing,
    service: str,
    *,
    version: str,
    answers: Answers | None = None,
    by: str,
    reason: str,
    at: datetime,
) -> list[NewEvent]:
    """
    It is submitted anew under the same reference, and served from then on by `version` of the agency's file,
    the newest, by which its decision comes back as `answers` says. What was sent before is looked up first:
    where the agency has it, nothing is sent, and it is only read by the newer file.

    Raises StepRefused: not-found, referral-withdrawn, by-hand, not-awaited once it has decided, being-changed
    while an amendment or a withdrawal is being told, and those of `refuse_if_over`.
    """
    refuse_if_over(standing)
    referral = live_referral(standing.case, service)
    _refuse_by_hand_or_decided(referral)
    if answers is Answers.DOOR:
        _refuse_by_hand(service)
    if referral.change is not Change.NONE:
        raise StepRefused(
            "being-changed",
            f"{referral.terms.agency} is being told of a change, which is tried anyway: have that tried now",
        )
    anew = Resent(
        number=referral.asked_again + 1, by=by, reason=reason, config_version=version, answers=answers
    )
    return [_event(EventType.REFERRAL_RESENT, at, service, anew)]


def _refuse_by_hand_or_decided(referral: Referral) -> None:
    service = referral.terms.service
    if referral.terms.answers is Answers.DOOR:
        _refuse_by_hand(service)
    if referral.state is ReferralState.DECIDED:
        had_it = "has decided" if is_delivered(referral) else "need not be asked: certificates stand for it"
        raise StepRefused("not-awaited", f"{service} {had_it}")


def _refuse_by_hand(service: str) -> NoReturn:
    raise StepRefused("by-hand", f"{service} is decided by people at the hub: no system is asked")


def _event(type: EventType, at: datetime, service: str, data: Model) -> NewEvent:
    return NewEvent(at=at, type=type, service=service, data=data.model_dump(mode="json", exclude_none=True))
