"""What people may ask of the hub about a referral, and what they may not, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from hub.domain.case import Case, CasePolicy, Change, Referral
from hub.domain.clearance import Outcome
from hub.domain.errands import ErrandKind, errands
from hub.domain.event_data import Found
from hub.domain.events import NewEvent
from hub.domain.life import apply
from hub.domain.referral import Answers, OnExpiry, Receipt, ReferralState, ReferralTerms
from hub.domain.settling import settle
from hub.domain.steps import StepRefused, reviving
from hub.domain.withdrawal import Withdrawal

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
MRN, S = "26KR00000000000001", "plant-import"
ASKED: dict[str, Any] = {"by": "kim", "reason": "they say so", "at": AT}

PENDING, DELIVERED, UNDELIVERABLE, DECIDED, EXPIRED, WITHDRAWN = (
    ReferralState.PENDING,
    ReferralState.DELIVERED,
    ReferralState.UNDELIVERABLE,
    ReferralState.DECIDED,
    ReferralState.EXPIRED,
    ReferralState.WITHDRAWN,
)


def referral(state: ReferralState, answers: Answers = Answers.CALLBACK, **more: Any) -> Referral:
    terms = ReferralTerms(
        id=f"{MRN}/{S}",
        mrn=MRN,
        service=S,
        agency="plant",
        service_name={"en": "Plant"},
        law={"en": "Act"},
        document="D",
        items=(1,),
        answers=answers,
        answer_within="2d",
        due_at=AT,
        on_expiry=OnExpiry.HOLD,
        config_version="v1",
    )
    if state is DELIVERED:
        more |= {"receipt": Receipt(reference="R", received_at=AT), "delivered_revision": 1}
    return Referral(terms=terms, state=state, **more)


def standing(one: Referral, *, sent: bool = False, over: str = "") -> Any:
    """A declaration with this one referral; `over` says in what way it is over."""
    case = Case(mrn=MRN, policy=CasePolicy(version="1", refusal_open_for="30d"), referrals=(one,))
    if over == "withdrawn":
        case = case.model_copy(update={"withdrawal": Withdrawal(reason="C01", requested_at=AT, by="x")})
    outcome = Outcome.RELEASE if over == "released" else Outcome.IN_PROGRESS
    clearance = settle(case).model_copy(update={"outcome": outcome})
    return SimpleNamespace(
        case=case,
        clearance=clearance,
        closed_at=AT if over == "closed" else None,
        referrals=[SimpleNamespace(terms=one.terms, sent_at=AT if sent else None)],
    )


def after(case: Case, events: Sequence[NewEvent]) -> Referral:
    for event in events:
        case = apply(apply(case, event), event)
    return case.referral(S)


def resend(view: Any, service: str, **asked: Any) -> list[NewEvent]:
    return reviving.resend(view, service, version="v2", **asked)


STEPS: dict[str, Callable[..., list[NewEvent]]] = {
    "retry": reviving.retry,
    "look_up": reviving.look_up,
    "resend": resend,
}


@pytest.mark.parametrize(
    ("what", "one", "how", "code"),
    [
        ("retry", referral(DELIVERED), {}, "nothing-waits"),
        ("retry", referral(DECIDED), {}, "nothing-waits"),
        ("retry", referral(UNDELIVERABLE), {}, "undeliverable"),
        ("retry", referral(PENDING), {"over": "closed"}, "closed"),
        ("retry", referral(PENDING, Answers.DOOR), {}, "nothing-waits"),
        ("look_up", referral(PENDING), {}, "nothing-sent"),
        ("look_up", referral(DECIDED), {"sent": True}, "not-awaited"),
        ("look_up", referral(DELIVERED, Answers.DOOR), {}, "by-hand"),
        ("look_up", referral(WITHDRAWN), {}, "referral-withdrawn"),
        ("look_up", referral(DELIVERED), {"over": "withdrawn"}, "already-withdrawn"),
        ("look_up", referral(DELIVERED), {"over": "released"}, "already-released"),
        ("look_up", referral(DELIVERED), {"over": "closed"}, "closed"),
        ("resend", referral(DELIVERED, change=Change.AMEND), {}, "being-changed"),
        ("resend", referral(DECIDED), {}, "not-awaited"),
        ("resend", referral(DELIVERED, Answers.DOOR), {}, "by-hand"),
        ("resend", referral(UNDELIVERABLE), {"over": "released"}, "already-released"),
    ],
)
def test_what_may_not_be_asked_is_refused_with_the_reason(
    what: str, one: Referral, how: dict[str, Any], code: str
) -> None:
    """And of a service that is not asked, nothing may."""
    with pytest.raises(StepRefused) as refused:
        STEPS[what](standing(one, **how), S, **ASKED)
    assert refused.value.code == code
    with pytest.raises(StepRefused) as refused:
        STEPS[what](standing(one), "nobody", **ASKED)
    assert refused.value.code == "not-found"


@pytest.mark.parametrize(
    ("one", "over"),
    [
        (referral(PENDING), ""),
        (referral(EXPIRED), ""),
        (referral(DELIVERED, change=Change.AMEND), ""),
        (referral(DELIVERED, change=Change.WITHDRAW), "withdrawn"),
    ],
    ids=["submission", "late submission", "amendment", "withdrawal"],
)
def test_what_waits_is_another_errand_once_it_is_asked_for(one: Referral, over: str) -> None:
    """Each time again; the same event twice counts once."""
    view = standing(one, over=over)
    for number in (1, 2):
        [event] = reviving.retry(view, S, **ASKED)
        assert (event.data["number"], event.data["by"], event.data["reason"]) == (
            number,
            "kim",
            "they say so",
        )
        view.case = apply(apply(view.case, event), event)
        [errand] = errands(view.case)
        assert errand.asked_again == number


def test_a_look_goes_before_a_submission_until_it_is_answered() -> None:
    """What it finds says nothing of the case itself."""
    view = standing(referral(PENDING), sent=True)
    view.case = apply(view.case, reviving.look_up(view, S, **ASKED)[0])
    [errand] = errands(view.case)
    assert errand.kind is ErrandKind.LOOK_UP
    [answered] = reviving.looked_up(view, S, 1, Found.NOT_FOUND, None, AT)
    view.case = apply(apply(view.case, answered), answered)
    [errand] = errands(view.case)
    assert errand.kind is ErrandKind.SUBMIT
    assert reviving.looked_up(view, S, 1, Found.HAS_IT, None, AT) == []


@pytest.mark.parametrize("state", [PENDING, DELIVERED, UNDELIVERABLE, EXPIRED])
def test_what_is_submitted_anew_is_as_if_it_had_never_been(state: ReferralState) -> None:
    """Under the same reference, by the newer file; one whose time has passed stays expired, and is sent."""
    view = standing(referral(state, trouble="no such element"))
    events = reviving.resend(view, S, version="v2", answers=Answers.POLL, **ASKED)
    now = after(view.case, events)
    assert now.state is (EXPIRED if state is EXPIRED else PENDING)
    assert (now.terms.id, now.terms.config_version, now.terms.answers) == (f"{MRN}/{S}", "v2", Answers.POLL)
    assert (now.receipt, now.trouble, now.delivered_revision) == (None, None, 0)
    case = view.case.model_copy(update={"referrals": (now,)})
    [errand] = errands(case)
    assert errand.kind is ErrandKind.SUBMIT


def test_a_file_by_which_people_decide_submits_nothing() -> None:
    """There is no system to submit it to."""
    with pytest.raises(StepRefused, match="by-hand"):
        reviving.resend(standing(referral(UNDELIVERABLE)), S, version="v2", answers=Answers.DOOR, **ASKED)
