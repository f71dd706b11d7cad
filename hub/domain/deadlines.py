"""How long an agency has: working days of its calendar, hours, or both; and what a stop of the clock adds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hub.domain.information import ClockStop
from hub.domain.referral import ReferralTerms

_DURATION = re.compile(r"(?:(?P<s>[0-9]+)s|(?P<m>[0-9]+)m|(?P<h>[0-9]+)h|(?P<d>[0-9]+)d)")
_TERM = re.compile(r"(?P<wd>[0-9]+)wd(?:\+(?P<more>[0-9]+[hm]))?|(?P<plain>[0-9]+[smhd])")

Stop = tuple[datetime, datetime]
"""From when until when a clock stood still."""


class NotATerm(ValueError):
    """Text that is not a length of time such as 20s, 5m, 48h, 30d, 3wd or 2wd+4h."""


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> timedelta:
    """A fixed length of time: `20s`, `5m`, `48h`, `30d`. Raises NotATerm, also for working days."""
    found = _DURATION.fullmatch(text)
    if not found:
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


@lru_cache(maxsize=1024)
def parse_term(text: str) -> tuple[int, timedelta]:
    """
    The working days of a term, and the plain time that follows them. Raises NotATerm.

    A term of no working days would end before it begins, so it is none.
    """
    found = _TERM.fullmatch(text)
    if not found or (found["wd"] and not int(found["wd"])):
        raise NotATerm(f"{text!r} is not a term; write 3wd, 2wd+4h, 48h, 30d, 20s or 5m")
    plain = found["plain"] or found["more"]
    return int(found["wd"] or 0), parse_duration(plain) if plain else timedelta(0)


@dataclass(frozen=True)
class WorkingCalendar:
    """When an agency works. `is_closed` tells public holidays and closures; weekends are `weekend`."""

    zone: ZoneInfo
    closes_at: time
    is_closed: Callable[[date], bool]
    weekend: frozenset[int] = frozenset({5, 6})
    """Days of the week, Monday being 0."""
    opens_at: time = time()
    """When a working day begins: before that nobody attends an inspection."""

    def works_on(self, day: date) -> bool:
        return day.weekday() not in self.weekend and not self.is_closed(day)

    def close_of(self, day: date) -> datetime:
        """The close of business of a day, in UTC, whether or not anybody works on it."""
        return datetime.combine(day, self.closes_at, self.zone).astimezone(UTC)

    def due(self, start: datetime, term: str, stops: Iterable[Stop] = ()) -> datetime:
        """
        When a term that begins at `start` ends, in UTC. Raises NotATerm.

        Working days are counted from the next working day and end at the close of business of the last
        one in the agency's own zone; other terms are plain lengths of time, and so is what follows working
        days, as in `2wd+4h`. While the clock stands still (`stops`) nothing runs: a working day on whose
        close it stood still does not count, and a plain length of time goes on when the clock does.
        """
        days, rest = parse_term(term)
        still = joined(stops, start)
        try:
            # In UTC: 48 hours are 48 hours, also over a night that is an hour longer.
            moment = start.astimezone(UTC)
            if days:
                moment = self._after_working_days(start, days, still)
            return _after(moment, rest, still)
        except OverflowError as wrong:
            raise NotATerm(f"{term!r} is longer than any calendar") from wrong

    def before(self, due: datetime, term: str) -> datetime:
        """
        The moment that lies a term before a deadline, in UTC. Raises NotATerm.

        `4h` before is four hours before. Working days are counted back from the day of the deadline: `1wd`
        before is the close of business of the working day before it.
        """
        days, rest = parse_term(term)
        try:
            moment = due.astimezone(UTC) - rest
            if not days:
                return moment
            day = moment.astimezone(self.zone).date()
            while days:
                day -= timedelta(days=1)
                days -= self.works_on(day)
            return self.close_of(day)
        except OverflowError as wrong:
            raise NotATerm(f"{term!r} is longer than any calendar") from wrong

    def reminders(self, start: datetime, due: datetime, terms: Iterable[str]) -> tuple[datetime, ...]:
        """When to remind, in order: each of these terms before `due`, unless that is before `start`."""
        moments = {self.before(due, term) for term in terms}
        return tuple(sorted(moment for moment in moments if start < moment < due))

    def _after_working_days(self, start: datetime, left: int, stops: list[Stop]) -> datetime:
        day = start.astimezone(self.zone).date()
        if left > (date.max - day).days:
            raise OverflowError("more working days than there are days")
        while left:
            day += timedelta(days=1)
            if self.works_on(day) and not any(begin < self.close_of(day) <= end for begin, end in stops):
                left -= 1
        return self.close_of(day)


def joined(stops: Iterable[Stop], start: datetime) -> list[Stop]:
    """
    The same stops in order, in UTC: none before `start`, none empty, and those that touch made one.

    One that ends before it begins, as clocks that differ may make it, is empty.
    """
    start = start.astimezone(UTC)
    made: list[Stop] = []
    for begin, end in sorted((max(b.astimezone(UTC), start), e.astimezone(UTC)) for b, e in stops):
        if end <= begin:
            continue
        if made and begin <= made[-1][1]:
            made[-1] = (made[-1][0], max(made[-1][1], end))
        else:
            made.append((begin, end))
    return made


def new_deadline(
    calendar: WorkingCalendar,
    terms: ReferralTerms,
    stops: Iterable[ClockStop],
    *,
    at: datetime | None = None,
    not_before: datetime | None = None,
) -> tuple[datetime, tuple[datetime, ...]]:
    """
    The deadline of a referral whose clock has stood still, and when to remind of it.

    A stop that is not over ends at `at`; raises ValueError where it is None. `not_before` is a deadline that
    a person has set: the clock never brings it nearer.
    """
    ended: list[Stop] = []
    for stop in stops:
        until = stop.until or at
        if until is None:
            raise ValueError("the clock stands still: the deadline is not known yet")
        ended.append((stop.from_, until))
    due = _due_again(calendar, terms, ended)
    if not_before is not None:
        due = max(due, not_before)
    now = max([end for _, end in ended], default=terms.opened_at or datetime.min.replace(tzinfo=UTC))
    return due, calendar.reminders(now, due, terms.remind_before)


def _due_again(calendar: WorkingCalendar, terms: ReferralTerms, stops: list[Stop]) -> datetime:
    if terms.opened_at is not None:
        return calendar.due(terms.opened_at, terms.answer_within, stops)
    # Accepted before the beginning of the clock was kept: what is known is how much was left of it.
    begin = min((begin for begin, _ in stops), default=terms.due_at)
    return _after(begin, max(terms.due_at - begin, timedelta(0)), joined(stops, begin))


def _after(moment: datetime, left: timedelta, stops: list[Stop]) -> datetime:
    """When that much time has run, from `moment` on; none runs during the stops."""
    for begin, end in stops:
        if end <= moment:
            continue
        begin = max(begin, moment)
        if moment + left <= begin:
            break
        left -= begin - moment
        moment = end
    return moment + left
