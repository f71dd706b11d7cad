"""Declarations, messages and results to put into a store."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hub.domain.case import Case, CasePolicy, Referral
from hub.domain.clearance import Clearance, Notice, Outcome
from hub.domain.declaration import Declaration
from hub.domain.exchange import Exchange, Message
from hub.domain.intake import Acceptance
from hub.domain.names import new_mrn, notice_key, referral_id
from hub.domain.referral import (
    Answers,
    Decision,
    OnExpiry,
    Receipt,
    ReferralState,
    ReferralTerms,
    Verdict,
    Via,
)
from hub.domain.routing import Requirement, Routing
from hub.domain.settling import settle
from hub.ports import DeclarationFilter, HandOver

T0 = datetime(2026, 3, 2, 1, 30, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)

PLANT, FOOD, RADIO = "apqa-plant-import", "mfds-food-import", "rra-radio-import"
_AGENCY = {PLANT: "apqa", FOOD: "mfds", RADIO: "rra", "apqa-animal-import": "apqa"}
_numbers = itertools.count(1)


def declaration(lrn: str = "L-1", declarant: str = "1234567890", **more: Any) -> Declaration:
    """A declaration of two goods items."""
    return Declaration.model_validate(
        {
            "lrn": lrn,
            "procedure": "import",
            "declarant": {"id": declarant, "name": "한빛 관세사"},
            "consignment": {"ucr": f"6KR{lrn}"},
            "items": [
                {
                    "number": 1,
                    "hs_code": "0805100000",
                    "origin": "US",
                    "net_mass_kg": "1000.125000000000000001",
                    "value": {"amount": "0.10", "currency": "USD"},
                    "attributes": {"used": False, "voltage": Decimal("220.50")},
                },
                {"number": 2, "hs_code": "0709200000", "origin": "VN"},
            ],
            **more,
        }
    )


def acceptance(
    *services: str,
    lodged: Declaration | None = None,
    at: datetime = T0,
    mrn: str | None = None,
    answers: Answers = Answers.CALLBACK,
    on_expiry: OnExpiry = OnExpiry.HOLD,
    items: tuple[int, ...] = (1, 2),
) -> Acceptance:
    """An accepted declaration that must be put to these services; by default a new one each time."""
    lodged = lodged or declaration(lrn=f"L-{next(_numbers)}")
    mrn = mrn or new_mrn("KR", at)
    case = Case(
        mrn=mrn,
        policy=CasePolicy(version="p1", refusal_open_for="30d"),
        referrals=tuple(
            Referral(terms=terms(mrn, service, at, answers=answers, on_expiry=on_expiry, items=items))
            for service in services
        ),
    )
    routing = Routing(
        required=tuple(
            Requirement(
                item=item,
                service=service,
                agency=_AGENCY[service],
                law={"en": "An Act", "ko": "법"},
                matched_prefix="08",
                because="because",
            )
            for service in services
            for item in items
        ),
        ruled_out=(),
        prohibited=(),
        catalogue_version="c1",
        day=at.date(),
    )
    return Acceptance(
        mrn=mrn,
        client="customs",
        declaration=lodged,
        content_hash=lodged.content_hash,
        accepted_at=at,
        routing=routing,
        case=case,
        clearance=settle(case),
        due_at=max((r.terms.due_at for r in case.referrals), default=None),
    )


def silent(answers: Answers, on_expiry: OnExpiry = OnExpiry.DEEMED_APPROVED) -> Acceptance:
    """One of which silence is consent, ten minutes after the agency's time is up."""
    accepted = acceptance(PLANT, answers=answers, on_expiry=on_expiry)
    policy = accepted.case.policy.model_copy(update={"silence_counts_after": "10m"})
    return accepted.model_copy(update={"case": accepted.case.model_copy(update={"policy": policy})})


def terms(
    mrn: str,
    service: str,
    at: datetime,
    *,
    answers: Answers,
    on_expiry: OnExpiry,
    items: tuple[int, ...],
) -> ReferralTerms:
    """What is asked of one service."""
    return ReferralTerms(
        id=referral_id(mrn, service),
        mrn=mrn,
        service=service,
        agency=_AGENCY[service],
        service_name={"en": "A service", "ko": "업무"},
        law={"en": "An Act", "ko": "법"},
        document="Certificate",
        items=items,
        answers=answers,
        answer_within="3wd",
        due_at=at + timedelta(days=3),
        on_expiry=on_expiry,
        config_version="v1",
    )


def decision(
    mrn: str,
    service: str,
    verdict: Verdict = Verdict.APPROVED,
    *,
    id: str | None = None,
    items: tuple[int, ...] | None = None,
    at: datetime = T0 + SECOND,
    via: Via = Via.CALLBACK,
) -> Decision:
    """An agency's word; by default a new one each time."""
    return Decision(
        id=id or f"D-{next(_numbers)}",
        referral=referral_id(mrn, service) if mrn else "",
        verdict=verdict,
        items=items,
        word="합격",
        reference="CERT-1",
        decided_at=at,
        received_at=at,
        via=via,
        exchange="m-1",
    )


def message(
    *said: Decision,
    agency: str = "apqa",
    message_id: str | None = None,
    referral: str | None = None,
    agency_reference: str | None = None,
    trouble: str | None = None,
    at: datetime = T0 + SECOND,
    raw: str = '{"result": "합격"}',
) -> Message:
    """A message of an agency; by default a new one each time."""
    return Message(
        agency=agency,
        message_id=message_id or f"M-{next(_numbers)}",
        referral=referral,
        agency_reference=agency_reference,
        decisions=said,
        trouble=trouble,
        raw=raw,
        via="callback",
        received_at=at,
    )


def exchange(mrn: str, service: str, *, kind: str = "submit", at: datetime = T0) -> Exchange:
    """A new exchange with the service's agency."""
    return Exchange(
        id=uuid.uuid4().hex,
        agency=_AGENCY[service],
        kind=kind,
        mrn=mrn,
        service=service,
        started_at=at,
        milliseconds=12,
        request={"method": "POST", "url": "http://127.0.0.1/", "headers": {}, "body": "<a/>"},
        reply={"status": 200, "headers": {}, "body": "<b/>"},
        reading="receipt R-1",
    )


def delivered(
    mrn: str, service: str, *said: Decision, reference: str | None = "R-1", at: datetime = T0 + SECOND
) -> HandOver:
    """The result of an attempt that the agency took."""
    return HandOver(
        referral=referral_id(mrn, service),
        state=ReferralState.DECIDED if said else ReferralState.DELIVERED,
        receipt=Receipt(reference=reference, received_at=at),
        decisions=said,
        exchanges=(exchange(mrn, service),),
    )


def failed(
    mrn: str,
    service: str,
    trouble: str = "connection refused",
    *,
    sent: bool = False,
    state: ReferralState = ReferralState.PENDING,
) -> HandOver:
    """The result of an attempt that the agency did not take."""
    return HandOver(referral=referral_id(mrn, service), state=state, trouble=trouble, sent=sent)


def clearance(outcome: Outcome) -> Clearance:
    """An outcome without reasons."""
    return Clearance(outcome=outcome, final=outcome is Outcome.RELEASE, reasons=())


def notice(mrn: str, outcome: Outcome, number: int = 1, at: datetime = T0 + 2 * SECOND) -> Notice:
    """What the cargo system is to be told."""
    return Notice(
        key=notice_key(mrn, number),
        number=number,
        mrn=mrn,
        ucr="6KR",
        cargo_management_number=None,
        outcome=outcome,
        reasons=(),
        issued_at=at,
    )


def everything() -> DeclarationFilter:
    """Every declaration."""
    return DeclarationFilter()


def new_lrn() -> str:
    """An lrn that no other process takes."""
    return uuid.uuid4().hex
