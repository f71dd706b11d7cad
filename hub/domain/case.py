"""A case: a declaration as the agencies' answers stand now. Settling reads it; nothing else decides."""

from __future__ import annotations

from enum import StrEnum

from hub.domain.certificates import Claim
from hub.domain.duties import Duties
from hub.domain.information import ClockStop, InformationRequest
from hub.domain.inspection import Inspection
from hub.domain.model import Model, Text, UtcDatetime
from hub.domain.referral import Decision, Receipt, ReferralState, ReferralTerms
from hub.domain.withdrawal import Withdrawal


class Prohibition(Model):
    """Goods that may not cross, whatever any agency says."""

    item: int
    service: str
    agency: str
    law: Text
    matched_prefix: str | None = None


class Change(StrEnum):
    """What an agency that has a referral, or may have it, is still to be told."""

    NONE = "none"
    AMEND = "amend"
    """The content has changed: by the contract's own operation."""
    RESUBMIT = "resubmit"
    """The content has changed: the application is withdrawn, and another submitted."""
    WITHDRAW = "withdraw"
    """The consent is not needed any more."""


class OnInformationExpiry(StrEnum):
    """What happens when the declarant does not answer in time."""

    HOLD = "hold"
    REFUSE = "refuse"


class CasePolicy(Model):
    """The policy in force when the declaration was accepted; frozen with it."""

    version: str
    refusal_open_for: str
    """How long after a refusal an agency may still change its mind, as `30d`."""
    partial_release: bool = False
    """Goods items whose services all consent may go before the others."""
    joint_inspection: bool = False
    """Inspections that several offices call for are one appointment."""
    inspection_within: str = "2wd"
    """How long the window of an appointment is open, from the first day on which all parties work."""
    duty_gate: bool = False
    """Nothing is released before duties are paid or guaranteed."""
    reuse: bool = False
    """A certificate in the ledger may stand for a consent, where the service allows it too."""
    information_within: str | None = None
    """How long the declarant has to answer an agency's question, as a term; None for no limit."""
    on_information_expiry: OnInformationExpiry = OnInformationExpiry.HOLD
    silence_counts_after: str = "0s"
    """
    How long after its deadline an agency's silence is taken for consent, where the law has it so: what it
    said in time may still be on its way.
    """


class Referral(Model):
    """A referral with all that has happened to it."""

    terms: ReferralTerms
    state: ReferralState = ReferralState.PENDING
    receipt: Receipt | None = None
    decisions: tuple[Decision, ...] = ()
    trouble: str | None = None
    """Why it is not delivered, in words for operations."""
    delivered_revision: int = 0
    """The revision that the agency has; 0 while it has none."""
    delivered_at: UtcDatetime | None = None
    """When the agency had that revision."""
    amended_at: UtcDatetime | None = None
    """
    When it had that revision in place of an earlier one, under the same id: what it decided before does not
    speak of it. None where it has known one content only under this id.
    """
    change: Change = Change.NONE
    """What is still to be told to the agency, beside a submission."""
    former: tuple[str, ...] = ()
    """Earlier ids, under which it was submitted before it was withdrawn and submitted anew."""
    due_at: UtcDatetime | None = None
    """The deadline where it is not that of the terms: extended, or moved because the clock stood still."""
    stops: tuple[ClockStop, ...] = ()
    questions: tuple[InformationRequest, ...] = ()
    reminded: int = 0
    """How many of the reminders have been sent."""
    asked_again: int = 0
    """How often people have asked for it to be tried again, looked up, or submitted anew."""
    look_up: int = 0
    """Which of these was the last that asked for it to be looked up at the agency; 0 when none did."""
    looked_up: int = 0
    """The last look-up that was answered."""
    tried_late: bool = False
    """It is submitted though its time has passed, since a person asked for it."""

    @property
    def is_stopped(self) -> bool:
        """Whether the statutory clock stands still."""
        return any(stop.until is None for stop in self.stops)

    @property
    def deadline(self) -> UtcDatetime | None:
        """By when the agency is to answer; None while the clock stands still."""
        return None if self.is_stopped else self.due_at or self.terms.due_at


class Case(Model):
    """All that settling needs to know."""

    mrn: str
    policy: CasePolicy
    prohibitions: tuple[Prohibition, ...] = ()
    referrals: tuple[Referral, ...] = ()
    """Those that are withdrawn stay, in the state WITHDRAWN, and count no more."""
    version: int = 1
    """Of the declaration: 1 as lodged, one more for each amendment."""
    items: tuple[int, ...] = ()
    """Numbers of the goods items; empty in what was accepted before there were partial releases."""
    released: tuple[int, ...] = ()
    """Goods items that a partial release has let go. They stay released."""
    duties: Duties | None = None
    """None where the policy does not ask for them."""
    claims: tuple[Claim, ...] = ()
    inspections: tuple[Inspection, ...] = ()
    withdrawal: Withdrawal | None = None

    def referral(self, service: str) -> Referral:
        """The referral to a service. Raises KeyError."""
        for referral in self.referrals:
            if referral.terms.service == service:
                return referral
        raise KeyError(service)
