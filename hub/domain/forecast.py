"""
When an answer is to be expected: from how long the service took before, the law, and the agency's calendar.

What is told is conditional on what is known: a service that usually takes an hour and has had two is not
expected in minus one. Where too little is known of a service, nothing is told but its legal time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hub.domain.case import Referral
from hub.domain.deadlines import WorkingCalendar
from hub.domain.history import BOUNDS, AnswerTimes, Usual, time_run
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import OnExpiry

AT_ONCE = timedelta(hours=1)
"""A service that usually answers within it does so by machine, at night and on Sundays too."""

_BY_LAW = frozenset({OnExpiry.DEEMED_APPROVED, OnExpiry.DEEMED_REFUSED})


class Basis(StrEnum):
    """What a forecast rests on."""

    HISTORY = "history"
    """How long the service took before."""
    LAW = "law"
    """Its legal time only: too little is known of the service."""


class Forecast(Model):
    """When something is to be expected."""

    basis: Basis
    usual: Usual | None = None
    """Of one service, however long this one has waited."""
    waited: timedelta | None = None
    """How long the agency has had it, the clock's stops left out; None while it has not got it."""
    likely_by: UtcDatetime | None = None
    """In half of the cases it is there by then."""
    nearly_sure_by: UtcDatetime | None = None
    """In nine of ten."""
    due_at: UtcDatetime | None = None
    """By law; None while the clock stands still, and when that has passed."""
    longer_than_usual: bool = False
    """It takes longer than nearly all did, so that nothing can be told from them."""
    text: str = ""


@dataclass(frozen=True)
class Wait:
    """One answer that is awaited, and what is known of how long such answers take."""

    waited: timedelta
    times: AnswerTimes
    not_after: datetime | None = None
    """Then it is taken as given, by law."""
    calendar: WorkingCalendar | None = None
    """When the agency works, if people answer; None where a machine does."""

    def share_by(self, at: datetime, now: datetime) -> float:
        """How likely it is there by then, 0 to 1."""
        if self.not_after is not None and at >= self.not_after:
            return 1.0
        gone = self.times.within(self.waited)
        if gone >= 1:
            return 0.0
        return (self.times.within(self.waited + (at - now)) - gone) / (1 - gone)

    def put_off(self, at: datetime) -> datetime:
        """A moment at which nobody works there is put off to a day on which somebody does."""
        moved = at if self.calendar is None else next_working(self.calendar, at)
        return moved if self.not_after is None else min(moved, self.not_after)


def forecast_of(
    referral: Referral, times: AnswerTimes | None, calendar: WorkingCalendar | None, now: datetime
) -> Forecast:
    """For one referral that is awaited, as it stands `now`."""
    waited = _waited(referral, now)
    due_at = referral.deadline
    due_at = due_at if due_at is not None and due_at > now else None
    if times is None or not times.tells:
        return Forecast(basis=Basis.LAW, waited=waited, due_at=due_at)
    usual = times.usual()
    said = Forecast(basis=Basis.HISTORY, usual=usual, waited=waited, due_at=due_at)
    if referral.is_stopped:
        return said
    wait = _wait(referral, times, calendar, waited or timedelta(0), due_at)
    if not _tells(wait):
        return said.model_copy(update={"longer_than_usual": True})
    return said.model_copy(update=_moments([wait], now))


def forecast_of_all(
    referrals: Sequence[Referral],
    times: Callable[[str], AnswerTimes | None],
    calendar: Callable[[str], WorkingCalendar | None],
    now: datetime,
) -> Forecast | None:
    """
    For the last answer of several that are awaited: the share in which all are there is the product of the
    shares of each, as if none had to do with another. None for none. Where too little is known of one of
    them, or its clock stands still, only the latest of the legal times is told.
    """
    if not referrals:
        return None
    deadlines = [referral.deadline for referral in referrals]
    known = [at for at in deadlines if at is not None]
    due_at = max(known) if len(known) == len(deadlines) and max(known) > now else None
    by_law = Forecast(basis=Basis.LAW, due_at=due_at)
    waits = []
    for referral in referrals:
        counted = times(referral.terms.service)
        if counted is None or not counted.tells or referral.is_stopped:
            return by_law
        waited = _waited(referral, now) or timedelta(0)
        deadline = referral.deadline
        ahead = deadline if deadline is not None and deadline > now else None
        waits.append(_wait(referral, counted, calendar(referral.terms.agency), waited, ahead))
    if not all(map(_tells, waits)):
        return by_law.model_copy(update={"longer_than_usual": True})
    return Forecast(basis=Basis.HISTORY, due_at=due_at, **_moments(waits, now))


def next_working(calendar: WorkingCalendar, at: datetime) -> datetime:
    """
    That moment, if the agency works then; otherwise the close of business of the first day on which it works
    afterwards: by then is said, not from when on. Where it does not work for a year, that moment.
    """
    local = at.astimezone(calendar.zone)
    for days in range(366):
        day = local.date() + timedelta(days=days)
        if not calendar.works_on(day) or local > calendar.close_of(day):
            continue
        is_open = local >= datetime.combine(day, calendar.opens_at, calendar.zone)
        return at if is_open else calendar.close_of(day)
    return at


def _waited(referral: Referral, now: datetime) -> timedelta | None:
    begun = referral.delivered_at
    return None if begun is None else time_run(begun, now, referral.stops)


def _wait(
    referral: Referral,
    times: AnswerTimes,
    calendar: WorkingCalendar | None,
    waited: timedelta,
    due_at: datetime | None,
) -> Wait:
    by_machine = times.percentile(0.5) <= AT_ONCE
    has_it = referral.delivered_at is not None
    not_after = due_at if has_it and referral.terms.on_expiry in _BY_LAW else None
    return Wait(waited, times, not_after, None if by_machine else calendar)


def _tells(wait: Wait) -> bool:
    """Whether what is known reaches as far as it has waited."""
    return wait.not_after is not None or wait.times.left(wait.waited, 0.9) is not None


def _moments(waits: Sequence[Wait], now: datetime) -> dict[str, datetime]:
    likely, nearly_sure = (_by_when(waits, share, now) for share in (0.5, 0.9))
    return {"likely_by": likely, "nearly_sure_by": max(likely, nearly_sure)}


def _by_when(waits: Sequence[Wait], share: float, now: datetime) -> datetime:
    """The moment by which all are there in this share of the cases, to the second."""
    low, high = now, now + BOUNDS[-1]
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        all_there = 1.0
        for wait in waits:
            all_there *= wait.share_by(middle, now)
        low, high = (low, middle) if all_there >= share else (middle, high)
    return max(wait.put_off(high) for wait in waits)
