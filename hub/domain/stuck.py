"""What is stuck: why, and what would unstick it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from hub.domain.model import Model, UtcDatetime


class StuckKind(StrEnum):
    """Why something is stuck. The words for people are the console's, in its languages."""

    NOT_STARTED = "not_started"
    """Accepted, and the engine has not been reached since."""
    UNREACHABLE = "unreachable"
    """The agency's system is not reached; the hub goes on trying."""
    PAUSED = "paused"
    """The agency is paused, by a person or because its system fails: what concerns it waits in its queue."""
    IN_DOUBT = "in_doubt"
    """Sent without an answer, and not found at the agency yet."""
    UNDELIVERABLE = "undeliverable"
    """The agency's system refuses it, or answers what the hub cannot read."""
    NOT_UNDERSTOOD = "not_understood"
    """A message of the agency about it cannot be read."""
    SLOW = "slow"
    """The agency has had it for longer than 99 in 100 of this service's before."""
    DUE_SOON = "due_soon"
    """The legal time is nearly over, and there is no decision."""
    EXPIRED = "expired"
    """The legal time has passed, and the cargo is held for it."""
    CANNOT_BE_TOLD = "cannot_be_told"
    """An amendment, a withdrawal or an answer that the agency cannot be told by its channel, or refuses."""
    NOTICE_UNSENT = "notice_unsent"
    """The cargo system has not acknowledged the outcome."""
    UNTOLD = "untold"
    """A decision or other news has been recorded, and the workflow has not heard of it."""


class Stuck(Model):
    """One thing that is stuck: a referral, or a declaration as a whole."""

    mrn: str
    service: str | None = None
    """None: the declaration as a whole."""
    agency: str | None = None
    kind: StuckKind
    since: UtcDatetime
    """Since when it has been stuck, not since when it waits."""
    until: UtcDatetime | None = None
    """When it is tried again, or the deadline that threatens, as the kind has it."""
    trouble: str | None = None
    """As operations are shown it."""
    words: dict[str, str] = Field(default_factory=dict)
    """What else the sentence about it needs, by name."""
