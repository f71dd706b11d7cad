"""A declaration as it is read: whole, and as a row of a list."""

from __future__ import annotations

from hub.domain.case import Case
from hub.domain.clearance import Clearance, Outcome, Reason
from hub.domain.intake import Acceptance
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision, Receipt, ReferralState, ReferralTerms
from hub.domain.settling import settle


class NoticeView(Model):
    """The latest notice to the cargo system; `acknowledged_at` is None while it is being sent."""

    number: int
    outcome: Outcome
    issued_at: UtcDatetime
    acknowledged_at: UtcDatetime | None
    reference: str | None = None
    trouble: str | None = None


class ReferralView(Model):
    """A referral as it stands now."""

    terms: ReferralTerms
    state: ReferralState
    receipt: Receipt | None
    decisions: tuple[Decision, ...]
    trouble: str | None
    delivered_at: UtcDatetime | None
    sent_at: UtcDatetime | None = None
    """When a submission was begun that may have reached the agency."""


class DeclarationView(Model):
    """A declaration as it stands now: the one true answer."""

    acceptance: Acceptance
    """Of its newest version."""
    case: Case
    """As `hub.domain.life` makes it of the events."""
    clearance: Clearance
    settled_at: UtcDatetime
    """When the outcome last changed."""
    referrals: tuple[ReferralView, ...]
    notice: NoticeView | None
    engine_started: bool
    """False while intake waits for the engine."""
    closed_at: UtcDatetime | None
    last_seq: int

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """
        The reasons as they stand now.

        What is recorded with the outcome is as old as its last change; a consent that came since and did not
        change the outcome is a reason all the same. A decision that will change the outcome, and has not yet,
        leaves the recorded reasons: outcome and reasons always agree.
        """
        now = settle(self.case)
        return now.reasons if now.outcome is self.clearance.outcome else self.clearance.reasons


class DeclarationRow(Model):
    """A declaration in a list."""

    mrn: str
    lrn: str
    declarant: str
    procedure: str
    ucr: str
    outcome: Outcome
    accepted_at: UtcDatetime
    due_at: UtcDatetime | None
    pending_agencies: tuple[str, ...]


class DeclarationFilter(Model):
    """Which declarations to list; None does not filter."""

    declarant: str | None = None
    outcome: Outcome | None = None
    pending_agency: str | None = None
    lrn: str | None = None
    cargo_management_number: str | None = None
    accepted_from: UtcDatetime | None = None
    accepted_before: UtcDatetime | None = None


class Page(Model):
    """Newest first; `cursor` continues after the last row, None at the end."""

    rows: tuple[DeclarationRow, ...]
    cursor: str | None
