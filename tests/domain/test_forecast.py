"""Forecasts: what can be told of an answer that is awaited, and when nothing can."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.case import Referral
from hub.domain.deadlines import WorkingCalendar
from hub.domain.forecast import Basis, Forecast, forecast_of, forecast_of_all, next_working
from hub.domain.history import BUCKETS, AnswerTimes, bucket_of
from hub.domain.information import ClockStop
from hub.domain.referral import Answers, OnExpiry, ReferralTerms

SEOUL = ZoneInfo("Asia/Seoul")
MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=SEOUL).astimezone(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALWAYS = WorkingCalendar(SEOUL, time.max, lambda day: False, frozenset())
OFFICE = WorkingCalendar(SEOUL, time(18), lambda day: day == date(2026, 3, 9), opens_at=time(9))


def referral(service: str = "x-import", **more: Any) -> Referral:
    on_expiry = more.pop("on_expiry", OnExpiry.HOLD)
    terms = ReferralTerms(
        id=f"M/{service}",
        mrn="M",
        service=service,
        agency="x",
        service_name={},
        law={},
        document="",
        items=(1,),
        answers=Answers.CALLBACK,
        answer_within="10d",
        due_at=MONDAY + 10 * DAY,
        on_expiry=on_expiry,
        config_version="1",
    )
    return Referral(terms=terms, **{"delivered_at": MONDAY, **more})


def took(*hours: float) -> AnswerTimes:
    counts = [0] * BUCKETS
    for length in hours:
        counts[bucket_of(timedelta(hours=length))] += 1
    return AnswerTimes(counts=tuple(counts))


USUALLY = took(*[3.0] * 50, *[40.0] * 45, *[200.0] * 5)


def told(
    of: Referral, times: AnswerTimes | None, after: timedelta, calendar: WorkingCalendar = ALWAYS
) -> Forecast:
    return forecast_of(of, times, calendar, MONDAY + after)


def test_from_a_few_answers_only_the_legal_time_is_told() -> None:
    for times in (None, AnswerTimes(), took(*[1.0] * 19)):
        said = told(referral(), times, HOUR)
        assert said == Forecast(basis=Basis.LAW, waited=HOUR, due_at=MONDAY + 10 * DAY)


def test_it_is_told_from_how_long_the_service_took_before() -> None:
    said = told(referral(), USUALLY, timedelta(0))
    assert said.basis is Basis.HISTORY
    assert said.usual is not None
    assert said.usual.count == 100
    assert said.likely_by is not None
    assert said.nearly_sure_by is not None
    assert 2 * HOUR < said.likely_by - MONDAY < 4 * HOUR
    assert 30 * HOUR < said.nearly_sure_by - MONDAY < 50 * HOUR


def test_who_has_waited_is_told_from_those_that_waited_as_long() -> None:
    """After five hours it is none of the quick ones: half of the others take up to a day and a half more."""
    said = told(referral(), USUALLY, 5 * HOUR)
    assert said.likely_by is not None
    assert said.likely_by - MONDAY > 30 * HOUR


def test_what_takes_longer_than_all_before_is_told_nothing() -> None:
    said = told(referral(), USUALLY, 9 * DAY + 23 * HOUR)
    assert said.longer_than_usual
    assert (said.likely_by, said.nearly_sure_by) == (None, None)
    assert said.due_at == MONDAY + 10 * DAY


def test_what_the_agency_has_not_got_has_not_waited() -> None:
    said = told(referral(delivered_at=None), USUALLY, 5 * HOUR)
    assert said.waited is None
    assert said.likely_by is not None
    assert said.likely_by - MONDAY < 9 * HOUR


def test_while_its_clock_stands_still_no_moment_is_told() -> None:
    """It waits for the declarant; how long that takes nobody knows."""
    stopped = referral(stops=(ClockStop(from_=MONDAY + HOUR, request="q"),))
    said = told(stopped, USUALLY, 5 * HOUR)
    assert said.waited == HOUR
    assert (said.likely_by, said.due_at) == (None, None)


def test_a_passed_deadline_is_not_told() -> None:
    assert told(referral(), took(*[500.0] * 30), 11 * DAY).due_at is None


@pytest.mark.parametrize("on_expiry", [OnExpiry.DEEMED_APPROVED, OnExpiry.DEEMED_REFUSED])
def test_what_the_law_takes_as_given_is_there_by_its_deadline(on_expiry: OnExpiry) -> None:
    """Also where the service itself has always taken longer, or never so long as this one has waited."""
    for times in (took(*[500.0] * 30), took(*[0.1] * 30)):
        said = told(referral(on_expiry=on_expiry), times, 9 * DAY)
        assert said.nearly_sure_by == MONDAY + 10 * DAY


def test_people_answer_when_their_office_is_open() -> None:
    """Friday at 16:00 and three hours more: that is on Tuesday, for Monday is a holiday."""
    friday = MONDAY + 4 * DAY + 6 * HOUR
    said = forecast_of(referral(delivered_at=friday), took(*[3.0] * 30), OFFICE, friday)
    assert said.likely_by == datetime(2026, 3, 10, 18, 0, tzinfo=SEOUL)


def test_machines_answer_at_night() -> None:
    night = MONDAY + 13 * HOUR
    said = forecast_of(referral(delivered_at=night), took(*[0.1] * 30), OFFICE, night)
    assert said.likely_by is not None
    assert said.likely_by - night < HOUR


@given(st.timedeltas(timedelta(0), timedelta(days=300)))
def test_the_next_working_moment_is_one_and_no_later_than_it_must(after: timedelta) -> None:
    at = MONDAY + after
    moved = next_working(OFFICE, at).astimezone(SEOUL)
    assert OFFICE.works_on(moved.date())
    assert time(9) <= moved.time() <= time(18)
    assert moved >= at
    assert next_working(OFFICE, moved) == moved


def test_an_office_that_never_opens_moves_nothing() -> None:
    closed = WorkingCalendar(SEOUL, time(18), lambda day: True)
    assert next_working(closed, MONDAY) == MONDAY


def all_of(*referrals: Referral, times: dict[str, AnswerTimes], after: timedelta = timedelta(0)) -> Forecast:
    said = forecast_of_all(referrals, times.get, lambda agency: ALWAYS, MONDAY + after)
    assert said is not None
    return said


def test_nothing_is_forecast_where_nothing_is_awaited() -> None:
    assert forecast_of_all([], lambda service: None, lambda agency: ALWAYS, MONDAY) is None


def test_of_several_the_last_counts() -> None:
    """The slow one decides; several of the same take longer than each alone does."""
    quick, slow = took(*[1.0] * 50), USUALLY
    one = all_of(referral("slow"), times={"slow": slow})
    both = all_of(referral("slow"), referral("quick"), times={"slow": slow, "quick": quick})
    many = all_of(*(referral(f"s{n}") for n in range(5)), times={f"s{n}": slow for n in range(5)})
    assert one.likely_by is not None
    assert both.likely_by is not None
    assert many.likely_by is not None
    assert abs(both.likely_by - one.likely_by) < HOUR
    assert many.likely_by > one.likely_by + 10 * HOUR


def test_one_alone_is_as_for_itself() -> None:
    alone, single = (
        all_of(referral(), times={"x-import": USUALLY}, after=HOUR),
        told(referral(), USUALLY, HOUR),
    )
    assert (alone.likely_by, alone.nearly_sure_by) == (single.likely_by, single.nearly_sure_by)


def test_where_one_is_unknown_only_the_law_speaks_for_all() -> None:
    known, unknown = referral("known"), referral("unknown", due_at=MONDAY + 20 * DAY)
    said = all_of(known, unknown, times={"known": USUALLY})
    assert said == Forecast(basis=Basis.LAW, due_at=MONDAY + 20 * DAY)


@given(
    st.lists(st.lists(st.floats(0, 4000), min_size=20, max_size=40), min_size=1, max_size=3),
    st.timedeltas(timedelta(0), timedelta(days=15)),
)
def test_moments_lie_ahead_and_in_order(hours: list[list[float]], after: timedelta) -> None:
    times = {f"s{number}": took(*each) for number, each in enumerate(hours)}
    said = all_of(*(referral(service) for service in times), times=times, after=after)
    if said.likely_by is None:
        assert said.longer_than_usual
        return
    assert said.nearly_sure_by is not None
    assert MONDAY + after <= said.likely_by <= said.nearly_sure_by
