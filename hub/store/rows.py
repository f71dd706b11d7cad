"""How a case lies in its rows: the declaration's, its referrals' and their decisions'."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, select, text

from hub.domain.case import Case, Change, Referral
from hub.domain.information import ClockStop, InformationRequest
from hub.domain.intake import Acceptance
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision, Receipt, ReferralState, ReferralTerms
from hub.domain.settling import is_live, needs_no_asking
from hub.domain.stuck import look_at
from hub.store.keeping import kept
from hub.store.part import AnyRow
from hub.store.statements import Statement
from hub.store.tables import decisions, declarations, referrals
from hub.store.types import key

UNTOLD = text("NOT decisions.told")
"""As the index on it says, word for word: SQLite uses a partial index only then."""

_NOT_AWAITED = (ReferralState.DECIDED, ReferralState.WITHDRAWN)
_KEPT_READ = 1024
"""Referrals and decisions of which what was read is kept at hand: some ten megabytes when all are there."""
_LONGEST_KEPT = 20_000
"""Characters of one that is kept: of whom an agency says very much is read anew, or memory would fill."""


class ReferralLife(Model):
    """What a referral is beside its columns and its decisions; one that is as it was accepted has none."""

    delivered_revision: int = 0
    amended_at: UtcDatetime | None = None
    change: Change = Change.NONE
    former: tuple[str, ...] = ()
    due_at: UtcDatetime | None = None
    stops: tuple[ClockStop, ...] = ()
    questions: tuple[InformationRequest, ...] = ()
    reminded: int = 0
    asked_again: int = 0
    look_up: int = 0
    looked_up: int = 0
    tried_late: bool = False
    sent_revision: int | None = None
    """The content that was being handed over at `sent_at`."""


@dataclass(frozen=True)
class Sending:
    """That a submission was begun which may have reached the agency, and of which content."""

    at: datetime
    revision: int


@dataclass(frozen=True)
class StoredReferral:
    """A referral as its rows have it."""

    place: int
    referral: Referral
    """With the decisions that count as said; those that were set aside are no part of the case."""
    sending: Sending | None
    awaited: bool
    decisions: tuple[Decision, ...]
    """All of them, in the order in which they were received."""
    untold: frozenset[str]
    """The keys of those that the workflow is still to be told."""


def read_referrals(connection: Connection, mrn: str) -> list[StoredReferral]:
    """The referrals of a declaration, in their order."""
    return _REFERRALS.all(connection, {"mrn_": mrn})


def read_referrals_of_many(connection: Connection, mrns: Sequence[str]) -> dict[str, list[StoredReferral]]:
    """The same of several declarations, by mrn; one without referrals is not there."""
    asked = select(referrals).where(referrals.c.mrn.in_(mrns)).order_by(referrals.c.mrn, referrals.c.place)
    said = (
        select(decisions)
        .where(decisions.c.mrn.in_(mrns))
        .order_by(decisions.c.mrn, decisions.c.received_at, decisions.c.id)
    )
    decided = {mrn: list(rows) for mrn, rows in groupby(connection.execute(said), _mrn_of)}
    return {
        mrn: stored_referrals(list(rows), decided.get(mrn, ()))
        for mrn, rows in groupby(connection.execute(asked), _mrn_of)
    }


def stored_referrals(rows: Iterable[AnyRow], decided: Iterable[AnyRow]) -> list[StoredReferral]:
    """The referrals of one declaration, of its rows and those of its decisions in the order of receipt."""
    said: defaultdict[str, list[AnyRow]] = defaultdict(list)
    for row in decided:
        said[row.service].append(row)
    return [_stored(row, said.get(row.service, ())) for row in rows]


def _of_joined(rows: Sequence[AnyRow]) -> StoredReferral:
    """Of rows for each of its decisions; what goes beyond the first says nothing new of the referral."""
    return _stored(rows[0], [row for row in rows if row.document is not None])


def _mrn_of(row: AnyRow) -> str:
    return str(row.mrn)


def _stored(row: AnyRow, said: Sequence[AnyRow]) -> StoredReferral:
    in_order = sorted((one for one in said if not one.set_aside), key=lambda one: one.seq or 0)
    read = _read(
        row.terms,
        row.state,
        row.receipt,
        row.trouble,
        row.delivered_at,
        row.life,
        tuple(one.document for one in in_order),
    )
    decided = tuple(_decision(one.document) for one in said)
    return StoredReferral(
        place=row.place,
        referral=read.referral,
        sending=None if row.sent_at is None else Sending(row.sent_at, read.sent_revision),
        awaited=row.awaited,
        decisions=decided,
        untold=frozenset(key(each.id) for each, one in zip(decided, said, strict=True) if not one.told),
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """What the columns of a referral say, whoever reads them."""

    referral: Referral
    sent_revision: int


# A declaration is read at each of its steps, and most of its referrals have not changed since the last one.
# The same columns make the same referral, and nobody can change one that was made.
@kept(_KEPT_READ, _LONGEST_KEPT)
def _read(
    terms: str,
    state: str,
    receipt: str | None,
    trouble: str | None,
    delivered_at: datetime | None,
    life: str | None,
    decided: tuple[str, ...],
) -> _Read:
    asked = ReferralTerms.model_validate_json(terms)
    if life is not None:
        lived = ReferralLife.model_validate_json(life)
    else:
        lived = ReferralLife(delivered_revision=0 if delivered_at is None else asked.revision)
    referral = Referral(
        terms=asked,
        state=ReferralState(state),
        receipt=None if receipt is None else Receipt.model_validate_json(receipt),
        decisions=tuple(map(_decision, decided)),
        trouble=trouble,
        delivered_at=delivered_at,
        **{name: getattr(lived, name) for name in _OF_LIFE},
    )
    return _Read(referral, lived.sent_revision or asked.revision)


@kept(_KEPT_READ, _LONGEST_KEPT)
def _decision(document: str) -> Decision:
    return Decision.model_validate_json(document)


def read_case(connection: Connection, mrn: str, life: str | None, standing: tuple[Referral, ...]) -> Case:
    """The case of a declaration whose row has this `life`, with its referrals as they stand."""
    if life is None:
        # Accepted before the row told it, and nothing has happened since but to its referrals.
        [row] = _ACCEPTANCE.all(connection, {"mrn_": mrn})
        accepted = json.loads(row.acceptance)["case"]
        accepted["referrals"] = ()
        return Case.model_validate(accepted).model_copy(update={"referrals": standing})
    return Case.model_validate_json(life).model_copy(update={"referrals": standing})


def read_acceptance(row: AnyRow) -> Acceptance:
    """The acceptance of a row that holds both its documents."""
    # Joined as text, so that the whole is read and checked once.
    return Acceptance.model_validate_json(f'{{"declaration":{row.declaration},{row.acceptance[1:]}')


def life_of(case: Case) -> str:
    """A case without its referrals, as its row keeps it."""
    return case.model_dump_json(exclude={"referrals"})


def is_awaited(case: Case, referral: Referral) -> bool:
    """Whether lists and gauges count the referral, while the case is open."""
    return (
        referral.state not in _NOT_AWAITED
        and is_live(referral)
        and not (case.claims and needs_no_asking(case, referral))
    )


def referral_values(
    referral: Referral, sending: Sending | None, awaited: bool, open_since: datetime | None
) -> dict[str, Any]:
    """
    The columns of a referral that change in its life; its terms are apart. `open_since` is when its
    declaration was accepted; None once it is closed.
    """
    receipt = referral.receipt
    life = ReferralLife(
        sent_revision=None if sending is None else sending.revision,
        **{name: getattr(referral, name) for name in _OF_LIFE},
    )
    return {
        "state": referral.state.value,
        "awaited": awaited,
        "sent_at": None if sending is None else sending.at,
        "delivered_at": referral.delivered_at,
        "receipt": None if receipt is None else receipt.model_dump_json(),
        "receipt_reference": None if receipt is None else receipt.reference,
        "trouble": referral.trouble,
        "life": life.model_dump_json(exclude_defaults=True),
        "look_at": None if open_since is None else look_at(referral, open_since),
    }


def new_referral_row(
    referral: Referral, place: int, accepted_at: datetime, *, awaited: bool
) -> dict[str, Any]:
    """The row of a referral that nobody has been asked about yet."""
    terms = referral.terms
    return {
        "mrn": terms.mrn,
        "service": terms.service,
        "place": place,
        "accepted_at": accepted_at,
        **terms_values(terms),
        **referral_values(referral, None, awaited, accepted_at),
    }


def terms_values(terms: ReferralTerms) -> dict[str, Any]:
    """The columns that hold what is asked."""
    return {
        "agency": terms.agency,
        "config_version": terms.config_version,
        "terms": terms.model_dump_json(),
    }


def decision_row(
    mrn: str, service: str, decision: Decision, seq: int, *, told: bool, set_aside: bool = False
) -> dict[str, Any]:
    """The row of a decision that the event `seq` recorded."""
    return {
        "mrn": mrn,
        "service": service,
        "id": decision.id,
        "received_at": decision.received_at,
        "told": told,
        "document": decision.model_dump_json(),
        "seq": seq,
        "set_aside": set_aside,
    }


def keys_of(said: tuple[Decision, ...]) -> set[str]:
    """The ids of decisions as their rows have them."""
    return {key(decision.id) for decision in said}


_OF_LIFE = tuple(name for name in ReferralLife.model_fields if name != "sent_revision")
_MRN: BindParameter[str] = bindparam("mrn_")
_REFERRALS = Statement(
    select(referrals, decisions.c.seq, decisions.c.set_aside, decisions.c.told, decisions.c.document)
    .outerjoin(decisions, (decisions.c.mrn == referrals.c.mrn) & (decisions.c.service == referrals.c.service))
    .where(referrals.c.mrn == _MRN)
    .order_by(referrals.c.place, decisions.c.received_at, decisions.c.id)
).kept("service", _of_joined, _KEPT_READ, _LONGEST_KEPT)
# Documents may be large: only who needs one reads it.
_ACCEPTANCE = Statement(select(declarations.c.acceptance).where(declarations.c.mrn == _MRN))
