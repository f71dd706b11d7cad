"""How everything stands, counted by indexes that hold what is open, and day by day what is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, insert, literal, select, text

from hub.domain.clearance import Outcome
from hub.domain.referral import ReferralState
from hub.ports import ClosedDay, OpenDeclarations, OpenReferrals, ServiceQueue, WaitingReferral
from hub.store.part import Part
from hub.store.tables import closed_days, declarations, referrals
from hub.store.types import Utc

OPEN_CASES = text("declarations.closed_at IS NULL")
CLOSED = text("declarations.closed_at IS NOT NULL")
_AWAITED = text("referrals.awaited")
"""As the indexes on them say, word for word: SQLite uses a partial index only then."""


class Overview(Part):
    """`hub.ports.Overview`."""

    def open_declarations(self, since: Sequence[datetime]) -> list[OpenDeclarations]:
        """By outcome and age; every outcome is there that some declaration has."""
        d = declarations.c
        band = _band(d.accepted_at, since)
        query = select(d.outcome, band, func.count()).where(OPEN_CASES).group_by(d.outcome, band)
        found: dict[str, list[int]] = {}
        with self._database.read() as connection:
            for outcome, place, count in connection.execute(query):
                found.setdefault(outcome, [0] * (len(since) + 1))[place] = count
        return [
            OpenDeclarations(outcome=outcome, by_age=tuple(found[outcome]))
            for outcome in Outcome
            if outcome in found
        ]

    def closed_declarations(self, since: date) -> list[ClosedDay]:
        """Days that are counted already, and those that are not."""
        with self._database.read() as connection:
            counted = connection.execute(
                select(closed_days)
                .where(closed_days.c.day >= since, closed_days.c.outcome != "")
                .order_by(closed_days.c.day, closed_days.c.outcome)
            )
            days = [
                ClosedDay(day=row.day, outcome=Outcome(row.outcome), count=row._mapping["count"])
                for row in counted
            ]
            last = connection.scalar(select(func.max(closed_days.c.day)))
            day = since if last is None else max(since, last + timedelta(days=1))
            latest = connection.scalar(select(func.max(declarations.c.closed_at)).where(CLOSED))
            while latest is not None and day <= latest.date():
                days += _closed_on(connection, day)
                day += timedelta(days=1)
        return days

    def roll_closed(self, until: date, limit: int) -> int:
        """A day on which nothing was closed has a row too, or it would be counted again and again."""
        with self._database.write() as connection:
            last = connection.scalar(select(func.max(closed_days.c.day)))
            first = connection.scalar(select(func.min(declarations.c.closed_at)).where(CLOSED))
            if first is None:
                return 0
            day = first.date() if last is None else last + timedelta(days=1)
            rolled = 0
            while day < until and rolled < limit:
                counts = _closed_on(connection, day)
                rows = [{"day": day, "outcome": one.outcome.value, "count": one.count} for one in counts]
                connection.execute(insert(closed_days), [{"day": day, "outcome": "", "count": 0}, *rows])
                day += timedelta(days=1)
                rolled += 1
        return rolled

    def open_by_agency(self) -> dict[str, OpenReferrals]:
        """Of every agency that something waits for."""
        r = referrals.c
        query = select(r.agency, func.count(), func.min(r.accepted_at)).where(_AWAITED).group_by(r.agency)
        with self._database.read() as connection:
            return {
                agency: OpenReferrals(count=count, oldest=oldest)
                for agency, count, oldest in connection.execute(query)
            }

    def open_by_service(self, agency: str) -> list[ServiceQueue]:
        """What waits for one agency, by service and state."""
        r = referrals.c
        query = (
            select(r.service, r.state, func.count().label("many"), func.min(r.accepted_at).label("oldest"))
            .where(_AWAITED, r.agency == agency)
            .group_by(r.service, r.state)
            .order_by(r.service, r.state)
        )
        with self._database.read() as connection:
            return [
                ServiceQueue(
                    service=row.service, state=ReferralState(row.state), count=row.many, oldest=row.oldest
                )
                for row in connection.execute(query)
            ]

    def open_by_age(self, agency: str, since: Sequence[datetime]) -> tuple[int, ...]:
        """Referrals that wait for one agency, by age."""
        band = _band(referrals.c.accepted_at, since)
        query = select(band, func.count()).where(_AWAITED, referrals.c.agency == agency).group_by(band)
        counts = [0] * (len(since) + 1)
        with self._database.read() as connection:
            for place, count in connection.execute(query):
                counts[place] = count
        return tuple(counts)

    def waiting_longest(self, agency: str, limit: int) -> list[WaitingReferral]:
        """The referrals that wait for an agency, the first accepted first."""
        r = referrals.c
        query = (
            select(r.mrn, r.service, r.state, r.accepted_at, r.delivered_at, r.trouble)
            .where(_AWAITED, r.agency == agency)
            .order_by(r.accepted_at, r.mrn)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [
                WaitingReferral(
                    mrn=row.mrn,
                    service=row.service,
                    state=ReferralState(row.state),
                    accepted_at=row.accepted_at,
                    delivered_at=row.delivered_at,
                    trouble=row.trouble,
                )
                for row in connection.execute(query)
            ]


def end_of(day: date) -> datetime:
    """When the next day begins (UTC)."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _band(moment: ColumnElement[Any], since: Sequence[datetime]) -> ColumnElement[int]:
    """The place of the first of these times that a moment is not before; after the last, their number."""
    ages = [(moment >= literal(at, Utc()), place) for place, at in enumerate(since)]
    return case(*ages, else_=len(since)) if ages else literal(0)


def _closed_on(connection: Connection, day: date) -> list[ClosedDay]:
    rows = connection.execute(_counted_on(day)).all()
    return [ClosedDay(day=day, outcome=Outcome(row.outcome), count=row.many) for row in rows]


def _counted_on(day: date) -> Select[Any]:
    d = declarations.c
    begins_at = datetime.combine(day, time(), UTC)
    on_it = and_(CLOSED, d.closed_at >= begins_at, d.closed_at < end_of(day))
    return select(d.outcome, func.count().label("many")).where(on_it).group_by(d.outcome).order_by(d.outcome)
