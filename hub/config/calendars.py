"""Working calendars: the public holidays of a country, and the days somebody wrote down beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import holidays

from hub.config.faults import Key
from hub.config.models import CalendarFile, CalendarsFile
from hub.config.schema_faults import FileReport
from hub.domain.deadlines import WorkingCalendar
from hub.expressions.compiling import nearest

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def working_calendars(file: CalendarsFile, report: FileReport) -> dict[str, WorkingCalendar]:
    """The calendars by name; faults go to the report, and what is wrong is left out."""
    if "default" not in file.calendars:
        report.add(
            ("calendars",),
            "there is no calendar 'default'",
            "add it; agencies without `calendar` work by it",
        )
    calendars = {}
    for name, calendar in file.calendars.items():
        built = _working_calendar(calendar, ("calendars", name), report)
        if built is not None:
            calendars[name] = built
    return calendars


def _working_calendar(file: CalendarFile, key: Key, report: FileReport) -> WorkingCalendar | None:
    zone = _zone(file.zone, (*key, "zone"), report)
    country, subdivision = _country(file.holidays, (*key, "holidays"), report)
    weekend = frozenset(_DAYS.index(day) for day in file.weekend)
    if len(weekend) == len(_DAYS):
        report.add((*key, "weekend"), "no day of the week is left to work on", "leave a day out")
    known = report.is_sure((*key, "opens_at")) and report.is_sure((*key, "closes_at"))
    if known and file.opens_at >= file.closes_at:
        report.add(
            (*key, "opens_at"),
            f"it opens at {file.opens_at:%H:%M}, when it has closed at {file.closes_at:%H:%M}",
            "let it open before it closes",
        )
    if zone is None:
        return None
    return WorkingCalendar(
        zone=zone,
        closes_at=file.closes_at,
        is_closed=_closures(country, subdivision, frozenset(file.closed)),
        weekend=weekend,
        opens_at=file.opens_at,
    )


def _zone(name: str, key: Key, report: FileReport) -> ZoneInfo | None:
    # Asked for by name, not opened by path: `..` and directories are no zones.
    if name in available_timezones():
        return ZoneInfo(name)
    like = nearest(name, available_timezones())
    report.add(
        key,
        f"there is no time zone {name!r}",
        f"did you mean {like!r}?" if like else "write it as Asia/Seoul",
    )
    return None


def _country(name: str | None, key: Key, report: FileReport) -> tuple[str | None, str | None]:
    if name is None:
        return None, None
    country, _, subdivision = name.partition("-")
    supported = holidays.list_supported_countries(include_aliases=True)
    if country not in supported:
        report.add(
            key,
            f"no public holidays are known of {country!r}",
            "write a country as ISO 3166-1 does, as KR, or list the days under `closed`",
        )
        return None, None
    if subdivision and subdivision not in supported[country]:
        known = ", ".join(supported[country]) or "none"
        report.add(
            key,
            f"no public holidays are known of {subdivision!r} in {country}",
            f"write one of its subdivisions: {known}",
        )
        return None, None
    return country, subdivision or None


def _closures(
    country: str | None, subdivision: str | None, closed: frozenset[date]
) -> Callable[[date], bool]:
    """Whether an office is closed on a day; public holidays are worked out once for each year."""

    @lru_cache(maxsize=64)
    def public_holidays(year: int) -> frozenset[date]:
        if country is None:
            return frozenset()
        # Not kept and asked day by day: the library's object grows as it is asked, and threads share this.
        return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))

    return lambda day: day in closed or day in public_holidays(day.year)
