"""What people decide by hand: customs' own control, and agencies whose systems cannot say it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.domain.case import Change
from hub.domain.deadlines import WorkingCalendar
from hub.domain.event_data import DeadlineMoved, ReferralWithdrawn
from hub.domain.events import EventType, NewEvent
from hub.domain.names import next_referral_id
from hub.domain.referral import Decision, ReferralState, Verdict, Via
from hub.domain.steps import StepRefused
from hub.domain.steps.standing import Standing, live_referral, refuse_if_over, said

FURTHEST = timedelta(days=3660)
"""How far ahead a deadline may be moved."""


def decision_by_hand(
    standing: Standing,
    service: str,
    *,
    id: str,
    verdict: Verdict,
    items: Sequence[int] | None,
    remarks: str | None,
    reference: str | None,
    decided_at: datetime | None,
    revision: int | None,
    by: str,
    at: datetime,
) -> Decision:
    """
    The decision that a person gives on a referral, to be put into the inbox as any other, in a message of the
    same id.

    `revision` is that of the content it is about, where the person said which. One that comes after the
    release is a decision all the same: the store records it as late. Raises StepRefused: not-found,
    already-withdrawn, referral-withdrawn, amended-meanwhile, invalid-request.
    """
    if (withdrawal := standing.case.withdrawal) is not None:
        raise StepRefused("already-withdrawn", f"it was withdrawn on {said(withdrawal.requested_at)}")
    terms = live_referral(standing.case, service).terms
    if revision is not None and revision != terms.revision:
        raise StepRefused(
            "amended-meanwhile", f"the referral is at revision {terms.revision}, not {revision}", "/revision"
        )
    refuse_strange_items(items, terms.items)
    if decided_at is not None and decided_at > at:
        raise StepRefused("invalid-request", f"lies in the future: here it is {said(at)}", "/decided_at")
    if decided_at is not None and decided_at < standing.acceptance.accepted_at:
        accepted = said(standing.acceptance.accepted_at)
        raise StepRefused("invalid-request", f"lies before the declaration, of {accepted}", "/decided_at")
    return Decision(
        id=id,
        referral=terms.id,
        verdict=verdict,
        items=None if items is None else tuple(sorted(set(items))),
        word=verdict,
        reference=reference,
        remarks=remarks,
        decided_at=decided_at or at,
        received_at=at,
        via=Via.DOOR,
        exchange=id,
        revision=terms.revision,
        by=by,
    )


def refuse_strange_items(items: Sequence[int] | None, referred: Sequence[int]) -> None:
    """Raises StepRefused (invalid-request), with a pointer to the first goods item that was not referred."""
    for position, item in enumerate(items or ()):
        if item not in referred:
            there = ", ".join(map(str, referred))
            raise StepRefused(
                "invalid-request",
                f"goods item {item} was not referred; there are {there}",
                f"/items/{position}",
            )


def withdrawn_by_hand(
    standing: Standing, service: str, *, remarks: str, channel_withdraws: bool, by: str, at: datetime
) -> list[NewEvent]:
    """
    A person has told the agency that an application is withdrawn. Nothing when that is on record already.

    Raises StepRefused: not-found, not-awaited when it is not to be withdrawn, not-by-hand while the hub
    itself can still tell it.
    """
    try:
        referral = standing.case.referral(service)
    except KeyError:
        raise StepRefused("not-found", f"{service} is not asked about this declaration") from None
    if referral.state is ReferralState.WITHDRAWN:
        return []
    if referral.change not in (Change.WITHDRAW, Change.RESUBMIT):
        raise StepRefused("not-awaited", f"the application to {service} is not to be withdrawn")
    if channel_withdraws and referral.trouble is None:
        raise StepRefused("not-by-hand", f"the hub is telling {referral.terms.agency} by its channel")
    terms = referral.terms
    resubmitted = referral.change is Change.RESUBMIT
    told = ReferralWithdrawn(
        referral=terms.id,
        told="by_hand",
        next_id=next_referral_id(terms.id, terms.revision) if resubmitted else None,
        remarks=remarks,
        by=by,
    )
    return [_event(EventType.REFERRAL_WITHDRAWN, at, service, told)]


def moved_deadline(
    standing: Standing,
    service: str,
    *,
    due_at: datetime,
    calendar: WorkingCalendar,
    reason: str,
    by: str,
    at: datetime,
) -> list[NewEvent]:
    """
    A person gives an agency more time, or less; one whose time had passed is awaited again. Nothing when the
    deadline is that already. Raises StepRefused: not-found, referral-withdrawn, not-awaited, invalid-request,
    and those of `refuse_if_over`.
    """
    refuse_if_over(standing)
    referral = live_referral(standing.case, service)
    if referral.state is ReferralState.DECIDED:
        raise StepRefused("not-awaited", f"{service} has decided")
    if referral.is_stopped:
        raise StepRefused("not-awaited", f"the clock of {service} stands still: it asked for information")
    if due_at == referral.deadline and referral.state is not ReferralState.EXPIRED:
        return []
    if due_at <= at:
        raise StepRefused("invalid-request", f"has passed: here it is {said(at)}", "/due_at")
    if due_at > at + FURTHEST:
        raise StepRefused("invalid-request", f"is more than {FURTHEST.days} days ahead", "/due_at")
    remind_at = calendar.reminders(at, due_at, referral.terms.remind_before)
    moved = DeadlineMoved(due_at=due_at, remind_at=remind_at, reason=reason, by=by)
    return [_event(EventType.DEADLINE_MOVED, at, service, moved)]


def _event(type: EventType, at: datetime, service: str, data: DeadlineMoved | ReferralWithdrawn) -> NewEvent:
    return NewEvent(at=at, type=type, service=service, data=data.model_dump(mode="json", exclude_none=True))
