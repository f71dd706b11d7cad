"""What the early warning measures in the store: who lives, what waits, what came in that was no use."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, delete, func, select, text, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.ports import Beat, DatabaseState, Doors, Outboxes
from hub.store.clock import database_now
from hub.store.intake import NOT_STARTED
from hub.store.messages import WAITING
from hub.store.notices import UNSENT
from hub.store.part import Part
from hub.store.rows import UNTOLD
from hub.store.statements import insert_of
from hub.store.tables import (
    beats,
    bulletins,
    decisions,
    declarations,
    inbox,
    incident_changes,
    incidents,
    notices,
    refused_callbacks,
    samples,
    tallies,
    untold_news,
    watch_lease,
)

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_TROUBLED = text("inbox.trouble IS NOT NULL")
_BEATS_KEPT = timedelta(days=1)
_TALLIES_KEPT = timedelta(days=2)
_SAMPLES_KEPT = timedelta(days=2)
_BULLETINS_KEPT = timedelta(days=30)
_INCIDENTS_KEPT = timedelta(days=400)


class Vitals(Part):
    """Small rows that are written every few seconds, and indexed looks at what waits."""

    def beat(self, process: str, role: str, version: str, now: datetime) -> DatabaseState:
        """This process lives, and how the database took it. `now` is its own clock."""
        started = time.perf_counter()
        with self._database.read() as connection:
            seen_at = database_now(connection)
            skew = (now - seen_at).total_seconds() + time.perf_counter() - started
            size = _size(connection)
        with self._database.write() as connection:
            living = insert_of(connection)(beats)
            connection.execute(
                living.on_conflict_do_update(
                    index_elements=["process"],
                    set_={
                        "role": living.excluded.role,
                        "version": living.excluded.version,
                        "seen_at": living.excluded.seen_at,
                        "skew_seconds": living.excluded.skew_seconds,
                    },
                ),
                {
                    "process": process,
                    "role": role,
                    "version": version,
                    "started_at": seen_at,
                    "seen_at": seen_at,
                    "skew_seconds": skew,
                },
            )
        seconds = time.perf_counter() - started
        free, total = self._room()
        return DatabaseState(
            seconds=seconds, skew_seconds=skew, size_bytes=size, free_bytes=free, disk_bytes=total
        )

    def end_beat(self, process: str) -> None:
        """It has been told to end."""
        with self._database.write() as connection:
            connection.execute(delete(beats).where(beats.c.process == process))

    def beats(self) -> list[Beat]:
        """Of every process that was seen within a day."""
        with self._database.read() as connection:
            now = database_now(connection)
            rows = connection.execute(select(beats).where(beats.c.seen_at >= now - _BEATS_KEPT)).all()
        return [
            Beat(
                process=row.process,
                role=row.role,
                version=row.version,
                started_seconds_ago=(now - row.started_at).total_seconds(),
                skew_seconds=row.skew_seconds,
                age_seconds=(now - row.seen_at).total_seconds(),
            )
            for row in rows
        ]

    def lease_watch(self, process: str, *, idle: timedelta, lasts: timedelta) -> bool:
        """Whether this process may go a round now; see `hub.ports.WatchStore`."""
        with self._database.read() as connection:
            now = database_now(connection)
            row = connection.execute(select(watch_lease)).one_or_none()
            if row is not None and (row.until > now or row.ended_at > now - idle):
                return False
        with self._database.write() as connection:
            now = database_now(connection)
            leasing = insert_of(connection)(watch_lease)
            leased = leasing.on_conflict_do_update(
                index_elements=["id"],
                set_={"process": leasing.excluded.process, "until": leasing.excluded.until},
                where=(watch_lease.c.until <= now) & (watch_lease.c.ended_at <= now - idle),
            ).returning(watch_lease.c.id)
            values = {"id": 1, "process": process, "until": now + lasts, "ended_at": _NEVER}
            return connection.execute(leased, values).first() is not None

    def end_watch(self, process: str, *, done: bool) -> None:
        """The round is over: done, or it failed and is anybody's to go again."""
        with self._database.write() as connection:
            now = database_now(connection)
            values = {"until": now, "ended_at": now} if done else {"until": now}
            connection.execute(update(watch_lease).where(watch_lease.c.process == process).values(values))

    def watched_seconds_ago(self) -> float | None:
        """Since the last round ended, by the database's clock; None when there was none."""
        with self._database.read() as connection:
            now = database_now(connection)
            ended_at = connection.scalar(select(watch_lease.c.ended_at))
        return None if ended_at is None or ended_at == _NEVER else float((now - ended_at).total_seconds())

    def outboxes(self) -> Outboxes:
        """Since when what waits does; each by an index that holds nothing else."""
        with self._database.read() as connection:
            notice = connection.execute(
                select(notices.c.issued_at, notices.c.trouble)
                .where(UNSENT)
                .order_by(notices.c.issued_at)
                .limit(1)
            ).one_or_none()
            return Outboxes(
                not_started=connection.scalar(
                    select(func.min(declarations.c.accepted_at)).where(NOT_STARTED)
                ),
                untold_decision=connection.scalar(select(func.min(decisions.c.received_at)).where(UNTOLD)),
                untold_news=connection.scalar(select(func.min(untold_news.c.at))),
                unsent_notice=None if notice is None else notice.issued_at,
                unsent_notice_trouble=None if notice is None else notice.trouble,
                unmatched_message=connection.scalar(select(func.min(inbox.c.received_at)).where(WAITING)),
            )

    def doors(self, since: datetime) -> Doors:
        """What came in since then and was no use, by agency."""
        with self._database.read() as connection:
            troubled = connection.execute(
                select(inbox.c.agency, inbox.c.via, func.count())
                .where(_TROUBLED, inbox.c.received_at >= since)
                .group_by(inbox.c.agency, inbox.c.via)
            ).all()
            refused = connection.execute(
                select(refused_callbacks.c.agency, func.count())
                .where(refused_callbacks.c.at >= since)
                .group_by(refused_callbacks.c.agency)
            ).all()
        not_understood: dict[str, int] = {}
        for agency, _, count in troubled:
            not_understood[agency] = not_understood.get(agency, 0) + count
        return Doors(
            not_understood=not_understood,
            poisoned={agency: count for agency, via, count in troubled if via == "feed"},
            refused_callbacks={row[0]: row[1] for row in refused},
        )

    def tally(self, counts: Mapping[tuple[str, str], int], minute: datetime) -> None:
        """Add to what has been counted in that minute, by what and whom."""
        if not counts:
            return
        with self._database.write() as connection:
            adding = insert_of(connection)(tallies)
            connection.execute(
                adding.on_conflict_do_update(
                    index_elements=["what", "minute", "subject"],
                    set_={"count": tallies.c.count + adding.excluded.count},
                ),
                # In one order: two processes that add to the same rows never wait for each other in a ring.
                [
                    {"what": what, "minute": minute, "subject": subject, "count": count}
                    for (what, subject), count in sorted(counts.items())
                ],
            )

    def tallied(self, what: str, since: datetime) -> dict[str, int]:
        """What has been counted since, by whom."""
        query = (
            select(tallies.c.subject, func.sum(tallies.c.count))
            .where(tallies.c.what == what, tallies.c.minute >= since)
            .group_by(tallies.c.subject)
        )
        with self._database.read() as connection:
            return {subject: int(count) for subject, count in connection.execute(query)}

    def sample(self, what: str, values: Mapping[str, float], at: datetime) -> None:
        """Keep measurements, by subject. The same again at the same time is no error."""
        if not values:
            return
        with self._database.write() as connection:
            connection.execute(
                insert_of(connection)(samples).on_conflict_do_nothing(),
                [{"what": what, "at": at, "subject": name, "value": value} for name, value in values.items()],
            )

    def samples(self, what: str, since: datetime) -> dict[str, list[tuple[datetime, float]]]:
        """The earliest first, by subject."""
        query = (
            select(samples.c.subject, samples.c.at, samples.c.value)
            .where(samples.c.what == what, samples.c.at >= since)
            .order_by(samples.c.at)
        )
        found: dict[str, list[tuple[datetime, float]]] = {}
        with self._database.read() as connection:
            for subject, at, value in connection.execute(query):
                found.setdefault(subject, []).append((at, value))
        return found

    def forget(self, now: datetime) -> None:
        """Remove what is too old to matter."""
        old_incidents = select(incidents.c.id).where(
            text("incidents.closed_at IS NOT NULL"), incidents.c.closed_at < now - _INCIDENTS_KEPT
        )
        with self._database.write() as connection:
            for gone in (
                delete(beats).where(beats.c.seen_at < now - _BEATS_KEPT),
                delete(tallies).where(tallies.c.minute < now - _TALLIES_KEPT),
                delete(samples).where(samples.c.at < now - _SAMPLES_KEPT),
                delete(bulletins).where(
                    bulletins.c.due_at.is_(None), bulletins.c.created_at < now - _BULLETINS_KEPT
                ),
                delete(incident_changes).where(incident_changes.c.incident.in_(old_incidents)),
                delete(incidents).where(incidents.c.id.in_(old_incidents)),
            ):
                connection.execute(gone)

    def _room(self) -> tuple[int | None, int | None]:
        """Free bytes and all bytes of the disk of an SQLite file; a server's disk is not ours to look at."""
        if not self._database.is_sqlite or self._database.url.database is None:
            return None, None
        usage = shutil.disk_usage(Path(self._database.url.database).resolve().parent)
        return usage.free, usage.total


def is_full(error: BaseException) -> bool:
    """Whether the database failed for want of room: SQLITE_FULL, or PostgreSQL's 53100 disk_full."""
    if not isinstance(error, SQLAlchemyError):
        return isinstance(error, OSError) and error.errno == 28  # ENOSPC
    original = getattr(error, "orig", None)
    return getattr(original, "sqlite_errorname", "") == "SQLITE_FULL" or (
        getattr(original, "sqlstate", "") == "53100"
    )


def is_away(error: BaseException) -> bool:
    """Whether the database was not reached, did not answer in time, or cannot be used as it is."""
    if isinstance(error, TimeoutError | OperationalError | InterfaceError | PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def store_trouble(error: BaseException) -> str | None:
    """Why the database could not do what was asked of it, for whoever asked; None: that is not why."""
    if is_full(error):
        return "the database has no room to write"
    if isinstance(error, SQLAlchemyError) and is_away(error):
        return "the database does not answer"
    return None


def _size(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":
        pages: int = connection.execute(text("PRAGMA page_count")).scalar_one()
        size: int = connection.execute(text("PRAGMA page_size")).scalar_one()
        return pages * size
    taken: int = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    return taken
