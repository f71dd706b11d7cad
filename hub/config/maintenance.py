"""The maintenance windows of an agency's file: what is wrong with them, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub.config.faults import Key
from hub.config.models import MaintenanceFile
from hub.config.schema_faults import FileReport
from hub.domain.maintenance import Maintenance, OnceWindow, WeeklyWindow, Window, earliest, latest

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ONCE = ("start", "end")
_WEEKLY = ("days", "from", "until")
_MIDNIGHT = time(0)
_MINUTES = 24 * 60
_LONG = timedelta(days=7)
_YEARS = range(2000, 2200)
_ANY_ZONE = timedelta(hours=14)
"""No zone is further from UTC, so what is over by more is over everywhere."""


def maintenance(files: Sequence[MaintenanceFile], zone: ZoneInfo) -> Maintenance:
    """What the windows of a sound file mean, in the zone of its calendar."""
    return Maintenance(tuple(_window(file, zone) for file in files), zone)


def _window(file: MaintenanceFile, zone: ZoneInfo) -> Window:
    if file.start is not None and file.end is not None:
        return OnceWindow(
            start=_instant(file.start, zone, first=True),
            end=_instant(file.end, zone, first=False),
            note=file.note,
        )
    assert file.from_ is not None
    assert file.until is not None
    days = frozenset(_DAYS.index(day) for day in file.days)
    return WeeklyWindow(days=days, opens=file.from_, closes=file.until, note=file.note)


def _instant(moment: datetime, zone: ZoneInfo, *, first: bool) -> datetime:
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return (earliest if first else latest)(moment.date(), moment.time(), zone)


def check_maintenance(
    files: Sequence[MaintenanceFile], report: FileReport, now: datetime | None = None
) -> None:
    """Each window whole, of one kind and sensible; warnings for what is over, and for what is very long."""
    top: Key = ("channel", "maintenance")
    sound = [_check_window(file, (*top, place), report, now) for place, file in enumerate(files)]
    if all(sound) and _never_ends(files):
        report.add(
            top,
            "the weekly windows leave no time at which anything could be sent",
            "leave a time between them; an agency that is away for good has no file",
        )


def _check_window(file: MaintenanceFile, key: Key, report: FileReport, now: datetime | None) -> bool:
    """Whether a window is sound."""
    if not report.is_whole(key):
        return False  # what is wrong with its parts is told already
    given = {name: getattr(file, "from_" if name == "from" else name) for name in (*_ONCE, *_WEEKLY)}
    once = [name for name in _ONCE if given[name] is not None]
    weekly = [name for name in _WEEKLY if given[name] not in (None, [])]
    whole = "write `start` and `end`, or `days`, `from` and `until`"
    if once and weekly:
        report.add(key, "it is once and every week at the same time", whole)
        return False
    if not once and not weekly:
        report.add(key, "it does not say when", whole)
        return False
    missing = [name for name in (_ONCE if once else _WEEKLY) if name not in (once or weekly)]
    for name in missing:
        report.add((*key, name), f"{name!r} is missing, and a window needs it", whole)
    if missing:
        return False
    if file.start is not None and file.end is not None:
        return _check_once(file.start, file.end, key, report, now or datetime.now(UTC))
    assert file.from_ is not None
    assert file.until is not None
    return _check_weekly(file.from_, file.until, key, report)


def _check_once(start: datetime, end: datetime, key: Key, report: FileReport, now: datetime) -> bool:
    for name, moment in (("start", start), ("end", end)):
        if moment.year not in _YEARS:
            report.add((*key, name), f"the year {moment.year} is not meant", "correct the year")
            return False
    if (start.tzinfo is None) != (end.tzinfo is None):
        report.add(
            (*key, "end"),
            "`start` and `end` are not written alike",
            "write both with an offset from UTC, or both without one: in the zone of the calendar",
        )
        return False
    if end <= start:
        report.add((*key, "end"), "it ends before it begins", "write an `end` after `start`")
        return False
    if end - start > _LONG:
        report.warn(
            (*key, "end"),
            f"nothing is sent for {(end - start).days} days, and the time that the law gives goes on",
            "see that it is meant",
        )
    # Without an offset: taken for UTC, and over only when it is so in every zone.
    ends = end if end.tzinfo is not None else end.replace(tzinfo=UTC) + _ANY_ZONE
    if ends < now:
        report.warn(key, "this window is over", "remove it")
    return True


def _check_weekly(opens: time, closes: time, key: Key, report: FileReport) -> bool:
    for name, at in (("from", opens), ("until", closes)):
        if at.tzinfo is not None:
            report.add(
                (*key, name),
                "a time of every week has no offset from UTC",
                "write it by the agency's clocks: 22:00",
            )
            return False
    if opens == closes and opens != _MIDNIGHT:
        report.add(
            (*key, "until"),
            "it ends when it begins",
            "write another time; a whole day is from 00:00 until 00:00",
        )
        return False
    return True


def _never_ends(files: Sequence[MaintenanceFile]) -> bool:
    """Whether the weekly windows fill the week."""
    covered: set[int] = set()
    for file in files:
        if file.from_ is None or file.until is None:
            continue
        opens, closes = _minute(file.from_), _minute(file.until)
        length = (closes - opens) % _MINUTES or _MINUTES
        for day in file.days:
            begin = _DAYS.index(day) * _MINUTES + opens
            covered.update(minute % (7 * _MINUTES) for minute in range(begin, begin + length))
    return len(covered) == 7 * _MINUTES


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute
