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
