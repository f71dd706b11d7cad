"""Versions of the agencies' files: every one that was ever in force, and what became of every change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, Select, and_, case, func, insert, select, text

from hub.ports import (
    SHARED_FILES,
    AgencyChange,
    AgencyFiles,
    ChangeKind,
    InForce,
    Served,
    ToldFault,
)
from hub.store.part import AnyRow, Part
from hub.store.record import to_json
from hub.store.statements import insert_of
from hub.store.tables import agency_changes, agency_versions, configuration_files, referrals

_CHANGING = 0x68756263_6667
"""Key of the PostgreSQL advisory lock under which one process at a time says what is in force."""

_AWAITED = text("referrals.awaited")
"""As the index on it says, word for word: SQLite uses a partial index only then."""

_faults = TypeAdapter(tuple[ToldFault, ...])


class Versions(Part):
    """`hub.ports.VersionStore`. Files are kept once for each content, whoever names them."""

    def record_applied(self, versions: Sequence[AgencyFiles], at: datetime, process: str) -> None:
        """Write versions down, and that they are in force from `at`. One that is already stays as it is."""
        if not versions:
            return
        with self._database.write() as connection:
            self._take_turns(connection)
            standing = _latest(connection, ChangeKind.APPLIED, ChangeKind.REMOVED)
            for version in versions:
                agency = version.agency
                _write(connection, version, at)
                if agency not in standing or standing[agency].version != version.version:
                    _note(connection, agency, ChangeKind.APPLIED, version.version, at, process)

    def record_mended(self, agencies: Sequence[str], at: datetime, process: str) -> None:
        """After files that were refused, what is in force stands in the folder again."""
        if not agencies:
            return
        with self._database.write() as connection:
            self._take_turns(connection)
            last = _latest(connection, *ChangeKind)
            standing = _latest(connection, ChangeKind.APPLIED, ChangeKind.REMOVED)
            for agency in agencies:
                if agency in last and last[agency].kind == ChangeKind.REFUSED:
                    version = standing[agency].version if agency in standing else None
                    _note(connection, agency, ChangeKind.MENDED, version, at, process)

    def record_removed(self, agencies: Sequence[str], at: datetime, process: str) -> None:
        """These agencies are asked no more. Their versions are kept."""
        if not agencies:
            return
        with self._database.write() as connection:
            self._take_turns(connection)
            standing = _latest(connection, ChangeKind.APPLIED, ChangeKind.REMOVED)
            for agency in agencies:
                if agency in standing and standing[agency].kind == ChangeKind.APPLIED:
                    _note(connection, agency, ChangeKind.REMOVED, None, at, process)

    def record_refused(
        self, agency: str, version: str | None, faults: Sequence[ToldFault], at: datetime, process: str
    ) -> None:
        """What stands in the folder has faults and is not in force. The same again is recorded once."""
        told = _faults.dump_json(tuple(faults)).decode()
        with self._database.write() as connection:
            self._take_turns(connection)
            last = _latest(connection, *ChangeKind).get(agency)
            if last is not None and (last.kind, last.version) == (ChangeKind.REFUSED, version):
                # Told by another process already, or in other words since it runs elsewhere.
                return
            _note(connection, agency, ChangeKind.REFUSED, version, at, process, told)

    def in_force(self) -> dict[str, InForce]:
        """By agency, the files beside them as `SHARED_FILES`."""
        with self._database.read() as connection:
            standing = _latest(connection, ChangeKind.APPLIED, ChangeKind.REMOVED)
        return {
            agency: InForce(agency=agency, version=row.version, since=row.at)
            for agency, row in standing.items()
            if row.kind == ChangeKind.APPLIED
        }

    def version_files(self, agency: str, version: str) -> AgencyFiles | None:
        """That version; None when it was never in force."""
        named = select(agency_versions.c.files).where(
            agency_versions.c.agency == agency, agency_versions.c.version == version
        )
        with self._database.read() as connection:
            document = connection.execute(named).scalar_one_or_none()
            if document is None:
                return None
            digests: dict[str, str] = json.loads(document)
            contents = {
                row.digest: bytes(row.content)
                for row in connection.execute(
                    select(configuration_files).where(configuration_files.c.digest.in_(digests.values()))
                )
            }
        files = {name: contents[digest] for name, digest in digests.items()}
        return AgencyFiles(agency=agency, version=version, files=files)

    def last_version(self, agency: str) -> str | None:
        """The version that was in force last, also of an agency that has been removed."""
        applied = (
            select(agency_changes.c.version)
            .where(agency_changes.c.agency == agency, agency_changes.c.kind == ChangeKind.APPLIED.value)
            .order_by(agency_changes.c.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            version: str | None = connection.execute(applied).scalar_one_or_none()
        return version

    def agency_changes(self, agency: str | None, limit: int) -> list[AgencyChange]:
        """The latest changes of an agency, or of all; newest first."""
        query = select(agency_changes).order_by(agency_changes.c.id.desc()).limit(limit)
        if agency is not None:
            query = query.where(agency_changes.c.agency == agency)
        with self._database.read() as connection:
            return [_change(row) for row in connection.execute(query)]

    def served(self, agency: str) -> dict[str, Served]:
        """By version, counted over every referral of the agency."""
        query = (
            select(
                referrals.c.config_version,
                func.count().label("all"),
                func.sum(case((referrals.c.awaited, 1), else_=0)).label("open"),
            )
            .where(referrals.c.agency == agency)
            .group_by(referrals.c.config_version)
        )
        with self._database.read() as connection:
            return {
                row.config_version: Served(open=int(row.open), all=row.all)
                for row in connection.execute(query)
                if row.config_version is not None
            }

    def agencies_left(self) -> set[str]:
        """Agencies that were removed and still have open referrals."""
        with self._database.read() as connection:
            standing = _latest(connection, ChangeKind.APPLIED, ChangeKind.REMOVED)
            removed = [
                agency
                for agency, row in standing.items()
                if row.kind == ChangeKind.REMOVED and agency != SHARED_FILES
            ]
            return {agency for agency in removed if connection.scalar(_an_open_one(agency)) is not None}

    def _take_turns(self, connection: Connection) -> None:
        """Until the transaction ends nobody else says what is in force: several processes see one change."""
        if not self._database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHANGING})


def _an_open_one(agency: str) -> Select[tuple[str]]:
    return select(referrals.c.mrn).where(_AWAITED, referrals.c.agency == agency).limit(1)


def _latest(connection: Connection, *kinds: ChangeKind) -> Mapping[str, AnyRow]:
    """The last change of these kinds, by agency."""
    newest = (
        select(func.max(agency_changes.c.id).label("id"))
        .where(agency_changes.c.kind.in_([kind.value for kind in kinds]))
        .group_by(agency_changes.c.agency)
        .subquery()
    )
    rows: Iterable[AnyRow] = connection.execute(
        select(agency_changes).join(newest, and_(agency_changes.c.id == newest.c.id))
    )
    return {row.agency: row for row in rows}


def _write(connection: Connection, version: AgencyFiles, at: datetime) -> None:
    contents = {hashlib.sha256(content).hexdigest(): content for content in version.files.values()}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in version.files.items()}
    first = connection.execute(
        insert_of(connection)(agency_versions).on_conflict_do_nothing().returning(agency_versions.c.version),
        {
            "agency": version.agency,
            "version": version.version,
            "first_applied_at": at,
            "files": to_json(digests),
        },
    ).one_or_none()
    if first is not None and contents:
        connection.execute(
            insert_of(connection)(configuration_files).on_conflict_do_nothing(),
            [{"digest": digest, "content": content} for digest, content in contents.items()],
        )


def _note(
    connection: Connection,
    agency: str,
    kind: ChangeKind,
    version: str | None,
    at: datetime,
    process: str,
    faults: str = "[]",
) -> None:
    connection.execute(
        insert(agency_changes),
        {
            "agency": agency,
            "at": at,
            "process": process,
            "kind": kind.value,
            "version": version,
            "faults": faults,
        },
    )


def _change(row: AnyRow) -> AgencyChange:
    return AgencyChange(
        agency=row.agency,
        at=row.at,
        process=row.process,
        kind=ChangeKind(row.kind),
        version=row.version,
        faults=_faults.validate_json(row.faults),
    )
