"""Certificates (LPCO) whose quantity is managed, and the ledger of what declarations take up of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from hub.domain.model import CountryCode, Measure, Model, UtcDatetime


class CertificateKey(Model):
    """What a certificate is known by."""

    type: str
    id: str


class Certificate(Model):
    """A certificate as issued. Its quantity may be corrected; what was taken up stands in the ledger."""

    type: str
    id: str
    agency: str
    """Slug of the agency that issued it."""
    holder: str | None = None
    """Registration number of the trader it was issued to; None for anybody."""
    valid_from: date | None = None
    valid_until: date | None = None
    """Both days included, in the administration's zone."""
    hs: tuple[str, ...] = ()
    """HS prefixes it covers; empty for all."""
    origins: tuple[CountryCode, ...] = ()
    """Countries of origin it covers; empty for all."""
    quantity: Measure | None = None
    """The whole quantity it covers; None where it is not limited."""
    revoked: bool = False


class EntryKind(StrEnum):
    """What a line of the ledger does to the quantity of its certificate."""

    ISSUE = "issue"
    """It is there."""
    CORRECT = "correct"
    """The whole quantity was set anew; `quantity` is the difference."""
    RESERVE = "reserve"
    WRITE_OFF = "write_off"
    """What was reserved is used up."""
    GIVE_BACK = "give_back"
    """What was reserved is free again."""


class LedgerEntry(Model):
    """One line of the ledger of a certificate; lines are only ever added."""

    type: str
    id: str
    number: int
    """Counted in each certificate from 1, without gaps."""
    at: UtcDatetime
    kind: EntryKind
    quantity: Decimal
    """In the unit of the certificate; negative only for a correction."""
    mrn: str | None = None
    service: str | None = None
    item: int | None = None
    by: str | None = None
    """Id of the API client that issued or corrected it."""


class Balance(Model):
    """What a ledger adds up to: issued = reserved + written off + available, at every line."""

    issued: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    written_off: Decimal = Decimal(0)

    @property
    def available(self) -> Decimal:
        return self.issued - self.reserved - self.written_off


class CertificateStanding(Model):
    """A certificate with what is left of it."""

    certificate: Certificate
    balance: Balance
    version: int = 0
    """Number of its latest ledger line: whoever reserves says what it saw."""


class ClaimState(StrEnum):
    WANTED = "wanted"
    """There is not enough left; it is reserved as soon as there is."""
    RESERVED = "reserved"
    WRITTEN_OFF = "written_off"
    GIVEN_BACK = "given_back"


class Claim(Model):
    """What one goods item takes up of a certificate for one service."""

    service: str
    item: int
    certificate: CertificateKey
    quantity: Decimal | None
    """In the unit of the certificate; None where the certificate is not limited in quantity."""
    state: ClaimState
    reused: bool = Field(default=False)
    """The certificate stands for the agency's consent: it is not asked."""
