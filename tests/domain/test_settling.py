"""From what the agencies have said to one outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.case import Case, CasePolicy, Prohibition, Referral
from hub.domain.clearance import Outcome, Rule
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
from hub.domain.settling import settle, standing_decisions

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
POLICY = CasePolicy(version="p", refusal_open_for="30d")
SERVICES = ("x-1", "y-1", "z-1")
PROHIBITION = Prohibition(item=1, service="n-1", agency="n", law={"en": "Act on n"}, matched_prefix="9503")
_ids = count(1)


def decision(
    verdict: Verdict,
    minutes: int = 0,
    *,
    items: tuple[int, ...] | None = None,
    received: int = 0,
    id: str = "",
) -> Decision:
    return Decision(
        id=id or f"d{next(_ids)}",
        referral="M/x",
        verdict=verdict,
        items=items,
        word=verdict.value,
        decided_at=NOON + timedelta(minutes=minutes),
        received_at=NOON + timedelta(minutes=received),
        via=Via.CALLBACK,
        exchange="e1",
    )


def referral(
    service: str = "x-1",
    *decisions: Decision,
    items: tuple[int, ...] = (1,),
    state: ReferralState = ReferralState.DELIVERED,
    on_expiry: OnExpiry = OnExpiry.HOLD,
    trouble: str | None = None,
    received: timedelta | None = -timedelta(days=3),
) -> Referral:
    """A referral that is due at noon; `received` is when the agency had it, from then on."""
    terms = ReferralTerms(
        id=f"M/{service}",
        mrn="M",
        service=service,
        agency=service[0],
        service_name={"en": service},
        law={"en": f"Act on {service}"},
        document="Certificate",
        items=items,
        answers=Answers.CALLBACK,
        answer_within="3wd",
        due_at=NOON,
        on_expiry=on_expiry,
        config_version="c",
    )
    receipt = None if received is None else Receipt(reference="R-1", received_at=NOON + received)
    return Referral(terms=terms, state=state, receipt=receipt, decisions=decisions, trouble=trouble)


def case(*referrals: Referral, prohibitions: tuple[Prohibition, ...] = ()) -> Case:
    return Case(mrn="M", policy=POLICY, referrals=referrals, prohibitions=prohibitions)


# --- one rule at a time ---------------------------------------------------------------------------------


def test_a_case_that_asks_nobody_is_released_at_once() -> None:
    """And it says so."""
    clearance = settle(case())
    assert (clearance.outcome, clearance.final) == (Outcome.RELEASE, True)
    assert [reason.rule for reason in clearance.reasons] == [Rule.NO_AGENCY_NEEDED]


@pytest.mark.parametrize(
    ("verdict", "outcome", "rule"),
    [
        (Verdict.APPROVED, Outcome.RELEASE, Rule.CONSENTED),
        (Verdict.APPROVED_WITH_CONDITIONS, Outcome.RELEASE, Rule.CONSENTED),
        (Verdict.REFUSED, Outcome.REFUSAL, Rule.REFUSED),
        (Verdict.INFORMATION_REQUIRED, Outcome.HOLD, Rule.INFORMATION_REQUIRED),
        (Verdict.INSPECTION_REQUIRED, Outcome.HOLD, Rule.INSPECTION_REQUIRED),
    ],
)
def test_each_verdict_has_its_outcome(verdict: Verdict, outcome: Outcome, rule: Rule) -> None:
    """Its reason carries item, service, law, decision and evidence. Only a release is final."""
    said = decision(verdict)
    clearance = settle(case(referral("x-1", said)))
    (reason,) = clearance.reasons
    assert (clearance.outcome, clearance.final) == (outcome, outcome is Outcome.RELEASE)
    assert (reason.rule, reason.item, reason.service, reason.agency) == (rule, 1, "x-1", "x")
    assert (reason.verdict, reason.law, reason.decision) == (verdict, {"en": "Act on x-1"}, said.id)
    assert reason.evidence == "e1"


@pytest.mark.parametrize(
    ("on_expiry", "outcome", "rule"),
    [
        (OnExpiry.HOLD, Outcome.HOLD, Rule.EXPIRED),
        (OnExpiry.ESCALATE, Outcome.HOLD, Rule.ESCALATED),
        (OnExpiry.DEEMED_APPROVED, Outcome.RELEASE, Rule.DEEMED_APPROVED),
        (OnExpiry.DEEMED_REFUSED, Outcome.REFUSAL, Rule.DEEMED_REFUSED),
    ],
)
def test_silence_means_what_the_law_says(on_expiry: OnExpiry, outcome: Outcome, rule: Rule) -> None:
    """Once the time is up, and not before."""
    silent = referral(state=ReferralState.EXPIRED, on_expiry=on_expiry)
    clearance = settle(case(silent))
    assert (clearance.outcome, clearance.reasons[0].rule) == (outcome, rule)
    waiting = settle(case(referral(on_expiry=on_expiry)))
    assert (waiting.outcome, waiting.reasons[0].rule) == (Outcome.IN_PROGRESS, Rule.AWAITED)


@pytest.mark.parametrize("received", [None, timedelta(seconds=1)], ids=["never", "too late"])
@pytest.mark.parametrize("on_expiry", OnExpiry)
def test_an_agency_that_was_not_reached_in_time_has_not_been_silent(
    on_expiry: OnExpiry, received: timedelta | None
) -> None:
    """Nothing is deemed of it: the cargo is held, and a person must look."""
    clearance = settle(case(referral(state=ReferralState.EXPIRED, on_expiry=on_expiry, received=received)))
    assert (clearance.outcome, clearance.reasons[0].rule) == (Outcome.HOLD, Rule.EXPIRED)


@pytest.mark.parametrize("on_expiry", OnExpiry)
def test_a_decision_counts_though_it_comes_late(on_expiry: OnExpiry) -> None:
    """An agency's own word weighs more than what its silence was taken for."""
    for verdict, outcome in ((Verdict.APPROVED, Outcome.RELEASE), (Verdict.REFUSED, Outcome.REFUSAL)):
        late = referral("x-1", decision(verdict), state=ReferralState.EXPIRED, on_expiry=on_expiry)
        assert settle(case(late)).outcome is outcome


def test_an_agency_that_asked_for_information_is_not_taken_to_have_approved() -> None:
    """Its time being up does not make a question into consent."""
    asking = referral(
        "x-1",
        decision(Verdict.INFORMATION_REQUIRED),
        state=ReferralState.EXPIRED,
        on_expiry=OnExpiry.DEEMED_APPROVED,
    )
    assert settle(case(asking)).outcome is Outcome.HOLD


def test_what_cannot_be_delivered_holds_and_says_why() -> None:
    """A person must look; the reason carries the trouble."""
    clearance = settle(case(referral(state=ReferralState.UNDELIVERABLE, trouble="unknown word")))
    (reason,) = clearance.reasons
    assert (clearance.outcome, reason.rule, reason.remarks) == (
        Outcome.HOLD,
        Rule.UNDELIVERABLE,
        "unknown word",
    )


def test_not_delivered_yet_is_waiting_not_holding() -> None:
    """The hub goes on trying."""
    assert settle(case(referral(state=ReferralState.PENDING))).outcome is Outcome.IN_PROGRESS


def test_a_prohibition_refuses_for_good() -> None:
    """Whatever any agency says, now or later."""
    approved = referral("x-1", decision(Verdict.APPROVED))
    for prohibited in (case(prohibitions=(PROHIBITION,)), case(approved, prohibitions=(PROHIBITION,))):
        clearance = settle(prohibited)
        assert (clearance.outcome, clearance.final) == (Outcome.REFUSAL, True)
        assert clearance.reasons[0].rule is Rule.PROHIBITED
        assert clearance.reasons[0].law == {"en": "Act on n"}


def test_a_decision_for_one_item_leaves_the_others_open() -> None:
    """Partial consent releases nothing; each item has its own reason."""
    partly = referral("x-1", decision(Verdict.APPROVED, items=(1,)), items=(1, 2))
    clearance = settle(case(partly))
    assert clearance.outcome is Outcome.IN_PROGRESS
    assert [(r.item, r.rule) for r in clearance.reasons] == [(1, Rule.CONSENTED), (2, Rule.AWAITED)]
    whole = referral("x-1", *partly.decisions, decision(Verdict.APPROVED, items=(2,)), items=(1, 2))
    assert settle(case(whole)).outcome is Outcome.RELEASE


def test_a_decision_about_other_items_says_nothing_about_these() -> None:
    """Items that were never referred do not matter."""
    assert (
        settle(case(referral("x-1", decision(Verdict.APPROVED, items=(9,))))).outcome is Outcome.IN_PROGRESS
    )


def test_a_refusal_outweighs_a_hold_and_a_hold_outweighs_waiting() -> None:
    """The worst of all answers is the outcome."""
    refused = referral("x-1", decision(Verdict.REFUSED))
    held = referral("y-1", decision(Verdict.INSPECTION_REQUIRED))
    waiting = referral("z-1")
    for order in permutations((refused, held, waiting)):
        assert settle(case(*order)).outcome is Outcome.REFUSAL
    for order in permutations((held, waiting)):
        assert settle(case(*order)).outcome is Outcome.HOLD


# --- which decision counts ------------------------------------------------------------------------------


def test_the_latest_action_time_counts_not_the_latest_arrival() -> None:
    """An old decision that arrives late changes nothing (US CBP CSMS 16-000461)."""
    newer = decision(Verdict.APPROVED, 10, received=10)
    older = decision(Verdict.REFUSED, 0, received=99)
    for order in permutations((newer, older)):
        assert settle(case(referral("x-1", *order))).outcome is Outcome.RELEASE


def test_of_the_same_action_time_the_later_arrival_counts() -> None:
    """And of those that arrived together the one with the greater id: never the order in a list."""
    first = decision(Verdict.APPROVED, received=1)
    second = decision(Verdict.REFUSED, received=2)
    a = decision(Verdict.REFUSED, 5, id="a")
    b = decision(Verdict.APPROVED, 5, id="b")
    for order in permutations((first, second)):
        assert standing_decisions(referral("x-1", *order))[1] == second
    for order in permutations((first, a, b)):
        assert standing_decisions(referral("x-1", *order))[1] == b


def test_a_hold_is_lifted_by_a_late_approval() -> None:
    """And a refusal by a later approval: neither is final."""
    for before in (Verdict.INSPECTION_REQUIRED, Verdict.REFUSED):
        held = decision(before)
        assert settle(case(referral("x-1", held))).outcome is not Outcome.RELEASE
        assert settle(case(referral("x-1", held, decision(Verdict.APPROVED, 5)))).outcome is Outcome.RELEASE


# --- whatever was said ------------------------------------------------------------------------------------

DECISIONS = st.builds(
    decision,
    st.sampled_from(Verdict),
    st.integers(-3, 3),
    items=st.none() | st.lists(st.integers(1, 3), unique=True, max_size=3).map(tuple),
    received=st.integers(-3, 3),
)
STATES = st.sampled_from(
    [s for s in ReferralState if s not in (ReferralState.DECIDED, ReferralState.WITHDRAWN)]
)


@st.composite
def cases(draw: st.DrawFn, prohibitions: bool = True) -> Case:
    services = draw(st.lists(st.sampled_from(SERVICES), unique=True, max_size=3))
    referrals = [
        referral(
            service,
            *draw(st.lists(DECISIONS, max_size=4)),
            items=tuple(draw(st.lists(st.integers(1, 3), unique=True, min_size=1))),
            state=draw(STATES),
            on_expiry=draw(st.sampled_from(OnExpiry)),
            received=draw(st.sampled_from([-timedelta(days=1), timedelta(0), timedelta(days=1), None])),
        )
        for service in services
    ]
    forbidden = draw(st.sampled_from([(), (), (PROHIBITION,)])) if prohibitions else ()
    return case(*referrals, prohibitions=forbidden)


def with_decision(whole: Case, place: int, new: Decision) -> Case:
    referrals = list(whole.referrals)
    referrals[place] = referrals[place].model_copy(update={"decisions": (*referrals[place].decisions, new)})
    return whole.model_copy(update={"referrals": tuple(referrals)})


@given(cases())
def test_nothing_is_released_unless_everybody_consents_to_everything(whole: Case) -> None:
    """Every item of every referral is consented to or deemed approved; and then, it is released."""

    def consented(asked: Referral, item: int) -> bool:
        standing = standing_decisions(asked).get(item)
        if standing is not None:
            return standing.verdict.consents
        return (
            asked.state is ReferralState.EXPIRED
            and asked.terms.on_expiry is OnExpiry.DEEMED_APPROVED
            and asked.receipt is not None
            and asked.receipt.received_at <= asked.terms.due_at
        )

    everybody = all(consented(asked, item) for asked in whole.referrals for item in asked.terms.items)
    clearance = settle(whole)
    assert (clearance.outcome is Outcome.RELEASE) == (everybody and not whole.prohibitions)


@given(cases())
def test_every_item_of_every_referral_has_its_reason(whole: Case) -> None:
    """Exactly one, beside those of the prohibitions."""
    reasons = settle(whole).reasons
    expected = {(asked.terms.service, item) for asked in whole.referrals for item in asked.terms.items}
    given_for = [
        (r.service, r.item) for r in reasons if r.rule not in (Rule.PROHIBITED, Rule.NO_AGENCY_NEEDED)
    ]
    assert sorted(given_for, key=str) == sorted(expected, key=str)
    assert sum(r.rule is Rule.PROHIBITED for r in reasons) == len(whole.prohibitions)


@given(cases(), st.data(), st.integers(-5, 5))
def test_a_refusal_never_releases(whole: Case, data: st.DataObject, minutes: int) -> None:
    """One more refusal, old or new, turns nothing that was not released into a release."""
    if not whole.referrals:
        return
    place = data.draw(st.integers(0, len(whole.referrals) - 1))
    before = settle(whole).outcome
    after = settle(with_decision(whole, place, decision(Verdict.REFUSED, minutes))).outcome
    assert after is not Outcome.RELEASE or before is Outcome.RELEASE


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(whole: Case, random: Random) -> None:
    """Decisions in any order settle the same."""
    shuffled = []
    for asked in whole.referrals:
        decisions = list(asked.decisions)
        random.shuffle(decisions)
        shuffled.append(asked.model_copy(update={"decisions": tuple(decisions)}))
    assert settle(whole.model_copy(update={"referrals": tuple(shuffled)})) == settle(whole)


@given(cases(prohibitions=False))
def test_a_prohibition_added_always_refuses(whole: Case) -> None:
    """No set of answers outweighs it."""
    clearance = settle(whole.model_copy(update={"prohibitions": (PROHIBITION,)}))
    assert (clearance.outcome, clearance.final) == (Outcome.REFUSAL, True)


@given(cases(), st.data(), DECISIONS)
def test_the_same_decision_twice_counts_once(whole: Case, data: st.DataObject, said: Decision) -> None:
    """A repeated delivery changes nothing."""
    if not whole.referrals:
        return
    place = data.draw(st.integers(0, len(whole.referrals) - 1))
    once = with_decision(whole, place, said)
    assert settle(with_decision(once, place, said)) == settle(once)
