"""Offices: inspections as few as may be, duties to the penny, decisions in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.case import Case, CasePolicy, Change, Referral
from hub.domain.clearance import Clearance
from hub.domain.deadlines import WorkingCalendar
from hub.domain.duties import CoverKind, Duties
from hub.domain.events import EventType, NewEvent
from hub.domain.inspection import Inspection, InspectionState
from hub.domain.intake import Acceptance
from hub.domain.life import apply, with_decision
from hub.domain.model import Money
from hub.domain.referral import Answers, Decision, OnExpiry, ReferralState, ReferralTerms, Verdict, Via
from hub.domain.settling import settle
from hub.domain.steps import StepRefused
from hub.domain.steps.controlling import decision_by_hand, moved_deadline, withdrawn_by_hand
from hub.domain.steps.duties import assess, cover
from hub.domain.steps.inspecting import confirm, is_to_be_arranged, offer, reported, result
from hub.domain.withdrawal import Withdrawal

SEOUL = ZoneInfo("Asia/Seoul")
FRIDAY = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
ITEMS = (1, 2, 3)
SERVICES = ("apqa-animal-import", "mfds-livestock-import", "customs-control")


def calendar(*closed: int, zone: ZoneInfo = SEOUL, closes_at: time = time(18)) -> WorkingCalendar:
    """Monday to Friday, without these days of November 2026."""
    return WorkingCalendar(
        zone, closes_at, lambda day: day in {date(2026, 11, d) for d in closed}, opens_at=time(9)
    )


@dataclass
class Stands:
    """A declaration as it stands, and goes on by what steps say."""

    case: Case
    closed_at: datetime | None = None

    @property
    def clearance(self) -> Clearance:
        return settle(self.case)

    @property
    def acceptance(self) -> Acceptance:
        consignment = SimpleNamespace(location="Incheon cold store 3")
        declaration = SimpleNamespace(consignment=consignment)
        return cast(Acceptance, SimpleNamespace(accepted_at=FRIDAY, declaration=declaration))

    def take(self, events: Iterable[NewEvent]) -> list[EventType]:
        """What happened, in order."""
        events = list(events)
        for event in events:
            self.case = apply(self.case, event)
        return [event.type for event in events]

    def decide(self, service: str, verdict: Verdict, id: str, items: tuple[int, ...] | None = None) -> None:
        referral = self.case.referral(service)
        number = sum(len(r.decisions) for r in self.case.referrals)
        said = Decision(
            id=id,
            referral=referral.terms.id,
            verdict=verdict,
            items=items,
            word=verdict,
            decided_at=FRIDAY + timedelta(seconds=number),
            received_at=FRIDAY + timedelta(seconds=number),
            via=Via.CALLBACK,
            revision=referral.terms.revision,
        )
        changed = with_decision(referral, said, None)
        others = (changed if r.terms.service == service else r for r in self.case.referrals)
        self.case = self.case.model_copy(update={"referrals": tuple(others)})

    def inspections(self) -> list[Inspection]:
        return list(self.case.inspections)


def stands(**policy: Any) -> Stands:
    return Stands(
        Case(
            mrn="26KR7Q2M9D4X1C8TB5",
            policy=CasePolicy(version="p-1", refusal_open_for="30d", **policy),
            items=ITEMS,
            referrals=tuple(_referral(service) for service in SERVICES),
        )
    )


def _referral(service: str) -> Referral:
    return Referral(
        terms=ReferralTerms(
            id=f"26KR7Q2M9D4X1C8TB5/{service}",
            mrn="26KR7Q2M9D4X1C8TB5",
            service=service,
            agency=service.partition("-")[0],
            service_name={"en": service},
            law={"en": "Act"},
            document="Certificate",
            items=ITEMS,
            answers=Answers.DOOR if service == "customs-control" else Answers.CALLBACK,
            answer_within="3wd",
            due_at=FRIDAY + timedelta(days=5),
            on_expiry=OnExpiry.HOLD,
            config_version="v-1",
        ),
        state=ReferralState.DELIVERED,
        delivered_revision=1,
        delivered_at=FRIDAY,
    )


def everyday(agency: str) -> WorkingCalendar:
    return calendar(23)


# --- inspections --------------------------------------------------------------------------------------


def test_inspections_of_several_offices_are_one_appointment_on_a_day_that_suits_all() -> None:
    one = stands(joint_inspection=True, inspection_within="2wd")
    one.decide("apqa-animal-import", Verdict.INSPECTION_REQUIRED, "A", (1,))
    one.decide("customs-control", Verdict.INSPECTION_REQUIRED, "C", (2, 3))
    offices = {"apqa": calendar(23), "customs": calendar(24)}
    assert one.take(offer(one, offices.__getitem__, FRIDAY)) == [EventType.INSPECTION_OFFERED]
    [appointment] = one.inspections()
    assert [p.agency for p in appointment.parties] == ["apqa", "customs"]
    assert (appointment.id, appointment.place, appointment.items) == ("I1", "Incheon cold store 3", (1, 2, 3))
    # Monday apqa is away and Tuesday customs; Wednesday and Thursday both work.
    assert appointment.opens_at.astimezone(SEOUL) == datetime(2026, 11, 25, 9, tzinfo=SEOUL)
    assert appointment.closes_at.astimezone(SEOUL) == datetime(2026, 11, 26, 18, tzinfo=SEOUL)
    assert one.take(offer(one, offices.__getitem__, FRIDAY)) == []


def test_without_the_policy_each_office_has_its_own() -> None:
    one = stands()
    one.decide("apqa-animal-import", Verdict.INSPECTION_REQUIRED, "A1", (1,))
    one.decide("apqa-animal-import", Verdict.INSPECTION_REQUIRED, "A2", (2,))
    one.decide("mfds-livestock-import", Verdict.INSPECTION_REQUIRED, "M")
    one.take(offer(one, everyday, FRIDAY))
    assert [[p.decision for p in i.parties] for i in one.inspections()] == [["A1", "A2"], ["M"]]


def test_who_calls_for_one_later_joins_until_it_is_confirmed() -> None:
    one = stands(joint_inspection=True)
    one.decide("apqa-animal-import", Verdict.INSPECTION_REQUIRED, "A")
    one.take(offer(one, everyday, FRIDAY))
    one.decide("customs-control", Verdict.INSPECTION_REQUIRED, "C")
    assert one.take(offer(one, everyday, FRIDAY)) == [EventType.INSPECTION_OFFERED]
    assert len(one.inspections()) == 1
    when = datetime(2026, 11, 24, 10, tzinfo=SEOUL)
    one.take(confirm(one, "I1", when, calendars=everyday, by="broker", at=FRIDAY))
    one.decide("mfds-livestock-import", Verdict.INSPECTION_REQUIRED, "M")
    one.take(offer(one, everyday, FRIDAY))
    assert [(i.id, i.state) for i in one.inspections()] == [
        ("I1", InspectionState.CONFIRMED),
        ("I2", InspectionState.OFFERED),
    ]


def test_offices_without_a_common_day_come_on_their_own() -> None:
    one = stands(joint_inspection=True)
    one.decide("apqa-animal-import", Verdict.INSPECTION_REQUIRED, "A")
    one.decide("mfds-livestock-import", Verdict.INSPECTION_REQUIRED, "M")
    weekends = WorkingCalendar(SEOUL, time(18), lambda day: False, frozenset(range(5)))
    one.take(offer(one, {"apqa": weekends, "mfds": calendar()}.__getitem__, FRIDAY))
    assert [(i.opens_at.astimezone(SEOUL).day, len(i.parties)) for i in one.inspections()] == [
        (21, 1),
        (23, 1),
    ]


def test_an_appointment_that_nobody_wants_any_more_is_cancelled() -> None:
    one = stands(joint_inspection=True)
    one.decide("apqa-animal-import", Verdict.INSPECTION_REQUIRED, "A")
    one.decide("customs-control", Verdict.INSPECTION_REQUIRED, "C")
    one.take(offer(one, everyday, FRIDAY))
    one.decide("apqa-animal-import", Verdict.APPROVED, "A2")
    one.take(offer(one, everyday, FRIDAY))
    [appointment] = one.inspections()
    assert [p.decision for p in appointment.parties] == ["C"]
    one.case = one.case.model_copy(
        update={"withdrawal": Withdrawal(reason="C01", requested_at=FRIDAY, by="broker")}
    )
    assert one.take(offer(one, everyday, FRIDAY)) == [EventType.INSPECTION_CANCELLED]
    assert one.inspections()[0].state is InspectionState.CANCELLED


def test_what_was_not_confirmed_in_time_is_offered_anew() -> None:
    one = stands()
    one.decide("apqa-animal-import", Verdict.INSPECTION_REQUIRED, "A")
    one.take(offer(one, everyday, FRIDAY))
    later = FRIDAY + timedelta(days=10)
    with pytest.raises(StepRefused, match="outside-window"):
        confirm(one, "I1", later + timedelta(days=1), calendars=everyday, by="broker", at=later)
    assert one.take(offer(one, everyday, later)) == [EventType.INSPECTION_OFFERED]
    [appointment] = one.inspections()
    assert appointment.opens_at.astimezone(SEOUL).date() == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (datetime(2026, 11, 20, 17, tzinfo=SEOUL), "the window is open"),
        (datetime(2026, 11, 30, 10, tzinfo=SEOUL), "the window is open"),
        (datetime(2026, 11, 26, 10, tzinfo=SEOUL), "apqa does not work"),
        (datetime(2026, 11, 25, 8, 59, tzinfo=SEOUL), "apqa works from 09:00 to 18:00"),
        (datetime(2026, 11, 25, 18, 1, tzinfo=SEOUL), "apqa works from 09:00 to 18:00"),
    ],
)
def test_it_takes_place_while_the_offices_work(when: datetime, why: str) -> None:
    one = stands(inspection_within="3wd")
    one.decide("apqa-animal-import", Verdict.INSPECTION_REQUIRED, "A")
    one.take(offer(one, lambda agency: calendar(23, 26), FRIDAY))
    with pytest.raises(StepRefused, match=why) as refused:
        confirm(one, "I1", when, calendars=lambda agency: calendar(23, 26), by="broker", at=FRIDAY)
    assert refused.value.pointer == "/at"


def test_reports_become_decisions_and_the_last_one_ends_it() -> None:
    one = stands(joint_inspection=True)
    one.decide("apqa-animal-import", Verdict.INSPECTION_REQUIRED, "A", (1, 2))
    one.decide("customs-control", Verdict.INSPECTION_REQUIRED, "C")
    one.take(offer(one, everyday, FRIDAY))
    told: dict[str, Any] = {
        "verdict": Verdict.APPROVED,
        "items": None,
        "remarks": "",
        "by": "x",
        "at": FRIDAY,
    }
    with pytest.raises(StepRefused, match="not confirmed"):
        result(one, "I1", "apqa-animal-import", **told)
    one.take(
        confirm(one, "I1", datetime(2026, 11, 24, 10, tzinfo=SEOUL), calendars=everyday, by="b", at=FRIDAY)
    )
    with pytest.raises(StepRefused, match="no part"):
        result(one, "I1", "mfds-livestock-import", **told)
    with pytest.raises(StepRefused, match="goods item 3") as refused:
        result(one, "I1", "apqa-animal-import", **{**told, "items": (1, 3)})
    assert refused.value.pointer == "/items/1"
    found = result(one, "I1", "apqa-animal-import", **told)
    assert (found.items, found.via, found.by) == ((1, 2), Via.INSPECTION, "x")
    one.decide("apqa-animal-import", Verdict.APPROVED, "R-1", (1, 2))
    one.take(reported(one, "I1", "apqa-animal-import", "R-1", FRIDAY))
    assert reported(one, "I1", "apqa-animal-import", "R-1", FRIDAY) == []
    assert one.inspections()[0].state is InspectionState.CONFIRMED
    assert not is_to_be_arranged(one.case)
    with pytest.raises(StepRefused, match="there is a report"):
        confirm(one, "I1", datetime(2026, 11, 24, 11, tzinfo=SEOUL), calendars=everyday, by="b", at=FRIDAY)
    one.decide("customs-control", Verdict.APPROVED, "R-2")
    one.take(reported(one, "I1", "customs-control", "R-2", FRIDAY))
    assert one.inspections()[0].state is InspectionState.DONE


def test_a_report_is_noted_though_whoever_brought_it_did_not_live_to() -> None:
    """It is a decision already: the appointment learns of it, and keeps the office."""
    one = stands(joint_inspection=True)
    one.decide("apqa-animal-import", Verdict.INSPECTION_REQUIRED, "A", (1, 2))
    one.decide("customs-control", Verdict.INSPECTION_REQUIRED, "C")
    one.take(offer(one, everyday, FRIDAY))
    one.take(
        confirm(one, "I1", datetime(2026, 11, 24, 10, tzinfo=SEOUL), calendars=everyday, by="b", at=FRIDAY)
    )
    told: dict[str, Any] = {"items": None, "remarks": "", "by": "x", "at": FRIDAY}
    found = result(one, "I1", "apqa-animal-import", verdict=Verdict.APPROVED, **told)
    one.decide("apqa-animal-import", Verdict.APPROVED, found.id, (1,))
    assert is_to_be_arranged(one.case)
    assert one.take(offer(one, everyday, FRIDAY)) == [EventType.INSPECTION_REPORTED]
    assert reported(one, "I1", "apqa-animal-import", found.id, FRIDAY) == []
    assert [p.reported for p in one.inspections()[0].parties] == [found.id, None]
    assert not is_to_be_arranged(one.case)


def test_what_a_report_leaves_open_is_inspected_again() -> None:
    one = stands()
    one.decide("apqa-animal-import", Verdict.INSPECTION_REQUIRED, "A", (1, 2))
    one.take(offer(one, everyday, FRIDAY))
    one.take(
        confirm(one, "I1", datetime(2026, 11, 24, 10, tzinfo=SEOUL), calendars=everyday, by="b", at=FRIDAY)
    )
    one.decide("apqa-animal-import", Verdict.APPROVED, "R-1", (1,))
    one.take(reported(one, "I1", "apqa-animal-import", "R-1", FRIDAY))
    assert is_to_be_arranged(one.case)
    one.take(offer(one, everyday, FRIDAY))
    assert [(i.id, i.state, i.items) for i in one.inspections()] == [
        ("I1", InspectionState.DONE, (1, 2)),
        ("I2", InspectionState.OFFERED, (2,)),
    ]


_demands = st.lists(
    st.tuples(
        st.sampled_from(SERVICES),
        st.sampled_from([Verdict.INSPECTION_REQUIRED, Verdict.INSPECTION_REQUIRED, Verdict.APPROVED]),
        st.sets(st.sampled_from(ITEMS), min_size=1),
        st.sampled_from(["offer", "confirm", "report", "nothing"]),
    ),
    max_size=10,
)


@given(joint=st.booleans(), demands=_demands)
def test_every_standing_demand_has_one_open_appointment_and_nothing_else_has(
    joint: bool, demands: Sequence[tuple[str, Verdict, set[int], str]]
) -> None:
    """Whatever comes in which order: after an offer nothing is left to arrange."""
    one = stands(joint_inspection=joint)
    for number, (service, verdict, items, then) in enumerate(demands):
        one.decide(service, verdict, f"D{number}", tuple(sorted(items)))
        if then == "nothing":
            continue
        one.take(offer(one, everyday, FRIDAY))
        for inspection in one.inspections():
            if then == "confirm" and inspection.state is InspectionState.OFFERED:
                when = datetime(2026, 11, 24, 10, tzinfo=SEOUL)
                one.take(confirm(one, inspection.id, when, calendars=everyday, by="b", at=FRIDAY))
            if then == "report" and inspection.state is InspectionState.CONFIRMED:
                party = next(p for p in inspection.parties if p.reported is None)
                one.decide(party.service, Verdict.APPROVED, f"R{number}", party.items)
                one.take(reported(one, inspection.id, party.service, f"R{number}", FRIDAY))
    one.take(offer(one, everyday, FRIDAY))
    assert offer(one, everyday, FRIDAY) == []
    assert not is_to_be_arranged(one.case)
    open_ = [i for i in one.inspections() if i.state in (InspectionState.OFFERED, InspectionState.CONFIRMED)]
    parties = [(p.service, p.decision) for i in open_ for p in i.parties]
    assert len(parties) == len(set(parties))
    if joint:
        assert sum(i.state is InspectionState.OFFERED for i in open_) <= 1
    assert all(FRIDAY < i.opens_at < i.closes_at for i in open_)
    assert all(any(p.reported is None for p in i.parties) for i in open_)


# --- duties -------------------------------------------------------------------------------------------


def won(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="KRW")


def _covered(one: Stands, amount: str, reference: str = "PAY-1") -> list[NewEvent]:
    return cover(one, CoverKind.PAYMENT, won(amount), reference, by="treasury", at=FRIDAY)


def duties(one: Stands) -> Duties:
    assert one.case.duties is not None
    return one.case.duties


def test_duties_are_covered_by_exactly_what_is_due() -> None:
    one = stands(duty_gate=True)
    with pytest.raises(StepRefused, match="duties-not-assessed"):
        _covered(one, "100")
    one.take(assess(one, won("100.00"), by="customs", at=FRIDAY))
    assert assess(one, won("100"), by="customs", at=FRIDAY) == []
    for amount in ("99.99", "100.01"):
        with pytest.raises(StepRefused, match=f"100.00 KRW are due, and {amount} KRW were") as refused:
            _covered(one, amount)
        assert refused.value.pointer == "/amount"
    with pytest.raises(StepRefused, match="100 USD were"):
        cover(one, CoverKind.PAYMENT, Money(amount=Decimal(100), currency="USD"), "PAY-1", by="t", at=FRIDAY)
    assert one.take(_covered(one, "100")) == [EventType.DUTIES_COVERED]
    assert duties(one).are_covered
    assert _covered(one, "100.0") == []
    for again in ("PAY-1", "PAY-2"):
        with pytest.raises(StepRefused, match="already-covered"):
            cover(one, CoverKind.GUARANTEE, won("100"), again, by="treasury", at=FRIDAY)


def test_what_was_paid_counts_for_its_own_amount_only() -> None:
    one = stands()
    one.take(assess(one, won("100"), by="customs", at=FRIDAY))
    one.take(_covered(one, "100"))
    one.take(assess(one, won("120"), by="customs", at=FRIDAY))
    assert not duties(one).are_covered
    one.take(_covered(one, "120", "PAY-2"))
    one.case = one.case.model_copy(update={"version": 2})
    assert one.take(assess(one, won("120"), by="customs", at=FRIDAY)) == [EventType.DUTIES_ASSESSED]
    assert duties(one).are_covered
    assert duties(one).version == 2
    with pytest.raises(StepRefused, match="less than nothing") as refused:
        assess(one, won("-1"), by="customs", at=FRIDAY)
    assert refused.value.pointer == "/amount/amount"


def test_nothing_due_is_covered() -> None:
    one = stands(duty_gate=True)
    one.take(assess(one, won("0"), by="customs", at=FRIDAY))
    assert duties(one).are_covered


# --- by hand ------------------------------------------------------------------------------------------


def by_hand(one: Stands, service: str = "apqa-animal-import", **said: Any) -> Decision:
    given: dict[str, Any] = {
        "verdict": Verdict.APPROVED,
        "items": None,
        "remarks": None,
        "reference": None,
        "decided_at": None,
        "revision": None,
    }
    return decision_by_hand(
        one, service, id="D", by="officer", at=FRIDAY + timedelta(hours=1), **given | said
    )


def test_a_decision_by_hand_names_who_gave_it_and_what_it_is_about() -> None:
    decision = by_hand(stands(), items=(3, 1, 3), remarks="seen", revision=1)
    assert (decision.items, decision.by, decision.via, decision.revision) == ((1, 3), "officer", Via.DOOR, 1)
    assert decision.decided_at == decision.received_at == FRIDAY + timedelta(hours=1)


@pytest.mark.parametrize(
    ("said", "code", "pointer"),
    [
        ({"items": (1, 7)}, "invalid-request", "/items/1"),
        ({"revision": 2}, "amended-meanwhile", "/revision"),
        ({"decided_at": FRIDAY + timedelta(hours=2)}, "invalid-request", "/decided_at"),
        ({"decided_at": FRIDAY - timedelta(seconds=1)}, "invalid-request", "/decided_at"),
        ({"service": "npa-firearms"}, "not-found", None),
    ],
)
def test_a_decision_by_hand_that_cannot_be(said: dict[str, Any], code: str, pointer: str | None) -> None:
    with pytest.raises(StepRefused) as refused:
        by_hand(stands(), **said)
    assert (refused.value.code, refused.value.pointer) == (code, pointer)


def _to_be(change: Change, trouble: str | None = None) -> Stands:
    one = stands()
    apqa, *others = one.case.referrals
    changed = apqa.model_copy(update={"change": change, "trouble": trouble})
    one.case = one.case.model_copy(update={"referrals": (changed, *others)})
    return one


def test_nobody_decides_on_what_is_not_asked_any_more() -> None:
    with pytest.raises(StepRefused, match="referral-withdrawn"):
        by_hand(_to_be(Change.WITHDRAW))


def _told(one: Stands, *, channel: bool = False) -> list[NewEvent]:
    return withdrawn_by_hand(
        one, "apqa-animal-import", remarks="told", channel_withdraws=channel, by="op", at=FRIDAY
    )


def test_a_person_tells_the_agency_that_an_application_is_withdrawn() -> None:
    one = _to_be(Change.WITHDRAW)
    with pytest.raises(StepRefused, match="not-by-hand"):
        _told(one, channel=True)
    one.take(_told(one))
    assert one.case.referral("apqa-animal-import").state is ReferralState.WITHDRAWN
    assert _told(one) == []
    assert _told(_to_be(Change.WITHDRAW, "the agency says no"), channel=True)
    with pytest.raises(StepRefused, match="not-awaited"):
        _told(stands())


def test_what_is_submitted_anew_gets_another_id() -> None:
    one = _to_be(Change.RESUBMIT)
    one.take(_told(one))
    referral = one.case.referral("apqa-animal-import")
    assert (referral.state, referral.terms.id) == (
        ReferralState.PENDING,
        "26KR7Q2M9D4X1C8TB5/apqa-animal-import.1",
    )


def _moved(one: Stands, due_at: datetime) -> list[NewEvent]:
    return moved_deadline(
        one, "apqa-animal-import", due_at=due_at, calendar=calendar(), reason="lab", by="op", at=FRIDAY
    )


def test_a_deadline_may_be_moved_and_what_had_passed_is_awaited_again() -> None:
    one = stands()
    later = FRIDAY + timedelta(days=9)
    one.take([NewEvent(at=FRIDAY, type=EventType.REFERRAL_EXPIRED, service="apqa-animal-import")])
    one.take(_moved(one, later))
    referral = one.case.referral("apqa-animal-import")
    assert (referral.state, referral.deadline) == (ReferralState.DELIVERED, later)
    assert _moved(one, later) == []
    with pytest.raises(StepRefused, match="days ahead"):
        _moved(one, datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    with pytest.raises(StepRefused, match="has passed") as refused:
        _moved(one, FRIDAY)
    assert refused.value.pointer == "/due_at"
    one.decide("apqa-animal-import", Verdict.APPROVED, "A")
    with pytest.raises(StepRefused, match="has decided"):
        _moved(one, later + timedelta(days=1))
