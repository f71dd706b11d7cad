"""What is stuck, as laws: decided is never stuck, nothing is stuck twice, and time is never missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.case import Case, CasePolicy, Change, Referral
from hub.domain.clearance import Outcome
from hub.domain.declaration import Declaration
from hub.domain.events import EventType
from hub.domain.history import Usual
from hub.domain.information import ClockStop
from hub.domain.referral import Answers, Decision, OnExpiry, ReferralState, ReferralTerms, Verdict, Via
from hub.domain.stuck import (
    ENOUGH,
    GRACE,
    LEAST_SLOW,
    Judging,
    Pause,
    Signs,
    Standing,
    Stuck,
    StuckKind,
    cargo_of,
    judge,
    look_at,
    pressing_at,
    slow_at,
)

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MRN = "26KR0000000000000X"


def referral(service: str = "one", **changes: Any) -> Referral:
    terms = ReferralTerms(
        id=f"{MRN}/{service}",
        mrn=MRN,
        service=service,
        agency=f"{service}-agency",
        service_name={"en": "A service"},
        law={"en": "An Act"},
        document="Certificate",
        items=(1,),
        answers=changes.pop("answers", Answers.CALLBACK),
        answer_within="5d",
        due_at=T0 + 5 * DAY,
        on_expiry=changes.pop("on_expiry", OnExpiry.HOLD),
        config_version="v1",
        opened_at=T0,
    )
    return Referral(terms=terms, **changes)


def decision(verdict: Verdict = Verdict.APPROVED, at: datetime = T0 + HOUR) -> Decision:
    return Decision(
        id=f"D-{verdict}",
        referral=f"{MRN}/one",
        verdict=verdict,
        word="ok",
        decided_at=at,
        received_at=at,
        via=Via.CALLBACK,
    )


def standing(*referrals: Referral, **more: Any) -> Standing:
    case = Case(mrn=MRN, policy=CasePolicy(version="p", refusal_open_for="30d"), referrals=referrals)
    return Standing(**{"case": case, "accepted_at": T0, "outcome": Outcome.IN_PROGRESS, **more})


def usual(nearly_all: timedelta, count: int = ENOUGH) -> dict[str, Usual]:
    return {"one": Usual(count=count, half=nearly_all / 4, nine_in_ten=nearly_all / 2, nearly_all=nearly_all)}


def only(found: list[Stuck]) -> Stuck | None:
    assert len(found) <= 1
    return found[0] if found else None


moments = st.integers(0, 12 * 24 * 60).map(lambda minutes: T0 + timedelta(minutes=minutes))
troubles = st.sampled_from([None, "connection refused", "HTTP 400"])


@st.composite
def referrals(draw: st.DrawFn) -> Referral:
    """One in any state that the fold may leave it in."""
    state = draw(st.sampled_from(list(ReferralState)))
    has_it = state not in (ReferralState.PENDING, ReferralState.UNDELIVERABLE)
    delivered_at = draw(moments) if has_it else None
    stop = draw(st.sampled_from([None, "open", "over"]))
    stops: tuple[ClockStop, ...] = ()
    if stop is not None:
        begun = draw(moments)
        until = None if stop == "open" else begun + draw(st.integers(0, 48)) * HOUR
        stops = (ClockStop(from_=begun, until=until, request="D-information_required"),)
    return referral(
        state=state,
        on_expiry=draw(st.sampled_from(list(OnExpiry))),
        answers=draw(st.sampled_from([Answers.CALLBACK, Answers.POLL, Answers.DOOR])),
        delivered_at=delivered_at,
        delivered_revision=1 if has_it else 0,
        decisions=(decision(at=delivered_at or T0),) if state is ReferralState.DECIDED else (),
        trouble=draw(troubles) if state is not ReferralState.DECIDED else None,
        change=draw(st.sampled_from([Change.NONE, Change.NONE, Change.AMEND, Change.WITHDRAW])),
        stops=stops,
    )


judgings = st.builds(
    Judging,
    now=moments,
    usual=st.sampled_from([{}, usual(HOUR), usual(2 * DAY), usual(HOUR, count=ENOUGH - 1)]),
    pauses=st.sampled_from([{}, {"one-agency": Pause(since=T0 + HOUR, by="kim")}]),
)
signs = st.builds(
    Signs,
    sent_at=st.one_of(st.none(), moments),
    told_as=st.sampled_from([None, EventType.REFERRAL_DELAYED, EventType.MESSAGE_NOT_UNDERSTOOD]),
    since=st.one_of(st.none(), moments),
)


@given(referrals(), signs, judgings)
def test_a_referral_is_stuck_once_at_most_and_says_since_when(
    one: Referral, of_it: Signs, judging: Judging
) -> None:
    """By its most telling kind; a referral of one agency, named."""
    found = only(judge(standing(one, signs={"one": of_it}), judging))
    if found is not None:
        assert (found.mrn, found.service, found.agency) == (MRN, "one", "one-agency")
        assert found.trouble == one.trouble


@given(referrals(), signs, judgings)
def test_what_is_over_is_not_stuck(one: Referral, of_it: Signs, judging: Judging) -> None:
    """Decided with nothing more to be told, withdrawn, released, or closed."""
    known = {"one": of_it}
    over = one.state is ReferralState.WITHDRAWN
    decided = one.state is ReferralState.DECIDED and one.change is Change.NONE
    if over or decided:
        assert judge(standing(one, signs=known), judging) == []
    assert judge(standing(one, signs=known, closed=True), judging) == []
    assert judge(standing(one, signs=known, outcome=Outcome.RELEASE), judging) == []


@given(referrals(), signs, judgings)
def test_what_is_stuck_by_time_or_trouble_is_looked_at_in_time(
    one: Referral, of_it: Signs, judging: Judging
) -> None:
    """
    The list is made of what `look_at` and `slow_at` say is worth looking at: nothing stuck may be missed. A
    pause is told of by the agency's control.
    """
    judging = Judging(now=judging.now, usual=judging.usual)
    found = only(judge(standing(one, signs={"one": of_it}), judging))
    if found is None:
        return
    times = [time for time in (look_at(one, T0), slow_at(one, judging)) if time is not None]
    if one.change is Change.NONE:
        assert min(times) <= judging.now
    elif one.trouble is not None:
        assert look_at(one, T0) == T0


@given(referrals(), judgings)
def test_a_pause_is_why_nothing_else_is(one: Referral, judging: Judging) -> None:
    """While its agency is not asked, nothing that waits for an attempt is stuck for another reason."""
    found = only(judge(standing(one), judging))
    if found is not None and found.kind in (StuckKind.UNREACHABLE, StuckKind.IN_DOUBT, StuckKind.NOT_STARTED):
        assert "one-agency" not in judging.pauses or one.terms.answers is Answers.DOOR


def test_a_deadline_threatens_in_the_last_fifth_of_the_time_that_ran() -> None:
    """The clock stood still for five days, and the deadline was moved by as much."""
    assert pressing_at(referral(), T0) == T0 + 4 * DAY
    stopped = referral(
        due_at=T0 + 10 * DAY, stops=(ClockStop(from_=T0 + DAY, until=T0 + 6 * DAY, request="q"),)
    )
    assert pressing_at(stopped, T0) == T0 + 9 * DAY
    still = referral(stops=(ClockStop(from_=T0 + DAY, request="q"),))
    assert pressing_at(still, T0) is None


@pytest.mark.parametrize(
    ("nearly_all", "count", "slow_after"),
    [
        (HOUR, ENOUGH, HOUR),
        (timedelta(seconds=3), ENOUGH, LEAST_SLOW),
        (HOUR, ENOUGH - 1, None),
    ],
)
def test_slow_is_what_takes_longer_than_nearly_all_before(
    nearly_all: timedelta, count: int, slow_after: timedelta | None
) -> None:
    """Never within a quarter of an hour, and only where enough is known."""
    one = referral(state=ReferralState.DELIVERED, delivered_at=T0, delivered_revision=1)
    if slow_after is None:
        assert judge(standing(one), Judging(now=T0 + DAY, usual=usual(nearly_all, count))) == []
        return
    known = usual(nearly_all, count)
    second = timedelta(seconds=1)
    assert judge(standing(one), Judging(now=T0 + slow_after - second, usual=known)) == []
    found = only(judge(standing(one), Judging(now=T0 + slow_after, usual=known)))
    assert found is not None
    assert (found.kind, found.since, found.until) == (StuckKind.SLOW, T0 + slow_after, T0 + 5 * DAY)


@pytest.mark.parametrize("verdict", [Verdict.INFORMATION_REQUIRED, Verdict.INSPECTION_REQUIRED])
def test_what_waits_for_others_is_not_the_agencys(verdict: Verdict) -> None:
    """The declarant's answer, an inspection: however long, and whatever the deadline."""
    asked = referral(
        state=ReferralState.DELIVERED, delivered_at=T0, delivered_revision=1, decisions=(decision(verdict),)
    )
    assert judge(standing(asked), Judging(now=T0 + 5 * DAY, usual=usual(HOUR))) == []


def test_the_declaration_as_a_whole_is_stuck_once() -> None:
    """What nobody has taken up is told once, not for each of its referrals as well."""
    late = Judging(now=T0 + GRACE)
    nobody = standing(referral(), referral("two"), started=False, untold_since=T0, unsent_since=T0)
    [found] = judge(nobody, late)
    assert (found.service, found.kind, found.since) == (None, StuckKind.NOT_STARTED, T0)
    deaf = standing(untold_since=T0, unsent_since=T0)
    assert [one.kind for one in judge(deaf, late)] == [StuckKind.UNTOLD]
    told = standing(unsent_since=T0, unsent_trouble="connection refused", closed=True)
    [found] = judge(told, late)
    assert (found.kind, found.trouble) == (StuckKind.NOTICE_UNSENT, "connection refused")
    assert judge(told, Judging(now=T0 + GRACE / 2)) == []


def test_cargo_is_what_is_not_released() -> None:
    """Gross mass before net; currencies are not added; nothing is known where nothing was declared."""
    items = [
        {"number": 1, "hs_code": "0805100000", "gross_mass_kg": "10", "net_mass_kg": "9"},
        {"number": 2, "hs_code": "0709200000", "net_mass_kg": "5"},
        {"number": 3, "hs_code": "8471300000"},
    ]
    for item, currency in zip(items, ("USD", "EUR", "USD"), strict=True):
        item["value"] = {"amount": "2.50", "currency": currency}
    declaration = Declaration.model_validate(
        {
            "lrn": "L",
            "procedure": "import",
            "declarant": {"id": "D"},
            "consignment": {"ucr": "6KR"},
            "items": items,
        }
    )
    held = cargo_of(declaration, None, ())
    assert (held.kilograms, held.chapters) == (Decimal(15), ("07", "08", "84"))
    assert held.worth == {"USD": Decimal("5.00"), "EUR": Decimal("2.50")}
    assert cargo_of(declaration, (1, 2), (1,)).kilograms == Decimal(5)
    assert cargo_of(declaration, (3,), ()).kilograms is None
