"""What happens to a case by somebody's will or by time, and what its workflow has heard of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, func, insert, literal, select

from hub.domain.amendment import Amendment
from hub.domain.declaration import Declaration
from hub.domain.errors import CallbackRefused
from hub.domain.events import Event, EventType, NewEvent
from hub.domain.exchange import Dossier, Exchange, Message
from hub.domain.intake import Acceptance
from hub.domain.life import NEWS, decision_in
from hub.domain.names import referral_id
from hub.ports import DeclarationVersion, DeclarationView, ReferralFile
from hub.store.cargo import lock_cargo, note_cargo, reported
from hub.store.casefile import OpenCase
from hub.store.certificates import claim
from hub.store.inbox import receive_in
from hub.store.intake import lodged_columns
from hub.store.part import AnyRow, Part
from hub.store.record import record_exchanges
from hub.store.rows import read_case, read_referrals
from hub.store.statements import Statement
from hub.store.tables import declaration_versions, declarations, events, untold_news
from hub.store.views import read_event

_MRN: BindParameter[str] = bindparam("mrn_")
_NEWS_AFTER = Statement(
    select(events)
    .where(
        events.c.mrn == _MRN,
        events.c.seq > bindparam("after_"),
        events.c.type.in_([literal(kind.value) for kind in sorted(NEWS)]),
    )
    .order_by(events.c.seq)
)
_UNTOLD = Statement(select(untold_news.c.seq).where(untold_news.c.mrn == _MRN).limit(1))


class Life(Part):
    """Steps taken under lock, and the news they leave."""

    def change(
        self,
        mrn: str,
        step: Callable[[DeclarationView], Sequence[NewEvent]],
        *,
        acceptance: Acceptance | None = None,
        exchanges: Sequence[Exchange] = (),
        messages: Sequence[Message] = (),
    ) -> list[Event]:
        """
        Lock a declaration, let `step` say from how it stands what happens, and record that; then take in what
        its agency has said in the same breath. Raises KeyError, and what `step` raises; nothing is recorded
        then. Raises CallbackRefused for such a message; that is on record.
        """
        with self._database.write() as connection:
            said = take_step(connection, mrn, step, acceptance=acceptance, exchanges=exchanges)
            received = receive_in(connection, messages)
        for one in received:
            if isinstance(one, CallbackRefused):
                raise one
        return said

    def news(self, mrn: str, after: int) -> list[Event]:
        """The news: events with `seq` greater than `after`, in order. They count as told from now on."""
        with self._database.read() as connection:
            found = [read_event(row) for row in _NEWS_AFTER.all(connection, {"mrn_": mrn, "after_": after})]
            if _UNTOLD.first(connection, {"mrn_": mrn}) is None:
                return found
        last = found[-1].seq if found else after
        with self._database.write() as connection:
            # What was recorded since stays untold.
            connection.execute(delete(untold_news).where(untold_news.c.mrn == mrn, untold_news.c.seq <= last))
        return found

    def untold_news(self, recorded_before: datetime, limit: int) -> list[str]:
        """Declarations with news that their workflow has not read, the longest waiting first."""
        waiting = (
            select(untold_news.c.mrn)
            .where(untold_news.c.at < recorded_before)
            .group_by(untold_news.c.mrn)
            .order_by(func.min(untold_news.c.at), untold_news.c.mrn)
            .limit(limit)
        )
        with self._database.read() as connection:
            return list(connection.scalars(waiting))

    def drop_news(self, mrn: str) -> None:
        """The workflow has ended without them: there is nobody left to tell."""
        with self._database.write() as connection:
            connection.execute(delete(untold_news).where(untold_news.c.mrn == mrn))

    def referral_file(self, mrn: str, service: str) -> ReferralFile:
        """A referral with everything that its agency is to be told. Raises KeyError."""
        with self._database.read() as connection:
            row = connection.execute(
                select(declarations.c.declaration, declarations.c.accepted_at, declarations.c.life).where(
                    declarations.c.mrn == mrn
                )
            ).one_or_none()
            if row is None:
                raise KeyError(f"no declaration {mrn}")
            stored = {one.referral.terms.service: one for one in read_referrals(connection, mrn)}
            if service not in stored:
                raise KeyError(f"no referral {referral_id(mrn, service)}")
            case = read_case(connection, mrn, row.life, tuple(one.referral for one in stored.values()))
        referral, sending = stored[service].referral, stored[service].sending
        return ReferralFile(
            referral=referral,
            dossier=Dossier(
                declaration=Declaration.model_validate_json(row.declaration),
                terms=referral.terms,
                accepted_at=row.accepted_at,
                receipt=referral.receipt,
                former=referral.former,
            ),
            sent_at=None if sending is None else sending.at,
            withdrawal=case.withdrawal,
        )

    def versions_of(self, mrn: str) -> list[DeclarationVersion]:
        """Every version of a declaration, the first first. Raises KeyError for an unknown mrn."""
        versions = (
            select(declaration_versions)
            .where(declaration_versions.c.mrn == mrn)
            .order_by(declaration_versions.c.version)
        )
        only = select(
            declarations.c.accepted_at.label("lodged_at"),
            declarations.c.client.label("by"),
            declarations.c.content_hash,
            declarations.c.declaration,
        ).where(declarations.c.mrn == mrn)
        with self._database.read() as connection:
            kept = connection.execute(versions).all()
            if kept:
                return [_version(row, row.version) for row in kept]
            row = connection.execute(only).one_or_none()
        if row is None:
            raise KeyError(f"no declaration {mrn}")
        return [_version(row, 1)]


def take_step(
    connection: Connection,
    mrn: str,
    step: Callable[[DeclarationView], Sequence[NewEvent]],
    *,
    acceptance: Acceptance | None = None,
    exchanges: Sequence[Exchange] = (),
) -> list[Event]:
    """`Life.change` within a transaction, for whoever writes something of his own beside it."""
    number = None
    if acceptance is not None:
        number = acceptance.declaration.consignment.cargo_management_number
    lock_cargo(connection, number)
    case = OpenCase.open(connection, mrn)
    view = case.view()
    before = case.case
    said = step(view)
    record_exchanges(connection, exchanges)
    evidence = {exchange.id: exchange.digest() for exchange in exchanges}
    for event in said:
        if event.type is EventType.DECISION_RECEIVED and event.service is not None:
            decision = decision_in(case.referral(event.service), event)
            case.decide(event.service, [decision], event.at, told=False, evidence=evidence)
            continue
        case.record(event)
        if event.type is EventType.DECLARATION_AMENDED and acceptance is not None:
            _put_version(connection, case, view, acceptance, Amendment.model_validate(event.data))
    if said:
        claim(connection, case, before, said[-1].at)
    return case.save()


def _put_version(
    connection: Connection,
    case: OpenCase,
    view: DeclarationView,
    acceptance: Acceptance,
    amendment: Amendment,
) -> None:
    """The new version takes the place of the old, which is kept."""
    kept = (declaration_versions.c.mrn == case.mrn) & (declaration_versions.c.version == 1)
    new = [_version_row(acceptance, amendment.version, amendment.lodged_at, amendment.by)]
    if connection.execute(select(declaration_versions.c.mrn).where(kept)).first() is None:
        lodged = view.acceptance
        new.insert(0, _version_row(lodged, 1, lodged.accepted_at, lodged.client))
    connection.execute(insert(declaration_versions), new)
    case.set_columns(**lodged_columns(acceptance))
    number = acceptance.declaration.consignment.cargo_management_number
    before = view.acceptance.declaration.consignment.cargo_management_number
    if number is not None and number != before:
        note_cargo(case, reported(connection, number))


def _version_row(acceptance: Acceptance, version: int, at: datetime, by: str) -> dict[str, Any]:
    columns = lodged_columns(acceptance)
    return {
        "mrn": acceptance.mrn,
        "version": version,
        "lodged_at": at,
        "by": by,
        **{name: columns[name] for name in ("content_hash", "declaration", "acceptance")},
    }


def _version(row: AnyRow, version: int) -> DeclarationVersion:
    return DeclarationVersion(
        version=version,
        lodged_at=row.lodged_at,
        by=row.by,
        content_hash=row.content_hash,
        declaration=Declaration.model_validate_json(row.declaration),
    )
