"""Accepted declarations, and which of them the engine has not started yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, text, update

from hub.domain.clearance import Outcome
from hub.domain.events import EventType, NewEvent
from hub.domain.intake import Acceptance
from hub.domain.settling import settle
from hub.ports import LodgedBefore
from hub.store.cargo import lock_cargo, note_cargo, reported
from hub.store.casefile import INSERT_DECISION, INSERT_REFERRAL, OpenCase
from hub.store.certificates import claim
from hub.store.part import Part
from hub.store.record import append_events, rfc3339, settled_data, to_json
from hub.store.retention import archived_acceptance
from hub.store.rows import decision_row, is_awaited, life_of, new_referral_row, read_acceptance
from hub.store.statements import Statement
from hub.store.tables import declaration_versions, declarations


class Intake(Part):
    """Lodging, and the relay that starts what intake could not start."""

    def lodge(self, acceptance: Acceptance) -> LodgedBefore | None:
        """
        Write an accepted declaration down; None when it is new.

        Of two that lodge the same (declarant, lrn) at once, one is told of the other. Raises ValueError when
        the mrn is taken by another declaration.
        """
        accepted, number = _accepted(acceptance), acceptance.declaration.consignment.cargo_management_number
        with self._database.write() as connection:
            lock_cargo(connection, number)
            row = _declaration_row(acceptance)
            if _LODGE.first(connection, row) is None:
                return _lodged_before(connection, acceptance)
            append_events(connection, acceptance.mrn, 0, [accepted], agency_of=lambda _: None)
            _put_referrals(connection, acceptance)
            cargo = reported(connection, number) if number is not None else []
            if not (acceptance.case.claims or cargo or acceptance.clearance.outcome is not _OPEN):
                return None
            case = OpenCase.open(connection, acceptance.mrn)
            unclaimed = acceptance.case.model_copy(update={"claims": ()})
            claim(connection, case, unclaimed, acceptance.accepted_at)
            _settle(case, acceptance)
            note_cargo(case, cargo)
            case.save()
        return None

    def lodged(self, declarant: str, lrn: str) -> Acceptance | None:
        """What this declarant lodged under this lrn, of a declaration that has been archived, too."""
        with self._database.read() as connection:
            return _find(connection, declarant, lrn) or archived_acceptance(connection, declarant, lrn)

    def mark_started(self, mrn: str) -> None:
        """Its workflow has been started. Raises KeyError for an unknown mrn."""
        with self._database.write() as connection:
            if _MARK_STARTED.run(connection, {"mrn_": mrn}) != 1:
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


_OPEN = Outcome.IN_PROGRESS

NOT_STARTED = text("NOT declarations.started")
"""As the index on it says, word for word: SQLite uses a partial index only then."""


def _find(connection: Connection, declarant: str, lrn: str) -> Acceptance | None:
    row = _LODGED_AS.first(connection, {"declarant_": declarant, "lrn_": lrn})
    return None if row is None else read_acceptance(row)


def _lodged_before(connection: Connection, acceptance: Acceptance) -> LodgedBefore:
    declaration = acceptance.declaration
    known = _find(connection, declaration.declarant.id, declaration.lrn)
    if known is None:
        raise ValueError(f"{acceptance.mrn} is the mrn of another declaration")
    # What was lodged, not what it has been amended to since: lodging it again is still the same.
    lodged = connection.scalar(
        select(declaration_versions.c.content_hash).where(
            declaration_versions.c.mrn == known.mrn, declaration_versions.c.version == 1
        )
    )
    return LodgedBefore(
        acceptance=known, same_content=(lodged or known.content_hash) == acceptance.content_hash
    )


def _settle(case: OpenCase, acceptance: Acceptance) -> None:
    """
    Record how it is settled already. What was reserved for it is less where others were faster: then so is
    the acceptance that is kept.
    """
    clearance = acceptance.clearance
    if case.case.claims != acceptance.case.claims:
        clearance = settle(case.case)
        now = acceptance.model_copy(update={"case": case.case, "clearance": clearance})
        case.set_columns(acceptance=now.model_dump_json(exclude={"declaration"}))
    if clearance != acceptance.clearance:
        case.settle(clearance, (), acceptance.accepted_at)
    elif clearance.outcome is not _OPEN:
        data = settled_data(clearance, ())
        case.record(NewEvent(at=acceptance.accepted_at, type=EventType.CLEARANCE_SETTLED, data=data))


def lodged_columns(acceptance: Acceptance) -> dict[str, Any]:
    """The columns of a declaration that each of its versions sets anew."""
    declaration = acceptance.declaration
    return {
        "content_hash": acceptance.content_hash,
        "ucr": declaration.consignment.ucr,
        "due_at": acceptance.due_at,
        "cargo_management_number": declaration.consignment.cargo_management_number,
        "declaration": declaration.model_dump_json(),
        "acceptance": acceptance.model_dump_json(exclude={"declaration"}),
    }


def _declaration_row(acceptance: Acceptance) -> dict[str, Any]:
    declaration = acceptance.declaration
    return {
        "mrn": acceptance.mrn,
        "client": acceptance.client,
        "declarant": declaration.declarant.id,
        "lrn": declaration.lrn,
        "procedure": declaration.procedure.value,
        "accepted_at": acceptance.accepted_at,
        "outcome": acceptance.clearance.outcome.value,
        "clearance": acceptance.clearance.model_dump_json(),
        "settled_at": acceptance.accepted_at,
        "pending_agencies": to_json(
            sorted({r.terms.agency for r in acceptance.case.referrals if is_awaited(acceptance.case, r)})
        ),
        "started": False,
        "last_seq": 1,
        "life": life_of(acceptance.case),
        **lodged_columns(acceptance),
    }


def _put_referrals(connection: Connection, acceptance: Acceptance) -> None:
    case = acceptance.case
    if case.referrals:
        INSERT_REFERRAL.run_each(
            connection,
            [
                new_referral_row(r, place, acceptance.accepted_at, awaited=is_awaited(case, r))
                for place, r in enumerate(case.referrals)
            ],
        )
    # Customs' own control begins with what the risk channel calls for: the workflow is started with it.
    said = [
        decision_row(acceptance.mrn, r.terms.service, decision, 1, told=True)
        for r in case.referrals
        for decision in r.decisions
    ]
    if said:
        INSERT_DECISION.run_each(connection, said)


def _accepted(acceptance: Acceptance) -> NewEvent:
    declaration = acceptance.declaration
    return NewEvent(
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
            # The whole of it: what became of the case can be told from the events alone.
            "case": acceptance.case.model_dump(mode="json"),
        },
    )


_LODGE = Statement(lambda insert: insert(declarations).on_conflict_do_nothing().returning(declarations.c.mrn))
_LODGED_AS = Statement(
    select(declarations.c.declaration, declarations.c.acceptance).where(
        declarations.c.declarant == bindparam("declarant_"), declarations.c.lrn == bindparam("lrn_")
    )
)
_MARK_STARTED = Statement(
    update(declarations).where(declarations.c.mrn == bindparam("mrn_")).values(started=True)
)
