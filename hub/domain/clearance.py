"""The settled whole of a declaration: its outcome, and why."""

from __future__ import annotations

from enum import StrEnum

from hub.domain.model import Model, Text, UtcDatetime
from hub.domain.referral import Verdict


class Outcome(StrEnum):
    RELEASE = "release"
    PARTIAL_RELEASE = "partial_release"
    """Some goods items may go, all of whose services consent; the others may not, or not yet."""
    HOLD = "hold"
    REFUSAL = "refusal"
    IN_PROGRESS = "in_progress"
    """Not settled: agencies still have time to answer."""
    WITHDRAWN = "withdrawn"
    """The declarant has taken the declaration back."""


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
    CERTIFICATE_REUSED = "certificate_reused"
    """A certificate that is valid for these goods stands for the consent."""
    CERTIFICATE_EXHAUSTED = "certificate_exhausted"
    """Less is left on the certificate than the goods take up."""
    INFORMATION_OVERDUE = "information_overdue"
    """What the agency asked for did not come in time; the policy says hold."""
    INFORMATION_NOT_GIVEN = "information_not_given"
    """What the agency asked for did not come in time; the policy says refuse."""
    DUTIES_DUE = "duties_due"
    """Duties are neither paid nor guaranteed."""
    RELEASED = "released"
    """The item went with an earlier, partial release; nothing that is said now holds it back."""
    WITHDRAWN = "withdrawn"


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
    rule_version: str | None = None
    """Version of the agency's file, or of the policy, that the rule was taken from."""
    by: str | None = None
    """Who decided, when it was by hand."""


class Clearance(Model):
    """The outcome of a declaration with the reason of every goods item and service."""

    outcome: Outcome
    final: bool
    """Nothing that an agency may still say can change it."""
    reasons: tuple[Reason, ...]
    released_items: tuple[int, ...] = ()
    """Of a partial release: the goods items that may go, in order."""


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
    released_items: tuple[int, ...] = ()
    """Of a partial release: the goods items that may go."""

    def says_the_same(self, other: Notice) -> bool:
        """Whether the cargo's keeper does the same on both."""
        return (self.outcome, self.released_items) == (other.outcome, other.released_items)
