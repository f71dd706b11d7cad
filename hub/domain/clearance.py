"""The settled whole of a declaration: its outcome, and why."""

from __future__ import annotations

from enum import StrEnum

from hub.domain.model import Model, Text, UtcDatetime
from hub.domain.referral import Verdict


class Outcome(StrEnum):
    RELEASE = "release"
    HOLD = "hold"
    REFUSAL = "refusal"
    IN_PROGRESS = "in_progress"
    """Not settled: agencies still have time to answer."""


class Rule(StrEnum):
    """Which rule of settling gave a reason."""

    NO_AGENCY_NEEDED = "no_agency_needed"
    PROHIBITED = "prohibited"
    CONSENTED = "consented"
    REFUSED = "refused"
    DEEMED_APPROVED = "deemed_approved"
    DEEMED_REFUSED = "deemed_refused"
    INFORMATION_REQUIRED = "information_required"
    INSPECTION_REQUIRED = "inspection_required"
    UNDELIVERABLE = "undeliverable"
    EXPIRED = "expired"
    ESCALATED = "escalated"
    AWAITED = "awaited"


class Reason(Model):
    """Why one goods item stands as it does with one service (both None: the declaration as a whole)."""

    rule: Rule
    item: int | None = None
    service: str | None = None
    agency: str | None = None
    verdict: Verdict | None = None
    law: Text | None = None
    decision: str | None = None
    """Id of the decision it rests on."""
    evidence: str | None = None
    """Id of the exchange or message the decision was read from."""
    remarks: str | None = None


class Clearance(Model):
    """The outcome of a declaration with the reason of every goods item and service."""

    outcome: Outcome
    final: bool
    """Nothing that an agency may still say can change it."""
    reasons: tuple[Reason, ...]


class Notice(Model):
    """What the cargo system is told; repeated with the same key until it acknowledges."""

    key: str
    number: int
    mrn: str
    ucr: str
    cargo_management_number: str | None
    outcome: Outcome
    reasons: tuple[Reason, ...]
    issued_at: UtcDatetime
