"""How long an agency has: working days of its calendar, calendar days, or hours."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_TERM = re.compile(r"(?P<wd>[0-9]+)wd|(?P<s>[0-9]+)s|(?P<m>[0-9]+)m|(?P<h>[0-9]+)h|(?P<d>[0-9]+)d")


class NotATerm(ValueError):
    """Text that is not a length of time such as 20s, 5m, 48h, 30d or 3wd."""


def parse_duration(text: str) -> timedelta:
    """A fixed length of time: `20s`, `5m`, `48h`, `30d`. Raises NotATerm, also for working days."""
    found = _TERM.fullmatch(text)
    if not found or found["wd"]:
        raise NotATerm(f"{text!r} is not a length of time; write 20s, 5m, 48h or 30d")
    try:
        return timedelta(
            seconds=int(found["s"] or 0),
            minutes=int(found["m"] or 0),
            hours=int(found["h"] or 0),
            days=int(found["d"] or 0),
        )
    except OverflowError as wrong:
        raise NotATerm(f"{text!r} is longer than any calendar") from wrong


@dataclass(frozen=True)
class WorkingCalendar:
    """When an agency works. `is_closed` tells public holidays and closures; weekends are `weekend`."""

    zone: ZoneInfo
    closes_at: time
    is_closed: Callable[[date], bool]
    weekend: frozenset[int] = frozenset({5, 6})
    """Days of the week, Monday being 0."""

    def works_on(self, day: date) -> bool:
        return day.weekday() not in self.weekend and not self.is_closed(day)

    def due(self, start: datetime, term: str) -> datetime:
        """
        When a term that begins at `start` ends, in UTC. Raises NotATerm.

        Working days are counted from the next working day and end at the close of business of the last
        one in the agency's own zone; other terms are plain lengths of time. A term of no working days
        would end before it begins, so it is none.
        """
        found = _TERM.fullmatch(term)
        if not found or (found["wd"] and not int(found["wd"])):
            raise NotATerm(f"{term!r} is not a term; write 3wd, 48h, 30d, 20s or 5m")
        try:
            if not found["wd"]:
                # In UTC: 48 hours are 48 hours, also over a night that is an hour longer.
                return start.astimezone(UTC) + parse_duration(term)
            return self._after_working_days(start, int(found["wd"]))
        except OverflowError as wrong:
            raise NotATerm(f"{term!r} is longer than any calendar") from wrong

    def _after_working_days(self, start: datetime, left: int) -> datetime:
        day = start.astimezone(self.zone).date()
        if left > (date.max - day).days:
            raise OverflowError("more working days than there are days")
        while left:
            day += timedelta(days=1)
            if self.works_on(day):
                left -= 1
        return datetime.combine(day, self.closes_at, self.zone).astimezone(UTC)
