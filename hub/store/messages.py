"""Messages in the inbox and the referrals they are about."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import BindParameter, Connection, bindparam, select, text, update

from hub.domain.case import Referral
from hub.domain.life import is_ahead, revision_of
from hub.domain.referral import Decision
from hub.store.casefile import OpenCase, ahead
from hub.store.part import AnyRow
from hub.store.statements import Statement
from hub.store.tables import inbox, referrals
from hub.store.types import key, storable

WAITING = text("inbox.waiting")
"""As the index on it says, word for word: SQLite uses a partial index only then."""

_AGENCY: BindParameter[str] = bindparam("agency_")
_REFERENCE: BindParameter[str] = bindparam("reference_")
_BY_REFERENCE = Statement(
    select(referrals.c.mrn, referrals.c.service)
    .where(referrals.c.agency == _AGENCY, referrals.c.receipt_reference == _REFERENCE)
    .limit(2)
)
_WAITING_FOR = Statement(
    select(inbox).where(WAITING, inbox.c.agency == _AGENCY, inbox.c.agency_reference == _REFERENCE)
)

DECISIONS = TypeAdapter(tuple[Decision, ...])


def lock_references(connection: Connection, references: Collection[str]) -> None:
    """
    Keep others from these agency references until the transaction ends.

    A message that finds no referral and the receipt that brings its reference may be written at the same
    time, and neither would see the other: the message would wait for ever. Taken before any declaration is
    locked, in one order, so that nobody waits in a circle. SQLite has one writer at a time anyway.
    """
    if references and connection.dialect.name == "postgresql":
        connection.execute(_LOCK_REFERENCES, {"references": sorted({key(r) for r in references})})


_LOCK_REFERENCES = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(reference, 0))"
    " FROM unnest(CAST(:references AS text[])) AS reference"
)


def referral_by_reference(connection: Connection, agency: str, reference: str) -> tuple[str, str] | None:
    """
    The mrn and service of the one referral for which the agency gave this reference.

    None also when there are several: a verdict must not go to a referral that was only guessed at.
    """
    found = _BY_REFERENCE.all(connection, {"agency_": agency, "reference_": reference})
    return (found[0].mrn, found[0].service) if len(found) == 1 else None


def match_waiting(connection: Connection, case: OpenCase, delivered: Sequence[str], at: datetime) -> None:
    """Apply the messages that have been waiting for the references of the referrals to these services."""
    by_reference = {
        (r.terms.agency, key(r.receipt.reference)): r.terms.service
        for r in map(case.referral, delivered)
        if r.receipt and r.receipt.reference
    }
    waiting = [
        (message, service)
        for (agency, reference), service in by_reference.items()
        for message in _WAITING_FOR.all(connection, {"agency_": agency, "reference_": reference})
    ]
    for message, service in sorted(waiting, key=lambda one: (one[0].received_at, one[0].message_id)):
        if _is_only_one(connection, case, service, message):
            _apply_waiting(connection, case, service, message, at)


def _is_only_one(connection: Connection, case: OpenCase, service: str, message: AnyRow) -> bool:
    others = select(referrals.c.mrn).where(
        referrals.c.agency == message.agency,
        referrals.c.receipt_reference == message.agency_reference,
        (referrals.c.mrn != case.mrn) | (referrals.c.service != service),
    )
    same_agency = [
        r
        for r in case.case.referrals
        if r.terms.agency == message.agency
        and r.receipt
        and r.receipt.reference
        and key(r.receipt.reference) == message.agency_reference
    ]
    return len(same_agency) == 1 and connection.execute(others.limit(1)).one_or_none() is None


def _apply_waiting(
    connection: Connection, case: OpenCase, service: str, message: AnyRow, at: datetime
) -> None:
    said = DECISIONS.validate_json(message.decisions)
    trouble = message.trouble or not_referred(case.referral(service), said)
    connection.execute(
        update(inbox)
        .where(inbox.c.agency == message.agency, inbox.c.message_id == message.message_id)
        .values(waiting=False, mrn=case.mrn, service=service, trouble=trouble)
    )
    apply_message(case, service, message.message_id, said, trouble, at, evidence_of(message.raw))


def evidence_of(raw: str) -> str:
    """SHA-256 of a message as it is kept."""
    return hashlib.sha256(storable(raw).encode()).hexdigest()


def not_referred(referral: Referral, said: Sequence[Decision]) -> str | None:
    """
    What is wrong with decisions that speak of what was not referred: of other goods items, or of a revision
    that there is not yet; None when none does.

    A decision about items 1 and 7 of a referral of item 1 is not half right: nobody knows what was meant.
    What it says of content that was amended since counts for nothing anyway, so it may speak of other items.
    """
    revision = referral.terms.revision
    for decision in about(referral, said):
        if decision.referral == referral.terms.id and is_ahead(referral, decision):
            return ahead(referral, decision)
    current = [d for d in about(referral, said) if revision_of(referral, d) == revision]
    strange = sorted(
        {item for decision in current for item in decision.items or ()} - {*referral.terms.items}
    )
    return f"the decision speaks of goods items {strange}, which were not referred" if strange else None


def about(referral: Referral, said: Sequence[Decision]) -> list[Decision]:
    """The decisions with the id of the referral, where the message did not say an earlier one of it."""
    return [
        d if d.referral in referral.former else d.model_copy(update={"referral": referral.terms.id})
        for d in said
    ]


def apply_message(
    case: OpenCase,
    service: str,
    message_id: str,
    said: Sequence[Decision],
    trouble: str | None,
    at: datetime,
    evidence: str | None,
) -> tuple[Decision, ...]:
    """
    What a message does to the referral it is about; returns the decisions to tell the workflow.

    Of one that was not understood nothing is applied; its trouble is the referral's until one is understood.
    """
    if trouble is not None:
        case.not_understood(service, trouble, at, message=message_id)
        return ()
    case.understood(service)
    return case.decide(service, about(case.referral(service), said), at, told=False, evidence=evidence)
