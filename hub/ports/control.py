"""Agencies that are paused, by a person or because their system fails, and what waits for them meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from hub.domain.model import Model, UtcDatetime


class ControlState(StrEnum):
    OPEN = "open"
    """Asked as usual."""
    PAUSED = "paused"
    """By a person: nothing is asked until a person resumes it."""
    FAILING = "failing"
    """Its breaker opened: what is to be asked is queued; a probe tries one now and then."""
    DRAINING = "draining"
    """It answers again: the queue goes out at a safe rate, the earliest deadline first."""


class AgencyControl(Model):
    """How one agency is controlled; the same for all processes."""

    agency: str
    state: ControlState
    since: UtcDatetime
    by: str | None = None
    """The user; None: the hub itself."""
    reason: str | None = None
    next_probe_at: UtcDatetime | None = None
    rate: float | None = None
    """Referrals a second while draining."""
    queued: int = 0
    """Referrals in its queue."""


class QueuedReferral(Model):
    """A referral that waits until its agency is asked again."""

    mrn: str
    service: str
    agency: str
    queued_at: UtcDatetime
    due_at: UtcDatetime | None
    """Its deadline: the earliest goes first."""


class Controls(Protocol):
    """Blocking, as the store is."""

    def controls(self) -> dict[str, AgencyControl]:
        """Of every agency that is not simply open, with the length of its queue."""

    def pause(self, agency: str, *, by: str, reason: str, at: datetime) -> None:
        """A person pauses it. Idempotent."""

    def fails(self, agency: str, *, reason: str, at: datetime) -> bool:
        """Its breaker opened, in this process or another: FAILING, unless paused. Whether that is news."""

    def resume(self, agency: str, *, by: str | None, reason: str | None, at: datetime) -> None:
        """Its queue drains, and then it is open. Idempotent."""

    def queue(self, referral: QueuedReferral) -> None:
        """It waits. Idempotent."""

    def queued(self, agency: str, limit: int) -> Sequence[QueuedReferral]:
        """The earliest deadline first."""

    def unqueue(self, mrn: str, service: str) -> None:
        """It waits no more. Idempotent."""
