"""How agencies' systems have answered, counted by minute, by hour and by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, delete, select

from hub.domain.latency import STEPS
from hub.ports import CallCount
from hub.store.part import AnyRow, Part
from hub.store.statements import insert_of
from hub.store.tables import agency_calls

_MINUTE = "minute"
_HOUR = "hour"
_DAY = "day"
_STEPS = [f"step_{number}" for number in range(STEPS)]
_ADDED = ["count", "total_ms", *_STEPS]
_KEY = ["span", "agency", "begins_at", "operation", "result"]


class Calls(Part):
    """The calls of `hub.ports.Histories`."""

    def count_calls(self, calls: Sequence[CallCount]) -> None:
        """Add to what has been counted; several processes do."""
        rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        for call in calls:
            for span, begins_at in (
                (_MINUTE, call.minute.replace(second=0, microsecond=0)),
                (_HOUR, call.minute.replace(minute=0, second=0, microsecond=0)),
                (_DAY, call.minute.replace(hour=0, minute=0, second=0, microsecond=0)),
            ):
                _put_in(rows, _row(span, begins_at, call))
        if not rows:
            return
        with self._database.write() as connection:
            # In one order, or two processes would each wait for a row that the other has.
            connection.execute(_adding(connection), [rows[place] for place in sorted(rows)])

    def calls(self, agency: str | None, since: datetime) -> list[CallCount]:
        """By minute, of one agency or of all, the earliest first; those of the last two days are kept."""
        return self._calls(_MINUTE, agency, since)

    def calls_by_hour(self, agency: str | None, since: datetime) -> list[CallCount]:
        """The same by hour, for a year; `minute` is the first of the hour."""
        return self._calls(_HOUR, agency, since)

    def calls_by_day(self, agency: str | None, since: datetime) -> list[CallCount]:
        """The same by day (UTC), for a year."""
        return self._calls(_DAY, agency, since)

    def forget_calls(self, minutes_before: datetime, hours_before: datetime) -> None:
        """Minutes, and hours and days, that began before these times are dropped."""
        with self._database.write() as connection:
            for span, before in ((_MINUTE, minutes_before), (_HOUR, hours_before), (_DAY, hours_before)):
                connection.execute(
                    delete(agency_calls).where(agency_calls.c.span == span, agency_calls.c.begins_at < before)
                )

    def _calls(self, span: str, agency: str | None, since: datetime) -> list[CallCount]:
        query = select(agency_calls).where(agency_calls.c.span == span, agency_calls.c.begins_at >= since)
        if agency is not None:
            query = query.where(agency_calls.c.agency == agency)
        c = agency_calls.c
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(c.begins_at, c.agency, c.operation, c.result))
            return [_read(row) for row in rows]


def _row(span: str, begins_at: datetime, call: CallCount) -> dict[str, Any]:
    return {
        "span": span,
        "agency": call.agency,
        "begins_at": begins_at,
        "operation": call.operation,
        "result": call.result,
        "count": call.count,
        "total_ms": call.total_ms,
        "slowest_ms": call.slowest_ms,
        **dict(zip(_STEPS, call.ladder, strict=True)),
    }


def _put_in(rows: dict[tuple[Any, ...], dict[str, Any]], row: dict[str, Any]) -> None:
    place = tuple(row[name] for name in _KEY)
    known = rows.setdefault(place, row)
    if known is not row:
        for name in _ADDED:
            known[name] += row[name]
        known["slowest_ms"] = max(known["slowest_ms"], row["slowest_ms"])


def _adding(connection: Connection) -> Any:
    adding = insert_of(connection)(agency_calls)
    new = adding.excluded
    return adding.on_conflict_do_update(
        index_elements=_KEY,
        set_={
            **{name: agency_calls.c[name] + new[name] for name in _ADDED},
            "slowest_ms": case(
                (new.slowest_ms > agency_calls.c.slowest_ms, new.slowest_ms),
                else_=agency_calls.c.slowest_ms,
            ),
        },
    )


def _read(row: AnyRow) -> CallCount:
    # Thousands for one page, and written by ourselves: not checked again.
    return CallCount.model_construct(
        agency=row.agency,
        operation=row.operation,
        minute=row.begins_at,
        result=row.result,
        count=row._mapping["count"],
        total_ms=row.total_ms,
        slowest_ms=row.slowest_ms,
        ladder=tuple(row[-STEPS:]),
    )
