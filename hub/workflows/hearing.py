"""What a workflow makes of what it hears: the same case as the store."""

from __future__ import annotations

from collections.abc import Sequence

from hub.domain import life
from hub.domain.case import Case, Referral
from hub.domain.events import EventType, NewEvent


def heard(case: Case, events: Sequence[NewEvent]) -> Case:
    """
    The case after these events. Some of them may have been heard of before, in the result of an activity or
    in a signal: nothing counts twice. From the acceptance on they make the whole case anew.
    """
    for event in events:
        if event.type is EventType.DECLARATION_ACCEPTED:
            case = life.opened(event)
        else:
            case = life.apply(_asking(case, event), event)
    return case


def put(case: Case, referral: Referral) -> Case:
    """The case with this referral in the place of that to the same service."""
    service = referral.terms.service
    return case.model_copy(
        update={"referrals": tuple(referral if r.terms.service == service else r for r in case.referrals)}
    )


def _asking(case: Case, event: NewEvent) -> Case:
    """
    The case without a decision that was heard of before there were questions, and whose question the event
    tells: heard anew, it asks.
    """
    if event.type is not EventType.DECISION_RECEIVED or "question" not in event.data:
        return case
    referral = next((r for r in case.referrals if r.terms.service == event.service), None)
    if referral is None or any(question.id == event.data["decision"] for question in referral.questions):
        return case
    others = tuple(d for d in referral.decisions if d.id != event.data["decision"])
    return put(case, referral.model_copy(update={"decisions": others}))
