"""Certificates (LPCO) whose quantity is managed, and the ledger of what declarations take up of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from hub.domain.catalogue import Service
from hub.domain.declaration import Declaration, GoodsItem, Procedure
from hub.domain.model import CountryCode, Measure, Model, UtcDatetime

KILOGRAM = "KGM"
"""UN/ECE Recommendation 20."""


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


def balance(entries: Iterable[LedgerEntry]) -> Balance:
    """What the lines of one certificate add up to, whatever order they are taken in."""
    issued = reserved = written_off = Decimal(0)
    for entry in entries:
        match entry.kind:
            case EntryKind.ISSUE | EntryKind.CORRECT:
                issued += entry.quantity
            case EntryKind.RESERVE:
                reserved += entry.quantity
            case EntryKind.WRITE_OFF:
                reserved -= entry.quantity
                written_off += entry.quantity
            case EntryKind.GIVE_BACK:
                reserved -= entry.quantity
    return Balance(issued=issued, reserved=reserved, written_off=written_off)


def needed_certificates(declaration: Declaration) -> tuple[CertificateKey, ...]:
    """The certificates that a declaration presents, each once: to be looked up before it is accepted."""
    presented = (*declaration.lpcos, *(lpco for item in declaration.items for lpco in item.lpcos))
    keys = {(lpco.type, lpco.id): None for lpco in presented if lpco.id}
    return tuple(CertificateKey(type=type_, id=id_) for type_, id_ in keys)


def trader_of(declaration: Declaration) -> str:
    """Whose certificates count: the importer's, of an export the exporter's; else those of who declares."""
    exports = declaration.procedure is Procedure.EXPORT
    trader = declaration.exporter if exports else declaration.importer
    return (trader.id if trader else None) or declaration.declarant.id


def is_valid_for(certificate: Certificate, item: GoodsItem, *, agency: str, trader: str, day: date) -> bool:
    """Whether a certificate of that agency covers these goods of that trader on that day."""
    return (
        certificate.agency == agency
        and not certificate.revoked
        and certificate.holder in (None, trader)
        and (certificate.valid_from is None or certificate.valid_from <= day)
        and (certificate.valid_until is None or day <= certificate.valid_until)
        and (not certificate.hs or item.hs_code.startswith(certificate.hs))
        and (not certificate.origins or item.origin in certificate.origins)
    )


def quantity_of(item: GoodsItem, unit: str) -> Decimal | None:
    """How much a goods item takes up of a certificate in that unit; None where it does not say."""
    if item.quantity is not None and item.quantity.unit == unit:
        return item.quantity.value
    return item.net_mass_kg if unit == KILOGRAM else None


def claims_of(
    declaration: Declaration,
    asked: Sequence[tuple[Service, tuple[int, ...]]],
    standings: Mapping[CertificateKey, CertificateStanding],
    *,
    day: date,
    may_reuse: bool,
) -> tuple[Claim, ...]:
    """
    What the goods items take up of the certificates presented with them, for each service that is asked.

    A certificate that is not in the ledger, or not valid for the goods, is for the agency to judge: it is
    claimed nothing of. Items share what is left in the order of the declaration, and where several
    certificates are presented the first with enough left is taken. Where there is not enough left on any of
    them the claim waits, and the agency is asked, whatever else the policy says.
    """
    left = {key: standing.balance.available for key, standing in standings.items()}
    taken: set[tuple[int, CertificateKey]] = set()
    claims = []
    for service, numbers in asked:
        rule = service.certificate
        reuse = rule is not None and rule.reuse and may_reuse
        if rule is None or not (rule.reserve or reuse):
            continue
        for item in map(declaration.item, numbers):
            offers = [
                # The same goods are taken up once, also where two services ask for the certificate.
                (key, quantity if rule.reserve and (item.number, key) not in taken else None)
                for key, quantity in _offers(declaration, item, service, standings, day)
            ]
            if not offers:
                continue
            enough = next((o for o in offers if o[1] is None or o[1] <= left[o[0]]), None)
            key, quantity = enough or offers[0]
            if quantity is not None:
                taken.add((item.number, key))
                left[key] -= quantity if enough else 0
            claims.append(
                Claim(
                    service=service.code,
                    item=item.number,
                    certificate=key,
                    quantity=quantity,
                    state=ClaimState.RESERVED if enough else ClaimState.WANTED,
                    reused=reuse and enough is not None,
                )
            )
    return tuple(claims)


def _offers(
    declaration: Declaration,
    item: GoodsItem,
    service: Service,
    standings: Mapping[CertificateKey, CertificateStanding],
    day: date,
) -> Iterator[tuple[CertificateKey, Decimal | None]]:
    """The certificates presented that are valid for the goods, with what these take up of each."""
    assert service.certificate is not None
    trader = trader_of(declaration)
    for lpco in (*item.lpcos, *declaration.lpcos):
        if not lpco.id or lpco.type not in service.certificate.types:
            continue
        key = CertificateKey(type=lpco.type, id=lpco.id)
        standing = standings.get(key)
        if standing is None:
            continue
        certificate = standing.certificate
        if not is_valid_for(certificate, item, agency=service.agency, trader=trader, day=day):
            continue
        whole = certificate.quantity
        quantity = None if whole is None else quantity_of(item, whole.unit)
        if whole is None or quantity is not None:
            yield key, quantity


def given_back(
    standings: Mapping[CertificateKey, CertificateStanding], claims: Iterable[Claim]
) -> dict[CertificateKey, CertificateStanding]:
    """The same certificates as they would stand had these claims reserved nothing: what an amendment sees."""
    freed = dict(standings)
    for claim in claims:
        standing = freed.get(claim.certificate)
        if standing is None or claim.quantity is None or claim.state is not ClaimState.RESERVED:
            continue
        balance_ = standing.balance
        reserved = balance_.reserved - claim.quantity
        freed[claim.certificate] = standing.model_copy(
            update={"balance": balance_.model_copy(update={"reserved": reserved})}
        )
    return freed
