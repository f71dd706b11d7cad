"""Handing referrals over: the mark before an attempt, and what the attempt came to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update

from hub.domain.events import EventType
from hub.domain.names import split_referral_id
from hub.domain.referral import ReferralState
from hub.ports import HandOver, HandOverMark
from hub.store.casefile import OpenCase, OpenReferral, record_exchanges, services_of
from hub.store.messages import lock_references, match_waiting
from hub.store.part import Part
from hub.store.tables import referrals


class HandOvers(Part):
    """The ledger of attempts: what a crash interrupts is seen by the next attempt."""

    def begin_hand_over(self, mrn: str, services: Sequence[str], at: datetime) -> list[HandOverMark]:
        """Read the dossiers and mark each still pending referral as being sent. Raises KeyError."""
        with self._database.write() as connection:
            case = OpenCase.open(connection, mrn)
            marks = [self._begin(case, case.referral(service), at) for service in services]
            case.save()
        return marks

    @staticmethod
    def _begin(case: OpenCase, referral: OpenReferral, at: datetime) -> HandOverMark:
        mark = HandOverMark.model_construct(
            dossier=case.dossier(referral),
            state=referral.state,
            sent_before=referral.sent_at is not None,
            sent_at=referral.sent_at,
            decisions=tuple(referral.decisions.values()),
        )
        if referral.state is ReferralState.PENDING and referral.sent_at is None:
            referral.change(sent_at=at)
        return mark

    def mark_resent(self, referral: str, at: datetime) -> None:
        """The referral is about to be sent once more: the mark moves to `at`. Raises KeyError."""
        mrn, service = split_referral_id(referral)
        with self._database.write() as connection:
            moved = connection.execute(
                update(referrals)
                .where(referrals.c.mrn == mrn, referrals.c.service == service)
                .values(sent_at=at)
            )
            if moved.rowcount != 1:
                raise KeyError(f"no referral {referral}")

    def record_hand_overs(self, mrn: str, results: Sequence[HandOver], at: datetime) -> list[HandOver]:
        """Record attempts, and what their receipts bring out of the inbox. Raises KeyError."""
        references = [r.receipt.reference for r in results if r.receipt and r.receipt.reference]
        with self._database.write() as connection:
            lock_references(connection, references)
            case = OpenCase.open(connection, mrn)
            recorded = [(result, case.referral(services_of(mrn, result.referral))) for result in results]
            record_exchanges(connection, [e for result in results for e in result.exchanges])
            for result, referral in recorded:
                _record(case, referral, result, at)
            if references:
                match_waiting(connection, case, [referral for _, referral in recorded], at)
            for _, referral in recorded:
                case.begin_poll(referral, at)
            case.save()
        return [
            result.model_copy(
                update={
                    "state": referral.state,
                    "receipt": referral.receipt,
                    "decisions": tuple(referral.decisions.values()),
                    "trouble": referral.trouble,
                }
            )
            for result, referral in recorded
        ]


def _record(case: OpenCase, referral: OpenReferral, result: HandOver, at: datetime) -> None:
    is_delivered = result.receipt is not None or result.state in (
        ReferralState.DELIVERED,
        ReferralState.DECIDED,
    )
    if is_delivered:
        case.deliver(referral, result.receipt, at)
    elif referral.state in (ReferralState.PENDING, ReferralState.EXPIRED):
        _record_trouble(case, referral, result, at)
    if not result.sent:
        referral.change(sent_at=None)
    case.decide(referral, result.decisions, at, told=True)


def _record_trouble(case: OpenCase, referral: OpenReferral, result: HandOver, at: datetime) -> None:
    is_final = result.state is ReferralState.UNDELIVERABLE
    if is_final and referral.state is ReferralState.PENDING:
        referral.change(state=ReferralState.UNDELIVERABLE)
    if result.trouble == referral.trouble and not is_final:
        return  # noted when it was new
    referral.change(trouble=result.trouble)
    if result.trouble is not None or is_final:
        kind = EventType.REFERRAL_UNDELIVERABLE if is_final else EventType.REFERRAL_DELAYED
        service, agency = referral.terms.service, referral.terms.agency
        case.note_once(at, kind, service, agency=agency, trouble=result.trouble)
