"""When an agency's time is up."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.deadlines import NotATerm, WorkingCalendar, parse_duration
from tests.domain.support import configuration

SEOUL = ZoneInfo("Asia/Seoul")
ZONES = [
    SEOUL,
    ZoneInfo("Europe/London"),
    ZoneInfo("America/New_York"),
    ZoneInfo("Australia/Lord_Howe"),
    ZoneInfo("UTC"),
]
MOMENTS = st.integers(0, 364 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
CLOSED = frozenset({date(2026, 3, 2), date(2026, 3, 5)})
SOME_CLOSED = st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=40)


def office(
    zone: ZoneInfo = SEOUL, closed: frozenset[date] = CLOSED, closes_at: time = time(18)
) -> WorkingCalendar:
    return WorkingCalendar(zone=zone, closes_at=closes_at, is_closed=closed.__contains__)


@pytest.mark.parametrize(
    ("start", "term", "due"),
    [
        # A Tuesday: Wednesday counts, Thursday is closed, Friday counts.
        ("2026-03-03T09:00+09:00", "1wd", "2026-03-04T18:00+09:00"),
        ("2026-03-03T09:00+09:00", "2wd", "2026-03-06T18:00+09:00"),
        # Over the weekend.
        ("2026-03-06T09:00+09:00", "1wd", "2026-03-09T18:00+09:00"),
        # On a Saturday, before a Monday that is closed as a substitute holiday.
        ("2026-02-28T12:00+09:00", "1wd", "2026-03-03T18:00+09:00"),
        # After closing it is still that day.
        ("2026-03-03T23:59+09:00", "1wd", "2026-03-04T18:00+09:00"),
        # The day is the agency's: in UTC it is the evening before.
        ("2026-03-03T15:30+00:00", "1wd", "2026-03-06T18:00+09:00"),
        # Plain lengths of time know no working days.
        ("2026-02-28T12:00+09:00", "48h", "2026-03-02T12:00+09:00"),
        ("2026-02-28T12:00+09:00", "15d", "2026-03-15T12:00+09:00"),
        ("2026-02-28T12:00+09:00", "5m", "2026-02-28T12:05+09:00"),
    ],
)
def test_a_term_ends_at_the_close_of_its_last_working_day(start: str, term: str, due: str) -> None:
    """Counted from the next working day, in the agency's zone; told in UTC."""
    ends = office().due(datetime.fromisoformat(start), term)
    assert ends == datetime.fromisoformat(due)
    assert ends.tzinfo is UTC


@given(
    zone=st.sampled_from(ZONES),
    closed=SOME_CLOSED,
    closes_at=st.sampled_from([time(12), time(17, 30), time(23, 59)]),
    start=st.builds(datetime.astimezone, MOMENTS, st.sampled_from(ZONES)),
    days=st.integers(1, 40),
)
def test_working_days_end_on_a_working_day_at_closing_time_and_never_before_they_begin(
    zone: ZoneInfo, closed: frozenset[date], closes_at: time, start: datetime, days: int
) -> None:
    """In any zone, over any clock change, whatever days are closed; as many working days as promised."""
    agency = office(zone, closed, closes_at)
    due = agency.due(start, f"{days}wd")
    there = due.astimezone(zone)
    assert due > start
    assert agency.works_on(there.date())
    assert there.time() == closes_at
    first = start.astimezone(zone).date() + timedelta(days=1)
    span = [first + timedelta(days=n) for n in range((there.date() - first).days + 1)]
    assert sum(agency.works_on(day) for day in span) == days


@given(
    closed=SOME_CLOSED,
    start=MOMENTS,
    later=st.timedeltas(timedelta(0), timedelta(days=30)),
    days=st.integers(1, 20),
)
def test_who_begins_later_or_has_longer_is_not_due_earlier(
    closed: frozenset[date], start: datetime, later: timedelta, days: int
) -> None:
    """Order is kept, and a closed day more never brings a deadline forward."""
    agency = office(closed=closed)
    due = agency.due(start, f"{days}wd")
    assert due <= agency.due(start + later, f"{days}wd")
    assert due < agency.due(start, f"{days + 1}wd")
    assert due <= office(closed=closed | {due.astimezone(SEOUL).date()}).due(start, f"{days}wd")


def test_hours_are_hours_over_a_clock_change() -> None:
    """The night the clocks go back is an hour longer; 48 hours are not."""
    london = ZoneInfo("Europe/London")
    start = datetime(2026, 10, 24, 12, tzinfo=london)
    assert office(london).due(start, "48h") - start.astimezone(UTC) == timedelta(hours=48)


@pytest.mark.parametrize(
    "text",
    ["", "3", "wd", "0wd", "-1d", "1.5h", "3 wd", "3WD", "1w", "3wd\n", "٣d", "9" * 30 + "d", "99999999wd"],
)
def test_what_is_no_term_is_refused(text: str) -> None:
    """Also a term that is over before it begins, or that outlasts the calendar."""
    with pytest.raises(NotATerm):
        office().due(datetime(2026, 3, 3, tzinfo=UTC), text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("20s", timedelta(seconds=20)),
        ("5m", timedelta(minutes=5)),
        ("48h", timedelta(days=2)),
        ("0d", timedelta(0)),
    ],
)
def test_a_duration_is_a_fixed_length_of_time(text: str, length: timedelta) -> None:
    """Seconds, minutes, hours, days."""
    assert parse_duration(text) == length


def test_working_days_are_no_duration() -> None:
    """How long they last depends on a calendar."""
    with pytest.raises(NotATerm):
        parse_duration("3wd")


def test_the_configured_calendar_knows_substitute_holidays() -> None:
    """1 March 2026 is a holiday on a Sunday, so that Monday is closed as well (Korea)."""
    agency = configuration().calendars["apqa"]
    assert not agency.works_on(date(2026, 3, 2))
    lodged = datetime(2026, 2, 27, 10, tzinfo=SEOUL)
    assert agency.due(lodged, "1wd") == datetime(2026, 3, 3, 18, tzinfo=SEOUL)
