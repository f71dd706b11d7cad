"""Handing referrals over: the mark before an attempt, and what the attempt came to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.domain.case import Change, Referral
from hub.domain.events import EventType
from hub.domain.names import split_referral_id
from hub.domain.referral import ReferralState
from hub.ports import HandOver, HandOverMark
from hub.store.casefile import OpenCase, services_of
from hub.store.control import put_in_queue
from hub.store.messages import lock_references, match_waiting
from hub.store.part import Part
from hub.store.record import record_exchanges
from hub.store.rows import Sending


class HandOvers(Part):
    """The ledger of attempts: what a crash interrupts is seen by the next attempt."""

    def begin_hand_over(
        self, mrn: str, services: Sequence[str], at: datetime, asked_again: int | None = None
    ) -> list[HandOverMark]:
        """Read the dossiers and mark each still pending referral as being sent. Raises KeyError."""
        with self._database.write() as connection:
            case = OpenCase.open(connection, mrn)
            marks = [_begin(case, service, at, asked_again) for service in services]
            case.save()
        return marks

    def mark_resent(self, referral: str, at: datetime) -> None:
        """The referral is about to be sent once more: the mark moves to `at`. Raises KeyError."""
        try:
            mrn, service = split_referral_id(referral)
        except ValueError as wrong:
            raise KeyError(f"no referral {referral}") from wrong
        with self._database.write() as connection:
            case = OpenCase.open(connection, mrn)
            now = case.referral(service)
            if now.terms.id != referral or now.state is ReferralState.WITHDRAWN:
                raise KeyError(f"{referral} is asked no more")
            case.set_sending(service, Sending(at, now.terms.revision))
            case.save()

    def record_hand_overs(self, mrn: str, results: Sequence[HandOver], at: datetime) -> list[HandOver]:
        """Record attempts, and what their receipts bring out of the inbox. Raises KeyError."""
        references = [r.receipt.reference for r in results if r.receipt and r.receipt.reference]
        with self._database.write() as connection:
            lock_references(connection, references)
            case = OpenCase.open(connection, mrn)
            recorded = [(result, services_of(mrn, result.referral)) for result in results]
            record_exchanges(connection, [e for result in results for e in result.exchanges])
            for result, service in recorded:
                _record(case, service, result, at)
                referral = case.referral(service)
                if result.queued and _waits(referral):
                    agency, due_at = referral.terms.agency, referral.deadline
                    put_in_queue(connection, mrn, service, agency, at, due_at)
            if references:
                match_waiting(connection, case, [service for _, service in recorded], at)
            for result, service in recorded:
                case.begin_poll(service, at + result.left_alone)
            case.save()
        return [_as_it_stands(case, service, result) for result, service in recorded]


def _begin(case: OpenCase, service: str, at: datetime, asked_again: int | None) -> HandOverMark:
    referral, sending = case.referral(service), case.sending(service)
    mark = HandOverMark.model_construct(
        dossier=case.dossier(service),
        state=referral.state,
        sent_before=sending is not None,
        sent_at=None if sending is None else sending.at,
        decisions=referral.decisions,
        change=referral.change,
        asked_again=referral.asked_again,
    )
    if asked_again is not None and asked_again < referral.asked_again:
        return mark
    if _waits(referral) and sending is None:
        case.set_sending(service, Sending(at, referral.terms.revision))
    return mark


def _waits(referral: Referral) -> bool:
    """Whether it is still to be handed over."""
    undelivered = referral.state in (ReferralState.PENDING, ReferralState.EXPIRED)
    return undelivered and referral.receipt is None and referral.change is Change.NONE


def _as_it_stands(case: OpenCase, service: str, result: HandOver) -> HandOver:
    referral = case.referral(service)
    return result.model_copy(
        update={
            "state": referral.state,
            "receipt": referral.receipt,
            "decisions": referral.decisions,
            "trouble": referral.trouble,
        }
    )


def _record(case: OpenCase, service: str, result: HandOver, at: datetime) -> None:
    referral = case.referral(service)
    if result.referral == referral.terms.id:
        is_delivered = result.receipt is not None or result.state in (
            ReferralState.DELIVERED,
            ReferralState.DECIDED,
        )
        if is_delivered:
            case.deliver(service, result.receipt, at, _revision(case, service, result))
        elif referral.state in (ReferralState.PENDING, ReferralState.EXPIRED):
            _record_trouble(case, service, result, at)
        if not result.sent:
            case.set_sending(service, None)
    # Of an application that another has taken the place of, only what the agency said is kept.
    if result.decisions:
        evidence = {exchange.id: exchange.digest() for exchange in result.exchanges}
        case.decide(service, result.decisions, at, told=True, evidence=evidence)


def _revision(case: OpenCase, service: str, result: HandOver) -> int:
    """
    Which content the agency has. What was amended while it was on its way may be either; it is taken for the
    older, and the agency is told the new one once more.
    """
    now, sending = case.referral(service).terms.revision, case.sending(service)
    return min(now, result.revision or now, now if sending is None else sending.revision)


def _record_trouble(case: OpenCase, service: str, result: HandOver, at: datetime) -> None:
    referral = case.referral(service)
    agency = referral.terms.agency
    is_final = result.state is ReferralState.UNDELIVERABLE
    if is_final and referral.state is ReferralState.PENDING:
        case.note(at, EventType.REFERRAL_UNDELIVERABLE, service, agency=agency, trouble=result.trouble)
    elif result.trouble != referral.trouble or is_final:
        case.set_trouble(service, result.trouble)
        if result.trouble is not None or is_final:
            kind = EventType.REFERRAL_UNDELIVERABLE if is_final else EventType.REFERRAL_DELAYED
            case.note_once(at, kind, service, agency=agency, trouble=result.trouble)
