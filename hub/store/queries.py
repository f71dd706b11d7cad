"""The store as it is read: one declaration, lists of them, and gauges."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Integer, Select, bindparam, func, literal, select, text, tuple_
from sqlalchemy.exc import SQLAlchemyError

from hub.domain.clearance import Outcome
from hub.domain.events import Event
from hub.domain.exchange import Exchange, Message
from hub.domain.referral import Decision
from hub.ports import (
    DeclarationFilter,
    DeclarationRow,
    DeclarationView,
    Page,
    RefusedCallback,
)
from hub.store.cursors import decode_cursor, encode_cursor
from hub.store.intake import NOT_STARTED
from hub.store.messages import DECISIONS, WAITING
from hub.store.notices import UNSENT
from hub.store.overview import CLOSED, OPEN_CASES, end_of
from hub.store.part import AnyRow, Part
from hub.store.polls import OPEN
from hub.store.rows import UNTOLD
from hub.store.schema import REVISION
from hub.store.statements import Statement
from hub.store.tables import (
    closed_days,
    decisions,
    declarations,
    events,
    exchanges,
    inbox,
    notices,
    polls,
    referrals,
    refused_callbacks,
)
from hub.store.types import Key, Utc, key
from hub.store.views import read_event, read_view

_EVENTS = Statement(
    select(events)
    .where(events.c.mrn == bindparam("mrn_"), events.c.seq > bindparam("after_"))
    .order_by(events.c.seq)
    .limit(bindparam("limit_", type_=Integer))
)

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_AWAITED = text("referrals.awaited")
"""As the index on it says, word for word: SQLite uses a partial index only then."""


class Queries(Part):
    """What the API and the CLI show."""

    def view(self, mrn: str) -> DeclarationView | None:
        """A declaration as it stands now, all of it at one moment."""
        with self._database.read() as connection:
            return read_view(connection, mrn)

    def page(self, which: DeclarationFilter, cursor: str | None, limit: int) -> Page:
        """
        Declarations, the newest first. Raises BadCursor, and ValueError for a limit below one.

        One that is lodged while a reader goes from page to page is never shown twice and moves no other.
        """
        if limit < 1:
            raise ValueError("a page has at least one row")
        query = _filtered(which, cursor).limit(limit + 1)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        shown = [declaration_row(row) for row in rows[:limit]]
        more = len(rows) > limit
        return Page(
            rows=tuple(shown),
            cursor=encode_cursor(shown[-1].accepted_at, shown[-1].mrn) if more else None,
        )

    def events(self, mrn: str, after: int, limit: int) -> list[Event]:
        """Events with `seq` greater than `after`, in order; none for an unknown mrn."""
        asked = {"mrn_": mrn, "after_": after, "limit_": limit}
        with self._database.read() as connection:
            return [read_event(row) for row in _EVENTS.all(connection, asked)]

    def exchanges(self, mrn: str) -> list[Exchange]:
        """Every exchange about a declaration, oldest first."""
        query = (
            select(exchanges.c.document)
            .where(exchanges.c.mrn == mrn)
            .order_by(exchanges.c.started_at, exchanges.c.id)
        )
        with self._database.read() as connection:
            return [Exchange.model_validate_json(document) for document in connection.scalars(query)]

    def messages(self, mrn: str) -> list[Message]:
        """The messages that decisions on a declaration were read from, oldest first."""
        said = (
            select(decisions.c.document, referrals.c.agency)
            .join(
                referrals,
                (referrals.c.mrn == decisions.c.mrn) & (referrals.c.service == decisions.c.service),
            )
            .where(decisions.c.mrn == mrn)
        )
        with self._database.read() as connection:
            said_in = [
                (row.agency, Decision.model_validate_json(row.document)) for row in connection.execute(said)
            ]
            sources = {(agency, key(decision.exchange or decision.id)) for agency, decision in said_in}
            found = connection.execute(
                select(inbox)
                .where(tuple_(inbox.c.agency, inbox.c.message_id).in_(list(sources)))
                .order_by(inbox.c.received_at, inbox.c.message_id)
            ).all()
        return [
            Message(
                agency=row.agency,
                message_id=row.message_id,
                agency_reference=row.agency_reference,
                decisions=DECISIONS.validate_json(row.decisions),
                trouble=row.trouble,
                raw=row.raw,
                via=row.via,
                received_at=row.received_at,
            )
            for row in found
        ]

    def exchange(self, id: str) -> Exchange | None:
        """One exchange by its id; None when it was never recorded."""
        with self._database.read() as connection:
            document = connection.scalar(select(exchanges.c.document).where(exchanges.c.id == id))
        return None if document is None else Exchange.model_validate_json(document)

    def refused_callbacks(self, limit: int) -> list[RefusedCallback]:
        """Callbacks that were refused, newest first."""
        query = select(refused_callbacks).order_by(refused_callbacks.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return [
                RefusedCallback(agency=row.agency, at=row.at, reason=row.reason, body=row.body)
                for row in connection.execute(query)
            ]

    def open_referrals(self) -> dict[str, int]:
        """How many referrals wait for each agency: not decided, of declarations that are not closed."""
        query = select(referrals.c.agency, func.count()).where(_AWAITED).group_by(referrals.c.agency)
        with self._database.read() as connection:
            return dict(_pairs(connection.execute(query)))

    def counts(self) -> dict[str, int]:
        """
        Gauges by name; every outcome is there, also with none.

        What was closed on a day that is over is not counted again: there is ever more of it.
        """
        d = declarations.c
        open_ones = select(d.outcome, func.count()).where(OPEN_CASES).group_by(d.outcome)
        rolled = (
            select(closed_days.c.outcome, func.sum(closed_days.c.count))
            .where(closed_days.c.outcome != "")
            .group_by(closed_days.c.outcome)
        )
        closed = select(d.outcome, func.count()).where(CLOSED).group_by(d.outcome)
        gauges = {
            "not_started": select(func.count()).select_from(declarations).where(NOT_STARTED),
            "untold": select(func.count()).select_from(decisions).where(UNTOLD),
            "open_polls": select(func.count()).select_from(polls).where(OPEN),
            "notices_unsent": select(func.count()).select_from(notices).where(UNSENT),
            "messages_unmatched": select(func.count()).select_from(inbox).where(WAITING),
        }
        with self._database.read() as connection:
            found = {f"declarations.{outcome.value}": 0 for outcome in Outcome}
            last_day = connection.scalar(select(func.max(closed_days.c.day)))
            # A bound in any case: without one SQLite takes an index that does not hold the time.
            closed = closed.where(d.closed_at >= (_LONG_AGO if last_day is None else end_of(last_day)))
            for part in (open_ones, rolled, closed):
                for outcome, count in _pairs(connection.execute(part)):
                    found[f"declarations.{outcome}"] += count
            found |= {name: connection.execute(query).scalar_one() for name, query in gauges.items()}
        return found

    def is_ready(self) -> bool:
        """Whether the store answers and its schema is the one this code expects."""
        try:
            with self._database.read() as connection:
                revisions = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
        except SQLAlchemyError:
            # Away, or never set up: either way the answer to the question is no.
            return False
        return revisions == [REVISION]


def _filtered(which: DeclarationFilter, cursor: str | None) -> Select[Any]:
    d = declarations.c
    query = select(*declaration_columns())
    if which.declarant is not None:
        query = query.where(d.declarant == which.declarant)
    if which.outcome is not None:
        query = query.where(d.outcome == which.outcome.value)
    if which.lrn is not None:
        query = query.where(d.lrn == which.lrn)
    if which.cargo_management_number is not None:
        query = query.where(d.cargo_management_number == key(which.cargo_management_number))
    # Those that wait for an agency are few among all: then its referrals lead, by the index on them.
    place = declarations if which.pending_agency is None else referrals
    if which.pending_agency is not None:
        query = query.join(referrals, referrals.c.mrn == d.mrn).where(*_first_awaited(which.pending_agency))
    accepted_at, mrn = place.c.accepted_at, place.c.mrn
    if which.accepted_from is not None:
        query = query.where(accepted_at >= which.accepted_from)
    if which.accepted_before is not None:
        query = query.where(accepted_at < which.accepted_before)
    if cursor is not None:
        after = decode_cursor(cursor)
        query = query.where(
            tuple_(accepted_at, mrn) < tuple_(literal(after[0], Utc()), literal(after[1], Key()))
        )
    return query.order_by(accepted_at.desc(), mrn.desc())


def _first_awaited(agency: str) -> tuple[Any, Any, Any]:
    """The first referral of each declaration that the agency has not decided: one, however many there are."""
    earlier = referrals.alias("earlier")
    another = select(earlier.c.mrn).where(
        earlier.c.agency == referrals.c.agency,
        earlier.c.accepted_at == referrals.c.accepted_at,  # the same for one mrn; it completes the index
        earlier.c.mrn == referrals.c.mrn,
        text("earlier.awaited"),
        earlier.c.place < referrals.c.place,
    )
    return _AWAITED, referrals.c.agency == agency, ~another.exists()


def declaration_columns() -> tuple[Column[Any], ...]:
    """What a row of a list is made of."""
    d = declarations.c
    return (
        d.mrn,
        d.lrn,
        d.declarant,
        d.procedure,
        d.ucr,
        d.outcome,
        d.accepted_at,
        d.due_at,
        d.pending_agencies,
    )


def declaration_row(row: AnyRow) -> DeclarationRow:
    """A declaration in a list, of `declaration_columns`."""
    return DeclarationRow(
        mrn=row.mrn,
        lrn=row.lrn,
        declarant=row.declarant,
        procedure=row.procedure,
        ucr=row.ucr,
        outcome=Outcome(row.outcome),
        accepted_at=row.accepted_at,
        due_at=row.due_at,
        pending_agencies=tuple(json.loads(row.pending_agencies)),
    )


def _pairs(rows: Iterable[AnyRow]) -> Iterable[tuple[str, int]]:
    return ((row[0], row[1]) for row in rows)
