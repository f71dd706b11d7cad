"""The audit: who did what, to what, why, and what came of it. Lines are added, and never changed."""

from __future__ import annotations

import json

from sqlalchemy import Connection, Select, func, insert, literal, select, text, tuple_

from hub.ports import Audited, AuditFilter, AuditPage, BadCursor, DoneBefore
from hub.store.cursors import decode_cursor, encode_cursor
from hub.store.part import AnyRow, Part
from hub.store.record import to_json
from hub.store.statements import insert_of
from hub.store.tables import audit
from hub.store.types import Utc

_OF_A_DECLARATION = text("audit.mrn IS NOT NULL")
_OF_AN_AGENCY = text("audit.agency IS NOT NULL")
"""As the indexes on them say, word for word: SQLite uses a partial index only then."""


class Audit(Part):
    """Lines that stand alone, and the search for any."""

    def note_audit(self, line: Audited, request: str | None = None) -> Audited:
        """Write a line of something that changes nothing else. Raises DoneBefore."""
        with self._database.write() as connection:
            return add_line(connection, line, request)

    def audit_line(self, request: str) -> Audited | None:
        """What was done under this request id."""
        with self._database.read() as connection:
            row = connection.execute(select(audit).where(audit.c.request == request)).one_or_none()
        return None if row is None else _read(row)

    def audit(self, which: AuditFilter, cursor: str | None, limit: int) -> AuditPage:
        """Lines, the newest first. Raises BadCursor."""
        query = _filtered(which, cursor).limit(limit + 1)
        with self._database.read() as connection:
            if which.action is None:
                rows = list(connection.execute(query).all())
            else:
                # Each of them by the index on it: several at once would all have to be read and sorted.
                rows = [
                    row
                    for action in _actions(connection, which.action)
                    for row in connection.execute(query.where(audit.c.action == action))
                ]
                rows.sort(key=lambda row: (row.at, row.id), reverse=True)
        shown = tuple(_read(row) for row in rows[:limit])
        more = len(rows) > limit
        return AuditPage(lines=shown, cursor=encode_cursor(shown[-1].at, str(shown[-1].id)) if more else None)


def refuse_done(connection: Connection, request: str) -> None:
    """Raises DoneBefore when a line has this request id: nobody need begin."""
    row = connection.execute(select(audit).where(audit.c.request == request)).one_or_none()
    if row is not None:
        raise DoneBefore(_read(row))


def add_line(connection: Connection, line: Audited, request: str | None) -> Audited:
    """
    Write a line within a transaction; the line with its number. Raises DoneBefore: what was done in the
    transaction until then must not be kept.
    """
    values = {
        **line.model_dump(include={"at", "user", "mrn", "service", "agency", "reason", "result", "action"}),
        "role": line.role.value,
        "data": to_json(line.data),
        "request": request,
    }
    if request is None:
        [number] = connection.execute(insert(audit).returning(audit.c.id), values).one()
        return line.model_copy(update={"id": number})
    # Two that come at once: the second waits here until the first has committed, and finds its line.
    adding = insert_of(connection)(audit).on_conflict_do_nothing(index_elements=["request"])
    added = connection.execute(adding.returning(audit.c.id), values).one_or_none()
    if added is None:
        refuse_done(connection, request)
        raise RuntimeError(f"the request {request} is in the audit, and is not")
    return line.model_copy(update={"id": added.id})


def _actions(connection: Connection, wanted: str) -> list[str]:
    """The action itself, and those of which it is the part before the dot; they are few."""
    found = [wanted]
    last = f"{wanted}."
    while True:
        # A slash comes right after the dot.
        following = select(func.min(audit.c.action)).where(
            audit.c.action > last, audit.c.action < f"{wanted}/"
        )
        action = connection.scalar(following)
        if action is None:
            return found
        found.append(action)
        last = action


def _filtered(which: AuditFilter, cursor: str | None) -> Select[tuple[object, ...]]:
    query = select(audit).order_by(audit.c.at.desc(), audit.c.id.desc())
    if which.user is not None:
        query = query.where(audit.c.user == which.user)
    if which.mrn is not None:
        query = query.where(_OF_A_DECLARATION, audit.c.mrn == which.mrn)
    if which.agency is not None:
        query = query.where(_OF_AN_AGENCY, audit.c.agency == which.agency)
    if which.since is not None:
        query = query.where(audit.c.at >= which.since)
    if which.before is not None:
        query = query.where(audit.c.at < which.before)
    if cursor is not None:
        at, number = decode_cursor(cursor)
        if not number.isascii() or not number.isdigit() or len(number) > 18:
            raise BadCursor("not a cursor of this list")
        query = query.where(tuple_(audit.c.at, audit.c.id) < tuple_(literal(at, Utc()), int(number)))
    return query


def _read(row: AnyRow) -> Audited:
    return Audited(
        id=row.id,
        at=row.at,
        user=row.user,
        role=row.role,
        action=row.action,
        mrn=row.mrn,
        service=row.service,
        agency=row.agency,
        reason=row.reason,
        result=row.result,
        data=json.loads(row.data),
    )
