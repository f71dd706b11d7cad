"""A declaration with all that stands beside it, as the API, the CLI and the steps see it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import BindParameter, Connection, bindparam, select

from hub.domain.case import Case
from hub.domain.clearance import Clearance, Notice
from hub.domain.events import Event, EventType
from hub.ports import DeclarationView, NoticeView, ReferralView
from hub.store.part import AnyRow
from hub.store.rows import StoredReferral, read_acceptance, read_case, read_referrals
from hub.store.statements import Statement
from hub.store.tables import declarations, notices


def read_view(connection: Connection, mrn: str) -> DeclarationView | None:
    """A declaration as it stands; None when there is none."""
    row = WHOLE.first(connection, {"mrn_": mrn})
    if row is None:
        return None
    stored = read_referrals(connection, mrn)
    case = read_case(connection, mrn, row.life, tuple(one.referral for one in stored))
    return view_of(connection, row, stored, case)


def view_of(
    connection: Connection, row: AnyRow, stored: Sequence[StoredReferral], case: Case
) -> DeclarationView:
    """The declaration of a whole row, its referrals and its case."""
    return DeclarationView(
        acceptance=read_acceptance(row),
        case=case,
        clearance=Clearance.model_validate_json(row.clearance),
        settled_at=row.settled_at,
        referrals=tuple(map(_referral_view, stored)),
        notice=_notice_view(connection, row.mrn),
        engine_started=row.started,
        closed_at=row.closed_at,
        last_seq=row.last_seq,
    )


def read_event(row: AnyRow) -> Event:
    """An event of its row."""
    return Event(
        mrn=row.mrn,
        seq=row.seq,
        at=row.at,
        type=EventType(row.type),
        service=row.service,
        data=json.loads(row.data),
    )


def _referral_view(stored: StoredReferral) -> ReferralView:
    referral = stored.referral
    return ReferralView(
        terms=referral.terms,
        state=referral.state,
        receipt=referral.receipt,
        decisions=stored.decisions,
        trouble=referral.trouble,
        delivered_at=referral.delivered_at,
        sent_at=None if stored.sending is None else stored.sending.at,
    )


def _notice_view(connection: Connection, mrn: str) -> NoticeView | None:
    row = _LATEST_NOTICE.first(connection, {"mrn_": mrn})
    if row is None:
        return None
    return NoticeView(
        number=row.number,
        outcome=Notice.model_validate_json(row.document).outcome,
        issued_at=row.issued_at,
        acknowledged_at=row.acknowledged_at,
        reference=row.reference,
        trouble=row.trouble,
    )


_MRN: BindParameter[str] = bindparam("mrn_")
WHOLE = Statement(select(declarations).where(declarations.c.mrn == _MRN))
_LATEST_NOTICE = Statement(
    select(notices).where(notices.c.mrn == _MRN).order_by(notices.c.number.desc()).limit(1)
)
