"""What the hub has still to do by itself: whom to tell what, and what time brings about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.domain.case import Case, CasePolicy, Change, Referral
from hub.domain.certificates import CertificateKey, Claim, ClaimState
from hub.domain.errands import Due, DueKind, ErrandKind, awaits_agency, due_now, errands, next_due
from hub.domain.information import ClockStop, InformationRequest
from hub.domain.referral import Answers, Decision, OnExpiry, ReferralState, ReferralTerms, Verdict, Via
from hub.domain.withdrawal import Withdrawal

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
DUE = NINE + 9 * HOUR


def referral(service: str = "x-1", items: tuple[int, ...] = (1,), **more: Any) -> Referral:
    """Delivered at nine, due nine hours later, with reminders three and one hours before."""
    terms = {
        "id": f"M/{service}",
        "mrn": "M",
        "service": service,
        "agency": service[0],
        "service_name": {"en": service},
        "law": {"en": "Act"},
        "document": "Certificate",
        "items": items,
        "answers": Answers.CALLBACK,
        "answer_within": "9h",
        "due_at": DUE,
        "on_expiry": OnExpiry.HOLD,
        "config_version": "c",
        "remind_at": (DUE - 3 * HOUR, DUE - HOUR),
        **more.pop("terms", {}),
    }
    standing = {"state": ReferralState.DELIVERED, "delivered_revision": 1, "delivered_at": NINE, **more}
    return Referral(terms=ReferralTerms.model_validate(terms), **standing)


def case(*referrals: Referral, **more: Any) -> Case:
    policy = CasePolicy(version="p", refusal_open_for="30d")
    return Case(mrn="M", policy=policy, items=(1, 2), referrals=referrals, **more)


def decision(verdict: Verdict, id: str = "d", items: tuple[int, ...] | None = None) -> Decision:
    return Decision(
        id=id,
        referral="M/x-1",
        verdict=verdict,
        items=items,
        word=verdict,
        decided_at=NINE,
        received_at=NINE,
        via=Via.CALLBACK,
    )


def asking(**became: Any) -> Referral:
    """An agency that has asked something at nine, to be answered within two hours."""
    question = InformationRequest(id="q", items=(1,), asked_at=NINE, due_at=NINE + 2 * HOUR, **became)
    passed_on = question.passed_on_at
    return referral(
        decisions=(decision(Verdict.INFORMATION_REQUIRED, "q"),),
        questions=(question,),
        stops=(ClockStop(from_=NINE, until=passed_on, request="q"),),
    )


ANSWERED = {"answer": "A-1", "answered_at": NINE + HOUR}
PASSED_ON = {**ANSWERED, "passed_on_at": NINE + HOUR}


# --- telling agencies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stands", "kind"),
    [
        (referral(state=ReferralState.PENDING, delivered_revision=0), ErrandKind.SUBMIT),
        (referral(change=Change.AMEND, terms={"revision": 2}), ErrandKind.AMEND),
        (referral(change=Change.RESUBMIT, terms={"revision": 2}), ErrandKind.WITHDRAW),
        (referral(change=Change.WITHDRAW), ErrandKind.WITHDRAW),
        # While it is not known whether the agency has it, that is found out on the way.
        (referral(change=Change.AMEND, state=ReferralState.PENDING), ErrandKind.AMEND),
        (referral(change=Change.RESUBMIT, state=ReferralState.PENDING), ErrandKind.WITHDRAW),
        (asking(**ANSWERED), ErrandKind.INFORM),
    ],
    ids=["pending", "amended", "resubmitted", "removed", "doubt", "doubt, withdrawn", "answered"],
)
def test_an_agency_is_told_what_it_does_not_know(stands: Referral, kind: ErrandKind) -> None:
    """One thing at a time, with the id and the revision that it is about."""
    [errand] = errands(case(stands))
    assert (errand.kind, errand.service, errand.referral) == (kind, "x-1", "M/x-1")
    assert errand.revision == stands.terms.revision
    assert errand.question == ("q" if kind is ErrandKind.INFORM else None)


@pytest.mark.parametrize(
    "stands",
    [
        referral(),
        referral(state=ReferralState.UNDELIVERABLE),
        referral(state=ReferralState.EXPIRED),
        referral(state=ReferralState.WITHDRAWN, change=Change.NONE),
        referral(state=ReferralState.PENDING, terms={"answers": Answers.DOOR}),
        asking(),
        asking(**PASSED_ON),
    ],
    ids=["delivered", "turned down", "expired", "withdrawn", "by hand", "asks", "has the answer"],
)
def test_nobody_is_told_twice_or_what_does_not_concern_him(stands: Referral) -> None:
    """Nor what a person must see to first."""
    assert errands(case(stands)) == ()


def test_an_answer_to_a_question_that_is_not_asked_any_more_is_not_passed_on() -> None:
    """The agency has decided without it."""
    stands = asking(**ANSWERED)
    later = decision(Verdict.APPROVED).model_copy(update={"decided_at": NINE + HOUR})
    stands = stands.model_copy(update={"decisions": (*stands.decisions, later)})
    assert errands(case(stands)) == ()


def test_nobody_is_asked_where_certificates_stand_for_the_consent() -> None:
    """To all of it; where one item lacks it the agency is asked."""
    pending = referral(items=(1, 2), state=ReferralState.PENDING, delivered_revision=0)
    claims = [
        Claim(
            service="x-1",
            item=item,
            certificate=CertificateKey(type="Y", id="1"),
            quantity=None,
            state=ClaimState.RESERVED,
            reused=True,
        )
        for item in (1, 2)
    ]
    assert errands(case(pending, claims=tuple(claims))) == ()
    assert [e.kind for e in errands(case(pending, claims=(claims[0],)))] == [ErrandKind.SUBMIT]
    assert not awaits_agency(case(pending, claims=tuple(claims)), pending)
    assert awaits_agency(case(pending, claims=(claims[0],)), pending)


# --- time ------------------------------------------------------------------------------------------------


def dues(whole: Case, at: datetime) -> list[tuple[DueKind, int | str | None]]:
    return [(due.kind, due.number or due.question) for due in due_now(whole, at)]


def test_reminders_fall_due_before_the_deadline_and_each_is_sent_once() -> None:
    """In order, and none to an agency whose time has passed."""
    first, second, deadline = DUE - 3 * HOUR, DUE - HOUR, DUE
    waiting = case(referral())
    assert next_due(waiting) == Due(at=first, kind=DueKind.REMINDER, service="x-1", number=1)
    assert dues(waiting, first - HOUR) == []
    assert dues(waiting, first) == [(DueKind.REMINDER, 1)]
    # Nobody looked for a while: one reminder is enough.
    assert dues(waiting, second) == [(DueKind.REMINDER, 2)]
    assert dues(waiting, deadline) == [(DueKind.DEADLINE, None)]
    reminded = case(referral(reminded=2))
    assert dues(reminded, second) == []
    assert next_due(reminded) == Due(at=deadline, kind=DueKind.DEADLINE, service="x-1")


@pytest.mark.parametrize("on_expiry", list(OnExpiry))
def test_silence_is_listened_to_for_a_while_before_it_is_consent(on_expiry: OnExpiry) -> None:
    """A refusal may be on its way; where silence releases nothing, the deadline is the deadline."""
    waiting = case(referral(reminded=2, terms={"on_expiry": on_expiry}))
    patient = waiting.policy.model_copy(update={"silence_counts_after": "10m"})
    listens = waiting.model_copy(update={"policy": patient})
    later = timedelta(minutes=10) if on_expiry is OnExpiry.DEEMED_APPROVED else timedelta(0)
    assert next_due(listens) == Due(at=DUE + later, kind=DueKind.DEADLINE, service="x-1")
    # Declarations that were accepted before there was such a thing go by what they were accepted under.
    assert next_due(waiting) == Due(at=DUE, kind=DueKind.DEADLINE, service="x-1")


def test_a_deadline_that_is_put_off_keeps_nothing_else_waiting() -> None:
    """The others of the same declaration, and what else time brings about, fall due as ever."""
    one, other = referral(reminded=2), referral(reminded=2, terms={"service": "y-1", "id": "m/y-1"})
    whole, later = case(one, other), DUE + HOUR
    put_off = {"x-1": later}
    assert [due.service for due in due_now(whole, DUE, put_off)] == ["y-1"]
    assert next_due(case(one), put_off) == Due(at=later, kind=DueKind.DEADLINE, service="x-1")
    assert [due.service for due in due_now(whole, later, put_off)] == ["y-1", "x-1"]
    # It was put off by an earlier deadline than it has now.
    assert next_due(case(one), {"x-1": DUE - HOUR}) == next_due(case(one))
    assert dues(case(referral()), DUE - HOUR) == [(DueKind.REMINDER, 2)]


def test_an_agency_that_got_it_late_is_not_reminded_of_what_lies_before() -> None:
    """Nor is one that does not have it, or not this content."""
    assert dues(case(referral(delivered_at=DUE - 2 * HOUR)), DUE - HOUR) == [(DueKind.REMINDER, 2)]
    for stands in (
        referral(state=ReferralState.PENDING, delivered_at=None, delivered_revision=0),
        referral(change=Change.AMEND, terms={"revision": 2}),
    ):
        assert dues(case(stands), DUE - HOUR) == []
        assert dues(case(stands), DUE) == [(DueKind.DEADLINE, None)]


@pytest.mark.parametrize(
    "stands",
    [
        referral(decisions=(decision(Verdict.APPROVED),), state=ReferralState.DECIDED),
        referral(decisions=(decision(Verdict.INSPECTION_REQUIRED),)),
        referral(state=ReferralState.EXPIRED),
        referral(state=ReferralState.UNDELIVERABLE),
        referral(state=ReferralState.WITHDRAWN),
        referral(change=Change.WITHDRAW),
        asking(**ANSWERED),
    ],
    ids=["decided", "inspects", "expired", "turned down", "withdrawn", "to be withdrawn", "stopped"],
)
def test_no_time_passes_for_an_agency_whose_turn_it_is_not(stands: Referral) -> None:
    """However late it is."""
    assert due_now(case(stands), DUE + 99 * HOUR) == ()
    assert next_due(case(stands)) is None


def test_a_goods_item_that_is_still_open_keeps_the_deadline() -> None:
    """The other is decided; once it has gone nothing is due."""
    partly = referral(items=(1, 2), decisions=(decision(Verdict.APPROVED, items=(1,)),), reminded=2)
    assert dues(case(partly), DUE) == [(DueKind.DEADLINE, None)]
    assert due_now(case(partly, released=(2,)), DUE) == ()


def test_the_declarants_time_to_answer_passes_once() -> None:
    """While the agency's clock stands still; an answer or its expiry ends it."""
    until = NINE + 2 * HOUR
    assert next_due(case(asking())) == Due(at=until, kind=DueKind.INFORMATION, service="x-1", question="q")
    assert dues(case(asking()), DUE + HOUR) == [(DueKind.INFORMATION, "q")]
    assert due_now(case(asking(expired_at=until)), DUE) == ()
    assert due_now(case(asking(**ANSWERED)), DUE) == ()


def test_when_the_agency_has_the_answer_its_own_time_runs_again() -> None:
    """Until the deadline that it has now."""
    later = DUE + 5 * HOUR
    goes_on = asking(**PASSED_ON).model_copy(update={"due_at": later, "reminded": 2})
    assert due_now(case(goes_on), DUE) == ()
    assert next_due(case(goes_on)) == Due(at=later, kind=DueKind.DEADLINE, service="x-1")


def test_nothing_falls_due_once_the_declaration_is_withdrawn() -> None:
    """Its agencies are asked nothing any more."""
    gone = Withdrawal(reason="C01", requested_at=NINE, by="c1")
    assert due_now(case(referral(), asking(), withdrawal=gone), DUE + HOUR) == ()


def test_what_falls_due_is_told_in_order_of_time() -> None:
    """Of several agencies."""
    early = referral("y-1", terms={"due_at": NINE + HOUR, "remind_at": ()})
    assert [(due.service, due.at) for due in due_now(case(referral(), early), DUE)] == [
        ("y-1", NINE + HOUR),
        ("x-1", DUE),
    ]
