"""A question is answered once, passed on once, and overdue when its time has passed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub.domain.case import Case
from hub.domain.clearance import Outcome
from hub.domain.events import EventType, NewEvent
from hub.domain.information import Information
from hub.domain.life import apply, with_decision
from hub.domain.referral import Decision, ReferralState, Verdict, Via
from hub.domain.steps import StepRefused
from hub.domain.steps.informing import answer, expire, information_of, passed_on
from hub.domain.withdrawal import Withdrawal
from tests.domain.test_offices import FRIDAY, SERVICES, Stands, stands

APQA, _, CONTROL = SERVICES
LATER = FRIDAY + timedelta(days=2)
DUE = FRIDAY + timedelta(days=10)


def asked(service: str = APQA, **more: Any) -> Case:
    """A case in which the service asks something about goods item 1."""
    case = stands(information_within="10d").case
    question = Decision(
        id="Q",
        referral=case.referral(service).terms.id,
        verdict=Verdict.INFORMATION_REQUIRED,
        items=(1,),
        word="ask",
        decided_at=FRIDAY,
        received_at=FRIDAY,
        via=Via.CALLBACK,
    )
    referrals = tuple(
        with_decision(r, question, DUE) if r.terms.service == service else r for r in case.referrals
    )
    return case.model_copy(update={"referrals": referrals, **more})


def told(text: str = "No. 7") -> Information:
    return information_of("Q", text, (), LATER, "broker")


def after(case: Case, events: list[NewEvent]) -> Case:
    for event in events:
        case = apply(case, event)
    return case


def test_an_answer_counts_once_and_another_is_refused() -> None:
    case = asked()
    [given] = answer(Stands(case), APQA, told())
    assert given.type is EventType.INFORMATION_GIVEN
    case = after(case, [given])
    assert answer(Stands(case), APQA, told()) == []
    with pytest.raises(StepRefused, match="already-answered"):
        answer(Stands(case), APQA, told("No. 8"))


def test_the_clock_goes_on_when_the_agency_has_the_answer_and_not_before() -> None:
    case = asked()
    assert passed_on(case, APQA, "Q", "channel", DUE, (), LATER) == []
    case = after(case, answer(Stands(case), APQA, told()))
    assert case.referral(APQA).is_stopped
    reaches = passed_on(case, APQA, "Q", "channel", DUE, (), LATER)
    case = after(case, reaches)
    assert (case.referral(APQA).is_stopped, case.referral(APQA).deadline) == (False, DUE)
    assert passed_on(case, APQA, "Q", "channel", DUE, (), LATER) == []


def test_an_office_that_reads_at_the_hub_has_the_answer_at_once() -> None:
    case = asked(CONTROL)
    due_at = case.referral(CONTROL).deadline
    events = answer(Stands(case), CONTROL, told())
    assert [event.type for event in events] == [
        EventType.INFORMATION_GIVEN,
        EventType.INFORMATION_PASSED_ON,
    ]
    assert after(case, events).referral(CONTROL).deadline == due_at


def test_a_question_is_overdue_once_and_may_still_be_answered() -> None:
    case = asked()
    assert expire(case, APQA, "Q", DUE - timedelta(seconds=1)) == []
    overdue = expire(case, APQA, "Q", DUE)
    assert [event.type for event in overdue] == [EventType.INFORMATION_EXPIRED]
    case = after(case, overdue)
    assert expire(case, APQA, "Q", DUE) == []
    assert answer(Stands(case), APQA, told())
    answered = after(asked(), answer(Stands(asked()), APQA, told()))
    assert expire(answered, APQA, "Q", DUE) == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"withdrawal": Withdrawal(reason="C01", requested_at=FRIDAY, by="broker")}, "already-withdrawn"),
        ({"released": (1,)}, "already-released"),
    ],
)
def test_what_is_over_is_not_answered(more: dict[str, Any], code: str) -> None:
    with pytest.raises(StepRefused) as refused:
        answer(Stands(asked(**more)), APQA, told())
    assert refused.value.code == code


def test_what_nobody_asks_is_not_answered() -> None:
    with pytest.raises(StepRefused, match="no-such-question"):
        answer(Stands(asked()), APQA, told().model_copy(update={"request": "Q-9"}))
    with pytest.raises(StepRefused, match="closed"):
        answer(Stands(asked(), closed_at=LATER), APQA, told())
    gone = asked()
    first, *others = gone.referrals
    withdrawn = (first.model_copy(update={"state": ReferralState.WITHDRAWN}), *others)
    with pytest.raises(StepRefused, match="referral-withdrawn"):
        answer(Stands(gone.model_copy(update={"referrals": withdrawn})), APQA, told())
    assert Stands(gone).clearance.outcome is Outcome.HOLD
