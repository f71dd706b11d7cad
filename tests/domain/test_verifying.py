"""Outcomes worked out once more from the events: what is forged is found, and what is lawful holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.domain.case import Case, CasePolicy, Referral
from hub.domain.clearance import Outcome
from hub.domain.events import Event, EventType
from hub.domain.life import apply, opened
from hub.domain.referral import Answers, OnExpiry, ReferralState, ReferralTerms, Verdict, Via
from hub.domain.settling import settle
from hub.domain.verifying import verify

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def referral(service: str, item: int) -> Referral:
    terms = ReferralTerms.model_validate(
        {
            "id": f"M/{service}",
            "mrn": "M",
            "service": service,
            "agency": service[0],
            "service_name": {"en": service},
            "law": {"en": f"Act on {service}"},
            "document": "Certificate",
            "items": [item],
            "answers": Answers.CALLBACK,
            "answer_within": "3wd",
            "due_at": NOON + timedelta(days=3),
            "on_expiry": OnExpiry.HOLD,
            "config_version": "c7",
        }
    )
    return Referral(terms=terms, state=ReferralState.DELIVERED)


def event(seq: int, kind: EventType, service: str | None = None, **data: Any) -> Event:
    return Event(mrn="M", seq=seq, at=NOON + timedelta(seconds=seq), type=kind, service=service, data=data)


def decided(seq: int, service: str, verdict: Verdict) -> Event:
    at = (NOON + timedelta(seconds=seq)).isoformat()
    said = {"verdict": verdict, "word": verdict, "decided_at": at, "received_at": at, "via": Via.CALLBACK}
    return event(seq, EventType.DECISION_RECEIVED, service, decision=f"{service}-{seq}", **said)


def settled(seq: int, heard: list[Event]) -> Event:
    """The outcome of the events that the workflow had heard."""
    case = opened(heard[0])
    for one in heard[1:]:
        case = apply(case, one)
    clearance = settle(case).model_dump(mode="json")
    return event(seq, EventType.CLEARANCE_SETTLED, through=heard[-1].seq, **clearance)


@pytest.mark.parametrize(("service", "holds"), [("y-1", True), ("x-1", False)])
def test_a_partial_release_holds_though_other_goods_were_decided_meanwhile(service: str, holds: bool) -> None:
    """
    While goods item 1 is let go a refusal comes in. For item 2 it takes nothing back of what was let go; for
    item 1 it does, and the store records no such release.
    """
    policy = CasePolicy.model_validate({"version": "p3", "refusal_open_for": "30d", "partial_release": True})
    case = Case(mrn="M", policy=policy, items=(1, 2), referrals=(referral("x-1", 1), referral("y-1", 2)))
    heard = [
        event(1, EventType.DECLARATION_ACCEPTED, case=case.model_dump(mode="json")),
        decided(2, "x-1", Verdict.APPROVED),
    ]
    events = [*heard, decided(3, service, Verdict.REFUSED), settled(4, heard)]
    checks = verify(events, {}, [], Outcome.PARTIAL_RELEASE)
    assert all(check.holds for check in checks) is holds, checks
