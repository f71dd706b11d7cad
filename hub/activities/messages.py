"""What workflow and activities say to each other: one value in, one value out, small in the history."""

from __future__ import annotations

from datetime import timedelta

from hub.domain.case import Case
from hub.domain.clearance import Outcome
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision, Receipt, ReferralState


class ClearanceOrder(Model):
    """Clear this declaration. The case carries brief terms only: the words for people stay in the store."""

    case: Case


class ReferAll(Model):
    """Put a declaration to these services, all at once."""

    mrn: str
    services: tuple[str, ...]
    budget: timedelta
    """How long the quick ones are waited for; the others go on in an activity of their own."""


class SubmitReferral(Model):
    """Put a declaration to one service, however long that takes."""

    mrn: str
    service: str


class HandedOver(Model):
    """How a hand-over stands."""

    service: str
    state: ReferralState
    receipt: Receipt | None = None
    decisions: tuple[Decision, ...] = ()
    trouble: str | None = None


class ExpireReferrals(Model):
    """The time of these services has passed."""

    mrn: str
    services: tuple[str, ...]


class Standing(Model):
    """How one referral stands in a settlement: enough to settle it again from the store."""

    service: str
    state: ReferralState
    receipt: Receipt | None
    decisions: tuple[str, ...]
    """Ids of the decisions that were weighed."""


class Conclusion(Model):
    """An outcome to record, and to tell the cargo system if it is news to it."""

    mrn: str
    outcome: Outcome
    standings: tuple[Standing, ...]
    notice_number: int | None
    """None when the cargo system has nothing new to hear."""
    tell: bool
    """False when an earlier notice is still on its way: notices go out in order."""
    issued_at: UtcDatetime


class Concluded(Model):
    """Whether the cargo system has acknowledged every notice so far."""

    told: bool


class TellCargo(Model):
    """Tell the cargo system whatever it has not acknowledged yet."""

    mrn: str


class CloseCase(Model):
    """Nothing more is awaited. `late` are decisions that came after the outcome was final."""

    mrn: str
    late: tuple[Decision, ...] = ()
