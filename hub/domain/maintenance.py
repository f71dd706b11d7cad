"""
When an agency has announced that its system is away: once, or every week, by the clocks of its zone.

Nothing is sent then. What the law gives an agency to answer in goes on all the same: deadlines do not move.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_LONGEST_CHAIN = 100
"""Windows that follow one another without a gap; whoever is always away is looked at again after so many."""
_NEAR = range(-2, 2)
"""Days, from the one it is, on which a weekly window that is open now may have begun by some reading."""


@dataclass(frozen=True)
class OnceWindow:
    """From one instant to another; the end is not part of it."""

    start: datetime
    end: datetime
    note: str | None = None

    def spans(self, near: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """The one span it is."""
        yield self.start, self.end


@dataclass(frozen=True)
class WeeklyWindow:
    """
    On these days of the week (Monday is 0) from `opens` until `closes`; where that is not later, until then
    on the following day.
    """

    days: frozenset[int]
    opens: time
    closes: time
    note: str | None = None

    def spans(self, near: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """Its spans that could hold an instant."""
        today = near.astimezone(zone).date()
        for away in _NEAR:
            day = today + timedelta(days=away)
            if day.weekday() in self.days:
                last = day if self.closes > self.opens else day + timedelta(days=1)
                yield earliest(day, self.opens, zone), latest(last, self.closes, zone)


Window = OnceWindow | WeeklyWindow


@dataclass(frozen=True)
class Away:
    """The agency is away until then (UTC), for the reason it gave."""

    until: datetime
    note: str | None


@dataclass(frozen=True)
class Maintenance:
    """The windows an agency has announced, in the zone of its calendar."""

    windows: Sequence[Window]
    zone: ZoneInfo

    def at(self, now: datetime) -> Away | None:
        """
        Whether a window is open, and until when. Windows that touch or overlap are one: what is told is the
        end of the last of them, so it stays the same as long as they last.
        """
        until, note = now, None
        for _ in range(_LONGEST_CHAIN):
            ends = [
                (end, window.note)
                for window in self.windows
                for start, end in window.spans(until, self.zone)
                if start <= until < end
            ]
            if not ends:
                break
            until, last_note = max(ends, key=lambda end: end[0])
            note = last_note or note
        return None if until == now else Away(until.astimezone(UTC), note)


def earliest(day: date, at: time, zone: ZoneInfo) -> datetime:
    """
    The first instant that clocks may mean, in UTC.

    In the night in which they are set back a time comes twice, in the other one some never do. A window
    begins by the earlier reading and ends by the later one: rather an hour of silence too much than a
    declaration put to a system that is being worked on.
    """
    return min(_readings(day, at, zone))


def latest(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The last instant that clocks may mean, in UTC."""
    return max(_readings(day, at, zone))


def _readings(day: date, at: time, zone: ZoneInfo) -> list[datetime]:
    return [datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)]
