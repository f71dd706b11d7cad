"""Messages in the inbox and the referrals they are about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, select, text, update

from hub.domain.referral import Decision, ReferralTerms
from hub.store.casefile import OpenCase, OpenReferral
from hub.store.part import AnyRow
from hub.store.tables import inbox, referrals
from hub.store.types import key

WAITING = text("inbox.waiting")
"""As the index on it says, word for word: SQLite uses a partial index only then."""

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
    found = connection.execute(
        select(referrals.c.mrn, referrals.c.service)
        .where(referrals.c.agency == agency, referrals.c.receipt_reference == reference)
        .limit(2)
    ).all()
    return (found[0].mrn, found[0].service) if len(found) == 1 else None


def match_waiting(
    connection: Connection, case: OpenCase, delivered: Sequence[OpenReferral], at: datetime
) -> None:
    """Apply the messages that have been waiting for the references of these referrals."""
    by_reference = {
        (r.terms.agency, key(r.receipt.reference)): r for r in delivered if r.receipt and r.receipt.reference
    }
    waiting = connection.execute(
        select(inbox)
        .where(WAITING, inbox.c.agency_reference.in_([reference for _, reference in by_reference]))
        .order_by(inbox.c.received_at, inbox.c.message_id)
    ).all()
    for message in waiting:
        referral = by_reference.get((message.agency, message.agency_reference))
        if referral is not None and _is_only_one(connection, case, referral, message.agency_reference):
            _apply_waiting(connection, case, referral, message, at)


def _is_only_one(connection: Connection, case: OpenCase, referral: OpenReferral, reference: str) -> bool:
    others = select(referrals.c.mrn).where(
        referrals.c.agency == referral.terms.agency,
        referrals.c.receipt_reference == reference,
        (referrals.c.mrn != case.mrn) | (referrals.c.service != referral.terms.service),
    )
    same_agency = [
        r
        for r in case.referrals.values()
        if r.terms.agency == referral.terms.agency
        and r.receipt
        and r.receipt.reference
        and key(r.receipt.reference) == reference
    ]
    return len(same_agency) == 1 and connection.execute(others.limit(1)).one_or_none() is None


def _apply_waiting(
    connection: Connection,
    case: OpenCase,
    referral: OpenReferral,
    message: AnyRow,
    at: datetime,
) -> None:
    service = referral.terms.service
    said = DECISIONS.validate_json(message.decisions)
    trouble = message.trouble or strange_items(referral.terms, said)
    connection.execute(
        update(inbox)
        .where(inbox.c.agency == message.agency, inbox.c.message_id == message.message_id)
        .values(waiting=False, mrn=case.mrn, service=service, trouble=trouble)
    )
    apply_message(case, referral, message.message_id, said, trouble, at)


def strange_items(terms: ReferralTerms, said: Sequence[Decision]) -> str | None:
    """
    What is wrong with decisions that speak of goods items which were not referred; None when none does.

    A decision about items 1 and 7 of a referral of item 1 is not half right: nobody knows what was meant.
    """
    strange = sorted({item for decision in said for item in decision.items or ()} - set(terms.items))
    return f"the decision speaks of goods items {strange}, which were not referred" if strange else None


def apply_message(
    case: OpenCase,
    referral: OpenReferral,
    message_id: str,
    said: Sequence[Decision],
    trouble: str | None,
    at: datetime,
) -> tuple[Decision, ...]:
    """
    What a message does to the referral it is about; returns the decisions to tell the workflow.

    Of one that was not understood nothing is applied; its trouble is the referral's until one is understood.
    """
    if trouble is not None:
        case.not_understood(referral, trouble, at, message=message_id)
        return ()
    case.understood(referral)
    about = [decision.model_copy(update={"referral": referral.terms.id}) for decision in said]
    return case.decide(referral, about, at, told=False)
