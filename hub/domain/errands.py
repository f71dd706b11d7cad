"""What the hub itself has still to do about a case, as derived from it: tell agencies, and mind the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from hub.domain.case import Case, Change, Referral
from hub.domain.deadlines import parse_duration
from hub.domain.inspection import InspectionState
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Answers, OnExpiry, ReferralState
from hub.domain.settling import (
    awaited_items,
    claims_by_place,
    is_live,
    needs_no_asking,
    standing_questions,
)


class ErrandKind(StrEnum):
    SUBMIT = "submit"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    """Also of what is submitted anew afterwards, with other content."""
    INFORM = "inform"
    """Pass on what the declarant has answered."""
    LOOK_UP = "look_up"
    """Ask the agency by our reference how it stands, since a person asks."""


class Errand(Model):
    """One thing that one agency is still to be told. Told once, it is not derived from the case any more."""

    kind: ErrandKind
    service: str
    referral: str
    """The id under which the agency knows it, or is to know it."""
    revision: int
    question: str | None = None
    """Id of the decision that asked, where it is an answer that is passed on."""
    asked_again: int = 0
    """How often people have asked: whoever carries out what was asked before that leaves it to the latest."""


def errands(case: Case) -> tuple[Errand, ...]:
    """
    What the agencies are still to be told: one thing at most for each service, in the order of beginning.

    When the declaration is withdrawn they are told in the reverse of the order in which they were asked.
    Agencies whose people decide at the hub's own door are told nothing but answers, which they find there.
    """
    if case.withdrawal is not None:
        told = (_errand(r, ErrandKind.WITHDRAW) for r in reversed(case.referrals) if not is_live(r))
        return tuple(errand for errand in told if errand is not None)
    return tuple(errand for r in case.referrals if (errand := _of(case, r)) is not None)


def is_unreached(referral: Referral) -> bool:
    """Whether its agency is to have it, and is not known to."""
    by_hand = referral.terms.answers is Answers.DOOR
    return (
        is_live(referral)
        and referral.change is Change.NONE
        and referral.receipt is None
        and not referral.delivered_revision
        and not by_hand
    )


def submission(referral: Referral) -> Errand:
    """The errand of handing it over."""
    return Errand(
        kind=ErrandKind.SUBMIT,
        service=referral.terms.service,
        referral=referral.terms.id,
        revision=referral.terms.revision,
        asked_again=referral.asked_again,
    )


def _of(case: Case, referral: Referral) -> Errand | None:
    if referral.change in (Change.RESUBMIT, Change.WITHDRAW):
        return _errand(referral, ErrandKind.WITHDRAW)
    if referral.change is Change.AMEND:
        return _errand(referral, ErrandKind.AMEND)
    by_hand = referral.terms.answers is Answers.DOOR
    if referral.look_up > referral.looked_up and not by_hand:
        return _errand(referral, ErrandKind.LOOK_UP)
    is_to_be_sent = referral.state is ReferralState.PENDING or (
        referral.state is ReferralState.EXPIRED and referral.tried_late
    )
    if is_to_be_sent and not by_hand and not needs_no_asking(case, referral):
        return _errand(referral, ErrandKind.SUBMIT)
    for question in standing_questions(referral):
        if question.answer is not None and question.passed_on_at is None:
            return _errand(referral, ErrandKind.INFORM, question.id)
    return None


def _errand(referral: Referral, kind: ErrandKind, question: str | None = None) -> Errand | None:
    if referral.state is ReferralState.WITHDRAWN:
        return None
    return Errand(
        kind=kind,
        service=referral.terms.service,
        referral=referral.terms.id,
        revision=referral.terms.revision,
        question=question,
        asked_again=referral.asked_again,
    )


# --- time -----------------------------------------------------------------------------------------------


_NOTHING: Mapping[str, datetime] = MappingProxyType({})


class DueKind(StrEnum):
    DEADLINE = "deadline"
    """The agency's time has passed."""
    REMINDER = "reminder"
    INFORMATION = "information"
    """The declarant's time to answer has passed."""
    APPOINTMENT = "appointment"
    """Nobody has confirmed the inspection that was offered, and its window has passed."""


class Due(Model):
    """Something that time alone brings about."""

    at: UtcDatetime
    kind: DueKind
    service: str = ""
    """Empty for an appointment, which may be several services'."""
    number: int = 0
    """Of a reminder: which it is, from 1."""
    question: str | None = None
    """Id of the decision that asked, where it is the answer that is due."""
    inspection: str | None = None
    """Id of the appointment that was not confirmed."""


def due_now(case: Case, at: datetime, put_off: Mapping[str, datetime] = _NOTHING) -> tuple[Due, ...]:
    """
    What has fallen due and has not been seen to, in the order in which it fell due. `put_off`: services whose
    deadline is not looked at before then, since their agency may have spoken unheard.

    Of several reminders that fell due while nobody looked only the last is sent. No reminder is sent to an
    agency whose time has passed.
    """
    fallen = [due for due in _dues(case, put_off) if due.at <= at]
    expired = {due.service for due in fallen if due.kind is DueKind.DEADLINE}
    last = {due.service: due for due in fallen if due.kind is DueKind.REMINDER}
    return tuple(
        due
        for due in fallen
        if due.kind is not DueKind.REMINDER or (due is last[due.service] and due.service not in expired)
    )


def next_due(case: Case, put_off: Mapping[str, datetime] = _NOTHING) -> Due | None:
    """What falls due next, or has fallen due first; None when time brings nothing about."""
    return next(iter(_dues(case, put_off)), None)


def awaits_agency(case: Case, referral: Referral) -> bool:
    """
    Whether the agency is yet to speak of goods items for which no certificate stands, and its time has not
    passed. What it does not have, and will not have unless a person looks, it is not awaited to speak of.
    """
    if not is_live(referral) or referral.state in (ReferralState.EXPIRED, ReferralState.UNDELIVERABLE):
        return False
    claims = claims_by_place(case)
    service = referral.terms.service
    return any(
        not any(claim.reused for claim in claims.get((service, item), ()))
        for item in awaited_items(referral)
        if item not in case.released
    )


def _dues(case: Case, put_off: Mapping[str, datetime]) -> list[Due]:
    """Everything that time brings about, as the case stands, the earliest first."""
    if case.withdrawal is not None:
        return []
    dues = [
        due.model_copy(update={"at": max(due.at, put_off[due.service])})
        if due.kind is DueKind.DEADLINE and due.service in put_off
        else due
        for referral in case.referrals
        if is_live(referral)
        for due in _dues_of(case, referral)
    ]
    dues += [
        Due(at=inspection.closes_at, kind=DueKind.APPOINTMENT, inspection=inspection.id)
        for inspection in case.inspections
        if inspection.state is InspectionState.OFFERED
    ]
    return sorted(dues, key=lambda due: (due.at, due.kind is DueKind.REMINDER))


def _dues_of(case: Case, referral: Referral) -> Iterator[Due]:
    service = referral.terms.service
    for question in standing_questions(referral):
        if question.due_at is not None and question.is_open and question.expired_at is None:
            yield Due(at=question.due_at, kind=DueKind.INFORMATION, service=service, question=question.id)
    # None while the clock stands still.
    deadline = referral.deadline
    if deadline is None or not awaits_agency(case, referral):
        return
    counts_at = deadline
    if referral.terms.on_expiry is OnExpiry.DEEMED_APPROVED:
        # A refusal that found the hub's door shut is repeated, and what was released is released for good.
        counts_at += parse_duration(case.policy.silence_counts_after)
    yield Due(at=counts_at, kind=DueKind.DEADLINE, service=service)
    if referral.change is not Change.NONE or referral.delivered_at is None:
        return
    for number, at in enumerate(referral.terms.remind_at, start=1):
        # An agency that has only just got it is not reminded of what lies before.
        if number > referral.reminded and referral.delivered_at < at < deadline:
            yield Due(at=at, kind=DueKind.REMINDER, service=service, number=number)
