"""How long services have taken to answer."""

from __future__ import annotations

import threading
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, func, select

from hub.domain.history import BUCKETS, AnswerTimes, Usual, bucket_of, together
from hub.ports import DayOfAnswers
from hub.store.engine import Database
from hub.store.part import AnyRow, Part
from hub.store.statements import Statement
from hub.store.tables import answer_times

_LOOKS_BACK = timedelta(days=90)
_PARTS = 4
"""On PostgreSQL, where transactions wait for each other's rows. SQLite has one writer at a time anyway."""


@dataclass(frozen=True, slots=True)
class Answered:
    """That a service has decided, and how long it took."""

    service: str
    at: datetime
    took: timedelta


class AnswerHistories(Part):
    """The half of `hub.ports.Histories` that is about answers."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._lock = threading.Lock()
        self._known: tuple[datetime, dict[str, AnswerTimes]] | None = None
        self._long_past: tuple[date, dict[str, AnswerTimes]] | None = None

    def answer_times(self, now: datetime) -> dict[str, AnswerTimes]:
        """
        By service, over the last 90 days: what many pages ask, and changes slowly. Yesterday and today are
        read once a minute, what was before that once a day.
        """
        minute = now.astimezone(UTC).replace(second=0, microsecond=0)
        with self._lock:
            if self._known is None or self._known[0] != minute:
                self._known = minute, self._read_all(minute.date())
            return self._known[1]

    def usual(self, now: datetime) -> dict[str, Usual]:
        """By service, from the same."""
        return {service: times.usual() for service, times in self.answer_times(now).items()}

    def answers(self, services: Sequence[str], since: date) -> list[DayOfAnswers]:
        """By service and day, the earliest first."""
        query = (
            select(answer_times.c.service, answer_times.c.day, answer_times.c.bucket, _TOTAL)
            .where(answer_times.c.service.in_(list(services)), answer_times.c.day >= since)
            .group_by(answer_times.c.service, answer_times.c.day, answer_times.c.bucket)
        )
        counted: defaultdict[tuple[str, date], list[AnyRow]] = defaultdict(list)
        with self._database.read() as connection:
            for row in connection.execute(query):
                counted[row.service, row.day].append(row)
        return [
            DayOfAnswers(service=service, day=day, usual=_times(rows).usual())
            for (service, day), rows in sorted(counted.items())
        ]

    def _read_all(self, today: date) -> dict[str, AnswerTimes]:
        yesterday = today - timedelta(days=1)
        if self._long_past is None or self._long_past[0] != today:
            self._long_past = today, self._read_times(today - _LOOKS_BACK, yesterday)
        before, lately = self._long_past[1], self._read_times(yesterday, None)
        nothing = AnswerTimes()
        return {
            service: together([before.get(service, nothing), lately.get(service, nothing)])
            for service in before.keys() | lately.keys()
        }

    def _read_times(self, since: date, before: date | None) -> dict[str, AnswerTimes]:
        query = (
            select(answer_times.c.service, answer_times.c.bucket, _TOTAL)
            .where(answer_times.c.day >= since, *([] if before is None else [answer_times.c.day < before]))
            .group_by(answer_times.c.service, answer_times.c.bucket)
        )
        counted: defaultdict[str, list[AnyRow]] = defaultdict(list)
        with self._database.read() as connection:
            for row in connection.execute(query):
                counted[row.service].append(row)
        return {service: _times(rows) for service, rows in counted.items()}


def count_answers(connection: Connection, mrn: str, answered: Iterable[Answered]) -> None:
    """
    Count what was decided about one declaration, which must be something.

    Call it last in a transaction: until its end, others that count the same wait. All count in the same
    order, so that none waits for one that waits for it.
    """
    part = 0 if connection.dialect.name == "sqlite" else zlib.crc32(mrn.encode()) % _PARTS
    counted = Counter((one.at.astimezone(UTC).date(), one.service, bucket_of(one.took)) for one in answered)
    _COUNT.run_each(
        connection,
        [
            {"day": day, "service": service, "bucket": bucket, "part": part, "count": count}
            for (day, service, bucket), count in sorted(counted.items())
        ],
    )


def _times(rows: Iterable[AnyRow]) -> AnswerTimes:
    counts = [0] * BUCKETS
    for row in rows:
        counts[row.bucket] += row.total
    return AnswerTimes(counts=tuple(counts))


_COUNT = Statement(
    lambda insert: (add := insert(answer_times)).on_conflict_do_update(
        index_elements=["day", "service", "bucket", "part"],
        set_={"count": answer_times.c.count + add.excluded["count"]},
    )
)
_TOTAL = func.sum(answer_times.c.count).label("total")
