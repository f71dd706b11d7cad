"""Bulk actions: what is to be done one after the other, each once, until all is done or a person stops it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, literal, select, text, tuple_, update

from hub.ports import (
    Audited,
    Bulk,
    BulkItem,
    BulkOver,
    BulkPage,
    BulkState,
    BulkSubject,
    ItemState,
)
from hub.store.audit import add_line, refuse_done
from hub.store.cursors import decode_cursor, encode_cursor
from hub.store.part import AnyRow, Part
from hub.store.tables import bulk_items, bulks, referrals
from hub.store.types import Key, Utc

_RUNNING = text("state = 'running'")
"""As the index on it says, word for word: SQLite uses a partial index only then."""
_IN_TURN = select(bulks).where(_RUNNING).order_by(bulks.c.begun_at, bulks.c.id)
_AT_ONCE = 1000
"""Rows of one INSERT."""


class Bulks(Part):
    """Written down with all their items before the first is done."""

    def begin_bulk(self, bulk: Bulk, subjects: Sequence[BulkSubject], line: Audited, request: str) -> None:
        """Write it down with all its items. Raises DoneBefore."""
        rows = [
            {
                **subject.model_dump(include={"mrn", "service", "agency"}),
                "bulk": bulk.id,
                "place": place,
                "state": ItemState.WAITING.value,
                "result": "",
            }
            for place, subject in enumerate(subjects, 1)
        ]
        with self._database.write() as connection:
            refuse_done(connection, request)
            connection.execute(
                insert(bulks),
                {
                    "id": bulk.id,
                    "begun_at": bulk.begun_at,
                    "state": bulk.state.value,
                    "document": bulk.model_dump_json(exclude={"counts"}),
                },
            )
            for first in range(0, len(rows), _AT_ONCE):
                connection.execute(insert(bulk_items), rows[first : first + _AT_ONCE])
            add_line(connection, line, request)

    def subjects(self, places: Sequence[tuple[str, str]]) -> list[BulkSubject]:
        """The referrals of these mrns and services that there are, each once, in order."""
        wanted = list(dict.fromkeys(places))
        agencies: dict[tuple[str, str], str] = {}
        with self._database.read() as connection:
            for first in range(0, len(wanted), _AT_ONCE):
                some = wanted[first : first + _AT_ONCE]
                there = select(referrals.c.mrn, referrals.c.service, referrals.c.agency).where(
                    tuple_(referrals.c.mrn, referrals.c.service).in_(some)
                )
                agencies |= {(row.mrn, row.service): row.agency for row in connection.execute(there)}
        return [
            BulkSubject(mrn=place[0], service=place[1], agency=agencies[place])
            for place in wanted
            if place in agencies
        ]

    def bulk(self, id: str) -> Bulk | None:
        """As it stands, with how many of its items are in which state."""
        with self._database.read() as connection:
            found = _read(connection, select(bulks).where(bulks.c.id == id))
        return found[0] if found else None

    def running_bulks(self) -> list[Bulk]:
        """In the order of their turns."""
        with self._database.read() as connection:
            return _read(connection, _IN_TURN)

    def bulks(self, cursor: str | None, limit: int) -> BulkPage:
        """The newest first. Raises BadCursor."""
        query = select(bulks).order_by(bulks.c.begun_at.desc(), bulks.c.id.desc()).limit(limit + 1)
        if cursor is not None:
            at, id = decode_cursor(cursor)
            after = tuple_(literal(at, Utc()), literal(id, Key()))
            query = query.where(tuple_(bulks.c.begun_at, bulks.c.id) < after)
        with self._database.read() as connection:
            found = _read(connection, query)
        shown = tuple(found[:limit])
        more = len(found) > limit
        return BulkPage(bulks=shown, cursor=encode_cursor(shown[-1].begun_at, shown[-1].id) if more else None)

    def bulk_items(self, id: str, state: ItemState | None, after: int, limit: int) -> list[BulkItem]:
        """Its items whose place is greater than `after`, in order."""
        query = select(bulk_items).where(bulk_items.c.bulk == id, bulk_items.c.place > after)
        if state is not None:
            query = query.where(bulk_items.c.state == state.value)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(bulk_items.c.place).limit(limit)).all()
        return [
            BulkItem(
                place=row.place,
                mrn=row.mrn,
                service=row.service,
                agency=row.agency,
                state=row.state,
                result=row.result,
                at=row.at,
            )
            for row in rows
        ]

    def lease_bulk(self, holder: str, now: datetime, until: datetime) -> Bulk | None:
        """The oldest that runs, unless another holder is at it: one at a time, so that rates never add up."""
        oldest = _IN_TURN.limit(1)
        with self._database.read() as connection:
            # Mostly there is none, and nobody need stand in line with those who write.
            if connection.execute(oldest).first() is None:
                return None
        with self._database.write() as connection:
            row = connection.execute(oldest.with_for_update()).one_or_none()
            if row is None or _is_anothers(row, holder, now):
                return None
            connection.execute(
                update(bulks).where(bulks.c.id == row.id).values(holder=holder, leased_until=until)
            )
            [bulk] = _with_counts(connection, [row])
        return bulk

    def refuse_item(self, id: str, place: int, line: Audited, request: str) -> None:
        """Its turn came, and it could not be done. Raises DoneBefore, BulkOver."""
        with self._database.write() as connection:
            refuse_done(connection, request)
            end_item(connection, (id, place), line, ItemState.REFUSED)
            add_line(connection, line, request)

    def end_bulk(self, id: str, state: BulkState, line: Audited | None, request: str | None) -> bool:
        """
        Stop it, or note that nothing of it waits any more; `line` is of the one who stops it. Whether it was
        running. Raises KeyError, DoneBefore.
        """
        with self._database.write() as connection:
            if request is not None:
                refuse_done(connection, request)
            row = connection.execute(select(bulks).where(bulks.c.id == id).with_for_update()).one_or_none()
            if row is None:
                raise KeyError(f"no bulk action {id}")
            was_running = bool(row.state == BulkState.RUNNING)
            if was_running:
                [bulk] = _with_counts(connection, [row])
                ended = bulk.model_copy(
                    update={
                        "state": state,
                        "ended_by": None if line is None else line.user,
                        "ended_at": None if line is None else line.at,
                    }
                )
                if line is None:
                    last = select(func.max(bulk_items.c.at)).where(bulk_items.c.bulk == id)
                    ended = ended.model_copy(update={"ended_at": connection.scalar(last) or bulk.begun_at})
                connection.execute(
                    update(bulks)
                    .where(bulks.c.id == id)
                    .values(
                        state=state.value,
                        holder=None,
                        leased_until=None,
                        document=ended.model_dump_json(exclude={"counts"}),
                    )
                )
            if line is not None:
                add_line(connection, line, request)
        return was_running


def end_item(
    connection: Connection,
    place: tuple[str, int],
    line: Audited,
    state: ItemState = ItemState.DONE,
) -> None:
    """
    Mark an item within the transaction in which it is done: so it is done once, and never after a stop.
    Raises BulkOver.
    """
    bulk, number = place
    # Whoever stops it waits for this item, and no other begins after it has been stopped.
    running = connection.scalar(select(bulks.c.state).where(bulks.c.id == bulk).with_for_update(read=True))
    if running != BulkState.RUNNING:
        raise BulkOver(f"the bulk action {bulk} does not run any more")
    ended = connection.execute(
        update(bulk_items)
        .where(
            bulk_items.c.bulk == bulk,
            bulk_items.c.place == number,
            bulk_items.c.state == ItemState.WAITING.value,
        )
        .values(state=state.value, result=_result(line), at=line.at)
    )
    if ended.rowcount != 1:
        raise BulkOver(f"item {number} of the bulk action {bulk} does not wait any more")


def _result(line: Audited) -> str:
    """Of an item; of one that was refused, the code of why first."""
    code = line.data.get("refused")
    return line.result if code is None else f"{code}: {line.result.removeprefix('refused: ')}"


def _is_anothers(row: AnyRow, holder: str, now: datetime) -> bool:
    return row.holder not in (None, holder) and row.leased_until is not None and row.leased_until > now


def _read(connection: Connection, query: Select[Any]) -> list[Bulk]:
    return _with_counts(connection, connection.execute(query).all())


def _with_counts(connection: Connection, rows: Sequence[AnyRow]) -> list[Bulk]:
    if not rows:
        return []
    counted = connection.execute(
        select(bulk_items.c.bulk, bulk_items.c.state, func.count().label("number"))
        .where(bulk_items.c.bulk.in_([row.id for row in rows]))
        .group_by(bulk_items.c.bulk, bulk_items.c.state)
    )
    counts: dict[str, dict[ItemState, int]] = {row.id: {} for row in rows}
    for row in counted:
        counts[row.bulk][ItemState(row.state)] = row.number
    return [
        Bulk.model_validate_json(row.document).model_copy(update={"counts": counts[row.id]}) for row in rows
    ]
