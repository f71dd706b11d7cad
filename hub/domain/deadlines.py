"""How long an agency has: working days of its calendar, calendar days, or hours."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_TERM = re.compile(r"^(?:(?P<wd>[0-9]+)wd|(?P<s>[0-9]+)s|(?P<m>[0-9]+)m|(?P<h>[0-9]+)h|(?P<d>[0-9]+)d)$")


class NotATerm(ValueError):
    """Text that is not a length of time such as 20s, 5m, 48h, 30d or 3wd."""


def parse_duration(text: str) -> timedelta:
    """A fixed length of time: `20s`, `5m`, `48h`, `30d`. Raises NotATerm, also for working days."""
    found = _TERM.match(text)
    if not found or found["wd"]:
        raise NotATerm(f"{text!r} is not a length of time; write 20s, 5m, 48h or 30d")
    return timedelta(
        seconds=int(found["s"] or 0),
        minutes=int(found["m"] or 0),
        hours=int(found["h"] or 0),
        days=int(found["d"] or 0),
    )


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
        When a term that begins at `start` ends. Raises NotATerm.

        Working days are counted from the next working day and end at the close of business of the last
        one in the agency's own zone; other terms are plain lengths of time.
        """
        found = _TERM.match(term)
        if not found:
            raise NotATerm(f"{term!r} is not a term; write 3wd, 48h, 30d, 20s or 5m")
        if not found["wd"]:
            return start + parse_duration(term)
        day = start.astimezone(self.zone).date()
        left = int(found["wd"])
        while left:
            day += timedelta(days=1)
            if self.works_on(day):
                left -= 1
        return datetime.combine(day, self.closes_at, self.zone).astimezone(UTC)
