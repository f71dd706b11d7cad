"""Answer times: counted with the decision, by whatever way it comes in."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hub.domain.event_data import InformationGiven, InformationPassedOn
from hub.domain.events import EventType, NewEvent
from hub.domain.referral import ReferralState, Verdict, Via
from hub.store import Store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, SECOND, T0

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = T0 + 30 * DAY


def lodge(store: Store, *services: str) -> str:
    accepted = sample.acceptance(*services)
    store.lodge(accepted)
    return accepted.mrn


def deliver(store: Store, mrn: str, service: str) -> None:
    store.record_hand_overs(mrn, [sample.delivered(mrn, service)], T0)


def decide(
    store: Store, mrn: str, service: str, after: timedelta, verdict: Verdict = Verdict.APPROVED
) -> str:
    said = sample.decision(mrn, service, verdict, at=T0 + after)
    store.receive(sample.message(said, referral=said.referral, at=T0 + after, agency=service[:4]))
    return said.id


def half(store: Store, service: str) -> timedelta:
    return store.usual(LATER)[service].half


def test_a_decision_that_comes_in_by_the_inbox_is_counted(store: Store) -> None:
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    decide(store, mrn, PLANT, 3 * HOUR)
    known = store.answer_times(LATER)[PLANT]
    assert known.count == 1
    assert 0.7 * 3 * HOUR < half(store, PLANT) < 1.3 * 3 * HOUR


def test_a_decision_in_the_reply_is_counted(store: Store) -> None:
    """The agency has it and decides at once."""
    mrn = lodge(store, PLANT)
    said = sample.decision(mrn, PLANT, via=Via.REPLY)
    result = sample.delivered(mrn, PLANT).model_copy(
        update={"state": ReferralState.DECIDED, "decisions": (said,)}
    )
    store.record_hand_overs(mrn, [result], T0)
    assert store.answer_times(LATER)[PLANT].count == 1
    assert half(store, PLANT) <= SECOND


def test_a_decision_that_overtakes_its_receipt_is_timed_from_when_it_was_sent(store: Store) -> None:
    mrn = lodge(store, PLANT)
    store.begin_hand_over(mrn, [PLANT], T0)
    decide(store, mrn, PLANT, 60 * SECOND)
    deliver(store, mrn, PLANT)
    assert store.answer_times(LATER)[PLANT].count == 1
    assert 40 * SECOND < half(store, PLANT) < 80 * SECOND


def test_the_same_decision_again_is_counted_once(store: Store) -> None:
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    said = sample.decision(mrn, PLANT)
    for id in ("M1", "M2"):
        store.receive(sample.message(said, message_id=id, referral=said.referral))
    assert store.answer_times(LATER)[PLANT].count == 1


def test_what_is_not_a_final_word_is_not_counted(store: Store) -> None:
    """A question, an inspection, and a decision on one of two goods items leave it undecided."""
    for verdict, items in (
        (Verdict.INFORMATION_REQUIRED, None),
        (Verdict.INSPECTION_REQUIRED, None),
        (Verdict.APPROVED, (1,)),
    ):
        mrn = lodge(store, PLANT)
        deliver(store, mrn, PLANT)
        said = sample.decision(mrn, PLANT, verdict, items=items)
        store.receive(sample.message(said, referral=said.referral))
    assert store.answer_times(LATER) == {}


def test_time_in_which_the_clock_stood_still_is_left_out(store: Store) -> None:
    """Asked after an hour, answered after a week, decided an hour later: that is two hours."""
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    question = decide(store, mrn, PLANT, HOUR, Verdict.INFORMATION_REQUIRED)
    back = T0 + HOUR + 7 * DAY
    passed_on = InformationPassedOn(request=question, information="I1", by="channel", due_at=back + 3 * DAY)
    news = [
        (EventType.INFORMATION_GIVEN, InformationGiven(request=question, information="I1")),
        (EventType.INFORMATION_PASSED_ON, passed_on),
    ]
    store.change(
        mrn,
        lambda view: [
            NewEvent(at=back, type=kind, service=PLANT, data=data.model_dump(mode="json"))
            for kind, data in news
        ],
    )
    decide(store, mrn, PLANT, 2 * HOUR + 7 * DAY)
    assert store.answer_times(LATER)[PLANT].count == 1
    assert 0.7 * 2 * HOUR < half(store, PLANT) < 1.3 * 2 * HOUR


def test_a_late_decision_is_not_counted(store: Store) -> None:
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    store.close_case(mrn, T0 + SECOND)
    decide(store, mrn, PLANT, HOUR)
    assert store.answer_times(LATER) == {}


def test_nothing_is_counted_of_a_decision_that_is_not_recorded(store: Store) -> None:
    """The count stands or falls with the decision: here the step fails after it."""
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    said = sample.decision(mrn, PLANT, at=T0 + HOUR)
    told = NewEvent(
        at=T0 + HOUR,
        type=EventType.DECISION_RECEIVED,
        service=PLANT,
        data={"decision": said.id, **said.model_dump(mode="json", exclude={"id", "referral"})},
    )
    unknown = NewEvent(at=T0 + HOUR, type=EventType.REFERRAL_DELIVERED, service="no-such-service")
    with pytest.raises(KeyError):
        store.change(mrn, lambda view: [told, unknown])
    assert store.answer_times(LATER) == {}
    store.change(mrn, lambda view: [told])
    assert store.answer_times(LATER + DAY)[PLANT].count == 1


def test_answers_are_kept_by_service_and_day(store: Store) -> None:
    for service, after in ((PLANT, HOUR), (PLANT, 2 * DAY), (PLANT, 2 * DAY + HOUR), (FOOD, HOUR)):
        mrn = lodge(store, service)
        deliver(store, mrn, service)
        decide(store, mrn, service, after)
    told = store.answers([PLANT], date(2026, 3, 1))
    assert [(one.service, one.day, one.usual.count) for one in told] == [
        (PLANT, date(2026, 3, 2), 1),
        (PLANT, date(2026, 3, 4), 2),
    ]
    assert [one.day for one in store.answers([FOOD, PLANT], date(2026, 3, 3))] == [date(2026, 3, 4)]


def test_what_is_usual_is_of_the_last_ninety_days(store: Store) -> None:
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    decide(store, mrn, PLANT, HOUR)
    assert store.usual(T0 + 90 * DAY)[PLANT].count == 1
    assert store.usual(T0 + 92 * DAY) == {}


def test_what_is_usual_is_read_once_a_minute(store: Store) -> None:
    """Many pages ask; what was decided this minute is told from the next on, and stays told."""
    at = (T0 + 2 * HOUR).replace(second=10)
    assert store.usual(at) == {}
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    decide(store, mrn, PLANT, HOUR)
    assert store.usual(at + 20 * SECOND) == {}
    for later in (60 * SECOND, DAY, 2 * DAY, 3 * DAY, 90 * DAY):
        assert store.usual(at + later)[PLANT].count == 1
