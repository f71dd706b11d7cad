"""What leaves the store for the archive: read whole, then taken out, with a tombstone in its place."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)

from hub.domain.archive import DECLARATION, Entry, section
from hub.domain.intake import Acceptance
from hub.ports.actions import BulkState
from hub.ports.retention import ArchiveFile, Closed, LeaseLost, LegalHold, Pruned, Tombstone
from hub.ports.versions import ChangeKind
from hub.store.notices import UNSENT
from hub.store.part import AnyRow, Part
from hub.store.record import rfc3339, to_json
from hub.store.rows import UNTOLD
from hub.store.statements import Statement, insert_of
from hub.store.tables import (
    agency_changes,
    agency_versions,
    answer_times,
    archive_files,
    archived,
    archived_references,
    attention,
    audit,
    bulk_items,
    bulks,
    cargo_events,
    certificate_entries,
    certificate_waits,
    configuration_files,
    decisions,
    declaration_versions,
    declarations,
    documents,
    events,
    exchanges,
    inbox,
    information,
    legal_holds,
    notices,
    polls,
    proposals,
    referral_queue,
    referrals,
    refused_callbacks,
    retention_lease,
    tracking_links,
    untold_news,
)
from hub.store.types import Document

_ONE = 1
"""The row of the lease."""
_CLOSED = text("declarations.closed_at IS NOT NULL")
_UNDER_WAY = text("archive_files.emptied_at IS NULL")
"""As the indexes on them say, word for word: SQLite uses a partial index only then."""


@dataclass(frozen=True)
class _Part:
    """A table that holds rows of a declaration, and how they stand in its record."""

    kind: str
    table: Table
    order: tuple[str, ...]
    where: Callable[[str], ColumnElement[bool]]
    left_out: frozenset[str] = frozenset()
    renamed: Mapping[str, str] | None = None


def _by_mrn(table: Table) -> Callable[[str], ColumnElement[bool]]:
    return lambda mrn: table.c.mrn == mrn


def _part(kind: str, table: Table, *order: str, **more: Any) -> _Part:
    return _Part(kind, table, order, _by_mrn(table), **more)


def _of_its_cargo(mrn: str) -> ColumnElement[bool]:
    number = select(declarations.c.cargo_management_number).where(declarations.c.mrn == mrn)
    return cargo_events.c.cargo_management_number == number.scalar_subquery()


_RECORD: Sequence[_Part] = (
    _part(DECLARATION, declarations, "mrn"),
    _part("version", declaration_versions, "version"),
    _part("referral", referrals, "place"),
    _part("decision", decisions, "received_at", "service", "id"),
    _part("event", events, "seq"),
    _part("information", information, "given_at", "service", "id"),
    _part("document", documents, "sha256"),
    _part("exchange", exchanges, "started_at", "id"),
    _part("message", inbox, "received_at", "agency", "message_id"),
    _part("notice", notices, "number"),
    _part("certificate_entry", certificate_entries, "type", "id", "number", renamed={"kind": "entry"}),
    _Part("cargo_event", cargo_events, ("at", "reporter", "message_id"), _of_its_cargo),
    _part("proposal", proposals, "at", "id"),
    _part("tracking_link", tracking_links, "made_at", "id", left_out=frozenset({"code_hash"})),
    _part("poll", polls, "service"),
    _part("audit", audit, "at", "id"),
)
"""Everything about a declaration, in the order of its record."""

_LEAVING: Sequence[Table] = (
    untold_news,
    polls,
    referral_queue,
    proposals,
    information,
    decisions,
    referrals,
    certificate_waits,
    tracking_links,
    notices,
    documents,
    events,
    declaration_versions,
    exchanges,
    inbox,
    attention,
    declarations,
)
"""
What is deleted, those that refer to others first. Not in it: the ledger of certificates, which must go on
adding up; where cargo was, which others are about, too; and the audit, which nobody deletes from.
"""


class Retention(Part):
    """`hub.ports.retention.RetentionStore`."""

    def lease_retention(self, process: str, now: datetime, lasts: timedelta) -> bool:
        """Whether this process may archive now, for so long; again, to go on."""
        with self._database.write() as connection:
            leasing = insert_of(connection)(retention_lease)
            leased = leasing.on_conflict_do_update(
                index_elements=["id"],
                set_={"process": leasing.excluded.process, "until": leasing.excluded.until},
                where=or_(retention_lease.c.until <= now, retention_lease.c.process == process),
            ).returning(retention_lease.c.id)
            values = {"id": _ONE, "process": process, "until": now + lasts}
            return connection.execute(leased, values).first() is not None

    def end_retention(self, process: str, now: datetime) -> None:
        """This process is done for now."""
        mine = retention_lease.c.process == process
        with self._database.write() as connection:
            connection.execute(update(retention_lease).where(mine).values(until=now))

    # --- what may leave ---------------------------------------------------------------------------------

    def archivable(self, closed_before: datetime, after: Closed | None, limit: int) -> list[Closed]:
        """Closed declarations about which nothing is left to do, those closed first first."""
        mrn = declarations.c.mrn
        query = (
            select(declarations.c.mrn, declarations.c.closed_at)
            .where(
                _CLOSED,
                declarations.c.closed_at < closed_before,
                declarations.c.started,
                ~exists().where(legal_holds.c.mrn == mrn),
                ~exists().where(untold_news.c.mrn == mrn),
                ~exists().where(decisions.c.mrn == mrn, UNTOLD),
                ~exists().where(notices.c.mrn == mrn, UNSENT),
                ~exists().where(proposals.c.mrn == mrn, proposals.c.ended_at.is_(None)),
            )
            .order_by(declarations.c.closed_at, mrn)
            .limit(limit)
        )
        if after is not None:
            query = query.where(tuple_(declarations.c.closed_at, mrn) > (after.closed_at, after.mrn))
        with self._database.read() as connection:
            return [Closed(mrn=row.mrn, closed_at=row.closed_at) for row in connection.execute(query)]

    def count_closed(self, closed_before: datetime) -> int:
        """How many declarations were closed before."""
        query = (
            select(func.count())
            .select_from(declarations)
            .where(_CLOSED, declarations.c.closed_at < closed_before)
        )
        with self._database.read() as connection:
            return connection.scalar(query) or 0

    def record_of(self, mrn: str) -> list[dict[str, Any]]:
        """All there is about a declaration, line by line; [] for an unknown mrn."""
        with self._database.read() as connection:
            return _record(connection, mrn)

    # --- files ------------------------------------------------------------------------------------------

    def last_archive_file(self) -> ArchiveFile | None:
        """The one that was written down last."""
        newest = select(archive_files).order_by(archive_files.c.made_at.desc(), archive_files.c.name.desc())
        with self._database.read() as connection:
            row = connection.execute(newest.limit(1)).one_or_none()
        return None if row is None else _file(row)

    def note_archive_file(self, file: ArchiveFile, process: str) -> None:
        """Write down a file that is about to take its name. Raises LeaseLost."""
        with self._database.write() as connection:
            _refuse_others(connection, process, file.made_at)
            connection.execute(insert(archive_files), file.model_dump())

    def archive_files(self, *, under_way: bool = False) -> list[ArchiveFile]:
        """The files there are, the oldest first; or those only whose declarations have not all left."""
        query = select(archive_files).order_by(archive_files.c.made_at, archive_files.c.name)
        if under_way:
            query = query.where(_UNDER_WAY)
        with self._database.read() as connection:
            return [_file(row) for row in connection.execute(query)]

    def empty_archive_file(self, file: str, at: datetime) -> None:
        """All that is in it has left, or stays."""
        with self._database.write() as connection:
            connection.execute(
                update(archive_files).where(archive_files.c.name == file).values(emptied_at=at)
            )

    # --- leaving ----------------------------------------------------------------------------------------

    def leave(self, file: str, leaving: Sequence[tuple[Entry, int]], at: datetime, process: str) -> int:
        """Take declarations out of the store that are in a file; how many left. Raises LeaseLost."""
        with self._database.write() as connection:
            _refuse_others(connection, process, at)
            return sum(_leave(connection, file, entry, offset, at) for entry, offset in leaving)

    def tombstone(self, mrn: str) -> Tombstone | None:
        """What stays of a declaration that was archived."""
        with self._database.read() as connection:
            row = connection.execute(_TOMBSTONES.where(archived.c.mrn == mrn)).one_or_none()
        return None if row is None else _tombstone(row)

    def tombstones(self, file: str) -> list[Tombstone]:
        """Of all declarations that left for a file, by mrn."""
        query = _TOMBSTONES.where(archived.c.file == file).order_by(archived.c.mrn)
        with self._database.read() as connection:
            return [_tombstone(row) for row in connection.execute(query)]

    # --- holds ------------------------------------------------------------------------------------------

    def hold(self, hold: LegalHold) -> bool:
        """Hold a declaration. False when it is held already. Raises KeyError for one that is not there."""
        with self._database.write() as connection:
            there = select(declarations.c.mrn).where(declarations.c.mrn == hold.mrn)
            if connection.execute(there.with_for_update(key_share=True)).first() is None:
                raise KeyError(f"no declaration {hold.mrn}")
            adding = insert_of(connection)(legal_holds).on_conflict_do_nothing()
            return (
                connection.execute(adding.returning(legal_holds.c.mrn), hold.model_dump()).first() is not None
            )

    def lift(self, mrn: str) -> LegalHold | None:
        """Hold it no more; the hold that there was."""
        with self._database.write() as connection:
            gone = delete(legal_holds).where(legal_holds.c.mrn == mrn).returning(*legal_holds.c)
            row = connection.execute(gone).one_or_none()
        return None if row is None else _hold(row)

    def holds(self) -> list[LegalHold]:
        """The oldest first."""
        query = select(legal_holds).order_by(legal_holds.c.at, legal_holds.c.mrn)
        with self._database.read() as connection:
            return [_hold(row) for row in connection.execute(query)]

    # --- what belongs to no declaration -----------------------------------------------------------------

    def prune(self, what: Pruned, before: datetime, limit: int) -> int:
        """Drop what is older, at most so many rows at once; how many were dropped."""
        with self._database.write() as connection:
            return _PRUNING[what](connection, before, limit)


_ARCHIVED_AS = Statement(
    select(archived.c.acceptance).where(
        archived.c.declarant == bindparam("declarant_"), archived.c.lrn == bindparam("lrn_")
    )
)


def archived_acceptance(connection: Connection, declarant: str, lrn: str) -> Acceptance | None:
    """What a declarant lodged under an lrn, of a declaration that was archived."""
    row = _ARCHIVED_AS.first(connection, {"declarant_": declarant, "lrn_": lrn})
    return None if row is None else Acceptance.model_validate_json(zlib.decompress(row.acceptance))


def archived_by_reference(connection: Connection, agency: str, reference: str) -> str | None:
    """The mrn of an archived declaration for which the agency gave this reference."""
    query = select(archived_references.c.mrn).where(
        archived_references.c.agency == agency, archived_references.c.reference == reference
    )
    mrn: str | None = connection.scalar(query.limit(1))
    return mrn


def is_archived(connection: Connection, mrn: str) -> bool:
    """Whether a declaration was archived."""
    return connection.scalar(select(archived.c.mrn).where(archived.c.mrn == mrn)) is not None


def _refuse_others(connection: Connection, process: str, now: datetime) -> None:
    """Until the transaction ends nobody takes the lease over. Raises LeaseLost."""
    row = connection.execute(select(retention_lease).with_for_update()).one_or_none()
    if row is None or row.process != process or row.until <= now:
        raise LeaseLost(f"{process} does not hold the lease")


def _record(connection: Connection, mrn: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for part in _RECORD:
        query = (
            select(part.table).where(part.where(mrn)).order_by(*(part.table.c[name] for name in part.order))
        )
        lines += [_line(part, row) for row in connection.execute(query)]
        if not lines:
            return []
    return lines


def _line(part: _Part, row: AnyRow) -> dict[str, Any]:
    line: dict[str, Any] = {"kind": part.kind}
    renamed = part.renamed or {}
    for column in part.table.columns:
        value = row._mapping[column.name]
        if value is not None and column.name not in part.left_out:
            line[renamed.get(column.name, column.name)] = _written(value, column.type)
    return line


def _written(value: Any, of: Any) -> Any:
    """A value as JSON has it. What was said is itself JSON, and is not wrapped once more."""
    if isinstance(of, Document):
        return json.loads(value)
    if isinstance(of, LargeBinary):
        return base64.b64encode(value).decode()
    return rfc3339(value) if isinstance(value, datetime) else value


def _leave(connection: Connection, file: str, entry: Entry, offset: int, at: datetime) -> bool:
    mrn = entry.mrn
    row = connection.execute(
        select(declarations).where(declarations.c.mrn == mrn).with_for_update()
    ).one_or_none()
    if row is None or connection.scalar(select(legal_holds.c.mrn).where(legal_holds.c.mrn == mrn)):
        return False
    # What is deleted is exactly what stands in the file: whatever has come since keeps the declaration here.
    if section(mrn, _record(connection, mrn))[1] != entry.digest:
        return False
    asked = connection.execute(
        select(referrals.c.service, referrals.c.agency, referrals.c.receipt_reference).where(
            referrals.c.mrn == mrn
        )
    ).all()
    acceptance = f'{{"declaration":{row.declaration},{row.acceptance[1:]}'
    # First the tombstone: the database lets no event go of a declaration that has none.
    connection.execute(
        insert(archived),
        {
            **{name: row._mapping[name] for name in ("mrn", "declarant", "client", "lrn", "outcome")},
            "accepted_at": row.accepted_at,
            "closed_at": row.closed_at,
            "archived_at": at,
            "keep_until": entry.keep_until,
            "agencies": to_json(sorted({one.agency for one in asked})),
            "file": file,
            "digest": entry.digest,
            "offset": offset,
            "acceptance": zlib.compress(acceptance.encode(), 9),
        },
    )
    references = [
        {"mrn": mrn, "service": one.service, "agency": one.agency, "reference": one.receipt_reference}
        for one in asked
        if one.receipt_reference is not None
    ]
    if references:
        connection.execute(insert(archived_references), references)
    for table in _LEAVING:
        connection.execute(delete(table).where(table.c.mrn == mrn))
    return True


def _file(row: AnyRow) -> ArchiveFile:
    return ArchiveFile.model_validate(dict(row._mapping))


def _hold(row: AnyRow) -> LegalHold:
    return LegalHold.model_validate(dict(row._mapping))


_TOMBSTONES = select(*(column for column in archived.columns if column.name != "acceptance"))


def _tombstone(row: AnyRow) -> Tombstone:
    return Tombstone.model_validate({**row._mapping, "agencies": json.loads(row.agencies)})


# --- pruning --------------------------------------------------------------------------------------------


def _drop(connection: Connection, table: Table, condition: ColumnElement[bool], limit: int) -> int:
    """Delete so many rows that meet a condition."""
    primary = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(condition).limit(limit)
    return connection.execute(delete(table).where(primary.in_(some))).rowcount


def _prune_answer_times(connection: Connection, before: datetime, limit: int) -> int:
    return _drop(connection, answer_times, answer_times.c.day < before.date(), limit)


def _prune_bulks(connection: Connection, before: datetime, limit: int) -> int:
    ended = and_(bulks.c.begun_at < before, bulks.c.state != BulkState.RUNNING.value)
    old = list(connection.scalars(select(bulks.c.id).where(ended).order_by(bulks.c.begun_at).limit(10)))
    if not old:
        return 0
    dropped = _drop(connection, bulk_items, bulk_items.c.bulk.in_(old), limit)
    if dropped < limit:
        dropped += connection.execute(delete(bulks).where(bulks.c.id.in_(old))).rowcount
    return dropped


def _prune_refused_callbacks(connection: Connection, before: datetime, limit: int) -> int:
    return _drop(connection, refused_callbacks, refused_callbacks.c.at < before, limit)


def _prune_messages(connection: Connection, before: datetime, limit: int) -> int:
    nobodys = or_(
        and_(text("inbox.waiting"), inbox.c.received_at < before),
        and_(text("inbox.trouble IS NOT NULL"), inbox.c.received_at < before, inbox.c.mrn.is_(None)),
    )
    return _drop(connection, inbox, nobodys, limit)


def _prune_exchanges(connection: Connection, before: datetime, limit: int) -> int:
    nobodys = and_(text("exchanges.mrn IS NULL"), exchanges.c.started_at < before)
    return _drop(connection, exchanges, nobodys, limit)


def _prune_cargo_events(connection: Connection, before: datetime, limit: int) -> int:
    ours = exists().where(
        text("declarations.cargo_management_number IS NOT NULL"),
        declarations.c.cargo_management_number == cargo_events.c.cargo_management_number,
    )
    return _drop(connection, cargo_events, and_(cargo_events.c.at < before, ~ours), limit)


def _prune_versions(connection: Connection, before: datetime, limit: int) -> int:
    """With the files that no other version names."""
    newest = (
        select(func.max(agency_changes.c.id))
        .where(agency_changes.c.kind.in_([ChangeKind.APPLIED.value, ChangeKind.REMOVED.value]))
        .group_by(agency_changes.c.agency)
    )
    last = select(agency_changes.c.agency, agency_changes.c.version).where(agency_changes.c.id.in_(newest))
    in_force = {(row.agency, row.version) for row in connection.execute(last)}
    old = connection.execute(
        select(agency_versions.c.agency, agency_versions.c.version)
        .where(
            agency_versions.c.first_applied_at < before,
            ~exists().where(
                referrals.c.agency == agency_versions.c.agency,
                referrals.c.config_version == agency_versions.c.version,
            ),
        )
        .limit(limit)
    ).all()
    gone = [(row.agency, row.version) for row in old if (row.agency, row.version) not in in_force]
    if not gone:
        return 0
    place = tuple_(agency_versions.c.agency, agency_versions.c.version)
    connection.execute(delete(agency_versions).where(place.in_(gone)))
    named = {
        digest
        for files in connection.scalars(select(agency_versions.c.files))
        for digest in json.loads(files).values()
    }
    kept = set(connection.scalars(select(configuration_files.c.digest)))
    if unnamed := sorted(kept - named):
        connection.execute(delete(configuration_files).where(configuration_files.c.digest.in_(unnamed)))
    return len(gone)


def _prune_tombstones(connection: Connection, before: datetime, limit: int) -> int:
    old = select(archived.c.mrn).where(archived.c.keep_until < before).limit(limit)
    mrns = list(connection.scalars(old))
    if mrns:
        connection.execute(delete(archived_references).where(archived_references.c.mrn.in_(mrns)))
        connection.execute(delete(archived).where(archived.c.mrn.in_(mrns)))
    return len(mrns)


_PRUNING: Mapping[Pruned, Callable[[Connection, datetime, int], int]] = {
    Pruned.ANSWER_TIMES: _prune_answer_times,
    Pruned.BULKS: _prune_bulks,
    Pruned.REFUSED_CALLBACKS: _prune_refused_callbacks,
    Pruned.MESSAGES: _prune_messages,
    Pruned.EXCHANGES: _prune_exchanges,
    Pruned.CARGO_EVENTS: _prune_cargo_events,
    Pruned.VERSIONS: _prune_versions,
    Pruned.TOMBSTONES: _prune_tombstones,
}
