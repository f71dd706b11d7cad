"""Incidents: one open for each kind and subject, with everything that became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, text, update

from hub.ports import (
    Advance,
    Alert,
    Incident,
    IncidentChange,
    IncidentFilter,
    IncidentStep,
)
from hub.store.part import AnyRow, Part
from hub.store.tables import alerts, incident_changes, incidents

OPEN = text("incidents.closed_at IS NULL")
"""As the index on it says, word for word: SQLite uses a partial index only then."""
_CLOSED = text("incidents.closed_at IS NOT NULL")
_ROUND = 0x68756277_6174
"""Key of the PostgreSQL advisory lock under which one round at a time is recorded."""


class Incidents(Part):
    """`hub.ports.IncidentStore`, and what a round of the early warning makes of it."""

    def open_incidents(self) -> list[Incident]:
        """The most serious first, then the oldest."""
        with self._database.read() as connection:
            found = [_incident(row) for row in connection.execute(select(incidents).where(OPEN))]
        return sorted(found, key=lambda one: (-one.severity.rank, one.opened_at, one.id))

    def incidents(self, which: IncidentFilter, before: int | None, limit: int) -> list[Incident]:
        """The newest first; `before` is the id of the last one on the page before."""
        query = select(incidents).order_by(incidents.c.id.desc()).limit(limit)
        if which.is_open is not None:
            query = query.where(OPEN if which.is_open else _CLOSED)
        if which.kind is not None:
            query = query.where(incidents.c.kind == which.kind.value)
        if which.subject is not None:
            query = query.where(incidents.c.subject == which.subject)
        if which.severity is not None:
            query = query.where(incidents.c.severity == which.severity.value)
        if before is not None:
            query = query.where(incidents.c.id < before)
        with self._database.read() as connection:
            return [_incident(row) for row in connection.execute(query)]

    def incident(self, id: int) -> Incident | None:
        """One incident; None for an id that was never given."""
        with self._database.read() as connection:
            row = connection.execute(select(incidents).where(incidents.c.id == id)).one_or_none()
        return None if row is None else _incident(row)

    def incident_changes(self, id: int) -> list[IncidentChange]:
        """Its story, the earliest first."""
        query = (
            select(incident_changes.c.document)
            .where(incident_changes.c.incident == id)
            .order_by(incident_changes.c.id)
        )
        with self._database.read() as connection:
            return [IncidentChange.model_validate_json(document) for document in connection.scalars(query)]

    def acknowledge_incident(self, id: int, *, by: str, note: str | None, at: datetime) -> Incident:
        """Somebody looks after it. Raises KeyError."""
        return self._change_by_hand(
            id, {"acknowledged_by": by, "acknowledged_at": at}, IncidentStep.ACKNOWLEDGED, by, note, at
        )

    def snooze_incident(
        self, id: int, *, until: datetime, by: str, note: str | None, at: datetime
    ) -> Incident:
        """Nobody is reminded of it before that. Raises KeyError."""
        return self._change_by_hand(id, {"snoozed_until": until}, IncidentStep.SNOOZED, by, note, at)

    def note_incident(self, id: int, *, by: str, note: str, at: datetime) -> Incident:
        """Somebody has something to say about it. Raises KeyError."""
        return self._change_by_hand(id, {}, IncidentStep.NOTED, by, note, at)

    def recent_incidents(self, since: datetime) -> list[Incident]:
        """Those that are open, and those that were closed since."""
        with self._database.read() as connection:
            return _recent(connection, since)

    def record_round(
        self,
        since: datetime,
        step: Callable[[Sequence[Incident]], Sequence[Advance]],
        whom_to_tell: Callable[[Sequence[Advance]], Sequence[Alert]],
        at: datetime,
    ) -> list[Advance]:
        """What a round makes of them, and whom that is to be told, as one transaction."""
        with self._database.write() as connection:
            if not self._database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ROUND})
            before = {one.id: one for one in _recent(connection, since)}
            done = [
                _take(connection, before.get(each.incident.id), each, at)
                for each in step(list(before.values()))
            ]
            told = whom_to_tell(done)
            if told:
                connection.execute(
                    insert(alerts),
                    [
                        {"receiver": one.receiver, "at": one.at, "document": one.model_dump_json()}
                        for one in told
                    ],
                )
        return done

    def _change_by_hand(
        self,
        id: int,
        values: dict[str, object],
        step: IncidentStep,
        by: str,
        note: str | None,
        at: datetime,
    ) -> Incident:
        with self._database.write() as connection:
            row = connection.execute(
                select(incidents).where(incidents.c.id == id).with_for_update()
            ).one_or_none()
            if row is None:
                raise KeyError(f"no incident {id}")
            changed = _incident(row).model_copy(update=values)
            _write(connection, changed)
            _note(connection, changed, step, at, by=by, note=note)
        return changed


def _take(connection: Connection, before: Incident | None, advance: Advance, at: datetime) -> Advance:
    now = advance.incident
    if before is None:
        new = insert(incidents).returning(incidents.c.id)
        id = connection.execute(new, {**_columns(now), "document": "{}"}).scalar_one()
        now = now.model_copy(update={"id": id})
        _write(connection, now)
    elif now != before:
        _write(connection, now)
    if advance.step is not None:
        _note(connection, now, advance.step, at, evidence=True)
    return Advance(now, advance.step)


def _columns(incident: Incident) -> dict[str, object]:
    return {
        "kind": incident.kind.value,
        "subject": incident.subject,
        "severity": incident.severity.value,
        "opened_at": incident.opened_at,
        "updated_at": incident.updated_at,
        "closed_at": incident.closed_at,
        "document": incident.model_dump_json(),
    }


def _write(connection: Connection, incident: Incident) -> None:
    connection.execute(update(incidents).where(incidents.c.id == incident.id).values(_columns(incident)))


def _note(
    connection: Connection,
    incident: Incident,
    step: IncidentStep,
    at: datetime,
    *,
    by: str | None = None,
    note: str | None = None,
    evidence: bool = False,
) -> None:
    change = IncidentChange(
        at=at,
        step=step,
        severity=incident.severity,
        by=by,
        note=note,
        evidence=incident.evidence if evidence else {},
    )
    connection.execute(
        insert(incident_changes),
        {"incident": incident.id, "at": at, "document": change.model_dump_json()},
    )


def _recent(connection: Connection, since: datetime) -> list[Incident]:
    rows = [
        *connection.execute(select(incidents).where(OPEN)),
        *connection.execute(select(incidents).where(_CLOSED, incidents.c.closed_at >= since)),
    ]
    return sorted((_incident(row) for row in rows), key=lambda one: one.id)


def _incident(row: AnyRow) -> Incident:
    return Incident.model_validate_json(row.document)
