"""What events carry, by their type: the data of an event is one of these, as JSON."""

from __future__ import annotations

from enum import StrEnum

from hub.domain.certificates import CertificateKey
from hub.domain.model import Model, Money, UtcDatetime
from hub.domain.referral import Answers, Receipt, Verdict


class Question(Model):
    """Beside the decision in `decision.received`, when its verdict is `information_required`."""

    due_at: UtcDatetime | None
    """Until when the declarant may answer."""


class InformationGiven(Model):
    """`information.given`, of a service."""

    request: str
    information: str
    """Its id: text and documents are in the store."""


class InformationPassedOn(Model):
    """`information.passed_on`, of a service: the clock goes on."""

    request: str
    information: str
    by: str
    """`channel`, or `door` where the agency fetches it from the hub."""
    due_at: UtcDatetime
    """The deadline, with the time added in which the clock stood still."""
    remind_at: tuple[UtcDatetime, ...] = ()


class InformationExpired(Model):
    """`information.expired`, of a service."""

    request: str


class DeadlineMoved(Model):
    """`deadline.moved`, of a service, by a person."""

    due_at: UtcDatetime
    remind_at: tuple[UtcDatetime, ...] = ()
    reason: str
    by: str


class ReferralAmended(Model):
    """`referral.amended`, of a service: the agency has this revision."""

    revision: int
    receipt: Receipt | None = None
    """When its answer brought another."""


class ReferralWithdrawn(Model):
    """`referral.withdrawn`, of a service."""

    referral: str
    """The id under which it was asked."""
    told: str
    """`channel`; `never_had_it`; or `by_hand`."""
    next_id: str | None = None
    """Of an amendment: the id under which it is submitted anew. None: it is asked no more."""
    remarks: str | None = None
    by: str | None = None
    """Who told the agency, and what they say of it, when it was by hand."""


class ReferralReminded(Model):
    """`referral.reminded`, of a service."""

    number: int
    """How many reminders have been sent, with this one."""
    by: str
    """`channel`, or `door` where the agency's own people see it at the hub."""


class InspectionConfirmed(Model):
    """`inspection.confirmed`."""

    inspection: str
    at: UtcDatetime
    by: str


class InspectionReported(Model):
    """`inspection.reported`, of a service; the result itself is a decision of that service."""

    inspection: str
    decision: str


class InspectionCancelled(Model):
    """`inspection.cancelled`."""

    inspection: str


class DutiesAssessed(Model):
    """`duties.assessed`."""

    amount: Money
    by: str


class CertificateMoved(Model):
    """`certificate.reserved`, `.exhausted`, `.written_off` or `.given_back`, of a service."""

    certificate: CertificateKey
    item: int
    quantity: str | None = None
    """Decimal, in the unit of the certificate; left out where that is not limited."""


class AskedAgain(Model):
    """`referral.retry_asked` or `referral.look_up_asked`, of a service, by a person."""

    number: int
    """How often people have asked for something of the hub about this referral, with this time."""
    by: str
    reason: str


class Resent(AskedAgain):
    """`referral.resent`, of a service."""

    config_version: str
    """Version of the agency's file by which it is submitted, and served from then on."""
    answers: Answers | None = None
    """The way in which its decision comes back by that file; None: as before."""


class Found(StrEnum):
    """What looking a referral up at its agency has found."""

    HAS_IT = "has_it"
    """The agency has it, and has not decided."""
    DECIDED = "decided"
    NOT_FOUND = "not_found"
    """The agency does not have it, or does not show it yet."""
    NO_WAY = "no_way"
    """Its contract has no operation to ask by our reference."""
    NOT_UNDERSTOOD = "not_understood"
    """Its system turned the question down, or answered what cannot be read."""


class LookedUp(Model):
    """`referral.looked_up`, of a service."""

    number: int
    """Of the `referral.look_up_asked` that is answered."""
    found: Found
    trouble: str | None = None
    """Why nothing was learned."""


class DecisionProposed(Model):
    """`decision.proposed`, of a service, by a person. What bears it out stands with the proposal itself."""

    proposal: str
    """Its id."""
    verdict: Verdict
    items: tuple[int, ...] | None = None
    reference: str | None = None
    by: str


class DecisionDeclined(Model):
    """`decision.declined`, of a service: the proposal counts for nothing for good."""

    proposal: str
    by: str
    reason: str
