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
from hub.ports import ActionKind, StuckFilter

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


Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
"""Kept in the audit."""


class ActionAsked(Model):
    """What is to be done, and to what: a referral (`mrn`, `service`), a declaration, or an agency."""

    id: MessageId | None = Field(
        default=None, description="Yours; the same again is done once. May be the header Idempotency-Key."
    )
    kind: ActionKind
    mrn: str | None = Field(default=None, max_length=35)
    service: str | None = Field(default=None, max_length=64)
    agency: str | None = Field(default=None, max_length=64)
    due_at: Instant | None = Field(default=None, description="Of `extend`: the deadline.")
    code: str | None = Field(
        default=None, max_length=64, description="Of `withdraw`: a code of GET /v1/withdrawal-reasons."
    )
    reason: Reason
    seen: int | None = Field(
        default=None, ge=0, description="`last_seq` of the preview: refused when more has happened since."
    )


class PreviewAsked(Model):
    """What one would do."""

    kind: ActionKind
    mrn: str | None = Field(default=None, max_length=35)
    service: str | None = Field(default=None, max_length=64)
    agency: str | None = Field(default=None, max_length=64)
    due_at: Instant | None = None
    code: str | None = Field(default=None, max_length=64)


class ProposalMade(Model):
    """What an agency has decided, as the one says who proposes it; a second person confirms it."""

    id: MessageId | None = Field(
        default=None, description="Yours; the same again counts once. May be the header Idempotency-Key."
    )
    mrn: Annotated[str, StringConstraints(max_length=35)]
    service: Annotated[str, StringConstraints(max_length=64)]
    verdict: Verdict
    items: Items | None = Field(
        default=None, description="Numbers of goods items; all referred unless given."
    )
    remarks: Remarks | None = Field(default=None, description="For the declarant.")
    reference: Reference | None = Field(default=None, description="The agency's number for it.")
    decided_at: Instant | None = Field(default=None, description="Now unless given.")
    evidence: Annotated[str, StringConstraints(min_length=1, max_length=4000)] = Field(
        description="Who said so, when, and where that is kept."
    )


class ProposalEnded(Model):
    """Why a proposal is confirmed, declined or taken back."""

    id: MessageId | None = Field(default=None, description="As of an action.")
    reason: Reason


class BulkPicked(Model):
    """Which referrals: those that a filter of the stuck work finds, or these."""

    kind: ActionKind
    filter: StuckFilter | None = None
    referrals: (
        Annotated[
            tuple[Annotated[str, StringConstraints(max_length=100)], ...],
            Field(min_length=1, max_length=1000),
        ]
        | None
    ) = Field(default=None, description="Each as `{mrn}/{service}`.")


class BulkAsked(BulkPicked):
    """One action on many referrals."""

    id: MessageId | None = Field(default=None, description="As of an action.")
    count: int = Field(ge=0, description="As the preview counted them: refused when there are more by now.")
    rate: float = Field(default=5.0, description="Referrals a second, at most 50.")
    due_at: Instant | None = Field(default=None, description="Of `extend`: the deadline.")
    reason: Reason


class BulkStopped(Model):
    """Nothing more of it is to be begun."""

    id: MessageId | None = Field(default=None, description="As of an action.")


class NoteOnIncident(Model):
    """What is said on looking after an incident."""

    note: str | None = Field(default=None, max_length=1000)


BODIES: tuple[type[Model], ...] = (
    ActionAsked,
    PreviewAsked,
    ProposalMade,
    ProposalEnded,
    BulkPicked,
    BulkAsked,
    BulkStopped,
    DecisionByHand,
    AppointmentConfirmed,
    InspectionReport,
    DutiesDue,
    CoverConfirmed,
    CertificateIssued,
    CargoReported,
    WithdrawnByHand,
    DeadlineSet,
    NoteOnIncident,
)
