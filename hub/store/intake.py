"""Accepted declarations, and which of them the engine has not started yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from hub.domain.clearance import Outcome
from hub.domain.events import EventType, NewEvent
from hub.domain.intake import Acceptance
from hub.domain.referral import ReferralState
from hub.ports import LodgedBefore
from hub.store.casefile import append_events, insert_of, rfc3339, settled_data, to_json
from hub.store.part import AnyRow, Part
from hub.store.tables import declarations, referrals


class Intake(Part):
    """Lodging, and the relay that starts what intake could not start."""

    def lodge(self, acceptance: Acceptance) -> LodgedBefore | None:
        """
        Write an accepted declaration down; None when it is new.

        Of two that lodge the same (declarant, lrn) at once, one is told of the other. Raises ValueError when
        the mrn is taken by another declaration.
        """
        events = _first_events(acceptance)
        with self._database.write() as connection:
            row = _declaration_row(acceptance, len(events))
            new = insert_of(connection)(declarations).on_conflict_do_nothing().returning(declarations.c.mrn)
            if connection.execute(new, row).one_or_none() is None:
                return _lodged_before(connection, acceptance)
            if acceptance.case.referrals:
                connection.execute(insert(referrals), _referral_rows(acceptance))
            append_events(connection, acceptance.mrn, 0, events)
        return None

    def lodged(self, declarant: str, lrn: str) -> Acceptance | None:
        """What this declarant lodged under this lrn."""
        with self._database.read() as connection:
            return _find(connection, declarant, lrn)

    def mark_started(self, mrn: str) -> None:
        """Its workflow has been started. Raises KeyError for an unknown mrn."""
        started = update(declarations).where(declarations.c.mrn == mrn).values(started=True)
        with self._database.write() as connection:
            if connection.execute(started).rowcount != 1:
                raise KeyError(f"no declaration {mrn}")

    def not_started(self, accepted_before: datetime, limit: int) -> list[Acceptance]:
        """Accepted declarations whose workflow has not been started, oldest first."""
        waiting = (
            select(declarations.c.declaration, declarations.c.acceptance)
            .where(NOT_STARTED, declarations.c.accepted_at < accepted_before)
            .order_by(declarations.c.accepted_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [read_acceptance(row) for row in connection.execute(waiting)]


NOT_STARTED = text("NOT declarations.started")
"""As the index on it says, word for word: SQLite uses a partial index only then."""


def read_acceptance(row: AnyRow) -> Acceptance:
    """The acceptance of a row that holds both its documents."""
    # Joined as text, so that the whole is read and checked once.
    return Acceptance.model_validate_json(f'{{"declaration":{row.declaration},{row.acceptance[1:]}')


def _find(connection: Connection, declarant: str, lrn: str) -> Acceptance | None:
    row = connection.execute(
        select(declarations.c.declaration, declarations.c.acceptance).where(
            declarations.c.declarant == declarant, declarations.c.lrn == lrn
        )
    ).one_or_none()
    return None if row is None else read_acceptance(row)


def _lodged_before(connection: Connection, acceptance: Acceptance) -> LodgedBefore:
    declaration = acceptance.declaration
    first = _find(connection, declaration.declarant.id, declaration.lrn)
    if first is None:
        raise ValueError(f"{acceptance.mrn} is the mrn of another declaration")
    return LodgedBefore(acceptance=first, same_content=first.content_hash == acceptance.content_hash)


def _declaration_row(acceptance: Acceptance, last_seq: int) -> dict[str, Any]:
    declaration = acceptance.declaration
    return {
        "mrn": acceptance.mrn,
        "client": acceptance.client,
        "declarant": declaration.declarant.id,
        "lrn": declaration.lrn,
        "content_hash": acceptance.content_hash,
        "procedure": declaration.procedure.value,
        "ucr": declaration.consignment.ucr,
        "accepted_at": acceptance.accepted_at,
        "due_at": acceptance.due_at,
        "declaration": declaration.model_dump_json(),
        "acceptance": acceptance.model_dump_json(exclude={"declaration"}),
        "outcome": acceptance.clearance.outcome.value,
        "clearance": acceptance.clearance.model_dump_json(),
        "settled_at": acceptance.accepted_at,
        "pending_agencies": to_json(sorted({r.terms.agency for r in acceptance.case.referrals})),
        "started": False,
        "last_seq": last_seq,
    }


def _referral_rows(acceptance: Acceptance) -> list[dict[str, Any]]:
    return [
        {
            "mrn": acceptance.mrn,
            "service": referral.terms.service,
            "place": place,
            "agency": referral.terms.agency,
            "config_version": referral.terms.config_version,
            "accepted_at": acceptance.accepted_at,
            "terms": referral.terms.model_dump_json(),
            "state": ReferralState.PENDING.value,
            "awaited": True,
        }
        for place, referral in enumerate(acceptance.case.referrals)
    ]


def _first_events(acceptance: Acceptance) -> list[NewEvent]:
    declaration = acceptance.declaration
    accepted = NewEvent(
        at=acceptance.accepted_at,
        type=EventType.DECLARATION_ACCEPTED,
        data={
            "lrn": declaration.lrn,
            "declarant": declaration.declarant.id,
            "ucr": declaration.consignment.ucr,
            "due_at": None if acceptance.due_at is None else rfc3339(acceptance.due_at),
            "referrals": [
                {
                    "service": referral.terms.service,
                    "agency": referral.terms.agency,
                    "law": referral.terms.law,
                    "items": list(referral.terms.items),
                    "due_at": rfc3339(referral.terms.due_at),
                }
                for referral in acceptance.case.referrals
            ],
            "prohibited": [
                {"service": p.service, "agency": p.agency, "law": p.law, "item": p.item}
                for p in acceptance.case.prohibitions
            ],
        },
    )
    if acceptance.clearance.outcome is Outcome.IN_PROGRESS:
        return [accepted]
    settled = NewEvent(
        at=acceptance.accepted_at,
        type=EventType.CLEARANCE_SETTLED,
        data=settled_data(acceptance.clearance, ()),
    )
    return [accepted, settled]
