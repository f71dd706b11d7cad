"""When an agency's time is up."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.config.calendars import working_calendars
from hub.config.models import CalendarsFile
from hub.config.schema_faults import FileReport
from hub.config.yaml import Document
from hub.domain.deadlines import NotATerm, WorkingCalendar, joined, new_deadline, parse_duration
from hub.domain.information import ClockStop
from hub.domain.referral import ReferralTerms
from hub.domain.terms import terms_of
from tests.domain.support import configuration, service

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
        # Hours follow working days: from the close of the last one on.
        ("2026-03-03T09:00+09:00", "2wd+4h", "2026-03-06T22:00+09:00"),
        ("2026-03-03T09:00+09:00", "1wd+30m", "2026-03-04T18:30+09:00"),
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
    [
        *(
            "",
            "3",
            "wd",
            "0wd",
            "-1d",
            "1.5h",
            "3 wd",
            "3WD",
            "1w",
            "3wd\n",
            "٣d",
            "9" * 30 + "d",
            "99999999wd",
        ),
        *(
            "0wd+4h",
            "4h+2wd",
            "2wd+",
            "+4h",
            "2wd+3wd",
            "2wd+1d",
            "2wd + 4h",
            "1d+4h",
            "1wd+" + "9" * 30 + "h",
        ),
    ],
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


# --- the clock stands still -------------------------------------------------------------------------------

TERMS = st.one_of(
    st.integers(1, 15).map("{}wd".format),
    st.integers(0, 400).map("{}h".format),
    st.builds("{}wd+{}h".format, st.integers(1, 9), st.integers(0, 60)),
)
STOPS = st.lists(
    st.builds(
        lambda begin, length: (begin, begin + length), MOMENTS, st.timedeltas(timedelta(0), timedelta(30))
    ),
    max_size=6,
)
AGENCIES = st.builds(
    office, st.sampled_from(ZONES), SOME_CLOSED, st.sampled_from([time(12), time(17, 30), time(23, 59)])
)


@pytest.mark.parametrize(
    ("term", "stops", "due"),
    [
        # Asked on Tuesday noon, answered on Wednesday noon: Wednesday counts, at its close the clock ran.
        ("1wd", [("03T12:00", "04T12:00")], "04T18:00"),
        # Over the close of Wednesday: it does not count, Thursday is closed, so it is Friday.
        ("1wd", [("04T12:00", "05T09:00")], "06T18:00"),
        # The last moment of a day counts as standing still, its beginning does not.
        ("1wd", [("04T17:59", "04T18:00")], "06T18:00"),
        ("1wd", [("04T18:00", "05T18:00")], "04T18:00"),
        # Plain time goes on when the clock does.
        ("48h", [("03T21:00", "04T09:00")], "05T21:00"),
        # What lies before the beginning, or behind the end, adds nothing.
        ("48h", [("01T09:00", "03T09:00"), ("05T10:00", "09T09:00")], "05T09:00"),
        # Two that overlap are one.
        ("48h", [("03T10:00", "03T14:00"), ("03T12:00", "03T16:00")], "05T15:00"),
        # First the working days, then the hours that follow them.
        ("1wd+4h", [("04T17:00", "04T17:30"), ("04T19:00", "05T19:00")], "05T22:00"),
    ],
)
def test_while_the_clock_stands_still_nothing_runs(term: str, stops: list[tuple[str, str]], due: str) -> None:
    """From 09:00 on a Tuesday, in Seoul."""

    def march(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=SEOUL)

    stood = [(march(begin), march(end)) for begin, end in stops]
    assert office().due(march("03T09:00"), term, stood) == march(due)


@given(agency=AGENCIES, start=MOMENTS, term=TERMS, stops=STOPS, more=STOPS)
def test_a_deadline_is_never_before_its_beginning_and_a_stop_never_brings_it_nearer(
    agency: WorkingCalendar, start: datetime, term: str, stops: list[tuple[datetime, datetime]], more
) -> None:
    """In any zone; and a deadline in working days is the close of a day on which the agency works."""
    due = agency.due(start, term, stops)
    assert start <= due <= agency.due(start, term, [*stops, *more])
    assert due >= agency.due(start, term)
    if term.endswith("wd"):
        there = due.astimezone(agency.zone)
        assert agency.works_on(there.date())
        assert there.date() > start.astimezone(agency.zone).date()
        assert due == agency.close_of(there.date())
    assert not any(begin < due < end for begin, end in joined(stops, start)), "it ended while it stood still"


@given(agency=AGENCIES, start=MOMENTS, term=TERMS, stops=STOPS, begin=MOMENTS, data=st.data())
def test_stop_and_resume_add_up(
    agency: WorkingCalendar, start: datetime, term: str, stops, begin: datetime, data: st.DataObject
) -> None:
    """One stop is as long as two that adjoin; none of no length; order and overlap are nothing."""
    first, second = (data.draw(st.timedeltas(timedelta(0), timedelta(days=20))) for _ in range(2))
    whole = agency.due(start, term, [*stops, (begin, begin + first + second)])
    halves = [(begin, begin + first), (begin + first, begin + first + second)]
    assert agency.due(start, term, [*halves, *stops]) == whole
    assert agency.due(start, term, [*stops, *halves, halves[0], (begin, begin)]) == whole
    assert agency.due(start, term, [*stops, (begin, begin), (begin + first, begin)]) == (
        agency.due(start, term, stops)
    )


@given(agency=AGENCIES, start=MOMENTS, hours=st.integers(0, 400), stops=STOPS)
def test_hours_are_prolonged_by_exactly_the_time_that_the_clock_stood_still(
    agency: WorkingCalendar, start: datetime, hours: int, stops
) -> None:
    """What has run between beginning and end is the term."""
    due = agency.due(start, f"{hours}h", stops)
    stood = sum(
        (min(end, due) - begin for begin, end in joined(stops, start) if begin < due), start=timedelta(0)
    )
    assert due - start == timedelta(hours=hours) + stood


@given(agency=AGENCIES, start=MOMENTS, days=st.integers(1, 15), stops=STOPS)
def test_as_many_working_days_run_as_the_term_has(
    agency: WorkingCalendar, start: datetime, days: int, stops
) -> None:
    """Those on whose close the clock stood still are not among them."""
    due = agency.due(start, f"{days}wd", stops)
    day = start.astimezone(agency.zone).date()
    ran = 0
    while agency.close_of(day) < due:
        day += timedelta(days=1)
        close = agency.close_of(day)
        ran += agency.works_on(day) and not any(begin < close <= end for begin, end in joined(stops, start))
    assert ran == days


# --- reminders, and deadlines anew ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "term", "moment"),
    [
        ("2026-03-06T18:00+09:00", "4h", "2026-03-06T14:00+09:00"),
        # Friday: Thursday is closed.
        ("2026-03-06T18:00+09:00", "1wd", "2026-03-04T18:00+09:00"),
        ("2026-03-06T18:00+09:00", "1wd+4h", "2026-03-04T18:00+09:00"),
        # A deadline in hours that ends on a Sunday; the Monday before last is closed.
        ("2026-03-08T10:00+09:00", "1wd", "2026-03-06T18:00+09:00"),
        ("2026-03-04T10:00+09:00", "2wd", "2026-02-27T18:00+09:00"),
    ],
)
def test_a_term_before_a_deadline(due: str, term: str, moment: str) -> None:
    """Working days are counted back to the close of the day."""
    before = office().before(datetime.fromisoformat(due), term)
    assert before == datetime.fromisoformat(moment)
    assert before.tzinfo is UTC


@given(agency=AGENCIES, start=MOMENTS, term=TERMS, reminders=st.lists(TERMS, max_size=4))
def test_reminders_come_in_order_between_beginning_and_deadline(
    agency: WorkingCalendar, start: datetime, term: str, reminders: list[str]
) -> None:
    """Each once; one that would come before the clock began is none."""
    due = agency.due(start, term)
    moments = agency.reminders(start, due, reminders)
    assert list(moments) == sorted(set(moments))
    assert all(start < moment < due for moment in moments)
    assert set(moments) >= {m for t in reminders if start < (m := agency.before(due, t)) < due}


def terms(opened_at: datetime | None, term: str, due_at: datetime, *reminders: str) -> ReferralTerms:
    return terms_of(
        service("plants-import", "06", answer_within=term),
        "plants-import",
        "plants",
        "26KR0",
        (1,),
        due_at=due_at,
        version="v",
        opened_at=opened_at,
        remind_before=reminders,
    )


def test_a_deadline_is_worked_out_anew_with_its_reminders() -> None:
    """Asked on Wednesday, passed on the next Monday: the two days left end on Wednesday."""
    agency, tuesday = office(), datetime(2026, 3, 3, 9, tzinfo=SEOUL)
    asked = terms(tuesday, "2wd", agency.due(tuesday, "2wd"), "1wd", "5wd")
    stop = ClockStop(from_=datetime(2026, 3, 4, 10, tzinfo=SEOUL), request="q1")
    with pytest.raises(ValueError, match="stands still"):
        new_deadline(agency, asked, [stop])
    at = datetime(2026, 3, 9, 11, tzinfo=SEOUL)
    wednesday, tuesday_close = (datetime(2026, 3, day, 18, tzinfo=SEOUL) for day in (10, 9))
    assert new_deadline(agency, asked, [stop], at=at) == (wednesday, (tuesday_close,))
    ended = stop.model_copy(update={"until": at})
    assert new_deadline(agency, asked, [ended]) == (wednesday, (tuesday_close,))


def test_a_deadline_that_a_person_set_is_never_brought_nearer() -> None:
    """It was extended before the clock stood still."""
    agency, tuesday = office(), datetime(2026, 3, 3, 9, tzinfo=SEOUL)
    asked = terms(tuesday, "1wd", agency.due(tuesday, "1wd"))
    later = datetime(2026, 4, 1, 18, tzinfo=SEOUL)
    due, _ = new_deadline(agency, asked, [], not_before=later)
    assert due == later


def test_what_was_accepted_before_the_clock_was_kept_has_what_was_left_of_its_time() -> None:
    """Two days were left when it was asked."""
    due_at = datetime(2026, 3, 10, 18, tzinfo=SEOUL)
    stop = ClockStop(from_=due_at - timedelta(days=2), until=due_at + timedelta(days=5), request="q1")
    due, reminders = new_deadline(office(), terms(None, "3wd", due_at), [stop])
    assert due == due_at + timedelta(days=7)
    assert reminders == ()


# --- public holidays, and clocks that change ----------------------------------------------------------------


def calendar_of(zone: str, holidays: str, *closed: date) -> WorkingCalendar:
    """A calendar as calendar.yaml makes it."""
    file = CalendarsFile.model_validate(
        {
            "calendars": {
                "default": {"zone": zone, "closes_at": "18:00", "holidays": holidays, "closed": closed}
            }
        }
    )
    return working_calendars(file, FileReport("calendar.yaml", Document()))["default"]


def test_korean_substitute_holidays_of_2026() -> None:
    """A holiday that falls on a Sunday, or some on a Saturday, gives the next working day."""
    seoul = calendar_of("Asia/Seoul", "KR", date(2026, 12, 31))
    substitutes = [date(2026, 3, 2), date(2026, 5, 25), date(2026, 8, 17), date(2026, 10, 5)]
    assert not any(seoul.works_on(day) for day in substitutes)
    # The days of Seollal: three in the week, and no substitute.
    assert [seoul.works_on(date(2026, 2, day)) for day in (16, 17, 18, 19)] == [False, False, False, True]
    # A closure of this administration, and the new year behind it.
    lodged = datetime(2026, 12, 30, 10, tzinfo=SEOUL)
    assert seoul.due(lodged, "1wd") == datetime(2027, 1, 4, 18, tzinfo=SEOUL)


@pytest.mark.parametrize(
    ("zone", "holidays", "friday"),
    [("America/New_York", "US", date(2026, 3, 6)), ("Europe/Berlin", "DE", date(2026, 3, 27))],
)
def test_a_deadline_is_at_the_close_by_the_clock_on_the_wall(zone: str, holidays: str, friday: date) -> None:
    """The clocks go forward on Sunday: the working day ends at 18:00 all the same, and hours are hours."""
    office = calendar_of(zone, holidays)
    start = datetime.combine(friday, time(18), ZoneInfo(zone))
    due = office.due(start, "1wd")
    assert due.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == datetime.combine(
        friday + timedelta(days=3), time(18)
    )
    assert due - start.astimezone(UTC) == timedelta(hours=71)
    assert office.due(start, "72h") - start.astimezone(UTC) == timedelta(hours=72)
    # A stop over that night is as long as it was, and not as long as the wall says.
    stop = (start + timedelta(hours=1), start + timedelta(days=2, hours=1))
    assert office.due(start, "2h", [stop]) - start.astimezone(UTC) == timedelta(hours=49)


def test_the_configured_calendar_knows_substitute_holidays() -> None:
    """1 March 2026 is a holiday on a Sunday, so that Monday is closed as well (Korea)."""
    agency = configuration().calendars["apqa"]
    assert not agency.works_on(date(2026, 3, 2))
    lodged = datetime(2026, 2, 27, 10, tzinfo=SEOUL)
    assert agency.due(lodged, "1wd") == datetime(2026, 3, 3, 18, tzinfo=SEOUL)
