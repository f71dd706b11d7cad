"""Settling goods item by goods item: what goes first, certificates, information, duties, withdrawal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.case import Case, CasePolicy, Change, OnInformationExpiry, Prohibition, Referral
from hub.domain.certificates import CertificateKey, Claim, ClaimState
from hub.domain.clearance import Clearance, Outcome, Rule
from hub.domain.duties import CoverKind, Duties, DutyCover
from hub.domain.information import ClockStop, InformationRequest
from hub.domain.model import Money
from hub.domain.referral import (
    Answers,
    Decision,
    OnExpiry,
    Receipt,
    ReferralState,
    ReferralTerms,
    Verdict,
    Via,
)
from hub.domain.settling import awaits_decision, needs_no_asking, nothing_is_awaited, settle
from hub.domain.withdrawal import Withdrawal

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
ITEMS = (1, 2, 3)
PERMIT = CertificateKey(type="Y100", id="P-1")
KRW = Money(amount=Decimal(1000), currency="KRW")
PAID = DutyCover(kind=CoverKind.PAYMENT, amount=KRW, reference="B-1", at=NOON, by="bank")
PROHIBITION = Prohibition(item=1, service="n-1", agency="n", law={"en": "Act on n"})
WITHDRAWAL = Withdrawal(reason="C01", requested_at=NOON, by="c1")


def referral(service: str, items: tuple[int, ...] = ITEMS, **more: Any) -> Referral:
    """One that the agency has had for a day; `terms` are put on top of the usual ones."""
    terms = {
        "id": f"M/{service}",
        "mrn": "M",
        "service": service,
        "agency": service[0],
        "service_name": {"en": service},
        "law": {"en": f"Act on {service}"},
        "document": "Certificate",
        "items": items,
        "answers": Answers.CALLBACK,
        "answer_within": "3wd",
        "due_at": NOON,
        "on_expiry": OnExpiry.HOLD,
        "config_version": "c7",
        **more.pop("terms", {}),
    }
    had_at = NOON - timedelta(days=1)
    standing = {
        "state": ReferralState.DELIVERED,
        "receipt": Receipt(received_at=had_at),
        "delivered_revision": 1,
        "delivered_at": had_at,
        **more,
    }
    return Referral(terms=ReferralTerms.model_validate(terms), **standing)


def decision(verdict: Verdict, *items: int, id: str = "d", minutes: int = 0, **more: Any) -> Decision:
    """About these goods items; about all where none is named."""
    at = NOON - timedelta(hours=5) + timedelta(minutes=minutes)
    return Decision(
        id=id,
        referral="M/x",
        verdict=verdict,
        items=items or None,
        word=verdict,
        decided_at=at,
        received_at=at,
        via=Via.CALLBACK,
        **more,
    )


def claim(service: str, item: int, state: ClaimState, *, reused: bool = False) -> Claim:
    return Claim(
        service=service, item=item, certificate=PERMIT, quantity=Decimal(5), state=state, reused=reused
    )


def case(*referrals: Referral, policy: dict[str, Any] | None = None, **more: Any) -> Case:
    frozen = CasePolicy.model_validate({"version": "p3", "refusal_open_for": "30d", **(policy or {})})
    return Case.model_validate({"mrn": "M", "policy": frozen, "items": ITEMS, "referrals": referrals, **more})


def rules(clearance: Clearance) -> list[tuple[str | None, int | None, Rule]]:
    return [(reason.service, reason.item, reason.rule) for reason in clearance.reasons]


PARTLY = {"partial_release": True}
YES, NO = Verdict.APPROVED, Verdict.REFUSED


# --- goods items that go first ----------------------------------------------------------------------------


def test_items_whose_services_all_consent_go_first_where_the_policy_allows() -> None:
    """Item 2 waits for one service; item 3 is nobody's concern, and says so."""
    x = referral("x-1", (1, 2), decisions=(decision(YES, 1, 2),))
    y = referral("y-1", (2,))
    clearance = settle(case(x, y, policy=PARTLY))
    assert (clearance.outcome, clearance.final, clearance.released_items) == (
        Outcome.PARTIAL_RELEASE,
        False,
        (1, 3),
    )
    assert rules(clearance) == [
        ("x-1", 1, Rule.CONSENTED),
        ("x-1", 2, Rule.CONSENTED),
        ("y-1", 2, Rule.AWAITED),
        (None, 3, Rule.NO_AGENCY_NEEDED),
    ]
    together = settle(case(x, y))
    assert (together.outcome, together.released_items) == (Outcome.IN_PROGRESS, ())


def test_when_the_last_item_may_go_all_of_it_is_released() -> None:
    """Those that went before and those that go now."""
    x = referral("x-1", (1, 2), decisions=(decision(YES, 1, 2),))
    clearance = settle(case(x, policy=PARTLY, released=(1,)))
    assert (clearance.outcome, clearance.final, clearance.released_items) == (Outcome.RELEASE, True, ())


@pytest.mark.parametrize("policy", [{}, PARTLY])
def test_what_has_gone_stays_released(policy: dict[str, Any]) -> None:
    """A refusal that comes later is shown beside it, and holds nothing back but the others."""
    late = decision(NO, 1, 2, id="late")
    clearance = settle(case(referral("x-1", (1, 2), decisions=(late,)), policy=policy, released=(1,)))
    assert clearance.outcome is Outcome.PARTIAL_RELEASE
    assert clearance.released_items == ((1, 3) if policy else (1,))
    assert rules(clearance)[:2] == [("x-1", 1, Rule.RELEASED), ("x-1", 2, Rule.REFUSED)]
    assert (clearance.reasons[0].verdict, clearance.reasons[0].decision) == (NO, "late")


def test_a_prohibition_stops_all_of_it() -> None:
    """Also items that nobody forbids."""
    clearance = settle(case(policy=PARTLY, prohibitions=(PROHIBITION,)))
    assert (clearance.outcome, clearance.final, clearance.released_items) == (Outcome.REFUSAL, True, ())


@pytest.mark.parametrize(
    ("said", "awaited"),
    [((decision(NO, 2),), False), ((), True), ((decision(Verdict.INSPECTION_REQUIRED, 2),), True)],
    ids=["refused", "silent", "to be inspected"],
)
def test_what_is_left_is_closed_when_all_of_it_is_refused(said: tuple[Decision, ...], awaited: bool) -> None:
    """As a refusal is; not while an answer may still let it go."""
    x = referral("x-1", (1, 2), decisions=(decision(YES, 1, id="yes"), *said))
    clearance = settle(case(x, policy=PARTLY))
    assert clearance.outcome is Outcome.PARTIAL_RELEASE
    assert nothing_is_awaited(clearance) is not awaited
    # An item that one service refuses does not wait for another.
    waits_too = settle(case(x, referral("y-1", (2,)), policy=PARTLY))
    assert nothing_is_awaited(waits_too) is not awaited


# --- revisions, amendments, withdrawals --------------------------------------------------------------------


@pytest.mark.parametrize("change", [Change.AMEND, Change.RESUBMIT])
def test_an_agency_that_is_yet_to_be_told_the_new_content_is_awaited(change: Change) -> None:
    """What it said of the old content counts for nothing, and nor does what is labelled wrongly."""
    said = (decision(YES, id="old"), decision(YES, id="new", revision=2))
    x = referral("x-1", (1,), decisions=said, change=change, terms={"revision": 2})
    assert rules(settle(case(x))) == [("x-1", 1, Rule.AWAITED)]
    told = x.model_copy(update={"change": Change.NONE})
    assert [r.decision for r in settle(case(told)).reasons] == ["new"]


def test_nothing_is_deemed_of_an_agency_that_was_not_told_the_new_content_in_time() -> None:
    """Its time for the new content has passed, and it has only the old."""
    deemed = {"revision": 2, "on_expiry": OnExpiry.DEEMED_APPROVED}
    x = referral("x-1", (1,), state=ReferralState.EXPIRED, terms=deemed)
    for untold in (
        x.model_copy(update={"change": Change.AMEND}),
        x.model_copy(update={"delivered_revision": 2, "delivered_at": NOON + timedelta(seconds=1)}),
    ):
        assert rules(settle(case(untold))) == [("x-1", 1, Rule.EXPIRED)]
    in_time = x.model_copy(update={"delivered_revision": 2})
    assert rules(settle(case(in_time))) == [("x-1", 1, Rule.DEEMED_APPROVED)]


@pytest.mark.parametrize(
    "more",
    [{"state": ReferralState.WITHDRAWN}, {"change": Change.WITHDRAW}],
    ids=["withdrawn", "to be withdrawn"],
)
def test_a_consent_that_is_not_asked_for_any_more_gives_no_reason(more: dict[str, Any]) -> None:
    """Not even one that was refused."""
    gone = referral("x-1", decisions=(decision(NO),), **more)
    asked = referral("y-1", (2,), decisions=(decision(YES),))
    assert rules(settle(case(gone, asked))) == [("y-1", 2, Rule.CONSENTED)]
    assert rules(settle(case(gone))) == [(None, None, Rule.NO_AGENCY_NEEDED)]


def test_a_withdrawn_declaration_is_over_when_every_agency_knows() -> None:
    """And it says who took it back."""
    known = referral("x-1", state=ReferralState.WITHDRAWN)
    to_be_told = referral("y-1", change=Change.WITHDRAW)
    for referrals, final in (((known, to_be_told), False), ((known,), True), ((), True)):
        clearance = settle(case(*referrals, withdrawal=WITHDRAWAL, prohibitions=(PROHIBITION,)))
        assert (clearance.outcome, clearance.final) == (Outcome.WITHDRAWN, final)
        assert [(r.rule, r.by) for r in clearance.reasons] == [(Rule.WITHDRAWN, "c1")]


# --- information ---------------------------------------------------------------------------------------


def asking(**question: Any) -> Referral:
    """A referral whose agency has asked something; `question` is what became of it."""
    about = InformationRequest(id="q", items=(1,), asked_at=NOON, due_at=NOON, **question)
    return referral(
        "x-1", (1,), decisions=(decision(Verdict.INFORMATION_REQUIRED, id="q"),), questions=(about,)
    )


@pytest.mark.parametrize(
    ("became", "rule", "its_turn"),
    [
        ({}, Rule.INFORMATION_REQUIRED, False),
        ({"answered_at": NOON, "answer": "a"}, Rule.INFORMATION_REQUIRED, False),
        ({"answered_at": NOON, "answer": "a", "passed_on_at": NOON}, Rule.AWAITED, True),
        ({"expired_at": NOON}, Rule.INFORMATION_OVERDUE, False),
        ({"expired_at": NOON, "answered_at": NOON, "answer": "a"}, Rule.INFORMATION_REQUIRED, False),
    ],
    ids=["asked", "answered", "passed on", "overdue", "answered late"],
)
def test_a_question_holds_until_the_agency_has_the_answer(
    became: dict[str, Any], rule: Rule, its_turn: bool
) -> None:
    """Then it is the agency's turn again."""
    x = asking(**became)
    assert rules(settle(case(x))) == [("x-1", 1, rule)]
    assert awaits_decision(x) is its_turn


def test_what_the_policy_says_is_made_of_information_that_does_not_come() -> None:
    """Held or refused; and a later word of the agency outweighs it."""
    refusing = {"on_information_expiry": OnInformationExpiry.REFUSE}
    x = asking(expired_at=NOON)
    held, refused = settle(case(x)), settle(case(x, policy=refusing))
    assert (held.outcome, refused.outcome) == (Outcome.HOLD, Outcome.REFUSAL)
    assert [(r.rule, r.rule_version) for r in refused.reasons] == [(Rule.INFORMATION_NOT_GIVEN, "p3")]
    late = x.model_copy(update={"decisions": (*x.decisions, decision(YES, id="late", minutes=9))})
    assert settle(case(late, policy=refusing)).outcome is Outcome.RELEASE


# --- certificates ----------------------------------------------------------------------------------------


def test_a_certificate_that_is_reused_stands_for_the_consent() -> None:
    """Item by item; nobody is asked when it covers every item of the referral."""
    x = referral("x-1", (1, 2), state=ReferralState.PENDING, receipt=None)
    one = claim("x-1", 1, ClaimState.RESERVED, reused=True)
    both = (one, claim("x-1", 2, ClaimState.WRITTEN_OFF, reused=True))
    assert rules(settle(case(x, claims=(one,)))) == [
        ("x-1", 1, Rule.CERTIFICATE_REUSED),
        ("x-1", 2, Rule.AWAITED),
    ]
    assert not needs_no_asking(case(x, claims=(one,)), x)
    assert settle(case(x, claims=both)).outcome is Outcome.RELEASE
    assert needs_no_asking(case(x, claims=both), x)
    # Of another service it says nothing.
    assert settle(case(x, referral("y-1", (1,)), claims=both)).outcome is Outcome.IN_PROGRESS


def test_the_agencys_own_word_outweighs_a_certificate_that_is_reused() -> None:
    """It was asked about another item, and refuses this one too."""
    reused = claim("x-1", 1, ClaimState.RESERVED, reused=True)
    x = referral("x-1", (1, 2), decisions=(decision(NO, 1),))
    assert settle(case(x, claims=(reused,))).outcome is Outcome.REFUSAL


@pytest.mark.parametrize("reused", [False, True])
def test_goods_wait_for_what_is_not_left_on_a_certificate(reused: bool) -> None:
    """The agency's consent does not help; its refusal is a refusal all the same. It is named."""
    wanted = claim("x-1", 1, ClaimState.WANTED, reused=reused)
    [reason] = settle(case(referral("x-1", (1,), decisions=(decision(YES),)), claims=(wanted,))).reasons
    assert (reason.rule, reason.remarks, reason.decision) == (Rule.CERTIFICATE_EXHAUSTED, "Y100 P-1", "d")
    refused = referral("x-1", (1,), decisions=(decision(NO),))
    assert rules(settle(case(refused, claims=(wanted,)))) == [("x-1", 1, Rule.REFUSED)]


def test_what_was_given_back_stands_for_nothing() -> None:
    """The certificate is another's by now."""
    x = referral("x-1", (1,))
    given_back = claim("x-1", 1, ClaimState.GIVEN_BACK, reused=True)
    assert rules(settle(case(x, claims=(given_back,)))) == [("x-1", 1, Rule.AWAITED)]
    assert not needs_no_asking(case(x, claims=(given_back,)), x)


# --- duties ----------------------------------------------------------------------------------------------

GATE = {"duty_gate": True}


@pytest.mark.parametrize(
    ("duties", "due"),
    [
        (None, True),
        (Duties(), True),
        (Duties(amount=KRW), True),
        (Duties(amount=KRW, cover=PAID), False),
        (Duties(amount=Money(amount=Decimal(0), currency="KRW")), False),
        (Duties(cover=PAID), True),
    ],
    ids=["unknown", "not assessed", "assessed", "paid", "nothing due", "to be assessed anew"],
)
def test_nothing_is_released_before_duties_are_covered_where_the_policy_asks(
    duties: Duties | None, due: bool
) -> None:
    """Neither whole nor in part, nor when no agency is asked. Where it does not ask, they do not matter."""
    x = referral("x-1", (1, 2), decisions=(decision(YES, 1),))
    for whole, free in (
        (case(policy=GATE, duties=duties), Outcome.RELEASE),
        (case(x, policy=GATE | PARTLY, duties=duties), Outcome.PARTIAL_RELEASE),
    ):
        clearance = settle(whole)
        assert clearance.outcome is (Outcome.IN_PROGRESS if due else free)
        assert ((None, None, Rule.DUTIES_DUE) in rules(clearance)) is due
    assert settle(case(duties=duties)).outcome is Outcome.RELEASE


def test_duties_that_are_due_do_not_hide_a_refusal_or_a_hold() -> None:
    """Nor are they asked for goods that are prohibited."""
    for verdict, outcome in ((NO, Outcome.REFUSAL), (Verdict.INSPECTION_REQUIRED, Outcome.HOLD)):
        said = referral("x-1", decisions=(decision(verdict),))
        assert settle(case(said, policy=GATE)).outcome is outcome
    assert rules(settle(case(policy=GATE, prohibitions=(PROHIBITION,)))) == [("n-1", 1, Rule.PROHIBITED)]


# --- whose rule it was -----------------------------------------------------------------------------------


def test_a_reason_names_the_version_of_its_rule_and_who_decided_by_hand() -> None:
    """Of the agency's file, or of the policy."""
    by_hand = decision(YES, 1, by="officer-7")
    x = referral("x-1", (1, 2), decisions=(by_hand,))
    clearance = settle(case(x, policy=GATE))
    assert [(r.rule, r.rule_version, r.by) for r in clearance.reasons] == [
        (Rule.CONSENTED, "c7", "officer-7"),
        (Rule.AWAITED, "c7", None),
        (Rule.DUTIES_DUE, "p3", None),
    ]


# --- laws ------------------------------------------------------------------------------------------------

SERVICES = ("x-1", "y-1")
SOME_ITEMS = st.lists(st.sampled_from(ITEMS), unique=True, min_size=1).map(lambda n: tuple(sorted(n)))


@st.composite
def decisions(draw: st.DrawFn) -> tuple[Decision, ...]:
    count = draw(st.integers(0, 3))
    return tuple(
        decision(
            draw(st.sampled_from(Verdict)),
            *draw(st.just(()) | SOME_ITEMS),
            id=f"d{number}",
            minutes=draw(st.integers(-3, 3)),
            revision=draw(st.sampled_from([1, 2, 2, 2])),
        )
        for number in range(count)
    )


@st.composite
def referrals(draw: st.DrawFn, service: str) -> Referral:
    said = draw(decisions())
    questions = tuple(
        InformationRequest(
            id=one.id,
            items=one.items or ITEMS,
            asked_at=one.decided_at,
            due_at=None,
            **draw(
                st.sampled_from(
                    [
                        {},
                        {"answered_at": NOON, "answer": "a"},
                        {"answered_at": NOON, "answer": "a", "passed_on_at": NOON},
                        {"expired_at": NOON},
                    ]
                )
            ),
        )
        for one in said
        if one.verdict is Verdict.INFORMATION_REQUIRED
    )
    return referral(
        service,
        draw(SOME_ITEMS),
        decisions=said,
        questions=questions,
        stops=tuple(ClockStop(from_=NOON, request=q.id) for q in questions),
        state=draw(st.sampled_from([s for s in ReferralState if s is not ReferralState.DECIDED])),
        change=draw(st.sampled_from([Change.NONE, Change.NONE, Change.NONE, *Change])),
        terms={"revision": 2, "on_expiry": draw(st.sampled_from(OnExpiry))},
        delivered_revision=draw(st.sampled_from([0, 1, 2])),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    asked = [draw(referrals(name)) for name in SERVICES if draw(st.booleans())]
    claims = [
        claim(one.terms.service, item, draw(st.sampled_from(ClaimState)), reused=draw(st.booleans()))
        for one in asked
        for item in one.terms.items
        if draw(st.sampled_from([False, False, True]))
    ]
    policy = {
        "partial_release": draw(st.booleans()),
        "duty_gate": draw(st.booleans()),
        "on_information_expiry": draw(st.sampled_from(OnInformationExpiry)),
    }
    return case(
        *asked,
        policy=policy,
        claims=tuple(claims),
        released=draw(st.just(()) | SOME_ITEMS) if policy["partial_release"] else (),
        duties=draw(st.sampled_from([None, Duties(amount=KRW), Duties(amount=KRW, cover=PAID)])),
        prohibitions=draw(st.sampled_from([(), (), (), (PROHIBITION,)])),
        withdrawal=draw(st.sampled_from([None, None, None, WITHDRAWAL])),
    )


def gone(whole: Case, clearance: Clearance) -> set[int]:
    """The goods items that may leave."""
    return set(whole.items) if clearance.outcome is Outcome.RELEASE else set(clearance.released_items)


def consents(whole: Case, asked: Referral, item: int) -> bool:
    """Whether a service lets an item go, or the law does in its place: worked out the other way round."""
    if asked.state is ReferralState.WITHDRAWN or asked.change is Change.WITHDRAW:
        return True
    claimed = [c for c in whole.claims if (c.service, c.item) == (asked.terms.service, item)]
    if any(c.state is ClaimState.WANTED for c in claimed):
        return False
    about = [
        d
        for d in asked.decisions
        if d.revision == 2 and (d.items is None or item in d.items) and asked.change is Change.NONE
    ]
    if about:
        last = max(about, key=lambda d: (d.decided_at, d.received_at, d.id))
        passed_on = any(q.id == last.id and q.passed_on_at for q in asked.questions)
        if not passed_on:
            return last.verdict.consents
    if any(c.reused and c.state in (ClaimState.RESERVED, ClaimState.WRITTEN_OFF) for c in claimed):
        return True
    silent = asked.state is ReferralState.EXPIRED and asked.terms.on_expiry is OnExpiry.DEEMED_APPROVED
    return silent and asked.change is Change.NONE


@given(cases())
def test_no_item_goes_without_the_consent_of_every_service_or_its_lawful_substitute(whole: Case) -> None:
    """Unless it has gone before. And what may go, goes."""
    clearance = settle(whole)
    covered = not whole.policy.duty_gate or (whole.duties is not None and whole.duties.are_covered)
    free = {
        item
        for item in whole.items
        if all(consents(whole, r, item) for r in whole.referrals if item in r.terms.items)
    }
    if whole.withdrawal is not None:
        expected: set[int] = set()
    elif whole.prohibitions or not covered:
        expected = set(whole.released)
    elif free | set(whole.released) == set(whole.items) or whole.policy.partial_release:
        expected = free | set(whole.released)
    else:
        expected = set(whole.released)
    assert gone(whole, clearance) == expected


@given(cases(), st.data(), st.sampled_from([1, 2]), st.integers(-5, 5), st.just(()) | SOME_ITEMS)
def test_a_refusal_more_lets_no_item_go(
    whole: Case, data: st.DataObject, revision: int, minutes: int, items: tuple[int, ...]
) -> None:
    """Old or new, of the old content or the new, about one item or all."""
    if not whole.referrals:
        return
    place = data.draw(st.integers(0, len(whole.referrals) - 1))
    refusal = decision(NO, *items, id="no", minutes=minutes, revision=revision)
    asked = list(whole.referrals)
    asked[place] = asked[place].model_copy(update={"decisions": (*asked[place].decisions, refusal)})
    refused = whole.model_copy(update={"referrals": tuple(asked)})
    assert gone(refused, settle(refused)) <= gone(whole, settle(whole))


@given(cases())
def test_what_is_released_is_never_taken_back(whole: Case) -> None:
    """Settled again with what it let go, it lets go just that; and the outcome says if that is a part."""
    if whole.withdrawal is not None:
        return
    clearance = settle(whole)
    let_go = tuple(sorted(gone(whole, clearance)))
    again = whole.model_copy(update={"released": let_go})
    assert gone(again, settle(again)) == set(let_go)
    assert (clearance.outcome is Outcome.PARTIAL_RELEASE) == bool(clearance.released_items)
    assert set(whole.released) <= set(let_go)
