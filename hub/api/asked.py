"""What offices and carriers send: small JSON objects. Members that are not known are faults."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from hub.api.asking import Instant
from hub.domain.cargo import CargoStep
from hub.domain.duties import CoverKind
from hub.domain.model import CountryCode, Measure, Model, Money
from hub.domain.referral import Verdict

Remarks = Annotated[str, StringConstraints(max_length=4000)]
Reference = Annotated[
    str, StringConstraints(min_length=1, max_length=70, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")
]
"""A number that somebody gave: one line, not blank."""
MessageId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]
"""Given by whoever sends it: what comes again under it counts once."""
Items = Annotated[tuple[int, ...], Field(min_length=1, max_length=1999)]


class DecisionByHand(Model):
    """An office's word on a referral, or on some of its goods items."""

    id: MessageId | None = Field(
        default=None, description="Yours; the same again counts once. May be the header Idempotency-Key."
    )
    verdict: Verdict
    items: Items | None = Field(
        default=None, description="Numbers of goods items; all referred unless given."
    )
    remarks: Remarks | None = None
    reference: Reference | None = Field(default=None, description="Your number for it.")
    decided_at: Instant | None = Field(default=None, description="Now unless given.")
    revision: int | None = Field(
        default=None, ge=1, description="Of the referral you decided on; refused when it has been amended."
    )


class AppointmentConfirmed(Model):
    """When an inspection takes place."""

    at: Instant


class InspectionReport(Model):
    """What one office found."""

    service: str
    verdict: Verdict
    items: Items | None = Field(default=None, description="All that the office had presented unless given.")
    remarks: Remarks = ""


class DutiesDue(Model):
    """What is due on a declaration as it is now."""

    amount: Money


class CoverConfirmed(Model):
    """That exactly what is due is paid or guaranteed."""

    kind: CoverKind
    amount: Money
    reference: Reference


class CertificateIssued(Model):
    """A certificate as it is now."""

    agency: str | None = Field(default=None, description="Who issued it; an agency's client issues its own.")
    holder: Reference | None = Field(default=None, description="Registration number of the importer.")
    valid_from: date | None = None
    valid_until: date | None = Field(default=None, description="The last day on which it is valid.")
    hs: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9]{2,12}$")], ...] = Field(
        default=(), max_length=500, description="Prefixes of the HS codes it covers; all unless given."
    )
    origins: tuple[CountryCode, ...] = Field(default=(), max_length=300)
    quantity: Measure | None = Field(default=None, description="The whole of it; null: not limited.")
    revoked: bool = False


class CargoReported(Model):
    """One step of the cargo on its way."""

    message_id: MessageId
    step: CargoStep
    at: Instant = Field(description="When it took place.")
    place: Reference | None = None
    remarks: Remarks | None = None


class WithdrawnByHand(Model):
    """That the agency has been told, by a person, that an application is withdrawn."""

    remarks: Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class DeadlineSet(Model):
    """Another deadline for an agency."""

    due_at: Instant
    reason: Annotated[str, StringConstraints(min_length=1, max_length=4000)]


BODIES: tuple[type[Model], ...] = (
    DecisionByHand,
    AppointmentConfirmed,
    InspectionReport,
    DutiesDue,
    CoverConfirmed,
    CertificateIssued,
    CargoReported,
    WithdrawnByHand,
    DeadlineSet,
)
