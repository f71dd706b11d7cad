"""Facts about a declaration, in order, never changed: its page, its progress and its audit."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from hub.domain.model import Model, UtcDatetime


class EventType(StrEnum):
    """Every kind of event there is. Past tense; the part before the dot is what it happened to."""

    DECLARATION_ACCEPTED = "declaration.accepted"
    REFERRAL_DELIVERED = "referral.delivered"
    REFERRAL_DELAYED = "referral.delayed"
    """An attempt to hand it over failed; the hub goes on trying."""
    REFERRAL_UNDELIVERABLE = "referral.undeliverable"
    REFERRAL_EXPIRED = "referral.expired"
    REFERRAL_ESCALATED = "referral.escalated"
    DECISION_RECEIVED = "decision.received"
    DECISION_LATE = "decision.late"
    """It came after the release, or after the end of the workflow: recorded, and changes nothing."""
    CALLBACK_REFUSED = "callback.refused"
    MESSAGE_NOT_UNDERSTOOD = "message.not_understood"
    CLEARANCE_SETTLED = "clearance.settled"
    """The outcome, or its reasons, changed."""
    NOTICE_DELAYED = "notice.delayed"
    CARGO_RELEASED = "cargo.released"
    CARGO_HELD = "cargo.held"
    CARGO_REFUSED = "cargo.refused"
    CARGO_PARTLY_RELEASED = "cargo.partly_released"
    CARGO_WITHDRAWN = "cargo.withdrawn"
    """The cargo system knows that the declaration is withdrawn."""

    # what the declarant does
    DECLARATION_AMENDED = "declaration.amended"
    DECLARATION_WITHDRAWN = "declaration.withdrawn"
    """The declarant has taken it back; the agencies are being told."""
    INFORMATION_GIVEN = "information.given"
    """The declarant has answered what an agency asked."""
    INSPECTION_CONFIRMED = "inspection.confirmed"

    # what follows at the agencies
    REFERRAL_AMENDED = "referral.amended"
    """The agency has the new content."""
    REFERRAL_WITHDRAWN = "referral.withdrawn"
    """The agency knows that it is asked no more, or never knew that it was."""
    REFERRAL_REMINDED = "referral.reminded"
    DEADLINE_MOVED = "deadline.moved"
    """An agency's deadline is another: extended, or the clock had stood still."""
    INFORMATION_PASSED_ON = "information.passed_on"
    """The agency has the answer; its clock goes on."""
    INFORMATION_EXPIRED = "information.expired"
    DECISION_SUPERSEDED = "decision.superseded"
    """It speaks of content that has been amended since: recorded, and counts for nothing."""

    # what customs and others do
    INSPECTION_OFFERED = "inspection.offered"
    """An appointment, or the same one with other parties or another window."""
    INSPECTION_REPORTED = "inspection.reported"
    INSPECTION_CANCELLED = "inspection.cancelled"
    DUTIES_ASSESSED = "duties.assessed"
    DUTIES_COVERED = "duties.covered"
    CERTIFICATE_RESERVED = "certificate.reserved"
    CERTIFICATE_EXHAUSTED = "certificate.exhausted"
    CERTIFICATE_WRITTEN_OFF = "certificate.written_off"
    CERTIFICATE_GIVEN_BACK = "certificate.given_back"

    # what operations do
    REFERRAL_RETRY_ASKED = "referral.retry_asked"
    """What waits for its next attempt is to be tried now."""
    REFERRAL_LOOK_UP_ASKED = "referral.look_up_asked"
    REFERRAL_LOOKED_UP = "referral.looked_up"
    """The agency has said how it stands; a decision, if it told one, is an event of its own."""
    REFERRAL_RESENT = "referral.resent"
    """It is to be submitted anew, by the newest version of the agency's file."""
    DECISION_PROPOSED = "decision.proposed"
    """By hand; it counts for nothing until a second person confirms it."""
    DECISION_DECLINED = "decision.declined"
    """The second person did not confirm it, or whoever proposed it took it back."""

    # where the cargo is, as carriers and warehouses report
    CARGO_ARRIVED = "cargo.arrived"
    CARGO_UNLOADED = "cargo.unloaded"
    CARGO_STORED = "cargo.stored"
    CARGO_MOVED_IN_BOND = "cargo.moved_in_bond"
    CARGO_LET_GO = "cargo.let_go"
    """The warehouse has released it."""
    CARGO_GATED_OUT = "cargo.gated_out"
    CARGO_LEFT_UNRELEASED = "cargo.left_unreleased"
    """It has left, though the hub has not released it: customs must look."""


class NewEvent(Model):
    """An event not yet recorded."""

    at: UtcDatetime
    type: EventType
    service: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    """JSON values only."""


class Event(NewEvent):
    """An event as recorded; `seq` counts from 1 in each declaration, without gaps."""

    mrn: str
    seq: int
