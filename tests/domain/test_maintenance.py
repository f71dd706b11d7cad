"""When an agency is away: laws of the windows, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.maintenance import Maintenance, OnceWindow, WeeklyWindow

SEOUL = ZoneInfo("Asia/Seoul")
NEW_YORK = ZoneInfo("America/New_York")
# Seoul's clocks are never changed; New York's are, Lord Howe's by half an hour, Beirut's at midnight.
ZONES = st.sampled_from([SEOUL, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Beirut")])
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
NOWS = st.datetimes(datetime(2020, 1, 1), datetime(2034, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def weekly(draw: st.DrawFn) -> WeeklyWindow:
    opens = draw(TIMES)
    closes = draw(TIMES.filter(lambda at: at != opens))
    return WeeklyWindow(draw(st.frozensets(st.integers(0, 6), min_size=1)), opens, closes)


@st.composite
def once(draw: st.DrawFn) -> OnceWindow:
    start = draw(NOWS)
    return OnceWindow(start, start + timedelta(minutes=draw(st.integers(1, 20_000))))


def reads_open(window: WeeklyWindow, now: datetime, zone: ZoneInfo) -> bool:
    """What the clocks on the agency's wall say."""
    wall = now.astimezone(zone)
    at, day = wall.time(), wall.weekday()
    if window.opens < window.closes:
        return day in window.days and window.opens <= at < window.closes
    return (day in window.days and at >= window.opens) or (
        (day - 1) % 7 in window.days and at < window.closes
    )


@given(weekly(), NOWS)
def test_where_clocks_never_change_a_window_is_open_when_they_say_so(
    window: WeeklyWindow, now: datetime
) -> None:
    """Neither earlier nor later."""
    away = Maintenance([window], SEOUL).at(now)
    assert (away is not None) == reads_open(window, now, SEOUL)


@given(weekly(), NOWS, ZONES)
def test_nothing_is_sent_while_the_clocks_say_that_it_is_open(
    window: WeeklyWindow, now: datetime, zone: ZoneInfo
) -> None:
    """In no zone, and in no night in which clocks are changed."""
    if reads_open(window, now, zone):
        assert Maintenance([window], zone).at(now) is not None


@given(weekly(), st.integers(0, 7 * 24 * 60), ZONES)
def test_a_window_is_no_longer_than_it_says_and_the_hour_that_clocks_give(
    window: WeeklyWindow, minutes: int, zone: ZoneInfo
) -> None:
    """What is sent too late costs the trader's time."""
    now = datetime(2026, 3, 26, tzinfo=UTC) + timedelta(minutes=minutes)
    single = WeeklyWindow(frozenset([now.astimezone(zone).weekday()]), window.opens, window.closes)
    away = Maintenance([single], zone).at(now)
    if away is not None:
        length = (datetime.combine(now, single.closes) - datetime.combine(now, single.opens)) % timedelta(
            days=1
        )
        assert away.until - now <= length + timedelta(hours=1)


@given(st.lists(weekly() | once(), min_size=1, max_size=4), NOWS, ZONES, st.floats(0, 1))
def test_the_end_that_is_told_holds(
    windows: list[WeeklyWindow | OnceWindow], now: datetime, zone: ZoneInfo, part: float
) -> None:
    """Until then it is away, always with the same end; then it is there."""
    maintenance = Maintenance(windows, zone)
    away = maintenance.at(now)
    if away is None:
        return
    assert away.until > now
    then = now + (away.until - now) * part * 0.999
    meanwhile = maintenance.at(then)
    assert meanwhile is not None
    if away.until - now < timedelta(days=30):  # who is away for good is looked at again after a while
        assert meanwhile.until == away.until
        assert maintenance.at(away.until) is None


@given(st.lists(weekly() | once(), max_size=4), NOWS, ZONES)
def test_away_is_away_by_one_of_the_windows(
    windows: list[WeeklyWindow | OnceWindow], now: datetime, zone: ZoneInfo
) -> None:
    """Windows do not change one another; together they may last longer."""
    alone = [Maintenance([window], zone).at(now) for window in windows]
    together = Maintenance(windows, zone).at(now)
    assert (together is not None) == any(alone)
    if together is not None:
        assert together.until >= max(away.until for away in alone if away)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        # Clocks went from 02:00 to 03:00 on 8 March: 02:30 was never read.
        pytest.param("2026-03-08T06:59Z", "2026-03-08T07:30Z", id="an-end-that-clocks-skip"),
        pytest.param("2026-03-08T07:29Z", "2026-03-08T07:30Z", id="the-later-reading-of-it"),
        # Clocks went from 02:00 back to 01:00 on 1 November: 01:30 was read twice.
        pytest.param("2026-11-01T05:10Z", "2026-11-01T07:30Z", id="a-beginning-that-comes-twice"),
        pytest.param("2026-11-01T06:10Z", "2026-11-01T07:30Z", id="the-second-time"),
        # An ordinary night.
        pytest.param("2026-11-08T06:10Z", "2026-11-08T07:30Z", id="no-change"),
    ],
)
def test_the_nights_in_which_clocks_change(now: str, until: str) -> None:
    """Rather an hour of silence too much."""
    window = WeeklyWindow(frozenset({6}), time(1, 5), time(2, 30))
    away = Maintenance([window], NEW_YORK).at(datetime.fromisoformat(now))
    assert away is not None
    assert away.until == datetime.fromisoformat(until)


def test_windows_that_touch_are_one() -> None:
    """From Friday night through a planned move to Saturday noon."""
    night = WeeklyWindow(frozenset({4}), time(22), time(4), note="backups")
    move = OnceWindow(
        datetime(2026, 3, 6, 19, tzinfo=UTC), datetime(2026, 3, 7, 3, tzinfo=UTC), note="moving house"
    )
    away = Maintenance([night, move], SEOUL).at(datetime(2026, 3, 6, 14, tzinfo=UTC))
    assert away is not None
    assert away.until == datetime(2026, 3, 7, 3, tzinfo=UTC)
    assert away.note == "moving house"
