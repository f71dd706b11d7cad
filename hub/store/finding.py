"""Declarations as people look for them, and the parts of one that are too long for one page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select, text, tuple_

from hub.domain.exchange import Exchange
from hub.domain.information import Information
from hub.ports import DeclarationRow
from hub.ports.finding import ExchangePage
from hub.store.cursors import decode_cursor, encode_cursor
from hub.store.part import Part
from hub.store.queries import declaration_columns, declaration_row
from hub.store.tables import declarations, exchanges, information, referrals
from hub.store.types import Key, Utc, key

_LEAST_OF_AN_MRN = 6
_OF_A_DECLARATION = text("exchanges.mrn IS NOT NULL")
"""As the index on it says, word for word: SQLite uses a partial index only then."""


class Finding(Part):
    """`hub.ports.finding.Finding`, but for documents, which are the store's anyway."""

    def find(self, text: str, agency: str | None, limit: int) -> list[DeclarationRow]:
        """Declarations by one of their references, the newest first."""
        found: dict[str, DeclarationRow] = {}
        with self._database.read() as connection:
            for condition in _references(text.strip()):
                query = select(*declaration_columns()).where(condition)
                if agency is not None:
                    put_to = select(referrals.c.mrn).where(
                        referrals.c.mrn == declarations.c.mrn, referrals.c.agency == agency
                    )
                    query = query.where(put_to.exists())
                for row in connection.execute(query.limit(limit)):
                    found[row.mrn] = declaration_row(row)
        newest = sorted(found.values(), key=lambda row: (row.accepted_at, row.mrn), reverse=True)
        return newest[:limit]

    def exchanges_of(self, mrn: str, service: str | None, cursor: str | None, limit: int) -> ExchangePage:
        """Exchanges about a declaration or one of its referrals, the newest first. Raises BadCursor."""
        e = exchanges.c
        query = select(e.id, e.started_at, e.document).where(_OF_A_DECLARATION, e.mrn == mrn)
        if service is not None:
            # The service stands in the document; the agency's exchanges about one declaration are few.
            agency = select(referrals.c.agency).where(referrals.c.mrn == mrn, referrals.c.service == service)
            query = query.where(e.agency == agency.scalar_subquery())
        if cursor is not None:
            at, id = decode_cursor(cursor)
            query = query.where(tuple_(e.started_at, e.id) < tuple_(literal(at, Utc()), literal(id, Key())))
        query = query.order_by(e.started_at.desc(), e.id.desc()).limit(limit + 1)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        shown = [Exchange.model_validate_json(row.document) for row in rows[:limit]]
        last = rows[limit - 1] if len(rows) > limit else None
        return ExchangePage(
            exchanges=tuple(one for one in shown if service is None or one.service in (service, None)),
            cursor=None if last is None else encode_cursor(last.started_at, last.id),
        )

    def count_exchanges(self, mrn: str) -> int:
        """How many exchanges there are about a declaration."""
        query = select(func.count()).select_from(exchanges).where(_OF_A_DECLARATION, exchanges.c.mrn == mrn)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def answers_of(self, mrn: str) -> list[tuple[str, Information]]:
        """What the declarant has answered: service and answer, in order."""
        i = information.c
        query = select(i.service, i.document).where(i.mrn == mrn).order_by(i.given_at, i.id)
        with self._database.read() as connection:
            return [
                (row.service, Information.model_validate_json(row.document))
                for row in connection.execute(query)
            ]


def _references(said: str) -> Iterable[ColumnElement[bool] | Any]:
    """Each of them follows an index."""
    d = declarations.c
    mrn = said.upper()
    if len(mrn) >= _LEAST_OF_AN_MRN and mrn.isascii() and mrn.isalnum():
        yield (d.mrn >= mrn) & (d.mrn <= f"{mrn}~")
    if said:
        yield d.lrn == said
        yield d.ucr == said
        yield d.cargo_management_number == key(said)
